/**
 * The client's side of CephX with a service, as functions of what is known so far.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/cephx/CephxProtocol.cc`, `CephXTicketHandler::build_authorizer`,
 * `CephXAuthorizer::add_challenge`, `verify_reply`
 */
import * as Codec from "@msgr2/wire/Codec"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as AuthError from "./AuthError.ts"
import {
  CephXAuthorize,
  CephXAuthorizeChallenge,
  CephXAuthorizer,
  CephXAuthorizeReply,
  MODE,
  plusOne
} from "./Authorizer.ts"
import { type Done, MIN_CONNECTION_SECRET } from "./CephXClient.ts"
import * as Cipher from "./Cipher.ts"
import * as Entropy from "./Entropy.ts"
import { decodePrefix } from "./internal/decode.ts"
import { sameInConstantTime } from "./internal/hmac.ts"
import * as Sealed from "./Sealed.ts"
import type { Pass } from "./Tickets.ts"

/** How far an attempt has come. */
export interface State {
  readonly _tag: "Shown" | "Answered"
  readonly pass: Pass
  readonly nonce: bigint
}

/** What it comes to. The connection secret is an empty array where there is none. */
export interface Session {
  readonly globalId: bigint
  readonly sessionKey: Redacted.Redacted<Uint8Array>
  readonly connectionSecret: Redacted.Redacted<Uint8Array>
}

/**
 * An authorizer for the service that the ticket is for.
 *
 * **Errors** `UnsupportedCipher`.
 */
export const encode = (
  { globalId, ticket }: Pass,
  authorize: CephXAuthorize,
  entropy: Entropy.Entropy
): Result.Result<Uint8Array, AuthError.AuthError> =>
  Result.map(Sealed.seal(ticket.sessionKey, Cipher.Usage.Authorize, CephXAuthorize, authorize, entropy), (sealed) =>
    Codec.encode(CephXAuthorizer, { mode: MODE, globalId, serviceId: ticket.service, ticket: ticket.blob, sealed })
  )

/**
 * The payload of `AUTH_REQUEST`.
 *
 * **Errors** `UnsupportedCipher`.
 */
export const show = (
  pass: Pass,
  entropy: Entropy.Entropy
): Result.Result<readonly [Uint8Array, State], AuthError.AuthError> => {
  const nonce = Entropy.challenge(entropy)
  return Result.map(encode(pass, { nonce, haveChallenge: false, serverChallengePlusOne: 0n }, entropy), (payload) => [
    payload,
    { _tag: "Shown", pass, nonce }
  ])
}

/**
 * The payload that answers the service's challenge, once: the same authorizer with the challenge in it.
 *
 * **Errors** `OutOfOrder` and those of `Sealed.open`.
 */
export const answer = (
  { _tag, pass, nonce }: State,
  payload: Uint8Array,
  entropy: Entropy.Entropy
): Result.Result<readonly [Uint8Array, State], AuthError.AuthError> =>
  Result.gen(function* () {
    if (_tag !== "Shown") {
      return yield* Result.fail(
        AuthError.local("OutOfOrder", "AUTH_DONE or AUTH_BAD_METHOD after the second authorizer")
      )
    }
    const { sessionKey } = pass.ticket
    const usage = Cipher.Usage.AuthorizeChallenge
    const { serverChallenge } = yield* Sealed.open(sessionKey, usage, CephXAuthorizeChallenge, payload)
    const authorize = { nonce, haveChallenge: true, serverChallengePlusOne: plusOne(serverChallenge) }
    return [yield* encode(pass, authorize, entropy), { _tag: "Answered", pass, nonce }] as const
  })

/**
 * Checks that the service could open the ticket. The id in `AUTH_DONE` is this client's own and not looked at.
 *
 * **Errors** `OutOfOrder` without a challenge before it, `BadReply` when the nonce is not answered,
 * `MissingConnectionSecret` when secure mode comes with fewer than 40 bytes of it, and whatever `Sealed.open` finds.
 */
export const finish = (
  { _tag, pass, nonce }: State,
  { mode, payload }: Pick<Done, "mode" | "payload">
): Result.Result<Session, AuthError.AuthError> =>
  Result.gen(function* () {
    if (_tag !== "Answered") {
      return yield* Result.fail(AuthError.local("OutOfOrder", "a challenge before AUTH_DONE"))
    }
    const { sessionKey } = pass.ticket
    const sealed = yield* decodePrefix(Codec.bytes, payload)
    const reply = yield* Sealed.open(sessionKey, Cipher.Usage.AuthorizeReply, CephXAuthorizeReply, sealed)
    if (!sameInConstantTime(reply.noncePlusOne, plusOne(nonce))) {
      return yield* Result.fail(AuthError.local("BadReply", "one more than the nonce of the authorizer"))
    }
    const secret = reply.connectionSecret?.slice() ?? new Uint8Array(0)
    if (mode === ConnectionMode.Secure && secret.length < MIN_CONNECTION_SECRET) {
      return yield* Result.fail(
        AuthError.local(
          "MissingConnectionSecret",
          `a connection secret of at least ${MIN_CONNECTION_SECRET} bytes, got ${secret.length}`
        )
      )
    }
    return {
      globalId: pass.globalId,
      sessionKey: sessionKey.secret,
      connectionSecret: Redacted.make(secret)
    }
  })
