import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema, Scope } from "effect"
import * as net from "node:net"
import { FaultProxy } from "../src/index.ts"

/** A socket of the test's own: what it has received, and how it ended. */
class Peer {
  private readonly chunks: Array<Buffer> = []
  private size = 0
  /** "end" as soon as the other end has finished, the error's code if it was not so polite. */
  ended: string | undefined
  readonly socket: net.Socket
  private readonly waiters = new Set<() => void>()

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on("data", (chunk) => {
      this.chunks.push(chunk)
      this.size += chunk.length
      this.check()
    })
    socket.on("end", () => this.over("end"))
    socket.on("error", (error: NodeJS.ErrnoException) => this.over(error.code ?? error.message))
    socket.on("close", () => this.over("close"))
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks)
  }

  private over(how: string): void {
    this.ended ??= how
    this.check()
  }

  private check(): void {
    for (const waiter of this.waiters) waiter()
  }

  private when(such: () => boolean): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const waiter = () => {
        if (such() && this.waiters.delete(waiter)) resume(Effect.void)
      }
      this.waiters.add(waiter)
      waiter()
    })
  }

  readonly end = Effect.map(
    this.when(() => this.ended !== undefined),
    () => this.ended
  )

  has(size: number): Effect.Effect<Buffer> {
    return Effect.map(
      this.when(() => this.size >= size),
      () => this.received
    )
  }
}

/** Somebody to reach through a proxy. */
const listen = Effect.gen(function* () {
  const visitors: Array<Peer> = []
  const waiting: Array<(peer: Peer) => void> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        const peer = new Peer(socket)
        visitors.push(peer)
        waiting.shift()?.(peer)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        for (const { socket } of visitors) socket.destroy()
      })
  )
  let taken = 0
  const next = Effect.callback<Peer>((resume) => {
    const there = visitors[taken++]
    if (there === undefined) waiting.push((peer) => resume(Effect.succeed(peer)))
    else resume(Effect.succeed(there))
  })
  return { port: (server.address() as net.AddressInfo).port, next }
})

const dial = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Peer, unknown>((resume) => {
      const socket = net.connect({ host: "127.0.0.1", port, allowHalfOpen: true })
      socket.once("error", (error) => resume(Effect.fail(error)))
      socket.once("connect", () => resume(Effect.succeed(new Peer(socket))))
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** Both ends of a connection through a proxy. */
const pair = (plan?: FaultProxy.Plan) =>
  Effect.gen(function* () {
    const server = yield* listen
    const target = { host: "127.0.0.1", port: server.port }
    const proxy = yield* FaultProxy.make(plan === undefined ? { target } : { target, plan })
    const visitor = yield* dial(proxy.port)
    return { proxy, server, visitor, target: yield* server.next }
  })

const bytes = (size: number, seed = 1): Buffer =>
  Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed) % 251))

/** One turn of the event loop: timers, sockets, everything. */
const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
const turns = (count: number) => Effect.repeat(turn, { times: count })

/** The bytes that have gone up when no more do. */
const standstill = (proxy: FaultProxy.FaultProxy) =>
  Effect.gen(function* () {
    let before = -1
    for (let calm = 0; calm < 50;) {
      yield* turn
      const { bytesUp } = yield* proxy.counts
      calm = bytesUp === before ? calm + 1 : 0
      before = bytesUp
    }
    return before
  })

const once =
  (fault: FaultProxy.Fault): FaultProxy.Plan =>
  ({ connection }) =>
    connection === 0 ? fault : undefined

