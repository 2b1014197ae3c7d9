/**
 * Sessions that one end has lost: what the other hears of it, and what becomes of messages.
 */
import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@msgr2/session"
import { Effect, Exit, Fiber, Queue, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Cutter } from "../support/cuts.ts"
import { digests, hear, message, receive } from "../support/messages.ts"
import { memory, turn } from "../support/world.ts"
import { block, Breakpoints, fault } from "./support/breakpoints.ts"
import * as Node from "./support/node.ts"
import { calm, moment } from "./support/stage.ts"
import { chronicle, exposed, here, listen, phoenix, reach, there } from "./support/talk.ts"

const lossless = { policy: Policy.losslessClient }
const stateful = { serverPolicies: { otherwise: Policy.statefulServer } }

describe("A server that starts again at its address", () => {
  it.effect("has lost the session: the client hears Reset, and what has become of its messages", () => {
    // The second message arrives, its ack does not, and nobody is dialled until the server has died.
    const breakpoints = new Breakpoints([fault("Ack R", 2), block("Connecting W", 2)])
    return Effect.gen(function* () {
      const server = yield* phoenix(Policy.statefulServer)
      const client = yield* exposed(breakpoints)
      const connection = yield* client.connect(here, lossless)
      const events = yield* chronicle(connection)
      const first = yield* Queue.take(server.accepted)
      assert.strictEqual(yield* connection.deliver(message(1)), "Delivered")
      const unknown = yield* Effect.forkScoped(connection.deliver(message(2)))
      assert.deepStrictEqual(yield* hear(first, 2), digests([message(1), message(2)]))
      yield* reach(events, 1)
      const notSent = yield* Effect.forkScoped(connection.deliver(message(3)))
      yield* server.fall
      const again = yield* server.rise
      yield* breakpoints.release
      yield* reach(events, 3)
      assert.deepStrictEqual(events, ["Disconnected", "Reset", "Connected"])
      assert.strictEqual(yield* Fiber.join(unknown), "Unknown")
      assert.strictEqual(yield* Fiber.join(notSent), "NotSent")
      // The connection goes on as a new session, numbered from 1.
      yield* connection.send(message(4))
      const [heard] = yield* receive(yield* Queue.take(again), 1)
      assert.deepStrictEqual([heard?.header.tid, heard?.header.seq], [4n, 1])
      assert.deepStrictEqual(breakpoints.missed, [])
    }).pipe(Effect.provide(memory))
  })
  it.effect("eight times is found again eight times", () =>
    Effect.gen(function* () {
      const server = yield* phoenix(Policy.statefulServer)
      const client = yield* Node.make()
      const connection = yield* client.connect(here, lossless)
      const events = yield* chronicle(connection)
      for (let life = 1; life <= 8; life++) {
        yield* server.fall
        const accepted = yield* server.rise
        yield* reach(events, 3 * life)
        assert.strictEqual(yield* connection.deliver(message(life)), "Delivered")
        assert.deepStrictEqual(yield* hear(yield* Queue.take(accepted), 1), digests([message(life)]))
      }
      const { opened, resets, resumed } = yield* connection.stats
      assert.deepStrictEqual({ opened, resets, resumed }, { opened: 9, resets: 8, resumed: 0 })
    }).pipe(Effect.provide(memory))
  )
})

