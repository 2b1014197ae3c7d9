import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@msgr2/session"
import { EntityName } from "@msgr2/wire"
import { Deferred, Duration, Effect, Exit, Fiber, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Node from "./scenarios/support/node.ts"
import { moment, until } from "./scenarios/support/stage.ts"
import { Cutter } from "./support/cuts.ts"
import { message } from "./support/messages.ts"
import { addr, memory, sin } from "./support/world.ts"

const backoff = { initial: 50, max: 200 }
const stateful = { serverPolicies: { otherwise: Policy.statefulServer } }
const lasting = { clientPolicy: Policy.losslessClient, backoff }
const peer = {
  clientPolicy: Policy.losslessPeerReuse,
  serverPolicies: { otherwise: Policy.losslessPeerReuse },
  backoff
}
const [here, there] = [addr("127.0.0.1", 7000), addr("127.0.0.1", 7001)]

/** A process that serves, and may be stopped. */
const process = Effect.fnUntraced(function* (handler: Node.Handler) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  yield* Scope.provide(
    Effect.flatMap(Node.make(stateful), (node) => node.serve(here, handler)),
    scope
  )
  return Scope.close(scope, Exit.void)
})

const settled = <A, E>(what: string, fiber: Fiber.Fiber<A, E>) =>
  Effect.andThen(
    until(
      () => what,
      () => fiber.pollUnsafe() !== undefined
    ),
    Fiber.join(fiber)
  )

describe("Who is woken by a step of the session, and acts at once,", () => {
  it.effect("delivers again what a peer that restarts has lost, and the peer hears it once", () =>
    Effect.gen(function* () {
      const heard: Array<number> = []
      const hear: Node.Handler = ({ messages }) =>
        Stream.runForEach(messages, ({ header }) => Effect.sync(() => heard.push(Number(header.tid))))
      const stop = yield* process(hear)
      const connection = yield* (yield* Node.make(lasting)).connect(here)
      assert.strictEqual(yield* connection.deliver(message(1)), "Delivered")
      yield* stop
      let attempts = 0
      const surely: Effect.Effect<void, unknown> = Effect.suspend(() => {
        attempts++
        return Effect.flatMap(connection.deliver(message(2)), (outcome) =>
          outcome === "Delivered" || attempts > 10 ? Effect.void : surely
        )
      })
      const delivering = yield* Effect.forkScoped(surely)
      yield* moment
      yield* process(hear)
      yield* settled("the second message is delivered", delivering)
      assert.deepStrictEqual([heard, attempts], [[1, 2], 2])
    }).pipe(Effect.provide(memory))
  )

  it.effect("sends after SERVER_IDENT, to a client that has lost its session", () =>
    Effect.gen(function* () {
      const outcomes: Array<string> = []
      const left = yield* Deferred.make<void>()
      const server = yield* Node.make(stateful)
      yield* server.serve(here, (connection) =>
        Effect.gen(function* () {
          yield* Deferred.await(left)
          // Nobody is there to acknowledge it.
          outcomes.push(yield* connection.deliver(message(1)))
          yield* connection.send(message(2))
          yield* connection.closed
        })
      )
      const client = { ...lasting, nonce: 77 }
      const first = yield* Scope.fork(yield* Effect.scope)
      yield* Scope.provide(
        Effect.flatMap(Node.make(client), (node) => node.connect(here)),
        first
      )
      yield* Scope.close(first, Exit.void)
      yield* moment
      yield* Deferred.succeed(left, undefined)
      yield* moment
      const connection = yield* (yield* Node.make(client)).connect(here)
      const [heard] = yield* connection.messages.pipe(Stream.take(1), Stream.runCollect)
      assert.deepStrictEqual([heard?.header.tid, heard?.header.seq, outcomes], [2n, 1, ["NotSent"]])
    }).pipe(Effect.provide(memory))
  )

  it.effect("connects again when a session is over, and has another one", () =>
    Effect.gen(function* () {
      yield* process(({ closed }) => closed)
      const node = yield* Node.make(lasting)
      const first = yield* node.connect(here)
      const again = yield* Effect.forkScoped(
        Effect.andThen(
          Effect.exit(first.closed),
          Effect.flatMap(node.connect(here), ({ deliver }) => deliver(message(1)))
        )
      )
      yield* moment
      yield* first.close
      assert.strictEqual(yield* settled("the next session is there", again), "Delivered")
    }).pipe(Effect.provide(memory))
  )

  it.effect("connects back from a handler, and has the session of that handler", () =>
    Effect.gen(function* () {
      const ids: Array<number> = []
      const one = yield* Node.make(peer)
      const other = yield* Node.make(peer)
      yield* one.serve(here, (connection) =>
        Effect.gen(function* () {
          const back = yield* one.connect(there)
          ids.push(connection.id, back.id)
          yield* connection.closed
        })
      )
      yield* other.serve(there)
      const connection = yield* other.connect(here)
      yield* until(
        () => "the handler has connected",
        () => ids.length === 2
      )
      yield* moment
      assert.strictEqual(ids[0], ids[1])
      assert.strictEqual((yield* connection.stats).resets, 0)
    }).pipe(Effect.provide(memory))
  )

  it.effect("closes on an answer, and what that acknowledges counts as delivered", () =>
    Effect.gen(function* () {
      yield* process(Node.echo)
      const connection = yield* (yield* Node.make(lasting)).connect(here)
      const delivery = yield* Effect.forkScoped(connection.deliver(message(1)))
      yield* Stream.runForEach(Stream.take(connection.messages, 1), () => connection.close)
      assert.strictEqual(yield* Fiber.join(delivery), "Delivered")
    }).pipe(Effect.provide(memory))
  )
})

