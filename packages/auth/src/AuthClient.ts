/**
 * How a client authenticates: the service that a messenger asks while it connects.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/AuthClient.h`
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AuthError } from "./AuthError.ts"
import type { Done } from "./CephXClient.ts"
import * as Entropy from "./Entropy.ts"
import * as Negotiation from "./Negotiation.ts"

export type { Done } from "./CephXClient.ts"
export type { Granted, Offer, Options, Refusal } from "./Negotiation.ts"

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

/** Opens an `Exchange` per connection; `type` is the entity type of the peer. */
export class AuthClient extends Context.Service<
  AuthClient,
  { readonly open: (peer: { readonly type: number }) => Effect.Effect<Exchange, AuthError> }
>()("@msgr2/auth/AuthClient") {
  /** A client with at most one key. Methods that need a key it has not got are left out. */
  static readonly layer = (options: Negotiation.Options): Layer.Layer<AuthClient> =>
    Layer.succeed(AuthClient, { open: (peer) => open(options, peer.type) })
}

const open = Effect.fnUntraced(function* (
  options: Negotiation.Options,
  peer: number
): Effect.fn.Return<Exchange, AuthError> {
  const entropy = yield* Entropy.Entropy
  let state = yield* Effect.fromResult(Negotiation.start(options, peer))
  const take = <A>(step: (state: Negotiation.State) => Negotiation.Step<A>): Effect.Effect<A, AuthError> =>
    Effect.suspend(() => {
      const [result, next] = step(state)
      state = next
      return Effect.fromResult(result)
    })
  return {
    begin: take(Negotiation.begin),
    refused: (refusal) => take((state) => Negotiation.refused(state, refusal)),
    more: (payload) => take((state) => Negotiation.more(state, payload, Entropy.challenge(entropy))),
    done: (answer) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => take((state) => Negotiation.done(state, answer, now))),
    lastRefusal: Effect.sync(() => state.refusal)
  }
})
