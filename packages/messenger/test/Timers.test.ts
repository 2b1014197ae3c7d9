import { assert, describe, it } from "@effect/vitest"
import { Ids } from "@msgr2/wire"
import { Clock, Duration, Effect, Fiber, Queue, Ref } from "effect"
import { TestClock } from "effect/testing"
import { message, receive } from "./support/messages.ts"
import { bringClient, Listener } from "./support/raw.ts"
import { meet, memory, sin, turn } from "./support/world.ts"

const handshakeTimeout = Duration.seconds(10)
const idleTimeout = Duration.seconds(60)
const patience = { handshakeTimeout, idleTimeout }

describe("An idle connection", () => {
  it.effect("ends with IdleTimeout, and its peer with EndOfStream", () =>
    Effect.gen(function* () {
      const { client, world } = yield* meet({ client: patience })
      const ended = yield* Effect.forkScoped(Effect.flip(client.closed))
      // From READY on, however long the handshake might have taken.
      yield* TestClock.adjust("59999 millis")
      assert.isUndefined(ended.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(sin(yield* Fiber.join(ended)), "ProtocolError IdleTimeout in Ready")
      assert.strictEqual(sin(yield* Queue.take(world.ended)), "TransportError EndOfStream in Ready")
    }).pipe(Effect.provide(memory))
  )

  for (const speaker of ["client", "server"] as const) {
    it.effect(`is kept open by a message of the ${speaker} now and then`, () =>
      Effect.gen(function* () {
        const { client, server } = yield* meet({ client: patience, server: patience })
        const met = { client, server }
        for (let i = 0; i < 20; i++) {
          yield* TestClock.adjust("59 seconds")
          yield* met[speaker].send(message(i))
          yield* receive(met[speaker === "client" ? "server" : "client"], 1)
        }
        yield* client.keepalive
      }).pipe(Effect.provide(memory))
    )
  }

  it.effect("is kept open by frames that the peer aborts, and none of them counts as a message", () =>
    Effect.gen(function* () {
      const { pipe, ready, speaker } = yield* bringClient("Ready", { client: patience })
      const client = yield* ready
      const header = new Uint8Array(41)
      for (let i = 0; i < 20; i++) {
        yield* TestClock.adjust("59 seconds")
        pipe.write([speaker.frame(17, [header, Uint8Array.of(i)], { late: 0x01 })])
        yield* turn
      }
      pipe.write([speaker.say(message(1))])
      const [first] = yield* receive(client, 1)
      assert.strictEqual(first?.header.seq, 1)
    }).pipe(Effect.provide(memory))
  )

  it.effect("fails a sender that waits for a peer which does not read", () =>
    Effect.gen(function* () {
      const { ready } = yield* bringClient("Ready", { client: { ...patience, sendBuffer: 1000 } })
      const client = yield* ready
      const sender = yield* Effect.forkScoped(Effect.flip(Effect.forever(client.send(message(1, 100_000)))))
      yield* turn
      assert.isUndefined(sender.pollUnsafe())
      // Something of it may still leave in the first minute.
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual(sin(yield* Fiber.join(sender)), "ProtocolError IdleTimeout in Ready")
    }).pipe(Effect.provide(memory))
  )
})

describe("A keepalive", () => {
  it.effect("takes as long as its answer", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_123)
      const { pipe, ready, speaker } = yield* bringClient("Ready")
      const asked = yield* Effect.forkScoped((yield* ready).keepalive)
      const listener = new Listener(pipe)
      yield* listener.banner
      const question = yield* listener.until("Keepalive2")
      assert.deepInclude(question, { sec: 1_700_000_000, nsec: 123_000_000 })
      yield* TestClock.adjust("250 millis")
      assert.isUndefined(asked.pollUnsafe())
      pipe.write([speaker.say({ _tag: "Keepalive2Ack", sec: 1_700_000_000, nsec: 123_000_000 })])
      assert.strictEqual(Duration.toMillis(yield* Fiber.join(asked)), 250)
    }).pipe(Effect.provide(memory))
  )

  it.effect("is not answered by the answer to another", () =>
    Effect.gen(function* () {
      const { pipe, ready, speaker } = yield* bringClient("Ready")
      const client = yield* ready
      const first = yield* Effect.forkScoped(client.keepalive)
      yield* TestClock.adjust("1 seconds")
      const second = yield* Effect.forkScoped(client.keepalive)
      yield* TestClock.adjust("1 seconds")
      pipe.write([speaker.say({ _tag: "Keepalive2Ack", sec: 0, nsec: 0 })])
      assert.strictEqual(Duration.toMillis(yield* Fiber.join(first)), 2000)
      yield* turn
      assert.isUndefined(second.pollUnsafe())
      pipe.write([speaker.say({ _tag: "Keepalive2Ack", sec: 1, nsec: 0 })])
      assert.strictEqual(Duration.toMillis(yield* Fiber.join(second)), 1000)
    }).pipe(Effect.provide(memory))
  )

  it.effect("is answered at once by an end of ours, many at a time", () =>
    Effect.gen(function* () {
      const { client, server } = yield* meet({ auth: "cephx", mode: 2 })
      const trips = yield* Effect.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? client : server).keepalive),
        { concurrency: "unbounded" }
      )
      assert.isTrue(trips.every((trip) => Duration.toMillis(trip) === 0))
    }).pipe(Effect.provide(memory))
  )

  it.effect("fails when the connection ends before it is answered", () =>
    Effect.gen(function* () {
      const { pipe, ready } = yield* bringClient("Ready")
      const client = yield* ready
      const asked = yield* Effect.forkScoped(Effect.flip(client.keepalive))
      yield* turn
      pipe.end()
      assert.strictEqual(sin(yield* Fiber.join(asked)), "TransportError EndOfStream in Ready")
      assert.strictEqual(sin(yield* Effect.flip(client.keepalive)), "TransportError EndOfStream in Ready")
    }).pipe(Effect.provide(memory))
  )

  it.effect("that nobody waits for any more may still be answered", () =>
    Effect.gen(function* () {
      const { pipe, ready, speaker } = yield* bringClient("Ready")
      const client = yield* ready
      const asked = yield* Effect.forkScoped(client.keepalive)
      yield* turn
      yield* Fiber.interrupt(asked)
      pipe.write([speaker.say({ _tag: "Keepalive2Ack", sec: 0, nsec: 0 }, message(5))])
      assert.strictEqual((yield* receive(client, 1))[0]?.header.tid, 5n)
    }).pipe(Effect.provide(memory))
  )

  it.effect("is sent at every interval from READY on, when that is configured", () =>
    Effect.gen(function* () {
      const { pipe, ready } = yield* bringClient("Ready", { client: { keepaliveInterval: Duration.seconds(5) } })
      yield* ready
      const listener = new Listener(pipe)
      yield* listener.banner
      const sent = yield* Ref.make(0)
      yield* listener
        .until("Keepalive2")
        .pipe(Effect.andThen(Ref.update(sent, (n) => n + 1)), Effect.forever, Effect.forkScoped)
      yield* turn
      assert.strictEqual(yield* Ref.get(sent), 1)
      yield* TestClock.adjust("4999 millis")
      yield* turn
      assert.strictEqual(yield* Ref.get(sent), 1)
      yield* TestClock.adjust("1 millis")
      yield* turn
      assert.strictEqual(yield* Ref.get(sent), 2)
      for (let i = 0; i < 10; i++) {
        yield* TestClock.adjust("5 seconds")
        yield* turn
      }
      assert.strictEqual(yield* Ref.get(sent), 12)
    }).pipe(Effect.provide(memory))
  )
})

