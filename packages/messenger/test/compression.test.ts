import { assert, describe, it } from "@effect/vitest"
import { AuthServer } from "@msgr2/auth"
import { CompressionMethod, Compressors } from "@msgr2/frame"
import { CompressionPolicy } from "@msgr2/session"
import { EntityName, Features, Message } from "@msgr2/wire"
import { Effect, Fiber, Queue } from "effect"
import { MemoryTransport, type MessengerConfig, type Observer } from "../src/index.ts"
import { digests, ear, hear, message, TYPE } from "./support/messages.ts"
import { meet, memory, Mon, type Options, protections, sin, still } from "./support/world.ts"

const { Client, Osd } = EntityName.EntityType
const { CompressionMethod: Method } = CompressionMethod
const methods = [Method.Snappy, Method.Zlib, Method.Zstd, Method.Lz4]
const KiB = 1024

const force = (
  methods: ReadonlyArray<number>,
  more: Partial<CompressionPolicy.CompressionPolicy> = {}
): Partial<MessengerConfig.MessengerConfig> => ({
  compression: { ...CompressionPolicy.defaults, mode: "force", methods, ...more }
})

/** Two OSDs, whom Ceph's policy lets compress. */
const osds = (
  client: Partial<MessengerConfig.MessengerConfig>,
  server: Partial<MessengerConfig.MessengerConfig>,
  more: Options = {}
): Options => ({
  serverAuth: AuthServer.AuthServer.layerNone({ role: "service" }),
  connecting: { peerType: Osd },
  client: { entityType: Osd, ...client },
  server: { entityType: Osd, ...server },
  ...more
})

/** A message that says the same again and again. */
const monotonous = (tid: number, size: number): Message.Message =>
  Message.make({
    type: TYPE,
    tid: BigInt(tid),
    front: new TextEncoder().encode("pg 1.a is active+clean ".repeat(Math.ceil(size / 23)).slice(0, size)),
    data: new Uint8Array(size).fill(tid)
  })

/** Small and large, monotonous and not. */
const said: ReadonlyArray<Message.Message> = [
  message(1),
  monotonous(2, 100),
  monotonous(3, 64 * KiB),
  message(4, 100, 0, 20 * KiB),
  message(5, 0, 2000, 0),
  monotonous(6, 300 * KiB)
]

/** Says everything both ways and compares. */
const converse = Effect.fnUntraced(function* (options: Options) {
  const { client, server } = yield* meet(options)
  const heard = yield* Effect.forkScoped(hear(server, said.length))
  yield* client.sendAll(said)
  assert.deepStrictEqual(yield* Fiber.join(heard), digests(said))
  yield* server.sendAll(said)
  assert.deepStrictEqual(yield* hear(client, said.length), digests(said))
  yield* client.keepalive
  return { client, server, stats: [yield* client.stats, yield* server.stats] as const }
})

/** Notes what each message takes on the wire. */
const sizesOut =
  (sizes: Map<bigint, number>) =>
  ({ direction, frame, size }: Observer.Observation): void => {
    if (direction === "out" && frame?._tag === "Message") sizes.set(frame.header.tid, size)
  }

const payload = said.reduce((sum, { data, front, middle }) => sum + data.length + front.length + middle.length, 0)

