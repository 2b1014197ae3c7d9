/**
 * The client's side of CephX with a monitor, as functions of what is known so far. Nothing here draws a random number or
 * looks at a clock.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/cephx/CephxClientHandler.cc`, `CephxProtocol.cc`
 */
import * as Codec from "@msgr2/wire/Codec"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import { type EntityName, EntityType } from "@msgr2/wire/EntityName"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as AuthError from "./AuthError.ts"
import * as Messages from "./CephXMessages.ts"
import * as Cipher from "./Cipher.ts"
import { type CryptoKey, secretBytes } from "./CryptoKey.ts"
import { decodePrefix } from "./internal/decode.ts"
import * as Introduction from "./Introduction.ts"
import * as Sealed from "./Sealed.ts"
import { CephXServiceTicket, CephXTicketBlob, noTicket } from "./Ticket.ts"
import { type Held, hold, type Tickets } from "./Tickets.ts"

/**
 * Who authenticates, with what, and for which tickets.
 *
 * **Shape** `otherKeys` is a mask of entity types. It is never 0 on the wire: without it a monitor sends no connection
 * secret, and one that has chosen secure mode aborts.
 */
export interface Credentials {
  readonly name: EntityName
  readonly key: CryptoKey
  readonly otherKeys: number
}

/** `AUTH`, `MGR`, `OSD` and `MON`: what librados asks for. */
export const DEFAULT_OTHER_KEYS = EntityType.Auth | EntityType.Mgr | EntityType.Osd | EntityType.Mon

/** The fewest bytes of a connection secret that secure mode can take a key and two nonces from; monitors send 64. */
export const MIN_CONNECTION_SECRET = 40

/** How far an attempt has come. */
export type State = { readonly _tag: "Introduced" } | { readonly _tag: "Proved" }

export const introduced: State = { _tag: "Introduced" }

/** The payload of the first `AUTH_REQUEST` of a client that has no tickets. */
export const introduce = ({ name }: Credentials): Uint8Array => Introduction.encode("monitor", name, 0n)

/**
 * The payload that answers the server's challenge, once.
 *
 * **Errors** `OutOfOrder`, `BadPayload`, `UnsupportedCipher`.
 */
export const prove = (
  credentials: Credentials,
  state: State,
  payload: Uint8Array,
  clientChallenge: bigint
): Result.Result<readonly [Uint8Array, State], AuthError.AuthError> =>
  Result.gen(function* () {
    if (state._tag !== "Introduced") {
      return yield* Result.fail(AuthError.local("OutOfOrder", "AUTH_DONE or AUTH_BAD_METHOD after the proof"))
    }
    const { serverChallenge } = yield* decodePrefix(Messages.CephXServerChallenge, payload)
    const cipher = yield* Cipher.of(credentials.key)
    const challenges = Codec.encode(Messages.CephXChallengeBlob, { serverChallenge, clientChallenge })
    const request = Codec.encode(Codec.pair(Messages.CephXRequestHeader, Messages.CephXAuthenticate), [
      { requestType: Messages.RequestType.AuthSessionKey },
      {
        structV: 3,
        clientChallenge,
        key: cipher.proof(secretBytes(credentials.key), challenges),
        oldTicket: noTicket,
        otherKeys: credentials.otherKeys | EntityType.Auth
      }
    ])
    return [request, { _tag: "Proved" }] as const
  })

/** What `AUTH_DONE` says. */
export interface Done {
  readonly globalId: bigint
  readonly mode: number
  readonly payload: Uint8Array
}

/** What it comes to. The two secrets are empty arrays where there is none. */
export interface Session {
  readonly sessionKey: Redacted.Redacted<Uint8Array>
  readonly connectionSecret: Redacted.Redacted<Uint8Array>
  readonly tickets: Tickets
}

/**
 * Opens what the monitor grants. That it could be sealed proves that the monitor knows the key, too.
 *
 * **Units** `now` in milliseconds since 1970.
 *
 * **Errors** `OutOfOrder` without a proof before it, `AccessDenied` for a status, `MissingConnectionSecret` when secure
 * mode comes with fewer than 40 bytes of it, `BadGlobalId`, and whatever `Sealed.open` finds.
 */