describe("A peer that is sent keepalives and says nothing", () => {
  const keepalives = { keepaliveInterval: Duration.seconds(5), keepaliveTimeout: Duration.seconds(12) }

  it.effect("is given up after the time that is configured", () =>
    Effect.gen(function* () {
      const { ready } = yield* bringClient("Ready", { client: keepalives })
      const client = yield* ready
      yield* turn
      const end = yield* Effect.forkScoped(Effect.flip(client.closed))
      yield* TestClock.adjust("14999 millis")
      yield* turn
      assert.strictEqual((yield* client.stats).framesOut > 0, true)
      assert.isUndefined(end.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(sin(yield* Fiber.join(end)), "ProtocolError IdleTimeout in Ready")
    }).pipe(Effect.provide(memory))
  )

  it.effect("is not given up while this end has no room to listen, and is afterwards", () =>
    Effect.gen(function* () {
      const { pipe, ready, speaker } = yield* bringClient("Ready", { client: { ...keepalives, receiveBuffer: 1000 } })
      const client = yield* ready
      const end = yield* Effect.forkScoped(Effect.flip(client.closed))
      pipe.write([speaker.say(...Array.from({ length: 5 }, (_, i) => message(i, 1000)))])
      yield* turn
      yield* TestClock.adjust("1 minute")
      yield* turn
      assert.isUndefined(end.pollUnsafe())
      assert.lengthOf(yield* receive(client, 5), 5)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(sin(yield* Fiber.join(end)), "ProtocolError IdleTimeout in Ready")
    }).pipe(Effect.provide(memory))
  )

  it.effect("is kept as long as it says anything", () =>
    Effect.gen(function* () {
      const { pipe, ready, speaker } = yield* bringClient("Ready", { client: keepalives })
      const client = yield* ready
      yield* turn
      const end = yield* Effect.forkScoped(client.closed)
      for (let i = 0; i < 10; i++) {
        pipe.write([speaker.say({ _tag: "Ack", msgSeq: Ids.msgSeq(1) })])
        yield* turn
        yield* TestClock.adjust("10 seconds")
        yield* turn
      }
      assert.isUndefined(end.pollUnsafe())
    }).pipe(Effect.provide(memory))
  )
})

describe("A connection that is over", () => {
  /** A clock that knows how many wait for it. */
  const counting = Effect.map(Clock.Clock, (clock) => {
    const count = { asleep: 0 }
    const sleep: Clock.Clock["sleep"] = (duration) =>
      Effect.acquireUseRelease(
        Effect.sync(() => count.asleep++),
        () => clock.sleep(duration),
        () => Effect.sync(() => count.asleep--)
      )
    return { count, clock: Object.assign(Object.create(clock), { sleep }) as Clock.Clock }
  })

  for (const way of ["is closed", "is left by its peer", "breaks a rule"] as const) {
    it.effect(`because it ${way} waits for no clock any more, while its scope is still open`, () =>
      Effect.gen(function* () {
        const { clock, count } = yield* counting
        yield* Effect.gen(function* () {
          const { pipe, ready, speaker } = yield* bringClient("Ready", {
            client: { keepaliveInterval: Duration.seconds(1000) }
          })
          const client = yield* ready
          yield* turn
          assert.strictEqual(count.asleep, 2)
          if (way === "is closed") yield* client.close
          else if (way === "is left by its peer") pipe.end()
          else pipe.write([speaker.frame(99, [new Uint8Array(1)])])
          yield* Effect.exit(client.closed)
          yield* turn
          assert.strictEqual(count.asleep, 0)
        }).pipe(Effect.provideService(Clock.Clock, clock))
      }).pipe(Effect.provide(memory))
    )
  }
})