describe("FaultProxy", () => {
  it.effect("carries bytes both ways, in order, and counts them", () =>
    Effect.gen(function* () {
      const { proxy, target, visitor } = yield* pair()
      visitor.socket.write(bytes(300_000))
      target.socket.write(bytes(200_000, 2))
      assert.isTrue((yield* target.has(300_000)).equals(bytes(300_000)))
      assert.isTrue((yield* visitor.has(200_000)).equals(bytes(200_000, 2)))
      assert.deepStrictEqual(yield* proxy.counts, {
        accepted: 1,
        open: 1,
        unreached: 0,
        faults: { Close: 0, Reset: 0, Deafen: 0 },
        bytesUp: 300_000,
        bytesDown: 200_000
      })
    })
  )

  it.effect("passes on the end of one direction while the other goes on", () =>
    Effect.gen(function* () {
      const { proxy, target, visitor } = yield* pair()
      visitor.socket.end(bytes(10))
      assert.strictEqual(yield* target.end, "end")
      target.socket.end(bytes(20))
      assert.isTrue((yield* visitor.has(20)).equals(bytes(20)))
      assert.strictEqual(yield* visitor.end, "end")
      assert.strictEqual((yield* proxy.when(({ open }) => open === 0)).accepted, 1)
    })
  )

  for (const after of [0, 1, 26, 1000, 70_000]) {
    it.effect(`closes after exactly ${after} bytes in either direction`, () =>
      Effect.gen(function* () {
        const up = yield* pair(once({ kind: "Close", direction: "up", after }))
        up.visitor.socket.write(bytes(after + 500))
        yield* up.target.end
        assert.isTrue(up.target.received.equals(bytes(after)))
        yield* up.visitor.end

        const down = yield* pair(once({ kind: "Close", direction: "down", after }))
        down.target.socket.write(bytes(after + 500))
        yield* down.visitor.end
        assert.isTrue(down.visitor.received.equals(bytes(after)))
        yield* down.target.end
        const { faults, open } = yield* down.proxy.when(({ open }) => open === 0)
        assert.deepStrictEqual({ faults, open }, { faults: { Close: 1, Reset: 0, Deafen: 0 }, open: 0 })
      })
    )
  }

  it.effect("counts only the direction that a fault is planned for", () =>
    Effect.gen(function* () {
      const { target, visitor } = yield* pair(once({ kind: "Close", direction: "up", after: 100 }))
      target.socket.write(bytes(5000, 2))
      assert.isTrue((yield* visitor.has(5000)).equals(bytes(5000, 2)))
      visitor.socket.write(bytes(101))
      assert.isTrue((yield* target.has(100)).equals(bytes(100)))
      yield* target.end
    })
  )

  it.effect("closed, lets everything that has passed arrive, and nothing that comes later", () =>
    Effect.gen(function* () {
      const { proxy, target, visitor } = yield* pair()
      target.socket.pause()
      visitor.socket.write(Buffer.alloc(32 * 1024 * 1024))
      const passed = yield* standstill(proxy)
      yield* proxy.strike("Close")
      yield* turns(50)
      target.socket.resume()
      assert.strictEqual(yield* target.end, "end")
      assert.strictEqual(target.received.length, passed)
      assert.strictEqual((yield* proxy.counts).bytesUp, passed)
    })
  )

  it.effect("resets both ends, and lets no more through than it was told", () =>
    Effect.gen(function* () {
      const { proxy, target, visitor } = yield* pair(once({ kind: "Reset", direction: "up", after: 1000 }))
      visitor.socket.write(bytes(5000))
      assert.strictEqual(yield* target.end, "ECONNRESET")
      assert.strictEqual(yield* visitor.end, "ECONNRESET")
      assert.isAtMost(target.received.length, 1000)
      assert.strictEqual((yield* proxy.counts).bytesUp, 1000)
    })
  )

  it.effect("deaf, it passes neither bytes nor an end; healed, it passes all of them in order", () =>
    Effect.gen(function* () {
      const { proxy, target, visitor } = yield* pair(once({ kind: "Deafen", direction: "up", after: 100 }))
      visitor.socket.end(bytes(5000))
      yield* proxy.when(({ faults }) => faults.Deafen === 1)
      yield* target.has(100)
      target.socket.write(bytes(50, 2))
      yield* turns(50)
      assert.strictEqual(target.received.length, 100)
      assert.strictEqual(visitor.received.length, 0)
      assert.strictEqual(target.ended, undefined)
      assert.strictEqual(yield* proxy.strike("Deafen"), 0)
      assert.strictEqual(yield* proxy.heal, 1)
      assert.strictEqual(yield* proxy.heal, 0)
      assert.strictEqual(yield* target.end, "end")
      assert.isTrue(target.received.equals(bytes(5000)))
      assert.isTrue((yield* visitor.has(50)).equals(bytes(50, 2)))
    })
  )

  it.effect("strikes every connection that is open at once, and no later one", () =>
    Effect.gen(function* () {
      const { proxy, server, target, visitor } = yield* pair()
      const second = yield* dial(proxy.port)
      const secondTarget = yield* server.next
      yield* proxy.when(({ open }) => open === 2)
      assert.strictEqual(yield* proxy.strike("Deafen"), 2)
      assert.strictEqual(yield* proxy.strike("Reset"), 2)
      for (const peer of [visitor, target, second, secondTarget]) assert.strictEqual(yield* peer.end, "ECONNRESET")
      assert.strictEqual(yield* proxy.strike("Reset"), 0)
      const third = yield* dial(proxy.port)
      third.socket.write(bytes(10))
      yield* (yield* server.next).has(10)
      assert.deepStrictEqual((yield* proxy.counts).faults, { Close: 0, Reset: 2, Deafen: 2 })
    })
  )

  it.effect("tells the other end that one was reset", () =>
    Effect.gen(function* () {
      const { proxy, target, visitor } = yield* pair()
      visitor.socket.resetAndDestroy()
      assert.strictEqual(yield* target.end, "ECONNRESET")
      yield* proxy.when(({ open }) => open === 0)
    })
  )

  it.effect("holds back a sender whose receiver does not read", () =>
    Effect.gen(function* () {
      const { proxy, target, visitor } = yield* pair()
      target.socket.pause()
      const size = 32 * 1024 * 1024
      visitor.socket.write(Buffer.alloc(size))
      assert.isBelow(yield* standstill(proxy), size)
      target.socket.resume()
      yield* proxy.when(({ bytesUp }) => bytesUp === size)
    })
  )

  it.effect("turns a visitor away when nothing listens at the target", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port } = yield* Scope.provide(listen, scope)
      yield* Scope.close(scope, Exit.void)
      const proxy = yield* FaultProxy.make({ target: { host: "127.0.0.1", port } })
      const visitor = yield* dial(proxy.port)
      assert.strictEqual(yield* visitor.end, "ECONNRESET")
      assert.include(yield* proxy.when(({ unreached }) => unreached > 0), { accepted: 1, open: 0, unreached: 1 })
    })
  )

  it.effect("a port that is taken is an AddressInUse", () =>
    Effect.gen(function* () {
      const target = yield* listen
      const place = { host: "127.0.0.1", port: target.port }
      const error = yield* Effect.flip(FaultProxy.make({ target: place, listen: place }))
      assert.include(error, { _tag: "FaultProxyError", reason: "AddressInUse", ...place })
    })
  )

  it.effect("resets what is open when its scope closes, and frees its port", () =>
    Effect.gen(function* () {
      const server = yield* listen
      const place = { host: "127.0.0.1", port: server.port }
      const scope = yield* Scope.make()
      const proxy = yield* Scope.provide(FaultProxy.make({ target: place }), scope)
      const visitor = yield* dial(proxy.port)
      const target = yield* server.next
      yield* proxy.when(({ open }) => open === 1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* visitor.end, "ECONNRESET")
      assert.strictEqual(yield* target.end, "ECONNRESET")
      yield* FaultProxy.make({ target: place, listen: { port: proxy.port } })
    })
  )
})

