import { assert, describe, it } from "@effect/vitest"
import { ConnectionMode, ControlFrame, EntityName } from "@msgr2/wire"
import { Schema } from "effect"
import { type Action, CompressionPolicy, type Event, type Options } from "../src/index.ts"
import {
  answers,
  clientOptions,
  closedFor,
  dial,
  droppedFor,
  type End,
  feed,
  meet,
  ready,
  serverOptions,
  settle
} from "./pair.ts"

const [snappy, zlib, zstd, lz4, brotli] = [1, 2, 3, 4, 5] as const
const { Client, Mds, Mgr, Mon, Osd } = EntityName.EntityType
const { Crc, Secure } = ConnectionMode.ConnectionMode

const force = (methods: ReadonlyArray<number>, more: Partial<CompressionPolicy.CompressionPolicy> = {}) => ({
  ...CompressionPolicy.defaults,
  mode: "force" as const,
  methods,
  ...more
})
const osd = { peerType: Osd, mode: Crc }
const wanting = (...preferredMethods: ReadonlyArray<number>) => ({ isCompress: true, preferredMethods })

// The situations of Ceph's src/test/msgr/test_comp_registry.cc, and those that an OSD of 18.2.7 and 20.2.4 was put in.
describe("CompressionPolicy", () => {
  it("by default nobody is compressed for, from 1024 bytes on it would be", () => {
    for (const peerType of [Mon, Mds, Osd, Client, Mgr]) {
      assert.deepStrictEqual(CompressionPolicy.allowed(CompressionPolicy.defaults, { peerType, mode: Crc }), [])
    }
    assert.strictEqual(CompressionPolicy.defaults.minSize, 1024)
  })
  it("with mode force OSDs are, and no peer of another type", () => {
    const policy = force([snappy])
    assert.deepStrictEqual(CompressionPolicy.allowed(policy, osd), [snappy])
    for (const peerType of [Mon, Mds, Client, Mgr, 0, 255]) {
      assert.deepStrictEqual(CompressionPolicy.allowed(policy, { peerType, mode: Crc }), [])
      assert.isUndefined(CompressionPolicy.grant(policy, { peerType, mode: Crc }, wanting(snappy)))
    }
  })
  it("peers of other types are when the settings name them", () => {
    const policy = force([zstd], { peerTypes: [Client, Mon] })
    assert.deepStrictEqual(CompressionPolicy.allowed(policy, { peerType: Mon, mode: Crc }), [zstd])
    assert.deepStrictEqual(CompressionPolicy.allowed(policy, osd), [])
  })
  it("an end asks for its methods in its own order", () => {
    assert.deepStrictEqual(CompressionPolicy.allowed(force([zstd, snappy, lz4]), osd), [zstd, snappy, lz4])
  })
  it("a server grants by the client's order, whatever its own", () => {
    for (const own of [
      [snappy, zlib, zstd, lz4],
      [lz4, zstd, zlib, snappy]
    ]) {
      const rows: ReadonlyArray<readonly [asked: ReadonlyArray<number>, granted: number | undefined]> = [
        [[lz4, snappy], lz4],
        [[brotli, zstd], zstd],
        [[zlib, zstd, snappy], zlib],
        [[brotli], undefined],
        [[9], undefined],
        [[], undefined]
      ]
      for (const [asked, granted] of rows) {
        assert.strictEqual(CompressionPolicy.grant(force(own), osd, wanting(...asked)), granted, `${asked}`)
      }
    }
  })
  it("a client that lists methods and wants none gets none", () => {
    const request = { isCompress: false, preferredMethods: [snappy] }
    assert.isUndefined(CompressionPolicy.grant(force([snappy]), osd, request))
  })
  it("an encrypted connection is not compressed, unless that is allowed", () => {
    const encrypted = { peerType: Osd, mode: Secure }
    assert.deepStrictEqual(CompressionPolicy.allowed(force([snappy]), encrypted), [])
    assert.isUndefined(CompressionPolicy.grant(force([snappy]), encrypted, wanting(snappy)))
    assert.deepStrictEqual(CompressionPolicy.allowed(force([snappy], { secure: true }), encrypted), [snappy])
    assert.strictEqual(CompressionPolicy.grant(force([snappy], { secure: true }), encrypted, wanting(snappy)), snappy)
  })
  it("mode none is none, and so are no methods and the method none", () => {
    for (const policy of [force([snappy], { mode: "none" }), force([]), force([0])]) {
      assert.deepStrictEqual(CompressionPolicy.allowed(policy, osd), [])
      assert.isUndefined(CompressionPolicy.grant(policy, osd, wanting(0, snappy)))
    }
  })
  const method = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }))
  const list = Schema.Array(method).check(Schema.isMaxLength(6))
  it.prop("what is granted was asked for, is allowed, and nothing asked for before it is", [list, list], (lists) => {
    const [own, asked] = lists
    const granted = CompressionPolicy.grant(force(own), osd, wanting(...asked))
    const common = asked.filter((method) => method !== 0 && own.includes(method))
    assert.strictEqual(granted, common[0])
  })
})

