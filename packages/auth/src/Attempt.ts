/**
 * One method of authentication as one client can try it with one peer, whatever the method.
 *
 * **Source** Ceph `src/mon/MonClient.cc`, `get_auth_request`
 */
import * as AuthMethod from "@msgr2/wire/AuthMethod"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as AuthError from "./AuthError.ts"
import * as AuthorizerClient from "./AuthorizerClient.ts"
import * as CephXClient from "./CephXClient.ts"
import * as Entropy from "./Entropy.ts"
import * as Introduction from "./Introduction.ts"
import type { Pass, Tickets } from "./Tickets.ts"

/** What the handshake was for. Both secrets are empty arrays where there is none; `tickets` come with logins only. */
export interface Granted {
  readonly globalId: bigint
  readonly sessionKey: Redacted.Redacted<Uint8Array>
  readonly connectionSecret: Redacted.Redacted<Uint8Array>
  readonly tickets: Tickets | undefined
}

/** A payload to send and what to make of the answer. */
export type Step = Result.Result<readonly [Uint8Array, Attempt], AuthError.AuthError>

/** An attempt that waits for the peer. A new one takes its place with every step. */
export interface Attempt {
  /** Answers `AUTH_REPLY_MORE`. */
  readonly more: (payload: Uint8Array, entropy: Entropy.Entropy) => Step
  /** Takes `AUTH_DONE`. **Units** `now` in milliseconds since 1970. */
  readonly done: (answer: CephXClient.Done, now: number) => Result.Result<Granted, AuthError.AuthError>
}

/**
 * A method that can be tried, any number of times.
 *
 * **Shape** `modes` most wanted first; `evidence` is what the peer does not accept when it denies access. `pass` is there
 * when the method shows a ticket.
 */
export interface Candidate {
  readonly method: number
  readonly modes: ReadonlyArray<number>
  readonly evidence: string
  readonly pass?: Pass
  /** The payload of `AUTH_REQUEST`. */
  readonly begin: (entropy: Entropy.Entropy) => Step
}

/** Says who it is, and that is all. A monitor has to give out an id; others return the one presented. */
export const none = (role: Introduction.Role, name: EntityName.EntityName, globalId: bigint): Candidate => {
  const method = AuthMethod.AuthMethod.None
  const fail = (reason: AuthError.Reason, expected: string) => Result.fail(AuthError.local(reason, expected, method))
  const empty = Redacted.make(new Uint8Array(0))
  const attempt: Attempt = {
    more: () => fail("OutOfOrder", "no AUTH_REPLY_MORE for this method"),
    done: ({ globalId }) =>
      role === "monitor" && globalId === 0n
        ? fail("BadGlobalId", "a global id other than 0 in AUTH_DONE")
        : Result.succeed({ globalId, sessionKey: empty, connectionSecret: empty, tickets: undefined })
  }
  return {
    method,
    modes: [ConnectionMode.Crc],
    evidence: `the name ${EntityName.format(name)}`,
    begin: () => Result.succeed([Introduction.encode(role, name, globalId), attempt])
  }
}

/** Proves to a monitor that it has a key, and gets tickets. */
export const login = (credentials: CephXClient.Credentials, modes: ReadonlyArray<number>): Candidate => {
  const after = (state: CephXClient.State): Attempt => ({
    more: (payload, entropy) =>
      Result.map(
        CephXClient.prove(credentials, state, payload, Entropy.challenge(entropy)),
        ([proof, next]) => [proof, after(next)] as const
      ),
    done: (answer, now) =>
      Result.map(CephXClient.finish(credentials, state, answer, now), (session) => ({
        globalId: answer.globalId,
        ...session
      }))
  })
  return {
    method: AuthMethod.AuthMethod.CephX,
    modes,
    evidence: `the key that the peer has for ${EntityName.format(credentials.name)}`,
    begin: () => Result.succeed([CephXClient.introduce(credentials), after(CephXClient.introduced)])
  }
}

/** Shows a ticket to the service that it is for. */
export const authorizer = (pass: Pass, modes: ReadonlyArray<number>): Candidate => {
  const after = (state: AuthorizerClient.State): Attempt => ({
    more: (payload, entropy) => step(AuthorizerClient.answer(state, payload, entropy)),
    done: (answer) =>
      Result.map(AuthorizerClient.finish(state, answer), (session) => ({ ...session, tickets: undefined }))
  })
  const step = (taken: ReturnType<typeof AuthorizerClient.show>): Step =>
    Result.map(taken, ([payload, state]) => [payload, after(state)] as const)
  return {
    method: AuthMethod.AuthMethod.CephX,
    modes,
    evidence: `a ticket that the peer's secrets for ${EntityName.formatType(pass.ticket.service)} open`,
    pass,
    begin: (entropy) => step(AuthorizerClient.show(pass, entropy))
  }
}