export const finish = (
  credentials: Credentials,
  state: State,
  { globalId, mode, payload }: Done,
  now: number
): Result.Result<Session, AuthError.AuthError> =>
  Result.gen(function* () {
    if (state._tag !== "Proved") {
      return yield* Result.fail(AuthError.local("OutOfOrder", "a challenge before AUTH_DONE"))
    }
    if (globalId === 0n) {
      return yield* Result.fail(AuthError.local("BadGlobalId", "a global id other than 0 in AUTH_DONE"))
    }
    yield* accepted(Messages.RequestType.AuthSessionKey, payload)
    const [reply, extras] = yield* decodePrefix(Codec.pair(Messages.AuthenticateReply, Messages.Extras), payload)
    const auth = (yield* open(credentials.key, reply.tickets, now)).find(({ service }) => service === EntityType.Auth)
    if (auth === undefined) {
      return yield* Result.fail(AuthError.local("BadPayload", "a ticket for the authentication service"))
    }
    const secret = yield* connectionSecret(auth.sessionKey, extras.connectionSecret)
    if (mode === ConnectionMode.Secure && secret.length < MIN_CONNECTION_SECRET) {
      return yield* Result.fail(
        AuthError.local(
          "MissingConnectionSecret",
          `a connection secret of at least ${MIN_CONNECTION_SECRET} bytes, got ${secret.length}`
        )
      )
    }
    const services = new Map<number, Held>()
    if (extras.extraTickets.length > 0) {
      const extra = yield* decodePrefix(Messages.TicketReply, extras.extraTickets)
      for (const held of yield* open(auth.sessionKey, extra, now)) services.set(held.service, held)
    }
    return {
      sessionKey: auth.sessionKey.secret,
      connectionSecret: Redacted.make(secret),
      tickets: { globalId, auth, services }
    }
  })

/**
 * Looks whether a response is the one to this request, and a good one.
 *
 * **Errors** `BadPayload`; `AccessDenied` for a status other than 0.
 */
export const accepted = (requestType: number, payload: Uint8Array): Result.Result<void, AuthError.AuthError> =>
  Result.flatMap(decodePrefix(Messages.CephXResponseHeader, payload), (header) => {
    if (header.requestType !== requestType) {
      return Result.fail(AuthError.local("BadPayload", `a response to request 0x${requestType.toString(16)}`))
    }
    const denied = AuthError.local("AccessDenied", "status 0 in the response")
    return header.status === 0
      ? Result.succeed(undefined)
      : Result.fail(new AuthError.AuthError({ ...denied, result: header.status }))
  })

/**
 * The tickets of one reply, whose keys are sealed with `key`.
 *
 * **Errors** those of `Sealed.open`; `BadPayload` for a ticket that is sealed once more.
 */
export const open = (
  key: CryptoKey,
  reply: Messages.TicketReply,
  now: number
): Result.Result<ReadonlyArray<Held>, AuthError.AuthError> =>
  Result.gen(function* () {
    const tickets: Array<Held> = []
    for (const entry of reply.entries) {
      const ticket = yield* Sealed.open(key, Cipher.Usage.TicketSessionKey, CephXServiceTicket, entry.serviceTicket)
      if (entry.encrypted) {
        return yield* Result.fail(
          AuthError.local("BadPayload", "a ticket in the clear: this client presented no old ticket")
        )
      }
      tickets.push(hold(entry.serviceId, ticket, yield* decodePrefix(CephXTicketBlob, entry.ticket), now))
    }
    return tickets
  })

const connectionSecret = (sessionKey: CryptoKey, wrapped: Uint8Array): Result.Result<Uint8Array, AuthError.AuthError> =>
  Result.gen(function* () {
    if (wrapped.length === 0) return wrapped
    const sealed = yield* decodePrefix(Codec.bytes, wrapped)
    return (yield* Sealed.open(sessionKey, Cipher.Usage.ConnectionSecret, Codec.bytes, sealed)).slice()
  })