describe("A session that is shared", () => {
  /** Connected, and then without its peer. */
  const alone = Effect.gen(function* () {
    const stop = yield* process(({ closed }) => closed)
    const node = yield* Node.make(lasting)
    const first = yield* node.connect(here, { retries: 3 })
    return { node, first, stop }
  })

  it.effect("does not count as connected for one who came when its connection was gone, and it ended so", () =>
    Effect.gen(function* () {
      const { node, stop } = yield* alone
      yield* stop
      const second = yield* Effect.forkScoped(Effect.exit(node.connect(here)))
      const exit = yield* settled("the second has its answer", second)
      assert.isTrue(Exit.isFailure(exit))
    }).pipe(Effect.provide(memory))
  )

  it.effect("is not given to one who wants a peer of another type", () =>
    Effect.gen(function* () {
      const { first, node } = yield* alone
      const error = yield* Effect.flip(node.connect(here, { peerType: EntityName.EntityType.Mds }))
      assert.strictEqual(sin(error), "ProtocolError WrongPeerType in Ready")
      assert.strictEqual(yield* first.deliver(message(1)), "Delivered")
    }).pipe(Effect.provide(memory))
  )
})

describe("When a connection is lost whose peer does not read", () => {
  const crowd = (cutter: Cutter) =>
    Effect.gen(function* () {
      const server = yield* Node.make({ ...stateful, receiveBuffer: 1000 })
      yield* server.serve(here, ({ closed }) => closed)
      const connection = yield* (yield* Node.make({ ...lasting, sendBuffer: 10_000 })).connect(here)
      const taken = { count: 0 }
      const send = Effect.suspend(() => connection.send(message(taken.count, 0, 0, 100_000)))
      const sender = yield* Effect.forkScoped(Effect.forever(Effect.tap(send, () => Effect.sync(() => taken.count++))))
      yield* moment
      cutter.down = true
      return { connection, taken, sender }
    })

  it.effect("a sender that was suspended goes on at once", () => {
    const cutter = new Cutter()
    return Effect.gen(function* () {
      const { taken } = yield* crowd(cutter)
      const before = taken.count
      yield* cutter.cut
      yield* moment
      assert.isAbove(taken.count, before)
    }).pipe(Effect.provide(cutter.layer(memory)))
  })

  it.effect("who waits until all is written goes on waiting", () => {
    const cutter = new Cutter()
    return Effect.gen(function* () {
      const { connection, sender } = yield* crowd(cutter)
      yield* Fiber.interrupt(sender)
      const drained = yield* Effect.forkScoped(connection.drained)
      yield* moment
      yield* cutter.cut
      yield* TestClock.adjust(Duration.seconds(1))
      yield* moment
      assert.isUndefined(drained.pollUnsafe())
    }).pipe(Effect.provide(cutter.layer(memory)))
  })
})
