/**
 * A service's side of CephX, as functions of what it knows so far.
 *
 * Everybody is challenged, so that an authorizer recorded on one connection is worth nothing on another (CVE-2018-1128,
 * CVE-2020-25660).
 *
 * **Errors** negative errnos, which travel in `AUTH_BAD_METHOD`. It is always -13, as in Ceph, whatever the sin.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/cephx/CephxProtocol.cc`, `cephx_verify_authorizer`
 */
import * as Bytes from "@msgr2/wire/Bytes"
import * as Codec from "@msgr2/wire/Codec"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import * as EntityName from "@msgr2/wire/EntityName"
import * as UTime from "@msgr2/wire/UTime"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Errno } from "./AuthError.ts"
import * as Authorizer from "./Authorizer.ts"
import * as Cipher from "./Cipher.ts"
import { CONNECTION_SECRET } from "./CephXServer.ts"
import type { CryptoKey } from "./CryptoKey.ts"
import * as Entropy from "./Entropy.ts"
import { sameInConstantTime } from "./internal/hmac.ts"
import * as Introduction from "./Introduction.ts"
import type { Caps } from "./Keyring.ts"
import * as RotatingSecrets from "./RotatingSecrets.ts"
import * as Sealed from "./Sealed.ts"
import * as SealedTicket from "./SealedTicket.ts"
import { type CephXServiceTicketInfo, type CephXTicketBlob, keep } from "./Ticket.ts"

/**
 * What a service opens tickets with.
 *
 * **Shape** `service` is its entity type; `longLived` is the key of `mon.`, for monitors only.
 */
export interface Secrets {
  readonly service: number
  readonly rotating: RotatingSecrets.RotatingSecrets
  readonly longLived?: CryptoKey | undefined
}

/** A client whose ticket is good and who has been challenged. */
export interface Challenged {
  readonly ticket: CephXTicketBlob
  readonly info: CephXServiceTicketInfo
  readonly caps: Caps
  readonly mode: number
  readonly serverChallenge: bigint
}

/** Who has got in, with what is needed to go on. `caps` has the one entry for this service, or none at all. */
export interface Grant {
  readonly name: EntityName.EntityName
  readonly globalId: bigint
  readonly allowAll: boolean
  readonly caps: Caps
  readonly payload: Uint8Array
  readonly sessionKey: Redacted.Redacted<Uint8Array>
  readonly connectionSecret: Redacted.Redacted<Uint8Array>
}

const denied = Result.fail(Errno.Access)
const orDenied = <A>(result: Result.Result<A, unknown>): Result.Result<A, number> =>
  Result.mapError(result, () => Errno.Access)

/**
 * Answers `AUTH_REQUEST` with a challenge, once the ticket has turned out to be good.
 *
 * **Units** `now` in milliseconds since 1970.
 *
 * **Errors** -13 for anything but a ticket for this service that one of its secrets opens, that belongs to the id which
 * shows it and has not expired, together with proof of its session key. Ceph does not look at the expiry.
 */
export const challenge = (
  secrets: Secrets,
  payload: Uint8Array,
  mode: number,
  now: number,
  entropy: Entropy.Entropy
): Result.Result<readonly [Uint8Array, Challenged], number> =>
  Result.gen(function* () {
    const authorizer = yield* read(secrets, payload)
    const key = secretOf(secrets, authorizer.ticket.secretId)
    if (key === undefined) return yield* denied
    const info = yield* orDenied(SealedTicket.open(key, authorizer.ticket))
    if (info.ticket.globalId !== authorizer.globalId || UTime.toMillis(info.ticket.expires) <= now) return yield* denied
    yield* authorizeOf(info.sessionKey, authorizer)
    const caps = yield* capsOf(secrets.service, info)
    const serverChallenge = Entropy.challenge(entropy)
    const { AuthorizeChallenge } = Cipher.Usage
    const challenge = { serverChallenge }
    const sealed = yield* orDenied(
      Sealed.seal(info.sessionKey, AuthorizeChallenge, Authorizer.CephXAuthorizeChallenge, challenge, entropy)
    )
    return [sealed, { ticket: keep(authorizer.ticket), info, caps, mode, serverChallenge }] as const
  })

/**
 * Answers `AUTH_REQUEST_MORE`. A challenge is good for one answer.
 *
 * **Errors** -13 for anything but the same ticket with the answer to the challenge.
 */
export const answer = (
  secrets: Secrets,
  { ticket, info, caps, mode, serverChallenge }: Challenged,
  payload: Uint8Array,
  entropy: Entropy.Entropy
): Result.Result<Grant, number> =>
  Result.gen(function* () {
    const authorizer = yield* read(secrets, payload)
    const { sessionKey } = info
    const { name, globalId } = info.ticket
    const { secretId, blob } = authorizer.ticket
    const same = secretId === ticket.secretId && Bytes.equals(blob, ticket.blob)
    if (!same || authorizer.globalId !== globalId) return yield* denied
    const { nonce, haveChallenge, serverChallengePlusOne } = yield* authorizeOf(sessionKey, authorizer)
    const right = sameInConstantTime(serverChallengePlusOne, Authorizer.plusOne(serverChallenge))
    if (!haveChallenge || !right) return yield* denied
    const secret = mode === ConnectionMode.Secure ? entropy(CONNECTION_SECRET) : undefined
    const reply = { noncePlusOne: Authorizer.plusOne(nonce), connectionSecret: secret }
    const sealed = yield* orDenied(
      Sealed.seal(sessionKey, Cipher.Usage.AuthorizeReply, Authorizer.CephXAuthorizeReply, reply, entropy)
    )
    return {
      name,
      globalId,
      allowAll: info.ticket.caps.allowAll,
      caps,
      payload: Codec.encode(Codec.bytes, sealed),
      sessionKey: sessionKey.secret,
      connectionSecret: Redacted.make(secret ?? Bytes.empty)
    }
  })

const read = ({ service }: Secrets, payload: Uint8Array): Result.Result<Authorizer.CephXAuthorizer, number> =>
  Result.flatMap(orDenied(Codec.decodePrefix(Authorizer.CephXAuthorizer, payload)), (authorizer) =>
    Introduction.roleOfMode(authorizer.mode) === "service" && authorizer.serviceId === service
      ? Result.succeed(authorizer)
      : denied
  )

const secretOf = ({ rotating, longLived }: Secrets, id: bigint): CryptoKey | undefined =>
  id === SealedTicket.LONG_LIVED ? longLived : RotatingSecrets.find(rotating, id)

const authorizeOf = (
  sessionKey: CryptoKey,
  { sealed }: Authorizer.CephXAuthorizer
): Result.Result<Authorizer.CephXAuthorize, number> =>
  orDenied(Sealed.open(sessionKey, Cipher.Usage.Authorize, Authorizer.CephXAuthorize, sealed))

/** Monitors look caps up themselves. Everybody else needs some: a ticket without them is refused. */
const capsOf = (service: number, { ticket }: CephXServiceTicketInfo): Result.Result<Caps, number> => {
  const { allowAll, caps } = ticket.caps
  if (caps.length === 0) return allowAll || service === EntityName.EntityType.Mon ? Result.succeed(new Map()) : denied
  return Result.map(
    orDenied(Codec.decodePrefix(Codec.string, caps)),
    (text) => new Map([[EntityName.formatType(service), text]])
  )
}