describe("randomly", () => {
  const options = { faults: 200, within: 30_000 }
  const fates = (seed: number, kinds?: ReadonlyArray<FaultProxy.Kind>) => {
    const plan = FaultProxy.randomly(kinds === undefined ? { seed, ...options } : { seed, ...options, kinds })
    return Array.from({ length: 300 }, (_, connection) => plan({ connection, faults: connection }))
  }

  it("gives the same fates for the same seed, others for another", () => {
    assert.deepStrictEqual(fates(1), fates(1))
    assert.notDeepEqual(fates(1), fates(2))
  })

  it("stops when there have been enough", () => {
    const found = fates(7)
    assert.isTrue(found.slice(0, 200).every(Schema.is(FaultProxy.Fault)))
    assert.deepStrictEqual(new Set(found.slice(200)), new Set([undefined]))
  })

  it("hits every kind, both directions, handshakes and deep traffic", () => {
    const found = fates(3, ["Close", "Reset", "Deafen"]).flatMap((fault) => fault ?? [])
    assert.deepStrictEqual(new Set(found.map(({ kind }) => kind)).size, 3)
    assert.deepStrictEqual(new Set(found.map(({ direction }) => direction)).size, 2)
    assert.isAbove(found.filter(({ after }) => after < 500).length, 80)
    assert.isAbove(found.filter(({ after }) => after > 5000).length, 10)
    assert.isTrue(found.every(({ after }) => after <= options.within))
  })
})