describe("Two ends that agree on", () => {
  for (const method of methods) {
    const name = CompressionMethod.format(method)

    it.effect(`${name} send fewer bytes than they say, both ways`, () =>
      Effect.gen(function* () {
        const { client, server, stats } = yield* converse(osds(force([method]), force([method])))
        for (const { peer } of [client, server]) assert.strictEqual(peer.compression, method)
        for (const { bytesIn, bytesOut } of stats) {
          assert.isBelow(bytesIn, payload / 4)
          assert.isBelow(bytesOut, payload / 4)
        }
      }).pipe(Effect.provide(memory))
    )

    for (const protection of ["cephx crc", "cephx secure"] as const) {
      it.effect(`${name} do so with ${protection} too, where both allow it`, () =>
        Effect.gen(function* () {
          const policy = force([method], { secure: true, peerTypes: [Mon, Client] })
          const { client, server, stats } = yield* converse({
            ...protections[protection],
            client: policy,
            server: policy
          })
          for (const { peer } of [client, server]) {
            assert.strictEqual(peer.compression, method)
            assert.strictEqual(peer.mode, protections[protection]?.mode)
          }
          for (const { bytesOut } of stats) assert.isBelow(bytesOut, payload / 4)
        }).pipe(Effect.provide(memory))
      )
    }

    it.effect(`${name} compress every frame of the session when there is no least size`, () =>
      Effect.gen(function* () {
        const policy = force([method], { minSize: 0 })
        const { client } = yield* converse(osds(policy, policy))
        assert.strictEqual(client.peer.compression, method)
      }).pipe(Effect.provide(memory))
    )

    it.effect(`${name} do not mind how their bytes are cut, nor an old revision`, () =>
      Effect.gen(function* () {
        const policy = { ...force([method]), msgr2Supported: Features.Msgr2.Compression }
        const { client } = yield* converse(osds(policy, policy))
        assert.strictEqual(client.peer.revision, 0)
        assert.strictEqual(client.peer.compression, method)
      }).pipe(
        Effect.provide(
          MemoryTransport.layerWith({
            rechunk: (bytes) =>
              Array.from({ length: Math.ceil(bytes.length / 997) }, (_, i) => bytes.subarray(997 * i, 997 * (i + 1)))
          })
        )
      )
    )
  }

  for (const minSize of [300, 1024]) {
    it.effect(`a method compress no frame below ${minSize} bytes when that is the least`, () =>
      Effect.gen(function* () {
        const sizes = new Map<bigint, number>()
        const policy = force([Method.Zstd], { minSize })
        const { client, server } = yield* meet(osds(policy, policy, { observeClient: sizesOut(sizes) }))
        // A header of 41 bytes, and front and data of the same length: one byte too few, then one more than enough.
        const half = Math.floor((minSize - 1 - 41) / 2)
        yield* client.sendAll([monotonous(1, half), monotonous(2, half + 1)])
        yield* hear(server, 2)
        assert.isAbove(sizes.get(1n) ?? 0, minSize)
        assert.isBelow(sizes.get(2n) ?? minSize, minSize / 1.5)
      }).pipe(Effect.provide(memory))
    )
  }

  for (const [name, revision, size] of [
    ["cephx crc", 1, 32 + 41 + 4],
    ["cephx crc", 0, 32 + 41 + 17],
    ["cephx secure", 1, 32 + 48 + 16],
    ["cephx secure", 0, 32 + 48 + 32]
  ] as const) {
    it.effect(`a method still speak msgr2.${revision} ${name}`, () =>
      Effect.gen(function* () {
        const sizes = new Map<bigint, number>()
        const bits = revision === 1 ? Features.Msgr2.Revision1 : 0n
        const policy = {
          ...force([Method.Snappy], { secure: true, peerTypes: [Mon, Client] }),
          msgr2Supported: bits | Features.Msgr2.Compression
        }
        const { client, server } = yield* meet({
          ...protections[name],
          client: policy,
          server: policy,
          observeClient: sizesOut(sizes)
        })
        assert.strictEqual(client.peer.compression, Method.Snappy)
        yield* client.send(message(1))
        yield* hear(server, 1)
        assert.strictEqual(sizes.get(1n), size)
      }).pipe(Effect.provide(memory))
    )
  }
})

describe("Two ends do not compress", () => {
  const rows: { readonly [why: string]: Options } = {
    "unless they are told to": osds({}, {}),
    "when only one of them wants to": osds(force([Method.Snappy]), {}),
    "when they have no method in common": osds(force([Method.Snappy]), force([Method.Zstd])),
    "when one of them is no OSD": { client: force([Method.Snappy]), server: force([Method.Snappy]) },
    "when they encrypt and have not allowed both": {
      ...protections["cephx secure"],
      client: force([Method.Snappy], { peerTypes: [Mon] }),
      server: force([Method.Snappy], { peerTypes: [Client] })
    }
  }
  for (const [why, options] of Object.entries(rows)) {
    it.effect(why, () =>
      Effect.gen(function* () {
        const { client, server, stats } = yield* converse(options)
        for (const { peer } of [client, server]) assert.isUndefined(peer.compression)
        for (const { bytesOut } of stats) assert.isAbove(bytesOut, payload)
      }).pipe(Effect.provide(memory))
    )
  }
})

