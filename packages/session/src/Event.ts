/**
 * Everything that can happen to a connection. Frames are events too; what the runtime was asked for comes back as one.
 */
import type { Banner } from "@msgr2/wire/Banner"
import type { ControlFrame, Of } from "@msgr2/wire/ControlFrame"
import type { EntityAddr } from "@msgr2/wire/EntityAddr"
import type { EntityName } from "@msgr2/wire/EntityName"
import type { Cookie, GlobalId, GlobalSeq } from "@msgr2/wire/Ids"
import type { Message } from "@msgr2/wire/Message"
import type { SessionRequest } from "./Arbiter.ts"
import type { Authenticated } from "./State.ts"

/** What the transport tells. */
export type TransportEvent =
  /** The socket is connected. `local` is its own end; `cookie` is random, for a session that needs one. */
  | { readonly _tag: "Connected"; readonly globalSeq: GlobalSeq; readonly cookie: Cookie; readonly local: EntityAddr }
  /** A socket was accepted; `remote` is its far end. */
  | { readonly _tag: "Accepted"; readonly remote: EntityAddr }
  | ({ readonly _tag: "Banner" } & Banner)
  /** The socket is gone, or there was none to be had. */
  | { readonly _tag: "Disconnected" }
  /** What the peer sent makes no sense, or it does not believe who this end is: the socket is of no use. */
  | { readonly _tag: "Failed" }
  /** There is room for so many more messages. */
  | { readonly _tag: "Writable"; readonly count: number }
  /** Everything that had arrived has been handed over: the moment for an ack. */
  | { readonly _tag: "Drained" }

/** What the owner of the connection and the clock tell. */
export type OwnerEvent =
  /** A message to send; `hold` when there is no room for it just now. */
  | { readonly _tag: "Submitted"; readonly message: Message; readonly hold?: boolean }
  /** An open connection is wanted, with or without something to send. */
  | { readonly _tag: "Wanted" }
  | { readonly _tag: "KeepaliveDue"; readonly sec: number; readonly nsec: number }
  | { readonly _tag: "MarkedDown" }
  /** The time to wait before the next attempt is over. */
  | { readonly _tag: "BackoffOver" }
  | { readonly _tag: "HandshakeTimeout" }
  | { readonly _tag: "IdleTimeout" }

/** Answers to the questions among the actions. */
export type Answer =
  /** A payload to begin authentication with. */
  | {
      readonly _tag: "AuthOffer"
      readonly method: number
      readonly modes: ReadonlyArray<number>
      readonly payload: Uint8Array
    }
  /** A payload to go on with. */
  | { readonly _tag: "AuthAnswer"; readonly payload: Uint8Array }
  /** The client believes the server; the keys are with the runtime. */
  | { readonly _tag: "AuthGranted" }
  /** The server believes the client, and who it is. */
  | {
      readonly _tag: "AuthAccepted"
      readonly globalId: GlobalId
      readonly mode: number
      readonly payload: Uint8Array
      readonly name: EntityName
    }
  | {
      readonly _tag: "AuthRefused"
      readonly method: number
      readonly result: number
      readonly allowedMethods: ReadonlyArray<number>
      readonly allowedModes: ReadonlyArray<number>
    }
  | { readonly _tag: "AuthBusy" }
  | { readonly _tag: "Signed"; readonly digest: Uint8Array }
  | { readonly _tag: "Verified"; readonly valid: boolean }
  /** A number above the one asked for, and above all that were given before. */
  | { readonly _tag: "GlobalSeqTaken"; readonly globalSeq: GlobalSeq }
  /** A new session for the client that identified itself. `cookie` is random and not 0. */
  | { readonly _tag: "Admitted"; readonly cookie: Cookie; readonly globalSeq: GlobalSeq }
  /** Not now, or not like this: the client may ask again on the same connection. */
  | { readonly _tag: "PutOff"; readonly frame: Of<"Wait" | "ResetSession" | "RetrySession" | "RetryGlobal"> }
  /** A newer connection of the same client is known. */
  | { readonly _tag: "Stale" }
  /** The addresses it claims are those of somebody else. */
  | { readonly _tag: "Foreign" }
  /** The socket now carries a session that existed before: nothing is left to do here. */
  | { readonly _tag: "HandedOver" }

/** What befalls a session because of a connection that the peer has opened. */
export type Arrival =
  /** The peer's connection takes the place of whatever connection there was. */
  | {
      readonly _tag: "Reuse"
      readonly visitor: Authenticated
      readonly compression: number | undefined
      readonly request: SessionRequest
      /** For a new session. */
      readonly cookie: Cookie
      readonly globalSeq: GlobalSeq
      /** The peer has lost its half: drop what belongs to the old session. */
      readonly reset: boolean
    }
  /** This end's own attempt has precedence: get on with it. */
  | { readonly _tag: "Proceed" }
  /**
   * The peer wants to return to a session of which this end has not heard yet, and was told to begin anew. What it said
   * before its attempt `globalSeq` does not count any more, should it still arrive.
   */
  | { readonly _tag: "Superseded"; readonly globalSeq: GlobalSeq }
  /** A newer connection takes the place of a session that cannot be kept. */
  | { readonly _tag: "Displaced" }
  /** The session has been without a connection for too long, or there are too many of its kind. */
  | { readonly _tag: "Expired" }

export type Event = ControlFrame | Message | TransportEvent | OwnerEvent | Answer | Arrival