/** Both are OSDs, and agree on `mode`. */
const osds = (
  client: Partial<Options.Local>,
  server: Partial<Options.Local>,
  mode: number = Crc
): readonly [Options.Client, Options.Server, (question: Action.Question) => Event.Event] => [
  { ...clientOptions, entityType: Osd, targetType: Osd, ...client },
  { ...serverOptions, entityType: Osd, ...server },
  (question) => {
    const answer = answers(question)
    return answer._tag === "AuthAccepted" ? { ...answer, mode } : answer
  }
]
const wants = (...methods: ReadonlyArray<number>) => ({ compression: force(methods) })
const tags = (end: End): ReadonlyArray<string> =>
  end.log.commands.map((action) => (action._tag === "Send" ? action.frame._tag : action._tag))
const sentBy = (end: End) =>
  end.log.commands.flatMap((action) =>
    action._tag === "Send" && action.frame._tag.startsWith("Compression") ? [action.frame] : []
  )
const methodsOf = (end: End) =>
  end.log.commands.flatMap((action) => (action._tag === "SetCompression" ? [action.method] : []))

/** A client that waits for COMPRESSION_DONE, and its server. */
const waiting = (...asked: ReadonlyArray<number>) => {
  const [client, server, ask] = osds(wants(...asked), wants())
  const pair = dial(client, server, ask)
  const arrived = () => pair.client.state._tag === "CompressionConnecting"
  while (!arrived()) {
    const toClient = pair.client.inbound.shift()
    if (toClient !== undefined) feed(pair.client, pair.server, toClient, ask)
    const toServer = pair.server.inbound.shift()
    if (toServer !== undefined && !arrived()) feed(pair.server, pair.client, toServer, ask)
  }
  return pair
}

