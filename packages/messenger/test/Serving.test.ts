import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Fiber, Layer, Queue, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type Connection, Transport, TransportError } from "../src/index.ts"
import { digests, ear, hear, message } from "./support/messages.ts"
import { clientWords, dial, drain, Speaker } from "./support/raw.ts"
import { Tap } from "./support/tap.ts"
import { memory, open, sin, still, transports, turn } from "./support/world.ts"

/** Sends back what comes. */
const echo = (connection: Connection.Connection) => Stream.runForEachArray(connection.messages, connection.sendAll)

/** Whether the server still serves. */
const serves = Effect.fnUntraced(function* (world: Effect.Success<ReturnType<typeof open>>) {
  const client = yield* world.connect
  yield* client.send(message(1, 2, 3, 4))
  assert.deepStrictEqual(yield* hear(client, 1), digests([message(1, 2, 3, 4)]))
}, Effect.scoped)

for (const [name, transport] of Object.entries(transports)) {
  describe(`Over ${name}, a server`, () => {
    it.effect("outlives handlers that fail, die and end, and logs those that should not", () =>
      Effect.gen(function* () {
        let visitor = 0
        const world = yield* open({
          handler: (connection) => {
            switch (visitor++) {
              case 0:
                return echo(connection)
              case 1:
                return Effect.fail("a typed failure")
              case 2:
                return Effect.die(new Error("a bug"))
              case 3:
                throw new Error("a bug, thrown")
              case 4:
                return Effect.void
              default:
                return echo(connection)
            }
          }
        })
        const lasting = yield* world.connect
        const listener = yield* ear(lasting)
        for (let i = 0; i < 4; i++) {
          const client = yield* world.connect
          assert.strictEqual(sin(yield* Effect.flip(client.closed)), "TransportError EndOfStream in Ready")
        }
        yield* lasting.send(message(9))
        assert.deepStrictEqual(yield* listener.hear(1), digests([message(9)]))
        yield* serves(world)
        const errors = world.logged.filter(({ level }) => level === "Error").map(({ cause }) => Cause.squash(cause))
        assert.deepStrictEqual(
          errors.map((error) => (error instanceof Error ? error.message : error)),
          ["a typed failure", "a bug", "a bug, thrown"]
        )
      }).pipe(Effect.provide(transport))
    )

    it.effect("serves no more connections at a time than it may, and all in the end", () => {
      const tap = new Tap()
      return Effect.gen(function* () {
        let inside = 0
        let most = 0
        const entered = yield* Queue.unbounded<Deferred.Deferred<void>>()
        const world = yield* open({
          server: { maxConnections: 3 },
          handler: () =>
            Effect.gen(function* () {
              const leave = yield* Deferred.make<void>()
              most = Math.max(most, ++inside)
              yield* Queue.offer(entered, leave)
              yield* Deferred.await(leave)
              inside--
            })
        })
        const clients = yield* Effect.forEach(Array.from({ length: 20 }), () =>
          Effect.forkScoped(Effect.scoped(Effect.flatMap(world.connect, (client) => Effect.flip(client.closed))))
        )
        for (let served = 0; served < 20; served++) {
          const leave = yield* Queue.take(entered)
          yield* still(() => inside)
          assert.strictEqual(inside, Math.min(3, 20 - served))
          yield* Deferred.succeed(leave, undefined)
        }
        yield* Effect.forEach(clients, Fiber.join)
        assert.strictEqual(most, 3)
      }).pipe(Effect.provide(tap.layer(transport)))
    })

    it.effect("frees the places of visitors who never get to READY", () =>
      Effect.gen(function* () {
        const world = yield* open({ server: { maxConnections: 2 }, handler: echo })
        for (let i = 0; i < 10; i++) {
          const pipe = yield* dial(world.address)
          pipe.write([new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n")])
          assert.include(["EndOfStream", "Reset"], (yield* drain(pipe)).reason)
        }
        yield* serves(world)
      }).pipe(Effect.provide(transport))
    )
  })
}

describe("Connections that break off", () => {
  it.effect("anywhere in the handshake, a thousand of them, leave a server as it was", () => {
    const tap = new Tap()
    return Effect.gen(function* () {
      const world = yield* open({ server: { maxConnections: 16 }, handler: echo })
      const words = clientWords(world.address).map(([, word]) => word)
      const whole = new Speaker().say(...words)
      const breakOff = Effect.gen(function* () {
        const pipe = yield* dial(world.address)
        const length = yield* Random.nextIntBetween(0, whole.length)
        const first = yield* Random.nextIntBetween(0, length + 1)
        pipe.write([whole.slice(0, first)])
        if (yield* Random.nextBoolean) yield* turn
        pipe.write([whole.slice(first, length)])
        // Some say goodbye, some are cut off by the end of this scope.
        if (yield* Random.nextBoolean) pipe.end()
        else yield* pipe.drained
      }).pipe(Effect.scoped)
      yield* Effect.forEach(Array.from({ length: 1000 }), () => breakOff, { concurrency: 50, discard: true })
      while (world.logged.length < 1000) yield* turn
      yield* still(() => tap.open)
      assert.strictEqual(tap.open, 0)
      assert.strictEqual(tap.everOpen, 2000)
      assert.isBelow(tap.mostOpen, 50 + 16 + 1)
      yield* serves(world)
      const levels = new Set(world.logged.map(({ level }) => level))
      assert.deepStrictEqual([...levels], ["Debug"])
    }).pipe(Effect.provide(tap.layer(memory)))
  })

  it.effect("over TCP leave a server as it was, too", () => {
    const tap = new Tap()
    return Effect.gen(function* () {
      const world = yield* open({ auth: "cephx", handler: echo })
      const whole = new Speaker().say(...clientWords(world.address).map(([, word]) => word))
      const breakOff = (i: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const pipe = yield* dial(world.address)
            pipe.write([whole.slice(0, (i * 37) % whole.length)])
            if (i % 2 === 0) yield* turn
            if (i % 3 === 0) pipe.end()
          })
        )
      yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, i) => i),
        breakOff,
        { concurrency: 20, discard: true }
      )
      while (tap.open > 0) yield* turn
      yield* serves(world)
    }).pipe(Effect.provide(tap.layer(transports.tcp)))
  })
})

describe("A listener that fails now and then", () => {
  it.effect("goes on accepting, and the failures are logged", () =>
    Effect.gen(function* () {
      const inner = yield* Transport.Transport
      let failures = 3
      const failing = Transport.Transport.of({
        ...inner,
        listen: (address) =>
          Effect.map(inner.listen(address), (listener) => ({
            ...listener,
            accept: Effect.suspend(() =>
              failures-- > 0
                ? Effect.fail(new TransportError.TransportError({ reason: "Failed", address: "", detail: "EMFILE" }))
                : listener.accept
            )
          }))
      })
      const world = yield* Effect.provide(
        open({ handler: echo, server: { maxConnections: 1 } }),
        Layer.succeed(Transport.Transport, failing)
      )
      yield* TestClock.adjust("1 seconds")
      yield* serves(world)
      const warnings = world.logged.filter(({ level }) => level === "Warn")
      assert.strictEqual(warnings.length, 3)
    }).pipe(Effect.provide(memory))
  )

  it.effect("of TCP is told what the system says", () =>
    Effect.gen(function* () {
      const world = yield* open({ handler: echo })
      const error = yield* Effect.flip(open({ address: world.address }))
      assert.strictEqual(error.reason, "AddressInUse")
      yield* serves(world)
    }).pipe(Effect.provide(transports.tcp))
  )
})
