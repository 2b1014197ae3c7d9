/**
 * How a client authenticates: the service that a messenger asks while it connects.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/AuthClient.h`
 */
import { AuthMethod } from "@msgr2/wire/AuthMethod"
import { EntityType } from "@msgr2/wire/EntityName"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { type AuthError, Errno, local } from "./AuthError.ts"
import type { Done } from "./CephXClient.ts"
import * as Entropy from "./Entropy.ts"
import * as Introduction from "./Introduction.ts"
import * as MonPass from "./MonPass.ts"
import * as Negotiation from "./Negotiation.ts"
import * as Tickets from "./Tickets.ts"
import * as TicketStore from "./TicketStore.ts"

export type { Done } from "./CephXClient.ts"
export type { Granted, Offer, Refusal } from "./Negotiation.ts"

/**
 * One authentication on one connection. The steps are those of the handshake; a step out of order is a typed error.
 *
 * **Errors** every failure is final: the connection has to be closed.
 */
export interface Exchange {
  /** What to ask for first. Starts over when it is run again. */
  readonly begin: Effect.Effect<Negotiation.Offer, AuthError>
  /** The next method that both sides have, or why there is none. */
  readonly refused: (refusal: Negotiation.Refusal) => Effect.Effect<Negotiation.Offer, AuthError>
  /** Answers `AUTH_REPLY_MORE`. */
  readonly more: (payload: Uint8Array) => Effect.Effect<Uint8Array, AuthError>
  /** Takes `AUTH_DONE`. */
  readonly done: (answer: Done) => Effect.Effect<Negotiation.Granted, AuthError>
  /**
   * What to report when the peer hangs up: after a refused proof stock servers close the connection instead of reading
   * the next offer. `undefined` while nothing has been refused.
   */
  readonly lastRefusal: Effect.Effect<AuthError | undefined>
}

/**
 * **Shape** `tickets` is where logins leave their tickets and authorizers take them from, one of its own unless given.
 * `refresh` is run when a connection needs a ticket that is missing, expired or due: it puts newer tickets into that
 * store, by a login or a renewal, and connections that need it at the same time wait for one run.
 */
export interface Options extends Negotiation.Options {
  readonly tickets?: TicketStore.TicketStore | undefined
  readonly refresh?: Effect.Effect<void, AuthError> | undefined
}

/** **Shape** `key` is the key of `mon.`; `name`, the monitor's own, is for method none only. */
export interface MonitorOptions extends Pick<Negotiation.Options, "key" | "methods" | "modes"> {
  readonly name?: Negotiation.Options["name"] | undefined
}

/** Opens an `Exchange` per connection; `type` is the entity type of the peer. */
export class AuthClient extends Context.Service<
  AuthClient,
  { readonly open: (peer: { readonly type: number }) => Effect.Effect<Exchange, AuthError> }
>()("@msgr2/auth/AuthClient") {
  /**
   * An entity with at most one key. It logs in to monitors, keeps the tickets they give it and shows these to all other
   * services. Methods that need a key or a ticket it has not got are left out.
   */
  static readonly layer = (options: Options): Layer.Layer<AuthClient> =>
    Layer.sync(AuthClient, () => {
      const store = options.tickets ?? TicketStore.makeUnsafe()
      const pass = passes(store, options.refresh)
      const shows = Negotiation.methodsOf(options).includes(AuthMethod.CephX)
      return {
        open: ({ type }) => {
          if (Introduction.roleOf(type) === "monitor") return open(options, type, undefined, store)
          // Without CephX nobody asks for a ticket, so none is fetched.
          const shown = shows ? pass(type) : Effect.succeed(Tickets.pass(undefined, type, 0))
          return Effect.flatMap(shown, (shown) => open(options, type, shown, store))
        }
      }
    })

  /** A monitor that connects to other monitors, with the key that they share. */
  static readonly layerMonitor = ({ name = MonPass.name, ...options }: MonitorOptions): Layer.Layer<AuthClient> =>
    Layer.succeed(AuthClient, {
      open: Effect.fnUntraced(function* ({ type }) {
        const entropy = yield* Entropy.Entropy
        const now = yield* Clock.currentTimeMillis
        const { key } = options
        const shown =
          type !== EntityType.Mon
            ? Result.fail(local("NoTicket", "another monitor: tickets for other services are not made here"))
            : key === undefined
              ? Result.fail(local("NoKey", "the key of mon., or method none with crc mode"))
              : MonPass.make(key, now, entropy)
        return yield* open({ name, ...options }, type, shown, TicketStore.makeUnsafe())
      })
    })
}

/** Looks for a ticket, and has it fetched when that is needed and possible. Fails when fetching has failed. */
const passes = (store: TicketStore.TicketStore, refresh: Effect.Effect<void, AuthError> | undefined) => {
  const one = Semaphore.makeUnsafe(1)
  const held = (service: number) =>
    Effect.map(Effect.all([store.get, Clock.currentTimeMillis]), ([tickets, now]) => {
      const found = Tickets.pass(tickets, service, now)
      return { found, fresh: Result.isSuccess(found) && now < found.success.ticket.renewAt }
    })
  return (service: number): Effect.Effect<Result.Result<Tickets.Pass, AuthError>, AuthError> =>
    Effect.gen(function* () {
      const { found, fresh } = yield* held(service)
      if (fresh || refresh === undefined) return found
      return yield* one.withPermits(1)(
        Effect.gen(function* () {
          // Another connection may have fetched it while this one waited.
          const before = yield* held(service)
          if (before.fresh) return before.found
          const refreshed = yield* Effect.result(refresh)
          const after = yield* held(service)
          if (Result.isFailure(refreshed) && Result.isFailure(after.found)) return yield* Effect.fail(refreshed.failure)
          return after.found
        })
      )
    })
}

const open = Effect.fnUntraced(function* (
  options: Negotiation.Options,
  peer: number,
  shown: Negotiation.Shown,
  store: TicketStore.TicketStore
): Effect.fn.Return<Exchange, AuthError> {
  const entropy = yield* Entropy.Entropy
  let state = yield* Effect.fromResult(Negotiation.start(options, peer, shown))
  const take = <A>(step: (state: Negotiation.State) => Negotiation.Step<A>): Effect.Effect<A, AuthError> =>
    Effect.suspend(() => {
      const [result, next] = step(state)
      state = next
      return Effect.fromResult(result)
    })
  return {
    begin: take((state) => Negotiation.begin(state, entropy)),
    refused: (refusal) =>
      Effect.suspend(() => {
        const pass = Negotiation.candidate(state)?.pass
        const next = take((state) => Negotiation.refused(state, refusal, entropy))
        return pass === undefined || refusal.result !== Errno.Access
          ? next
          : Effect.andThen(store.refused(pass.ticket), next)
      }),
    more: (payload) => take((state) => Negotiation.more(state, payload, entropy)),
    done: (answer) =>
      Clock.currentTimeMillis.pipe(
        Effect.flatMap((now) => take((state) => Negotiation.done(state, answer, now))),
        Effect.tap(({ tickets }) => (tickets === undefined ? Effect.void : store.put(tickets)))
      ),
    lastRefusal: Effect.sync(() => state.refusal)
  }
})
