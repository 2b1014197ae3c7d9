/**
 * What stands alone in the suites of Crimson and Ceph: echoes, handlers that overlap, a messenger that stops amid its
 * messages, and handlers that close each other's connections.
 *
 * **Source** Ceph `src/test/crimson/test_messenger.cc`, `src/test/msgr/test_msgr.cc`
 */
import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@msgr2/session"
import type { EntityAddr } from "@msgr2/wire"
import { Deferred, Effect, Exit, Fiber, Scope, Semaphore, Stream } from "effect"
import type { Connection } from "../../src/index.ts"
import { digest, ear, hear, message } from "../support/messages.ts"
import { anywhere, memory, transports, turn } from "../support/world.ts"
import * as Node from "./support/node.ts"
import { until } from "./support/stage.ts"
import { dice } from "./support/storm.ts"

const stateless = { serverPolicies: { otherwise: Policy.statelessServer } }
const lossy = { policy: Policy.lossyClient }

const ROUNDS = 512
const KEEPALIVES = 0.1

for (const [name, transport] of Object.entries(transports)) {
  describe(`Over ${name}`, () => {
    it.effect("test_echo: two servers repeat what two clients say, 512 times each, with keepalives in between", () =>
      Effect.gen(function* () {
        const roll = dice(1)
        const addresses = yield* Effect.forEach([1, 2], () =>
          Effect.flatMap(Node.make(stateless), (node) => node.serve(anywhere, Node.echo))
        )
        const clients = yield* Effect.forEach([1, 2], () => Node.make())
        const talk = Effect.fnUntraced(function* (connection: Connection.Connection) {
          const { hear } = yield* ear(connection)
          let alive = 0
          for (let tid = 1; tid <= ROUNDS; tid++) {
            if (roll() < KEEPALIVES) {
              yield* connection.keepalive
              alive++
            }
            const said = message(tid, tid % 50)
            yield* connection.send(said)
            assert.deepStrictEqual(yield* hear(1), [digest(said)])
          }
          return alive
        })
        const pairs = clients.flatMap((client) => addresses.map((address) => ({ client, address })))
        const alive = yield* Effect.forEach(
          pairs,
          ({ address, client }) => Effect.flatMap(client.connect(address, lossy), talk),
          { concurrency: "unbounded" }
        )
        assert.isAbove(Math.min(...alive), ROUNDS * KEEPALIVES * 0.5)
      }).pipe(Effect.provide(transport))
    )
    it.effect("test_preemptive_shutdown: a client that stops while its messages fly leaves nobody waiting", () =>
      Effect.gen(function* () {
        const server = yield* Node.make(stateless)
        const ended = yield* Deferred.make<Exit.Exit<void, unknown>>()
        let heard = 0
        const address = yield* server.serve(anywhere, (connection) =>
          Effect.gen(function* () {
            const count = Stream.runForEach(connection.messages, () => Effect.sync(() => heard++))
            yield* Deferred.succeed(ended, yield* Effect.exit(count))
          })
        )
        const client = yield* Node.make()
        const scope = yield* Scope.make()
        const connection = yield* Scope.provide(client.connect(address, lossy), scope)
        const sending = yield* Effect.forkScoped(Effect.forever(Effect.andThen(connection.send(message(1)), turn)))
        yield* until(
          () => `heard ${heard}`,
          () => heard >= 100
        )
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(Exit.isFailure(yield* Fiber.await(sending)))
        assert.isTrue(Exit.isFailure(yield* Deferred.await(ended)))
        assert.isAtLeast(heard, 100)
      }).pipe(Effect.provide(transport))
    )
  })
}

describe("Handlers", () => {
  it.effect("test_concurrent_dispatch: may be busy with one message while they hear the next", () =>
    Effect.gen(function* () {
      const server = yield* Node.make(stateless)
      const second = yield* Deferred.make<void>()
      const address = yield* server.serve(anywhere, ({ messages, send }) =>
        Stream.runForEach(
          Stream.mapEffect(
            messages,
            // The first waits for the second.
            (each) =>
              each.header.tid === 1n
                ? Effect.as(Deferred.await(second), each)
                : Effect.as(Deferred.succeed(second, undefined), each),
            { concurrency: 2 }
          ),
          send
        )
      )
      const client = yield* Node.make()
      const connection = yield* client.connect(address, lossy)
      yield* connection.sendAll([message(1), message(2)])
      assert.deepStrictEqual(yield* hear(connection, 2), [digest(message(1)), digest(message(2))])
    }).pipe(Effect.provide(memory))
  )

  const CLOSES = 1000
  it.effect(`M23 MarkdownTest: close each other's connections ${CLOSES} times under a lock, and no end is lost`, () =>
    Effect.gen(function* () {
      const lock = yield* Semaphore.make(1)
      const open = new Set<Connection.Connection>()
      const closed = new Set<Connection.Connection>()
      const enough = yield* Deferred.make<void>()
      let left = 0
      const closeOthers = (own: Connection.Connection) =>
        Effect.gen(function* () {
          if (!closed.has(own)) open.add(own)
          // The lock is held while others come and go.
          yield* turn
          for (const other of open) {
            if (other === own || closed.size === CLOSES) continue
            open.delete(other)
            closed.add(other)
            yield* other.close
          }
          if (closed.size === CLOSES) yield* Deferred.succeed(enough, undefined)
        })
      const leave = (own: Connection.Connection) =>
        Effect.sync(() => {
          open.delete(own)
          left++
        })
      const handler: Node.Handler = (connection) =>
        Stream.runForEach(connection.messages, () => lock.withPermits(1)(closeOthers(connection))).pipe(
          Effect.ensuring(lock.withPermits(1)(leave(connection)))
        )
      const addresses = yield* Effect.forEach([1, 2], () =>
        Effect.flatMap(Node.make(stateless), (node) => node.serve(anywhere, handler))
      )
      const client = yield* Node.make()
      let [made, lost] = [0, 0]
      const visit = (address: EntityAddr.EntityAddr) =>
        Effect.gen(function* () {
          const connection = yield* client.connect(address, lossy)
          made++
          const lose = Effect.map(Effect.exit(connection.closed), () => lost++)
          // Its handler closes the other connection, whose client comes back and has this one closed in turn.
          yield* connection.send(message(made))
          yield* Effect.raceFirst(Deferred.await(enough), lose)
        })
      const keepVisiting = (address: EntityAddr.EntityAddr) =>
        Effect.gen(function* () {
          while (closed.size < CLOSES) yield* Effect.scoped(visit(address))
        })
      yield* Effect.forEach(addresses, keepVisiting, { concurrency: 2, discard: true })
      yield* until(
        () => `${left} of ${made} have left`,
        () => left === made
      )
      assert.strictEqual(closed.size, CLOSES)
      // All but those that were open in the end.
      assert.isAtLeast(lost, CLOSES - 2)
    }).pipe(Effect.provide(memory))
  )
})
