import { assert, describe, it } from "@effect/vitest"
import { AuthServer } from "@msgr2/auth"
import { Deferred, Effect, Exit, Fiber, Layer, Metric, Queue, Scope, Stream } from "effect"
import type { Transport } from "../src/index.ts"
import { digests, ear, message } from "./support/messages.ts"
import { bringClient, bringServer, clientStates, dial, drain, serverStates, stubborn } from "./support/raw.ts"
import { Tap } from "./support/tap.ts"
import { dialler, meet, open, sin, still, type TransportName, transports, turn } from "./support/world.ts"

/** Sockets that keep the process alive. */
const sockets = () => process.getActiveResourcesInfo().filter((name) => /^(TCP|Pipe)|Timeout/.test(name)).length

/** Runs `body` and makes sure that no pipe, socket, timer or fiber is left when its scope has closed. */
const leavingNothing = <A, E>(
  transport: TransportName,
  body: (tap: Tap) => Effect.Effect<A, E, Transport.Transport | Scope.Scope>
): Effect.Effect<A, E> => {
  const tap = new Tap()
  const fibers = { running: 0, started: 0 }
  const counting: Metric.FiberRuntimeMetricsService = {
    recordFiberStart: () => {
      fibers.running++
      fibers.started++
    },
    recordFiberEnd: () => void fibers.running--
  }
  return Effect.gen(function* () {
    const before = sockets()
    const result = yield* Effect.scoped(body(tap)).pipe(
      Effect.provide(tap.layer(transports[transport])),
      // A fiber of its own, because only fibers that start under the counter are counted.
      Effect.forkScoped,
      Effect.flatMap(Fiber.join),
      Effect.scoped,
      Effect.provideService(Metric.FiberRuntimeMetrics, counting)
    )
    yield* still(() => fibers.running + sockets())
    assert.strictEqual(tap.open, 0)
    assert.isAbove(fibers.started, 5)
    assert.strictEqual(fibers.running, 0)
    assert.isAtMost(sockets(), before)
    return result
  })
}

for (const name of Object.keys(transports) as ReadonlyArray<TransportName>) {
  describe(`Over ${name}, an interrupted connect`, () => {
    for (const state of clientStates.filter((state) => state !== "Ready")) {
      it.effect(`leaves nothing behind and wastes no time in ${state}`, () =>
        leavingNothing(name, (tap) =>
          Effect.gen(function* () {
            const { interrupt, pipe } = yield* bringClient(state)
            const end = yield* Effect.forkScoped(drain(pipe))
            // What the client says in a state arrives before it is interrupted there.
            yield* still(() => tap.open)
            const began = performance.now()
            yield* interrupt
            assert.isBelow(performance.now() - began, 250)
            assert.include(["EndOfStream", "Reset"], (yield* Fiber.join(end)).reason)
          })
        )
      )
    }

    it.effect("leaves nothing behind while the server thinks about a key", () =>
      leavingNothing(name, (tap) =>
        Effect.gen(function* () {
          const asked = yield* Deferred.make<void>()
          const serverAuth = Layer.succeed(AuthServer.AuthServer, {
            open: () =>
              Effect.succeed({
                request: () => Effect.andThen(Deferred.succeed(asked, undefined), Effect.never),
                more: () => Effect.never
              })
          })
          const world = yield* open({ serverAuth })
          const dialled = yield* Effect.forkScoped(Effect.scoped(world.connect))
          yield* Deferred.await(asked)
          yield* Fiber.interrupt(dialled)
          while (tap.open > 1) yield* turn
        })
      )
    )
  })

  describe(`Over ${name}, a server whose scope closes`, () => {
    for (const state of serverStates) {
      it.effect(`leaves nothing behind of a visitor in ${state}`, () =>
        leavingNothing(name, (tap) =>
          Effect.gen(function* () {
            const scope = yield* Scope.make()
            const { pipe } = yield* Scope.provide(bringServer(state, { dialling: yield* Effect.scope }), scope)
            yield* still(() => tap.open)
            yield* Scope.close(scope, Exit.void)
            assert.include(["EndOfStream", "Reset"], (yield* drain(pipe)).reason)
          })
        )
      )
    }

    it.effect("interrupts its handlers while they can still say goodbye, and all at the same time", () =>
      leavingNothing(name, () =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const inside = yield* Queue.unbounded<void>()
          const leaving = yield* Queue.unbounded<void>()
          const all = yield* Deferred.make<void>()
          const world = yield* open({
            handler: (connection) =>
              Effect.ensuring(
                Effect.andThen(Queue.offer(inside, undefined), Effect.never),
                Queue.offer(leaving, undefined).pipe(
                  Effect.andThen(Deferred.await(all)),
                  Effect.andThen(connection.send(message(7))),
                  Effect.orDie
                )
              )
          }).pipe(Scope.provide(scope))
          const clients = yield* Effect.all(Array.from({ length: 20 }, () => world.connect))
          yield* Queue.takeN(inside, 20)
          const closing = yield* Effect.forkScoped(Scope.close(scope, Exit.void))
          // Had they to wait for each other, only one would come here.
          yield* Queue.takeN(leaving, 20)
          yield* Deferred.succeed(all, undefined)
          for (const client of clients) {
            const heard = yield* Stream.runCollect(Stream.take(client.messages, 1))
            assert.strictEqual(heard[0]?.header.tid, 7n)
            assert.strictEqual(sin(yield* Effect.flip(client.closed)), "TransportError EndOfStream in Ready")
          }
          yield* Fiber.join(closing)
        })
      )
    )
  })
}

