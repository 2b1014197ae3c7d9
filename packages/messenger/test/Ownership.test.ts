import { assert, describe, it } from "@effect/vitest"
import type { Message } from "@msgr2/wire"
import { Policy } from "@msgr2/session"
import { Effect, Fiber, Stream } from "effect"
import { MemoryTransport } from "../src/index.ts"
import { digest, digests, hear, message, pattern } from "./support/messages.ts"
import { meet, protections, tcp, transports } from "./support/world.ts"

const KiB = 1024

/** Sizes whose parts lie in one chunk, over several, and beyond those that are copied into a slab. */
const sizes = [0, 1, 100, 5000, 20 * KiB, 70 * KiB, 3, 300]

describe("A received message", () => {
  const cuts = {
    ...transports,
    "memory, cut small": MemoryTransport.layerWith({
      rechunk: (bytes) => [bytes.subarray(0, 1000), bytes.subarray(1000)]
    })
  }
  for (const [name, transport] of Object.entries(cuts)) {
    for (const [protection, options] of Object.entries(protections)) {
      it.effect(`never changes, whatever comes after it, with ${protection} over ${name}`, () =>
        Effect.gen(function* () {
          const { client, server } = yield* meet(options)
          const count = 400
          const said = (i: number) => message(i, 41, 0, sizes[i % sizes.length])
          const sender = yield* Effect.forkScoped(
            Effect.forEach(
              Array.from({ length: count }, (_, i) => i),
              (i) => client.send(said(i)),
              { discard: true }
            )
          )
          const kept: Array<Message.Message> = []
          const digestsThen: Array<string> = []
          yield* server.messages.pipe(
            Stream.take(count),
            Stream.runForEach((each) =>
              Effect.sync(() => {
                kept.push(each)
                digestsThen.push(digest(each))
              })
            )
          )
          yield* Fiber.join(sender)
          assert.deepStrictEqual(digestsThen, digests(Array.from({ length: count }, (_, i) => said(i))))
          assert.deepStrictEqual(digests(kept), digestsThen)
        }).pipe(Effect.provide(transport))
      )
    }
  }
})

describe("A sent message", () => {
  for (const [name, transport] of Object.entries(transports)) {
    for (const [protection, options] of Object.entries(protections)) {
      it.effect(`may change once a lossy connection is drained, with ${protection} over ${name}`, () =>
        Effect.gen(function* () {
          const { client, server } = yield* meet({
            ...options,
            connecting: { policy: Policy.lossyClient },
            server: { serverPolicies: { otherwise: Policy.statelessServer } }
          })
          const data = new Uint8Array(100 * KiB)
          const said: Array<string> = []
          const speak = Effect.forEach(
            Array.from({ length: 40 }, (_, i) => i),
            (i) => {
              data.set(pattern(data.length, i))
              const each = { ...message(i), data }
              said.push(digest(each))
              return Effect.andThen(client.send(each), client.drained)
            },
            { discard: true }
          )
          const [heard] = yield* Effect.all([hear(server, 40), speak], { concurrency: 2 })
          assert.deepStrictEqual(heard, said)
        }).pipe(Effect.provide(transport))
      )
    }
  }

  it.effect("is one of many that different fibers send, and keeps its place among those of its own", () =>
    Effect.gen(function* () {
      const { client, server } = yield* meet({ auth: "cephx", client: { sendBuffer: 16 * KiB } })
      const senders = 50
      const each = 40
      const speak = Effect.forEach(
        Array.from({ length: senders }, (_, sender) => sender),
        (sender) =>
          Effect.forEach(
            Array.from({ length: each }, (_, i) => message(sender * 1000 + i, 0, 0, (sender * 37 + i * 501) % 6000)),
            (said, i) => (i % 3 === 0 ? Effect.andThen(Effect.yieldNow, client.send(said)) : client.send(said)),
            { discard: true }
          ),
        { concurrency: "unbounded", discard: true }
      )
      const listen = server.messages.pipe(Stream.take(senders * each), Stream.runCollect)
      const [heard] = yield* Effect.all([listen, speak], { concurrency: 2 })
      const bySender = Map.groupBy(heard, ({ header }) => Math.floor(Number(header.tid) / 1000))
      assert.strictEqual(bySender.size, senders)
      for (const [sender, list] of bySender) {
        assert.deepStrictEqual(
          list.map(({ header }) => Number(header.tid)),
          Array.from({ length: each }, (_, i) => sender * 1000 + i)
        )
      }
      const interleaved = [...heard].filter(
        ({ header }, i) => i > 0 && Number(header.tid) - Number(heard[i - 1]?.header.tid) !== 1
      )
      assert.isAbove(interleaved.length, senders)
    }).pipe(Effect.provide(tcp))
  )
})
