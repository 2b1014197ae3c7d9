/**
 * A monitor's side of CephX, as functions of what it knows so far.
 *
 * **Errors** negative errnos, which travel in `AUTH_BAD_METHOD`. They tell a client as little as Ceph does: a stranger
 * and a wrong key look the same.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/cephx/CephxServiceHandler.cc`
 */
import * as Codec from "@msgr2/wire/Codec"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { type AuthError, Errno } from "./AuthError.ts"
import * as Messages from "./CephXMessages.ts"
import * as Cipher from "./Cipher.ts"
import { type CryptoKey, secretBytes } from "./CryptoKey.ts"
import type { Entropy } from "./Entropy.ts"
import { sameInConstantTime } from "./internal/hmac.ts"
import * as Introduction from "./Introduction.ts"
import type { Caps } from "./Keyring.ts"
import * as KeyServer from "./KeyServer.ts"
import * as Sealed from "./Sealed.ts"

/** Secure mode takes a key and two nonces from these bytes and leaves the rest alone. */
export const CONNECTION_SECRET = 64

/** A client that has been challenged. */
export interface Challenged {
  readonly name: EntityName.EntityName
  readonly globalId: bigint
  readonly mode: number
  readonly serverChallenge: bigint
}

/**
 * Answers `AUTH_REQUEST` with a challenge. Whether the client exists is not looked at yet.
 *
 * **Errors** -13 for anything but an introduction to a monitor.
 */
export const challenge = (
  payload: Uint8Array,
  mode: number,
  serverChallenge: bigint
): Result.Result<readonly [Uint8Array, Challenged], number> =>
  Result.map(Introduction.decode("monitor", payload), ({ name, globalId }) => [
    Codec.encode(Messages.CephXServerChallenge, { serverChallenge }),
    { name, globalId, mode, serverChallenge }
  ])

/** What a client has proved itself worthy of. */
export interface Grant {
  readonly globalId: bigint
  readonly payload: Uint8Array
  readonly sessionKey: Redacted.Redacted<Uint8Array>
  readonly connectionSecret: Redacted.Redacted<Uint8Array>
  readonly caps: Caps
}

/**
 * Answers `AUTH_REQUEST_MORE`.
 *
 * **Units** `now` in milliseconds since 1970.
 *
 * **Errors** -13 for an empty payload, a stranger, a wrong proof, an entity without caps for monitors, and a client that
 * wants an old id back; -1 for a payload that ends early; -22 for another request, for an old ticket without an old id,
 * and for secure mode without `otherKeys`, to which no connection secret is ever sent.
 */
export const answer = (
  state: KeyServer.State,
  challenged: Challenged,
  payload: Uint8Array,
  now: number,
  entropy: Entropy
): readonly [Result.Result<Grant, number>, KeyServer.State] => {
  const request = read(payload)
  if (Result.isFailure(request)) return [Result.fail(request.failure), state]
  const { oldTicket, otherKeys } = request.success
  const entity = state.entities.get(EntityName.format(challenged.name))
  // A stranger, and whoever has a key of a type that is not supported, is put to the same test and cannot pass it.
  const known = entity !== undefined && Result.isSuccess(Cipher.of(entity.key))
  const proved = proves(known ? entity.key : state.decoy, challenged, request.success)
  if (!known || !proved) return [Result.fail(Errno.Access), state]
  if (challenged.globalId === 0n && oldTicket.blob.length > 0) return [Result.fail(Errno.Invalid), state]
  if (challenged.globalId !== 0n) return [Result.fail(Errno.Access), state]
  const secure = challenged.mode === ConnectionMode.Secure
  if (secure && otherKeys === 0) return [Result.fail(Errno.Invalid), state]
  if (!entity.caps.get("mon")) return [Result.fail(Errno.Access), state]

  const [globalId, next] = KeyServer.allocate(state)
  const secret = secure ? entropy(CONNECTION_SECRET) : new Uint8Array(0)
  const holder = { name: challenged.name, globalId, key: entity.key }
  const reply = grant(next, holder, entity.caps, otherKeys, secret, now, entropy)
  return Result.isFailure(reply)
    ? [Result.fail(Errno.Io), state]
    : [
        Result.succeed({
          globalId,
          payload: reply.success.payload,
          sessionKey: reply.success.sessionKey.secret,
          connectionSecret: Redacted.make(secret),
          caps: entity.caps
        }),
        next
      ]
}

const read = (payload: Uint8Array): Result.Result<Messages.CephXAuthenticate, number> => {
  if (payload.length === 0) return Result.fail(Errno.Access)
  const header = Codec.decodePrefix(Messages.CephXRequestHeader, payload)
  if (Result.isFailure(header)) return Result.fail(Errno.Perm)
  if (header.success.requestType !== Messages.RequestType.AuthSessionKey) return Result.fail(Errno.Invalid)
  return Result.mapError(
    Codec.decodePrefix(Messages.CephXAuthenticate, payload.subarray(Messages.CephXRequestHeader.min)),
    () => Errno.Perm
  )
}

const proves = (
  key: CryptoKey,
  { serverChallenge }: Challenged,
  { clientChallenge, key: proof }: Messages.CephXAuthenticate
): boolean => {
  const cipher = Cipher.of(key)
  if (Result.isFailure(cipher)) return false
  const challenges = Codec.encode(Messages.CephXChallengeBlob, { serverChallenge, clientChallenge })
  const expected = cipher.success.proof(secretBytes(key), challenges)
  return sameInConstantTime(expected, proof)
}

/** The services whose tickets may come along with the one for `Auth`, in the order they are sent. */
const { Mon, Mds, Osd, Mgr, Auth } = EntityName.EntityType
const others: ReadonlyArray<number> = [Mon, Mds, Osd, Mgr]

const grant = (
  state: KeyServer.State,
  holder: KeyServer.Holder,
  caps: Caps,
  otherKeys: number,
  connectionSecret: Uint8Array,
  now: number,
  entropy: Entropy
): Result.Result<{ readonly payload: Uint8Array; readonly sessionKey: CryptoKey }, AuthError> =>
  Result.gen(function* () {
    const auth = yield* KeyServer.issue(state, Auth, holder, undefined, now, entropy)
    const { sessionKey } = auth
    const header = { requestType: Messages.RequestType.AuthSessionKey, status: 0 }
    const reply = { header, tickets: { entries: [auth.entry] } }
    if (otherKeys === 0) return { payload: Codec.encode(Messages.AuthenticateReply, reply), sessionKey }

    const usage = Cipher.Usage.ConnectionSecret
    const sealed = yield* Sealed.seal(sessionKey, usage, Codec.bytes, connectionSecret, entropy)
    const entries: Array<Messages.TicketEntry> = []
    for (const service of others) {
      // Monitors look caps up themselves: their ticket has none and is everybody's.
      const allowed = service === Mon ? undefined : caps.get(EntityName.formatType(service))
      if ((otherKeys & service) === 0 || (service !== Mon && allowed === undefined)) continue
      const ticket = yield* KeyServer.issue(state, service, { ...holder, key: sessionKey }, allowed, now, entropy)
      entries.push(ticket.entry)
    }
    const extras: Messages.Extras = {
      connectionSecret: Codec.encode(Codec.bytes, sealed),
      extraTickets: entries.length === 0 ? new Uint8Array(0) : Codec.encode(Messages.TicketReply, { entries })
    }
    return {
      payload: Codec.encode(Codec.pair(Messages.AuthenticateReply, Messages.Extras), [reply, extras]),
      sessionKey
    }
  })
