import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Stream } from "effect"
import { type Connection, MemoryTransport } from "../src/index.ts"
import { digest, digests, ear, message } from "./support/messages.ts"
import { bringClient } from "./support/raw.ts"
import { meet, protections, still, tcp, transports, turn } from "./support/world.ts"

const KiB = 1024

/** Small buffers, so that little is enough to fill them. */
const sendBuffer = 64 * KiB
const receiveBuffer = 128 * KiB
const small = { client: { sendBuffer }, server: { receiveBuffer } }

const SIZE = 8 * KiB

/** Sends messages until it is interrupted; `taken` counts those that `send` has taken. */
const flood = (connection: Connection.Connection, size = SIZE) => {
  const said: Array<string> = []
  const run = Effect.forever(
    Effect.suspend(() => {
      const each = message(said.length, 0, 0, size)
      return Effect.map(connection.send(each), () => said.push(digest(each)))
    })
  )
  return { said, run, taken: () => said.length }
}

describe("A sender", () => {
  for (const [protection, options] of Object.entries(protections)) {
    it.effect(
      `waits while its peer's application does not read, and loses nothing when it does, with ${protection}`,
      () =>
        Effect.gen(function* () {
          const window = 32 * KiB
          const { client, server } = yield* Effect.provide(
            meet({ ...options, ...small }),
            MemoryTransport.layerWith({ window })
          )
          const { said, run, taken } = flood(client)
          const sender = yield* Effect.forkScoped(run)
          const stuck = yield* still(taken)
          // What fits: the two buffers and the window, with a message and a frame's overhead to spare for each.
          const most = sendBuffer + receiveBuffer + 2 * window + 4 * (SIZE + 256)
          assert.isAbove(stuck * SIZE, sendBuffer)
          assert.isBelow(stuck * SIZE, most)
          assert.strictEqual(yield* still(taken), stuck)

          const listener = yield* ear(server)
          const first = yield* listener.hear(stuck)
          assert.deepStrictEqual(first, said.slice(0, stuck))
          assert.isAbove(yield* still(taken), stuck)
          yield* Fiber.interrupt(sender)
          assert.deepStrictEqual(yield* listener.hear(taken() - stuck), said.slice(stuck))
        })
    )
  }

  it.effect("waits for a peer over TCP whose application does not read, and goes on when it does", () =>
    Effect.gen(function* () {
      const { client, server } = yield* meet(small)
      const { said, run, taken } = flood(client, 64 * KiB)
      const sender = yield* Effect.forkScoped(run)
      const stuck = yield* still(taken)
      // The kernel's own buffers are beyond our control, but not endless.
      assert.isBelow(stuck * 64 * KiB, 64 * KiB * KiB)
      const listener = yield* ear(server)
      assert.deepStrictEqual(
        yield* listener.hear(stuck + 1),
        said.slice(0, stuck).concat(digest(message(stuck, 0, 0, 64 * KiB)))
      )
      yield* Fiber.interrupt(sender)
      assert.deepStrictEqual(yield* listener.hear(taken() - stuck - 1), said.slice(stuck + 1))
    }).pipe(Effect.provide(tcp))
  )

  it.effect("goes on over TCP however small its buffer is", () =>
    Effect.gen(function* () {
      const { client, server } = yield* meet({ client: { sendBuffer: 1 }, server: { receiveBuffer: 1 } })
      const { run, said, taken } = flood(client, 10 * KiB)
      const sender = yield* Effect.forkScoped(run)
      // What waits now is less than Node calls much, so it does not say when it has gone.
      const stuck = yield* still(taken)
      const listener = yield* ear(server)
      assert.deepStrictEqual(yield* listener.hear(stuck), said.slice(0, stuck))
      yield* listener.hear(100)
      yield* Fiber.interrupt(sender)
      yield* client.drained
    }).pipe(Effect.provide(tcp))
  )

  it.effect("that waits is told when its connection ends", () =>
    Effect.gen(function* () {
      const { client, server } = yield* Effect.provide(meet(small), MemoryTransport.layer)
      const { run, taken } = flood(client)
      const sender = yield* Effect.forkScoped(Effect.flip(run))
      yield* still(taken)
      yield* server.close
      const error = yield* Fiber.join(sender)
      assert.strictEqual(error.reason.reason, "EndOfStream")
    })
  )

  it.effect("that waits is told when its own side closes the connection", () =>
    Effect.gen(function* () {
      const { client } = yield* Effect.provide(meet(small), MemoryTransport.layer)
      const { run, taken } = flood(client)
      const sender = yield* Effect.forkScoped(Effect.flip(run))
      yield* still(taken)
      yield* client.close
      assert.strictEqual((yield* Fiber.join(sender)).reason.reason, "Closed")
    })
  )

  it.effect("can be interrupted while it waits, and others go on", () =>
    Effect.gen(function* () {
      const { client, server } = yield* Effect.provide(meet(small), MemoryTransport.layer)
      const { run, said, taken } = flood(client)
      const sender = yield* Effect.forkScoped(run)
      yield* still(taken)
      const other = yield* Effect.forkScoped(client.send(message(999_999)))
      yield* Fiber.interrupt(sender)
      const listener = yield* ear(server)
      assert.deepStrictEqual(yield* listener.hear(taken() + 1), [...said, digest(message(999_999))])
      yield* Fiber.join(other)
    })
  )
})

