import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@msgr2/session"
import { Ids } from "@msgr2/wire"
import { Effect, Schema } from "effect"
import { MemoryTransport } from "../src/index.ts"
import { digest, digests, ear, hear, message, receive } from "./support/messages.ts"
import { Crc, meet, protections, Secure, type TransportName, transports } from "./support/world.ts"

const KiB = 1024
const MiB = 1024 * KiB

/** Sizes of front, middle and data; zeros at the end and in between change how a frame is laid out. */
const shapes: ReadonlyArray<readonly [front: number, middle: number, data: number]> = [
  [0, 0, 0],
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
  [41, 0, 41],
  [4 * KiB, 1, 0],
  [0, 0, 4 * KiB],
  [1, 4 * KiB, 41],
  [0, 64 * KiB, 0],
  [64 * KiB, 41, 64 * KiB]
]
const large: typeof shapes = [
  [0, 0, MiB],
  [41, 1, 8 * MiB],
  [1, 0, 0]
]

const messagesOf = (list: typeof shapes, from: number) =>
  list.map(([front, middle, data], i) => message(from + i, front, middle, data))

/** Both ends say everything at once and hear the other. */
const converse = Effect.fnUntraced(function* (
  { client, server }: Effect.Success<ReturnType<typeof meet>>,
  list: typeof shapes
) {
  const [up, down] = [messagesOf(list, 100), messagesOf(list, 500)]
  const [, , heardByServer, heardByClient] = yield* Effect.all(
    [client.sendAll(up), server.sendAll(down), hear(server, up.length), hear(client, down.length)],
    { concurrency: "unbounded" }
  )
  assert.deepStrictEqual(heardByServer, digests(up))
  assert.deepStrictEqual(heardByClient, digests(down))
})

for (const name of Object.keys(transports) as ReadonlyArray<TransportName>) {
  describe(`Two ends over ${name}`, () => {
    for (const [protection, options] of Object.entries(protections)) {
      it.effect(`exchange messages of every shape, both ways and in order, with ${protection}`, () =>
        Effect.gen(function* () {
          const met = yield* meet(options)
          assert.deepStrictEqual([met.client.peer.mode, met.server.peer.mode], [options.mode, options.mode])
          yield* converse(met, [...shapes, ...large, ...shapes])
        }).pipe(Effect.provide(transports[name]))
      )

      for (const side of ["client", "server"] as const) {
        it.effect(`speak msgr2.0 with ${protection} when the ${side} has no more`, () =>
          Effect.gen(function* () {
            const met = yield* meet({ ...options, [side]: { msgr2Supported: 0n } })
            assert.strictEqual(met.client.peer.revision, 0)
            assert.strictEqual(met.server.peer.revision, 0)
            yield* converse(met, [...shapes, [0, 0, MiB]])
          }).pipe(Effect.provide(transports[name]))
        )
      }
    }

    it.effect("number messages from 1 and carry their headers", () =>
      Effect.gen(function* () {
        const { client, server } = yield* meet()
        yield* client.sendAll([message(1), message(2), message(3)])
        const heard = yield* receive(server, 3)
        assert.deepStrictEqual(
          heard.map(({ header }) => header.seq),
          [1, 2, 3]
        )
        yield* server.send(message(4))
        const [answer] = yield* receive(client, 1)
        assert.deepStrictEqual(answer?.header, { ...message(4).header, seq: Ids.msgSeq(1), ackSeq: Ids.msgSeq(3) })
      }).pipe(Effect.provide(transports[name]))
    )
  })
}

/** Ways to cut a stream. */
const cuts: { readonly [name: string]: (bytes: Uint8Array) => ReadonlyArray<Uint8Array> } = {
  "single bytes": (bytes) => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
  "pieces of 7 bytes": (bytes) => pieces(bytes, () => 7),
  "pieces of 33 bytes, one more than a preamble": (bytes) => pieces(bytes, () => 33),
  "pieces of all lengths": (bytes) => pieces(bytes, (at) => 1 + ((at * 7919) % 4093))
}

const pieces = (bytes: Uint8Array, next: (at: number) => number): ReadonlyArray<Uint8Array> => {
  const list: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length;) {
    const end = at + next(at)
    list.push(bytes.subarray(at, end))
    at = end
  }
  return list
}

describe("However the bytes are cut,", () => {
  for (const [cut, rechunk] of Object.entries(cuts)) {
    for (const [protection, options] of Object.entries(protections)) {
      it.effect(`${cut} make the same messages with ${protection}`, () =>
        Effect.flatMap(meet(options), (met) =>
          converse(met, cut === "single bytes" ? shapes.slice(0, 8) : [...shapes, [41, 1, 300 * KiB]])
        ).pipe(Effect.provide(MemoryTransport.layerWith({ rechunk })))
      )
    }
  }
})

const Part = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9000 }))
const Turn = Schema.Struct({
  from: Schema.Literals(["client", "server"]),
  parts: Schema.Tuple([Part, Part, Part]),
  /** Messages heard by the other end before the next turn. */
  heard: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
})
const Plan = Schema.Struct({
  turns: Schema.Array(Turn).check(Schema.isMaxLength(24)),
  mode: Schema.Literals([Crc, Secure]),
  lossy: Schema.Boolean,
  step: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 }))
})

describe("Whoever speaks when,", () => {
  it.effect.prop(
    "each end hears what the other said, in its order",
    [Plan],
    ([{ lossy, mode, step, turns }]) =>
      Effect.gen(function* () {
        const serverPolicies = { otherwise: lossy ? Policy.statelessServer : Policy.statefulServer }
        const met = yield* meet({ auth: "cephx", mode, server: { serverPolicies } })
        const ears = { client: yield* ear(met.client), server: yield* ear(met.server) }
        const unheard = { client: [] as Array<string>, server: [] as Array<string> }
        const listen = Effect.fnUntraced(function* (end: "client" | "server", most: number) {
          const expected = unheard[end].splice(0, most)
          assert.deepStrictEqual(yield* ears[end].hear(expected.length), expected)
        })
        let tid = 0
        for (const { from, heard, parts } of turns) {
          const to = from === "client" ? "server" : "client"
          const each = message(++tid, ...parts)
          unheard[to].push(digest(each))
          yield* met[from].send(each)
          yield* listen(to, heard)
        }
        yield* listen("client", turns.length)
        yield* listen("server", turns.length)
      }).pipe(
        Effect.scoped,
        Effect.provide(MemoryTransport.layerWith({ rechunk: (bytes) => pieces(bytes, () => step) }))
      ),
    { arbitrary: { runs: 60 } }
  )
})