describe("An interrupted connect", () => {
  for (const state of clientStates.filter((state) => state !== "Ready")) {
    it.effect(`wastes no time on a peer that does not close either, in ${state}`, () =>
      leavingNothing("tcp", () =>
        Effect.gen(function* () {
          let heard = 0
          const address = yield* stubborn(state, (socket) => socket.on("data", ({ length }) => (heard += length)))
          const dialled = yield* Effect.forkScoped((yield* dialler())(address))
          yield* still(() => heard)
          const began = performance.now()
          yield* Fiber.interrupt(dialled)
          assert.isBelow(performance.now() - began, 500)
        })
      )
    )
  }
})

describe("An interrupted", () => {
  it.effect("send leaves the connection as it was", () =>
    leavingNothing("memory", () =>
      Effect.gen(function* () {
        const { client, server } = yield* meet({ client: { sendBuffer: 1000 }, server: { receiveBuffer: 1000 } })
        let taken = 0
        const sender = yield* Effect.forkScoped(
          Effect.forever(Effect.suspend(() => Effect.map(client.send(message(taken, 0, 0, 9000)), () => taken++)))
        )
        const all = yield* Effect.forkScoped(
          Effect.forever(client.sendAll(Array.from({ length: 10 }, () => message(0, 0, 0, 9000))))
        )
        yield* still(() => taken)
        yield* Fiber.interrupt(sender)
        yield* Fiber.interrupt(all)
        const { messagesOut } = yield* client.stats
        const listener = yield* ear(server)
        yield* listener.hear(messagesOut)
        yield* client.send(message(77))
        assert.deepStrictEqual(yield* listener.hear(1), digests([message(77)]))
      })
    )
  )

  it.effect("consumer that was waiting loses nothing for the next", () =>
    leavingNothing("memory", () =>
      Effect.gen(function* () {
        const { client, server } = yield* meet()
        const consumer = yield* Effect.forkScoped(Stream.runDrain(server.messages))
        yield* turn
        yield* Fiber.interrupt(consumer)
        yield* client.send(message(1))
        assert.deepStrictEqual(yield* (yield* ear(server)).hear(1), digests([message(1)]))
      })
    )
  )

  it.effect("closed, keepalive or drained leaves nothing waiting", () =>
    leavingNothing("memory", () =>
      Effect.gen(function* () {
        const { ready } = yield* bringClient("Ready", { client: { sendBuffer: 1 } })
        const client = yield* ready
        yield* client.send(message(1, 0, 0, 1_000_000))
        for (const each of [client.closed, Effect.asVoid(client.keepalive), client.drained]) {
          const waiting = yield* Effect.forkScoped(each)
          yield* turn
          assert.isUndefined(waiting.pollUnsafe())
          yield* Fiber.interrupt(waiting)
        }
      })
    )
  )

  it.effect("visitor that never gets a place leaves nothing behind", () =>
    leavingNothing("tcp", (tap) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const world = yield* Scope.provide(open({ server: { maxConnections: 1 } }), scope)
        yield* world.connect
        const waiting = yield* dial(world.address)
        yield* still(() => tap.open)
        yield* Scope.close(scope, Exit.void)
        assert.include(["EndOfStream", "Reset"], (yield* drain(waiting)).reason)
      })
    )
  )
})