describe("Two ends that flood each other", () => {
  for (const [name, transport] of Object.entries(transports)) {
    it.effect(`wait while nobody reads, and go on when both do, over ${name}`, () =>
      Effect.gen(function* () {
        const buffers = { sendBuffer, receiveBuffer }
        const { client, server } = yield* meet({ client: buffers, server: buffers })
        const floods = [flood(client, 64 * KiB), flood(server, 64 * KiB)] as const
        const senders = yield* Effect.forEach(floods, ({ run }) => Effect.forkScoped(run))
        const taken = () => floods[0].taken() + floods[1].taken()
        yield* still(taken)
        const ears = [yield* ear(server), yield* ear(client)] as const
        const counts = floods.map((each) => each.taken() + 50)
        const heard = yield* Effect.all(
          ears.map((each, i) => each.hear(counts[i] ?? 0)),
          { concurrency: 2 }
        )
        for (const sender of senders) yield* Fiber.interrupt(sender)
        heard.forEach((list, i) =>
          assert.deepStrictEqual(list, digests(Array.from(list, (_, tid) => message(tid, 0, 0, 64 * KiB))), `${i}`)
        )
      }).pipe(Effect.provide(transport))
    )
  }

  it.effect("with keepalives in between do not stand still for the answers' sake", () =>
    Effect.gen(function* () {
      const buffers = { sendBuffer, receiveBuffer }
      const { client, server } = yield* meet({ client: buffers, server: buffers })
      const begin = yield* Latch.make()
      const converse = (from: Connection.Connection) =>
        Effect.all(
          [
            Effect.andThen(
              begin.await,
              Effect.forEach(
                Array.from({ length: 400 }, (_, i) => i),
                (i) => Effect.zip(from.send(message(i, 0, 0, SIZE)), i % 4 === 0 ? from.keepalive : Effect.void),
                { concurrency: 20, discard: true }
              )
            ),
            Stream.runDrain(Stream.take(from.messages, 400))
          ],
          { concurrency: 2, discard: true }
        )
      const both = yield* Effect.forkScoped(Effect.all([converse(client), converse(server)], { concurrency: 2 }))
      yield* begin.open
      yield* Fiber.join(both)
    }).pipe(Effect.provide(MemoryTransport.layerWith({ window: 16 * KiB })))
  )
})

describe("A peer that asks for answers and does not read them", () => {
  it.effect("is not read any more once they pile up", () =>
    Effect.gen(function* () {
      const window = 32 * KiB
      const transport = MemoryTransport.layerWith({ window })
      yield* Effect.gen(function* () {
        const { pipe, ready, speaker } = yield* bringClient("Ready")
        const client = yield* ready
        // Keepalives, as many as are taken: each is to be answered, and nobody reads the answers.
        const batch = speaker.say(
          ...Array.from({ length: 200 }, (_, i) => ({ _tag: "Keepalive2", sec: i, nsec: 0 }) as const)
        )
        let written = 0
        const sender = yield* Effect.forkScoped(
          Effect.forever(
            Effect.andThen(
              Effect.sync(() => {
                pipe.write([batch])
                written += batch.length
              }),
              pipe.drained
            )
          )
        )
        yield* still(() => written)
        const { bytesIn, bytesOut } = yield* client.stats
        assert.isAbove(written, 64 * KiB)
        assert.isBelow(bytesIn, 1024 * KiB)
        assert.isBelow(bytesOut, 1024 * KiB)
        yield* Fiber.interrupt(sender)
      }).pipe(Effect.provide(transport))
    })
  )

  it.effect("may go on sending messages, whose acks wait together", () =>
    Effect.gen(function* () {
      const { pipe, ready, speaker } = yield* bringClient("Ready", { client: { sendBuffer } })
      const client = yield* ready
      const count = 4000
      const listening = yield* Effect.forkScoped((yield* ear(client)).hear(count))
      for (let i = 0; i < count; i++) {
        pipe.write([speaker.say(message(i))])
        // One at a time, so that each could be acknowledged by itself.
        yield* turn
      }
      assert.strictEqual((yield* Fiber.join(listening)).length, count)
      assert.isBelow((yield* client.stats).bytesOut, 2 * sendBuffer)
    }).pipe(Effect.provide(MemoryTransport.layerWith({ window: 8 * KiB })))
  )
})
