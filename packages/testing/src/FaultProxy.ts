/**
 * A TCP proxy on the loopback that breaks what it carries: after so many bytes, at once, or at random points that a seed
 * fixes.
 *
 * It knows no protocol and can stand between any two programs, Ceph's own included. "Up" is from the visitor to the
 * target, "down" the way back.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as net from "node:net"
import { Relay } from "./internal/Relay.ts"

/**
 * What happens to a connection.
 *
 * **Shape** `Close` ends it as a program that exits does: the receiver gets all bytes before the fault, then the end.
 * `Reset` is abrupt: what is still under way may be lost too. `Deafen` keeps both sockets and lets nothing pass any
 * more, in neither direction, not even the news that an end has gone: a link that is half open.
 */
export const Kind = Schema.Literals(["Close", "Reset", "Deafen"])
export type Kind = typeof Kind.Type

/** One fault. **Units** `after` so many bytes have passed in `direction`; the next one does not. */
export const Fault = Schema.Struct({
  kind: Kind,
  direction: Schema.Literals(["up", "down"]),
  after: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
})
export type Fault = typeof Fault.Type

/** A connection that has just been accepted; both count from 0. */
export interface Visit {
  readonly connection: number
  /** Faults that have happened so far, of all connections. */
  readonly faults: number
}

/** The fate of each connection; `undefined` leaves it alone. */
export type Plan = (visit: Visit) => Fault | undefined

/** **Units** connections, faults, and bytes that were handed on. */
export interface Counts {
  readonly accepted: number
  /** Connections that have both sockets now. */
  readonly open: number
  /** Visitors that were turned away because nothing listens at the target. */
  readonly unreached: number
  readonly faults: { readonly [K in Kind]: number }
  readonly bytesUp: number
  readonly bytesDown: number
}

/** A place on the loopback. */
export interface Place {
  readonly host: string
  readonly port: number
}

export interface FaultProxy extends Place {
  /** Does this to every connection that is open now; the number of those that had it coming. */
  readonly strike: (kind: Kind) => Effect.Effect<number>
  /** Lets the deaf ones hear again: what waited passes, and so does an end. */
  readonly heal: Effect.Effect<number>
  readonly counts: Effect.Effect<Counts>
  /** Waits until the counts are such. */
  readonly when: (such: (counts: Counts) => boolean) => Effect.Effect<Counts>
}

export interface Options {
  readonly target: Place
  /** `port` 0, the default, finds a free one. */
  readonly listen?: Partial<Place>
  /** By default nothing ever happens. */
  readonly plan?: Plan
}

/** The proxy's own port could not be had. */
export class FaultProxyError extends Schema.TaggedError<FaultProxyError>()("FaultProxyError", {
  reason: Schema.Literals(["AddressInUse", "NotPermitted", "Failed"]),
  host: Schema.String,
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `the proxy cannot listen at ${this.host}:${this.port}: ${this.reason} (${this.detail})`
  }
}

/** Numbers in [0, 1) that the seed fixes. */
const chance = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e37_79b9) >>> 0
    let x = state
    x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35)
    return ((x ^ (x >>> 16)) >>> 0) / 0x1_0000_0000
  }
}

/**
 * A fault for each connection until there have been `faults`, then peace: what is under way can finish.
 *
 * The byte is drawn so that it lies between any two powers of two up to `within` as often as between any other two:
 * most faults hit a handshake, some hit deep traffic. A connection that ends by itself spends no fault.
 *
 * **Units** `within` is the largest number of bytes that pass before a fault.
 */
export const randomly = (options: {
  readonly seed: number
  readonly faults: number
  readonly within: number
  /** Any of these; `Close` and `Reset` by default. */
  readonly kinds?: ReadonlyArray<Kind>
}): Plan => {
  const { faults, kinds = ["Close", "Reset"], seed, within } = options
  const draw = chance(seed)
  return (visit) => {
    // Drawn for every connection, so that the fate of one does not hang on how fast faults are counted.
    const kind = kinds[Math.floor(draw() * kinds.length)] ?? "Close"
    const direction = draw() < 0.5 ? "up" : "down"
    const after = Math.min(within, Math.floor(2 ** (draw() * Math.log2(within + 1))))
    return visit.faults < faults ? { kind, direction, after } : undefined
  }
}

const reasons: { readonly [code: string]: FaultProxyError["reason"] } = {
  EADDRINUSE: "AddressInUse",
  EACCES: "NotPermitted",
  EPERM: "NotPermitted"
}

const failure = ({ host, port }: Place, error: NodeJS.ErrnoException): FaultProxyError =>
  new FaultProxyError({ reason: reasons[error.code ?? ""] ?? "Failed", host, port, detail: error.message })

const listen = (server: net.Server, place: Place): Effect.Effect<Place, FaultProxyError> =>
  Effect.callback<Place, FaultProxyError>((resume) => {
    server.once("error", (error) => resume(Effect.fail(failure(place, error))))
    server.listen(place, () => {
      const bound = server.address()
      const port = typeof bound === "object" && bound !== null ? bound.port : place.port
      resume(Effect.succeed({ host: place.host, port }))
    })
  })

/**
 * A proxy that listens until the scope closes; then all its connections are reset.
 *
 * **Errors** `FaultProxyError` when its port cannot be had. A target that is not there is no error: each visitor is
 * turned away, as it would be without a proxy.
 */
export const make = (options: Options): Effect.Effect<FaultProxy, FaultProxyError, Scope.Scope> =>
  Effect.gen(function* () {
    const relay = new Relay(options.target, options.plan ?? (() => undefined))
    const server = yield* Effect.acquireRelease(
      Effect.sync(() =>
        net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (visitor) =>
          relay.carry(visitor)
        )
      ),
      (server) =>
        Effect.sync(() => {
          server.close()
          relay.end()
        })
    )
    const place = yield* listen(server, { host: "127.0.0.1", port: 0, ...options.listen })
    // Without a listener an error of the open server would end the process.
    server.on("error", () => undefined)
    return {
      ...place,
      strike: (kind) => Effect.sync(() => relay.strike(kind)),
      heal: Effect.sync(() => relay.heal()),
      counts: Effect.sync(() => relay.counts),
      when: relay.when
    }
  })