describe("A method whose library is missing", () => {
  const without = Compressors.make((name) => (name === "snappy" ? undefined : process.getBuiltinModule(name)))

  for (const [end, options] of [
    ["client", osds({ ...force([1, 3]), compressors: without }, force([1, 3]))],
    ["server", osds(force([1, 3]), { ...force([1, 3]), compressors: without })]
  ] as const) {
    it.effect(`at the ${end} leaves the next one`, () =>
      Effect.gen(function* () {
        const { client, server } = yield* converse(options)
        for (const { peer } of [client, server]) assert.strictEqual(peer.compression, Method.Zstd)
      }).pipe(Effect.provide(memory))
    )
  }

  it.effect("and was the only one leaves none, and everything arrives", () =>
    Effect.gen(function* () {
      const none = Compressors.make(() => undefined)
      const { client } = yield* converse(osds({ ...force(methods), compressors: none }, force(methods)))
      assert.isUndefined(client.peer.compression)
    }).pipe(Effect.provide(memory))
  )
})

/** Compressors that send `forged` in place of whatever is large. */
const forging = (forged: Uint8Array): Compressors.Compressors => ({
  has: Compressors.installed.has,
  make: (method, minSize) => {
    const honest = Compressors.installed.make(method, minSize)
    return honest && { ...honest, compress: (plain) => (plain.length > 1000 ? forged : honest.compress(plain)) }
  }
})
const bomb = (method: number, size: number): Uint8Array => {
  const packed = Compressors.installed.make(method)?.compress(new Uint8Array(size))
  if (packed === undefined) throw new Error("not compressed")
  return packed
}

describe("A peer that", () => {
  const forgeries: { readonly [what: string]: (method: number) => Uint8Array } = {
    "sends a bomb": (method) => bomb(method, 2048 * KiB),
    "sends what does not inflate": () => new Uint8Array(50).fill(0xee),
    "breaks off amid a segment": (method) => bomb(method, 5000).slice(0, -1)
  }
  for (const [what, forge] of Object.entries(forgeries)) {
    for (const method of methods) {
      it.effect(
        `${what} of ${CompressionMethod.format(method)} is left with Inflate, and what came before is heard`,
        () =>
          Effect.gen(function* () {
            const limits = { segments: [KiB, KiB * KiB, 0, 0], frame: KiB * KiB } as const
            const { client, server, world } = yield* meet(
              osds({ ...force([method]), compressors: forging(forge(method)) }, { ...force([method]), limits })
            )
            yield* client.sendAll([message(1), Message.make({ type: TYPE, front: new Uint8Array(2000) })])
            assert.deepStrictEqual(yield* hear(server, 1), digests([message(1)]))
            assert.strictEqual(sin(yield* Queue.take(world.ended)), "FrameError Inflate in Ready")
          }).pipe(Effect.provide(memory))
      )
    }
  }

  it.effect("sends little that inflates to much is heard no faster than its listener listens", () =>
    Effect.gen(function* () {
      const { client, server } = yield* meet(
        osds(force([Method.Zlib]), { ...force([Method.Zlib]), receiveBuffer: 256 * KiB })
      )
      const flood = Array.from({ length: 200 }, (_, i) =>
        Message.make({ type: TYPE, tid: BigInt(i), data: new Uint8Array(100 * KiB) })
      )
      yield* Effect.forkScoped(client.sendAll(flood))
      let taken = 0
      const look = () => taken
      const watch = Effect.forever(
        Effect.andThen(
          Effect.map(server.stats, ({ messagesIn }) => {
            taken = messagesIn
          }),
          Effect.yieldNow
        )
      )
      const watcher = yield* Effect.forkScoped(watch)
      const { bytesOut } = yield* Effect.andThen(still(look), client.stats)
      // All of it is on its way and would fit, as it is, into what may wait.
      assert.isBelow(bytesOut, 256 * KiB)
      assert.isAtMost(taken, 3)
      yield* Fiber.interrupt(watcher)
      const listener = yield* ear(server)
      assert.deepStrictEqual(yield* listener.hear(flood.length), digests(flood))
    }).pipe(Effect.provide(memory))
  )
})