describe("negotiation of compression", () => {
  it("two ends that want it agree, and both report the method", () => {
    const { client, server } = meet(...osds(wants(zstd, snappy), wants(snappy, zstd)))
    assert.deepStrictEqual(sentBy(client), [
      { _tag: "CompressionRequest", isCompress: true, preferredMethods: [zstd, snappy] }
    ])
    assert.deepStrictEqual(sentBy(server), [{ _tag: "CompressionDone", isCompress: true, method: zstd }])
    for (const end of [client, server]) {
      assert.deepStrictEqual(methodsOf(end), [zstd])
      assert.strictEqual(ready(end).peer.compression, zstd)
    }
  })
  it("begins with the first frame after COMPRESSION_DONE, on both ends", () => {
    const { client, server } = meet(...osds(wants(lz4), wants(lz4)))
    const after = (end: End, tag: string) => {
      const all = tags(end)
      return all[all.indexOf(tag) + 1]
    }
    assert.strictEqual(after(server, "CompressionDone"), "SetCompression")
    assert.strictEqual(after(client, "CompressionRequest"), "SetCompression")
    assert.strictEqual(after(client, "SetCompression"), "ClientIdent")
  })
  it("one end that does not want it is enough for none", () => {
    const nobody = { compression: CompressionPolicy.defaults }
    for (const [left, right] of [
      [wants(snappy), nobody],
      [nobody, wants(snappy)],
      [nobody, nobody],
      [wants(snappy), wants(zlib)],
      [wants(), wants(snappy)]
    ] as const) {
      const { client, server } = meet(...osds(left, right))
      assert.deepStrictEqual(sentBy(server), [{ _tag: "CompressionDone", isCompress: false, method: 0 }])
      for (const end of [client, server]) {
        assert.deepStrictEqual(methodsOf(end), [])
        assert.isUndefined(ready(end).peer.compression)
      }
    }
  })
  it("who wants none asks for none, and lists nothing", () => {
    for (const client of [{ compression: CompressionPolicy.defaults }, wants()]) {
      const { client: end } = meet(...osds(client, wants(snappy)))
      assert.deepStrictEqual(sentBy(end), [{ _tag: "CompressionRequest", isCompress: false, preferredMethods: [] }])
    }
  })
  it("a monitor is not asked by an end that would ask an OSD", () => {
    const { client } = meet({ ...clientOptions, ...wants(snappy) }, { ...serverOptions, ...wants(snappy) })
    assert.deepStrictEqual(sentBy(client), [{ _tag: "CompressionRequest", isCompress: false, preferredMethods: [] }])
  })
  it("in secure mode there is none, unless both ends allow it", () => {
    const strict = wants(snappy)
    const lenient = { compression: force([snappy], { secure: true }) }
    for (const [left, right, method] of [
      [strict, strict, undefined],
      [lenient, strict, undefined],
      [strict, lenient, undefined],
      [lenient, lenient, snappy]
    ] as const) {
      const { client, server } = meet(...osds(left, right, Secure))
      assert.deepStrictEqual(
        [ready(client), ready(server)].map(({ peer }) => peer.compression),
        [method, method]
      )
    }
  })
  it("is not held when one banner lacks the bit, whatever both want", () => {
    const [client, server, ask] = osds(
      { ...wants(snappy), msgr2Supported: 1n },
      { ...wants(snappy), msgr2Supported: 1n }
    )
    const pair = meet(client, server, ask)
    for (const end of [pair.client, pair.server]) {
      assert.deepStrictEqual(sentBy(end), [])
      assert.isUndefined(ready(end).peer.compression)
    }
  })
  it("a server that grants a method nobody asked for is left, and nothing is set", () => {
    for (const [asked, method] of [
      [[snappy], zstd],
      [[snappy, lz4], 0],
      [[snappy], brotli],
      [[], snappy]
    ] as const) {
      const { client, server } = waiting(...asked)
      feed(client, server, { _tag: "CompressionDone", isCompress: true, method })
      assert.strictEqual(closedFor(client), "CompressionNotAsked")
      assert.deepStrictEqual(methodsOf(client), [])
    }
  })
  it("a server that declines is believed, whatever method it names", () => {
    for (const method of [0, snappy, 99]) {
      const { client, server } = waiting(snappy)
      feed(client, server, { _tag: "CompressionDone", isCompress: false, method })
      assert.strictEqual(client.state._tag, "SessionConnecting")
      assert.deepStrictEqual(methodsOf(client), [])
    }
  })
  it("the second choice of the client is as good as its first", () => {
    const { client, server } = waiting(snappy, lz4)
    feed(client, server, { _tag: "CompressionDone", isCompress: true, method: lz4 })
    assert.deepStrictEqual(methodsOf(client), [lz4])
  })
  it("messages pass afterwards, and a second COMPRESSION_REQUEST does not", () => {
    const { client, server } = meet(...osds(wants(snappy), wants(snappy)))
    settle(client, server)
    feed(server, client, { _tag: "CompressionRequest", isCompress: true, preferredMethods: [snappy] })
    assert.strictEqual(droppedFor(server), "UnexpectedFrame")
  })
  it("the two frames have the tags of the protocol", () => {
    assert.deepStrictEqual(
      [ControlFrame.codec("CompressionRequest").tag, ControlFrame.codec("CompressionDone").tag],
      [21, 22]
    )
  })
})
