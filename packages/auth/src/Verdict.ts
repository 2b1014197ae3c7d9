/**
 * What a server says to a client that wants to authenticate, and what the client had said.
 *
 * **Source** msgr2, "Authentication"
 */
import type { EntityName } from "@msgr2/wire/EntityName"
import type * as Redacted from "effect/Redacted"
import type { Caps } from "./Keyring.ts"

/** What `AUTH_REQUEST` carries; `modes` most wanted first. */
export interface Request {
  readonly method: number
  readonly modes: ReadonlyArray<number>
  readonly payload: Uint8Array
}

/** Send `AUTH_REPLY_MORE` and expect `AUTH_REQUEST_MORE`. */
export interface More {
  readonly _tag: "More"
  readonly payload: Uint8Array
}

/**
 * Send `AUTH_DONE`, switch to `mode` and sign.
 *
 * **Shape** both secrets are empty arrays where there is none. `allowAll` says that `caps` do not limit the client, as
 * with method none.
 */
export interface Done {
  readonly _tag: "Done"
  readonly globalId: bigint
  readonly mode: number
  readonly payload: Uint8Array
  readonly sessionKey: Redacted.Redacted<Uint8Array>
  readonly connectionSecret: Redacted.Redacted<Uint8Array>
  readonly name: EntityName
  readonly caps: Caps
  readonly allowAll: boolean
}

/** Send `AUTH_BAD_METHOD` and go back to expecting `AUTH_REQUEST`. */
export interface Refused {
  readonly _tag: "Refused"
  readonly method: number
  readonly result: number
  readonly allowedMethods: ReadonlyArray<number>
  readonly allowedModes: ReadonlyArray<number>
}

/** Close the connection without an answer: this client has used up its attempts. */
export interface Busy {
  readonly _tag: "Busy"
}

export type Verdict = More | Done | Refused | Busy
