/**
 * What a client that has logged in asks a monitor for later, in the payloads of the messages `MAuth` and `MAuthReply`:
 * fresh tickets, and, if it is a daemon, the secrets that the tickets of its own clients are sealed with. Whoever sends
 * these gives the two messages the number of CephX as their protocol, and looks at the result of `MAuthReply` first.
 *
 * **Source** Ceph `src/auth/cephx/CephxClientHandler.cc`, `build_request`, `handle_response`
 */
import * as Bytes from "@msgr2/wire/Bytes"
import * as Codec from "@msgr2/wire/Codec"
import * as Result from "effect/Result"
import type { AuthError } from "./AuthError.ts"
import * as AuthorizerClient from "./AuthorizerClient.ts"
import * as CephXClient from "./CephXClient.ts"
import * as Messages from "./CephXMessages.ts"
import * as Cipher from "./Cipher.ts"
import type { CryptoKey } from "./CryptoKey.ts"
import * as Entropy from "./Entropy.ts"
import { decodePrefix } from "./internal/decode.ts"
import { RotatingSecrets } from "./RotatingSecrets.ts"
import * as Sealed from "./Sealed.ts"
import * as Tickets from "./Tickets.ts"

const { PrincipalSessionKey, RotatingKey } = Messages.RequestType

const header = (requestType: number): Uint8Array => Codec.encode(Messages.CephXRequestHeader, { requestType })

/**
 * Asks for tickets of these services: a mask of entity types, as `Tickets.due` computes it.
 *
 * **Errors** `UnsupportedCipher`.
 */
export const renewal = (
  { globalId, auth }: Tickets.Tickets,
  keys: number,
  entropy: Entropy.Entropy
): Result.Result<Uint8Array, AuthError> => {
  // There is no challenge: the session this travels in has been authenticated.
  const authorize = { nonce: Entropy.challenge(entropy), haveChallenge: false, serverChallengePlusOne: 0n }
  return Result.map(AuthorizerClient.encode({ globalId, ticket: auth }, authorize, entropy), (authorizer) =>
    Bytes.concat([header(PrincipalSessionKey), authorizer, Codec.encode(Messages.CephXServiceTicketRequest, { keys })])
  )
}

/**
 * The tickets after the answer to `renewal`. Services that the client has no business with are left out of the answer.
 *
 * **Units** `now` in milliseconds since 1970.
 *
 * **Errors** `AccessDenied` for a status, `BadPayload`, and whatever `Sealed.open` finds.
 */
export const renewed = (
  tickets: Tickets.Tickets,
  payload: Uint8Array,
  now: number
): Result.Result<Tickets.Tickets, AuthError> =>
  Result.gen(function* () {
    yield* CephXClient.accepted(PrincipalSessionKey, payload)
    const reply = yield* decodePrefix(Messages.AuthenticateReply, payload)
    return Tickets.renew(tickets, yield* CephXClient.open(tickets.auth.sessionKey, reply.tickets, now))
  })

/** Asks for the secrets of the service that the daemon belongs to. Only daemons are given any. */
export const rotating = (): Uint8Array => header(RotatingKey)

/**
 * The secrets in the answer to `rotating`.
 *
 * **Shape** `key` is the daemon's own, from its keyring.
 *
 * **Errors** `AccessDenied` for a status, `BadPayload`, and whatever `Sealed.open` finds.
 */
export const rotated = (key: CryptoKey, payload: Uint8Array): Result.Result<RotatingSecrets, AuthError> =>
  Result.gen(function* () {
    yield* CephXClient.accepted(RotatingKey, payload)
    const { sealed } = yield* decodePrefix(Messages.RotatingReply, payload)
    return yield* Sealed.open(key, Cipher.Usage.RotatingSecret, RotatingSecrets, sealed)
  })