describe("A peer that comes back as a new one", () => {
  const kinds = { "with resetCheck": Policy.losslessPeerReuse, "without resetCheck": Policy.losslessPeer }
  for (const [kind, policy] of Object.entries(kinds)) {
    it.effect(`finds ${policy.resetCheck ? "nothing of" : "everything of"} what waited for it, ${kind}`, () =>
      Effect.gen(function* () {
        const me = yield* Node.make({ serverPolicies: { otherwise: policy } })
        yield* me.serve(here)
        const life = yield* Scope.fork(yield* Effect.scope)
        const peer = Effect.gen(function* () {
          const node = yield* Node.make({ serverPolicies: { otherwise: policy } })
          yield* node.serve(there)
          return yield* node.connect(here, { policy })
        })
        const old = yield* Scope.provide(peer, life)
        const connection = yield* Queue.take(me.accepted)
        const events = yield* chronicle(connection)
        yield* connection.send(message(1))
        assert.deepStrictEqual(yield* hear(old, 1), digests([message(1)]))
        yield* moment
        yield* Scope.close(life, Exit.void)
        yield* reach(events, 1)
        const outcomes = yield* Effect.forEach([2, 3], (tid) => Effect.forkScoped(connection.deliver(message(tid))))
        yield* turn
        const renewed = yield* peer
        const heard = yield* listen(renewed)
        yield* calm
        const { resetCheck } = policy
        assert.deepStrictEqual(
          events,
          resetCheck ? ["Disconnected", "Reset", "Connected"] : ["Disconnected", "Connected"]
        )
        assert.deepStrictEqual(heard, resetCheck ? [] : digests([message(2), message(3)]))
        const expected = resetCheck ? "NotSent" : "Delivered"
        assert.deepStrictEqual(yield* Fiber.joinAll(outcomes), [expected, expected])
        assert.strictEqual(yield* connection.deliver(message(4)), "Delivered")
      }).pipe(Effect.provide(memory))
    )
  }
  it.effect("is the one that is found when it dials while this end still tries to reach its old self", () =>
    Effect.gen(function* () {
      const me = yield* Node.make({ serverPolicies: { otherwise: Policy.losslessPeer } })
      yield* me.serve(here)
      const life = yield* Scope.fork(yield* Effect.scope)
      const peer = Effect.gen(function* () {
        const node = yield* Node.make({ serverPolicies: { otherwise: Policy.losslessPeer } })
        yield* node.serve(there)
        return node
      })
      yield* Scope.provide(peer, life)
      const connection = yield* me.connect(there, { policy: Policy.losslessPeer })
      const events = yield* chronicle(connection)
      yield* Scope.close(life, Exit.void)
      // Nobody listens there: it is refused at once, again and again.
      yield* connection.send(message(1))
      yield* TestClock.adjust("1 second")
      const renewed = yield* (yield* peer).connect(here, { policy: Policy.losslessPeer })
      assert.deepStrictEqual(yield* hear(renewed, 1), digests([message(1)]))
      // No pause of before the new connection disturbs it.
      yield* TestClock.adjust("1 minute")
      yield* calm
      assert.deepStrictEqual(events, ["Disconnected", "Connected"])
    }).pipe(Effect.provide(memory))
  )
})

describe("The outcome of a message", () => {
  it.effect("is Delivered although its ack was lost, once the peer has said so at its return", () => {
    const breakpoints = new Breakpoints([fault("Ack R")])
    return Effect.gen(function* () {
      const server = yield* Node.make(stateful)
      yield* server.serve(here)
      const connection = yield* (yield* exposed(breakpoints)).connect(here, lossless)
      const heard = yield* listen(yield* Queue.take(server.accepted))
      assert.strictEqual(yield* connection.deliver(message(1)), "Delivered")
      yield* calm
      assert.deepStrictEqual(heard, digests([message(1)]))
      assert.deepStrictEqual(breakpoints.missed, [])
      assert.strictEqual((yield* connection.stats).resumed, 1)
    }).pipe(Effect.provide(memory))
  })
  it.effect("is NotSent, or Unknown if it was ever written, when the session ends without a connection", () => {
    const cutter = new Cutter()
    return Effect.gen(function* () {
      const server = yield* Node.make(stateful)
      yield* server.serve(here)
      const connection = yield* (yield* Node.make()).connect(here, lossless)
      const written = yield* Effect.forkScoped(connection.deliver(message(1)), { startImmediately: true })
      cutter.down = true
      yield* cutter.cut
      yield* moment
      const waiting = yield* Effect.forkScoped(connection.deliver(message(2)), { startImmediately: true })
      yield* connection.close
      assert.strictEqual(yield* Fiber.join(written), "Unknown")
      assert.strictEqual(yield* Fiber.join(waiting), "NotSent")
      yield* Effect.flip(connection.deliver(message(3)))
    }).pipe(Effect.provide(cutter.layer(memory)))
  })
  it.effect("is Unknown for whatever has left in a lossy session, even when it was heard", () =>
    Effect.gen(function* () {
      const server = yield* Node.make({ serverPolicies: { otherwise: Policy.statelessServer } })
      yield* server.serve(here)
      const connection = yield* (yield* Node.make()).connect(here, { policy: Policy.lossyClient })
      const outcome = yield* Effect.forkScoped(connection.deliver(message(1)))
      const accepted = yield* Queue.take(server.accepted)
      assert.deepStrictEqual(yield* hear(accepted, 1), digests([message(1)]))
      yield* accepted.close
      assert.strictEqual(yield* Fiber.join(outcome), "Unknown")
    }).pipe(Effect.provide(memory))
  )
})
describe("What has been received and not taken", () => {
  it.effect("is gone when the peer has lost the session, and what comes then is not", () =>
    Effect.gen(function* () {
      const server = yield* phoenix(Policy.statefulServer)
      const connection = yield* (yield* Node.make()).connect(here, lossless)
      const events = yield* chronicle(connection)
      yield* (yield* Queue.take(server.accepted)).send(message(1))
      yield* calm
      assert.strictEqual((yield* connection.stats).messagesIn, 1)
      yield* server.fall
      const again = yield* server.rise
      yield* reach(events, 3)
      yield* (yield* Queue.take(again)).send(message(2))
      assert.deepStrictEqual(yield* hear(connection, 1), digests([message(2)]))
    }).pipe(Effect.provide(memory))
  )
})
