/**
 * Who may authenticate, and the tickets they get: what a monitor keeps for CephX. The functions are pure; `KeyServer`
 * holds their state.
 *
 * **Source** Ceph `src/auth/cephx/CephxKeyServer.cc`, `src/mon/AuthMonitor.cc`
 */
import * as Codec from "@msgr2/wire/Codec"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as AuthError from "./AuthError.ts"
import type { TicketEntry } from "./CephXMessages.ts"
import * as Cipher from "./Cipher.ts"
import * as CryptoKey from "./CryptoKey.ts"
import * as Entropy from "./Entropy.ts"
import type { Caps, Entity, Keyring } from "./Keyring.ts"
import * as RotatingSecrets from "./RotatingSecrets.ts"
import * as Sealed from "./Sealed.ts"
import * as SealedTicket from "./SealedTicket.ts"
import { CephXServiceTicket, CephXTicketBlob } from "./Ticket.ts"
import * as UTime from "@msgr2/wire/UTime"

const { Mon, Osd, Mds, Mgr, Auth } = EntityName.EntityType

/** The services that tickets are for, each with secrets of its own. */
const services: ReadonlyArray<number> = [Mon, Mds, Osd, Mgr, Auth]

/** **Units** seconds: three days for the ticket that gets other tickets, an hour for the others. */
export const lifetime = (service: number): number => (service === Auth ? 259_200 : 3_600)

/**
 * **Shape** `decoy` stands in for the key of whoever is not known, so that a stranger and a wrong key take the same path
 * and the same time.
 */
export interface State {
  readonly entities: Keyring
  readonly rotating: ReadonlyMap<number, RotatingSecrets.RotatingSecrets>
  readonly lastGlobalId: bigint
  readonly decoy: CryptoKey.CryptoKey
}

/** **Units** `now` in milliseconds since 1970, here and below. */
export const initial = (entities: Keyring, now: number, entropy: Entropy.Entropy): State =>
  rotate({ entities, rotating: new Map(), lastGlobalId: 4096n, decoy: CryptoKey.generate(entropy, now) }, now, entropy)

/** Renews the secrets that are due; the same value when none is. */
export const rotate = (state: State, now: number, entropy: Entropy.Entropy): State => {
  const rotated = services.map((service) => {
    const secrets = state.rotating.get(service) ?? RotatingSecrets.empty
    return [service, RotatingSecrets.rotate(secrets, now, lifetime(service), entropy)] as const
  })
  return rotated.every(([service, secrets]) => state.rotating.get(service) === secrets)
    ? state
    : { ...state, rotating: new Map(rotated) }
}

/** A client id that nobody has had. */
export const allocate = (state: State): readonly [bigint, State] => {
  const lastGlobalId = state.lastGlobalId + 1n
  return [lastGlobalId, { ...state, lastGlobalId }]
}

/** Whom a ticket is for, and the key that seals the client's half of it. */
export interface Holder {
  readonly name: EntityName.EntityName
  readonly globalId: bigint
  readonly key: CryptoKey.CryptoKey
}

/**
 * A fresh ticket for one service, and the session key in it, which is of the same type as the holder's key. Monitors and
 * the authentication service look caps up themselves, so theirs have none.
 *
 * **Errors** `UnsupportedCipher`; `NoKey` for a service that has no secrets.
 */
export const issue = (
  state: State,
  service: number,
  holder: Holder,
  caps: string | undefined,
  now: number,
  entropy: Entropy.Entropy
): Result.Result<{ readonly entry: TicketEntry; readonly sessionKey: CryptoKey.CryptoKey }, AuthError.AuthError> =>
  Result.gen(function* () {
    const secret = RotatingSecrets.current(state.rotating.get(service) ?? RotatingSecrets.empty, now)
    if (secret === undefined) {
      return yield* Result.fail(AuthError.local("NoKey", `secrets for ${EntityName.formatType(service)}`))
    }
    const [id, { key }] = secret
    const { blob, sessionKey } = yield* SealedTicket.mint(
      { id, key },
      { name: holder.name, globalId: holder.globalId, caps, lifetime: lifetime(service), keyType: holder.key.type },
      now,
      entropy
    )
    const serviceTicket = yield* Sealed.seal(
      holder.key,
      Cipher.Usage.TicketSessionKey,
      CephXServiceTicket,
      { sessionKey, validity: UTime.seconds(lifetime(service)) },
      entropy
    )
    const entry: TicketEntry = {
      serviceId: service,
      serviceTicket,
      encrypted: false,
      ticket: Codec.encode(CephXTicketBlob, blob)
    }
    return { entry, sessionKey }
  })

/** A running key server: the only holder of its state. */
export interface KeyServer {
  /** The keys and caps it was made with. */
  readonly keyring: Keyring
  /** Runs one step on the state, rotated to the present. */
  readonly modify: <A>(
    step: (state: State, now: number, entropy: Entropy.Entropy) => readonly [A, State]
  ) => Effect.Effect<A>
}

/** A key server for the entities of a keyring. */
export const make = Effect.fnUntraced(function* (keyring: Keyring): Effect.fn.Return<KeyServer> {
  const entropy = yield* Entropy.Entropy
  let state = initial(keyring, yield* Clock.currentTimeMillis, entropy)
  return {
    keyring,
    modify: (step) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const [value, next] = step(rotate(state, now, entropy), now, entropy)
        state = next
        return value
      })
  }
})

/** What `generate` lets everybody do. */
export const ALLOW_ALL: Caps = new Map(["mds", "mgr", "mon", "osd"].map((service) => [service, "allow *"]))

/**
 * A key server with a fresh key for each of `names`, for demos and tests. Its `keyring` is what clients need; print it
 * with `Keyring.format`.
 */
export const generate = Effect.fnUntraced(function* (
  names: Iterable<EntityName.EntityName>,
  caps: Caps = ALLOW_ALL
): Effect.fn.Return<KeyServer> {
  const entropy = yield* Entropy.Entropy
  const now = yield* Clock.currentTimeMillis
  const keyring = new Map<string, Entity>()
  for (const name of names) keyring.set(EntityName.format(name), { key: CryptoKey.generate(entropy, now), caps })
  return yield* make(keyring)
})
