/**
 * The transport of Node with a fault proxy in every way: from this end to those it dials, and from those that dial it.
 *
 * Ceph compares addresses. A connection therefore goes to a proxy while everybody goes on talking of the daemon's own
 * address; and who listens gets a port of the system's choice while a proxy holds the port that is announced.
 */
import { NodeTransport, Transport, TransportError } from "@msgr2/messenger"
import { FaultProxy } from "@msgr2/testing"
import { EntityAddr, Sockaddr } from "@msgr2/wire"
import { Context, Effect, Layer, Scope, Semaphore } from "effect"

/** One proxy for each address that is dialled, one for each that is listened at. */
export class Proxies extends Context.Service<
  Proxies,
  {
    /** What has happened on the ways to those that were dialled, together. */
    readonly dialled: Effect.Effect<FaultProxy.Counts>
    /** What has happened on the ways from those that dialled. */
    readonly accepted: Effect.Effect<FaultProxy.Counts>
    /** Does this to every connection that is open now. */
    readonly strike: (kind: FaultProxy.Kind) => Effect.Effect<number>
    readonly heal: Effect.Effect<number>
  }
>()("@msgr2/cli/test/lossless/Proxies") {}

export interface Options {
  /** For connections that this end dials. */
  readonly dialled?: FaultProxy.Plan
  /** For connections that are dialled to it. */
  readonly accepted?: FaultProxy.Plan
}

const withPort = (address: EntityAddr.EntityAddr, port: number): EntityAddr.EntityAddr =>
  EntityAddr.make(Sockaddr.host(address.sockaddr) ?? "", port, address.nonce, address.type) ?? address

const place = ({ sockaddr }: EntityAddr.EntityAddr): FaultProxy.Place => ({
  host: Sockaddr.host(sockaddr) ?? "",
  port: Sockaddr.port(sockaddr) ?? 0
})

const asTransportError = ({ detail, host, port, reason }: FaultProxy.FaultProxyError) =>
  new TransportError.TransportError({ reason, address: `${host}:${port}`, detail })

const nothing: FaultProxy.Counts = {
  accepted: 0,
  open: 0,
  unreached: 0,
  faults: { Close: 0, Reset: 0, Deafen: 0 },
  bytesUp: 0,
  bytesDown: 0
}

const sum = (a: FaultProxy.Counts, b: FaultProxy.Counts): FaultProxy.Counts => ({
  accepted: a.accepted + b.accepted,
  open: a.open + b.open,
  unreached: a.unreached + b.unreached,
  faults: {
    Close: a.faults.Close + b.faults.Close,
    Reset: a.faults.Reset + b.faults.Reset,
    Deafen: a.faults.Deafen + b.faults.Deafen
  },
  bytesUp: a.bytesUp + b.bytesUp,
  bytesDown: a.bytesDown + b.bytesDown
})

const counts = (proxies: Iterable<FaultProxy.FaultProxy>): Effect.Effect<FaultProxy.Counts> =>
  Effect.map(
    Effect.forEach([...proxies], (proxy) => proxy.counts),
    (all) => all.reduce(sum, nothing)
  )

const make = Effect.fnUntraced(function* ({ accepted, dialled }: Options) {
  const inner = yield* Transport.Transport
  const scope = yield* Effect.scope
  const one = yield* Semaphore.make(1)
  const ways = new Map<string, FaultProxy.FaultProxy>()
  const doors: Array<FaultProxy.FaultProxy> = []

  /** The proxy on the way to `address`. It lasts: connections come and go, its plan goes on. */
  const way = (address: EntityAddr.EntityAddr) =>
    one.withPermits(1)(
      Effect.gen(function* () {
        const key = EntityAddr.format(address)
        const known = ways.get(key)
        if (known !== undefined) return known
        const proxy = yield* FaultProxy.make({
          target: place(address),
          ...(dialled === undefined ? {} : { plan: dialled })
        }).pipe(Effect.provideService(Scope.Scope, scope))
        ways.set(key, proxy)
        return proxy
      })
    )

  const connect = (address: EntityAddr.EntityAddr) =>
    Effect.mapError(way(address), asTransportError).pipe(
      Effect.flatMap(({ port }) => inner.connect(withPort(address, port))),
      Effect.map((pipe): Transport.Pipe => ({ ...pipe, remote: address }))
    )

  const listen = (address: EntityAddr.EntityAddr) =>
    Effect.gen(function* () {
      const listener = yield* inner.listen(withPort(address, 0))
      const proxy = yield* FaultProxy.make({
        target: place(listener.address),
        listen: place(address),
        ...(accepted === undefined ? {} : { plan: accepted })
      }).pipe(Effect.mapError(asTransportError))
      doors.push(proxy)
      return { ...listener, address: withPort(address, proxy.port) } satisfies Transport.Listener
    })

  const each = (act: (proxy: FaultProxy.FaultProxy) => Effect.Effect<number>) =>
    Effect.suspend(() =>
      Effect.map(Effect.forEach([...ways.values(), ...doors], act), (all) => all.reduce((a, b) => a + b, 0))
    )

  return Context.make(Transport.Transport, Transport.Transport.of({ connect, listen })).pipe(
    Context.add(
      Proxies,
      Proxies.of({
        dialled: Effect.suspend(() => counts(ways.values())),
        accepted: Effect.suspend(() => counts(doors)),
        strike: (kind) => each((proxy) => proxy.strike(kind)),
        heal: each((proxy) => proxy.heal)
      })
    )
  )
})

/** TCP that breaks as planned. */
export const layer = (options: Options = {}): Layer.Layer<Transport.Transport | Proxies> =>
  Layer.effectContext(make(options)).pipe(Layer.provide(NodeTransport.layer))
