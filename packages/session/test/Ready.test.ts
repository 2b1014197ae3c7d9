import { assert, describe, it } from "@effect/vitest"
import { Ids, type Message } from "@msgr2/wire"
import { type Event, Policy } from "../src/index.ts"
import { letter } from "./living.ts"
import {
  clientOptions,
  closedFor,
  droppedFor,
  type End,
  feed,
  meet,
  message,
  type Pair,
  ready,
  serverOptions,
  settle
} from "./pair.ts"

const lossless = () => meet(clientOptions, { ...serverOptions, policies: { otherwise: Policy.statefulServer } })
const lossy = () => meet(clientOptions, { ...serverOptions, policies: { otherwise: Policy.statelessServer } })
const numbered = (seq: number, ackSeq = 0): Message.Message => {
  const { header, ...rest } = message()
  return { ...rest, header: { ...header, seq: Ids.msgSeq(seq), ackSeq: Ids.msgSeq(ackSeq) } }
}

describe("messages", () => {
  it("are numbered from 1 and arrive in order", () => {
    const { client, server } = lossless()
    for (let i = 0; i < 5; i++) feed(client, server, { _tag: "Submitted", message: message() })
    settle(client, server)
    assert.deepStrictEqual(server.log.delivered, [1, 2, 3, 4, 5])
    assert.strictEqual(ready(server).progress.inSeq, 5)
    assert.strictEqual(ready(client).progress.outbox.sent.size, 5)
  })
  it("are kept until they are acknowledged, and one ack settles a batch", () => {
    const { client, server } = lossless()
    for (let i = 0; i < 5; i++) feed(client, server, { _tag: "Submitted", message: message() })
    settle(client, server)
    feed(server, client, { _tag: "Drained" })
    feed(server, client, { _tag: "Drained" })
    assert.strictEqual(server.log.sent.filter((tag) => tag === "Ack").length, 1)
    settle(client, server)
    assert.strictEqual(ready(client).progress.outbox.sent.size, 0)
  })
  it("carry the ack along, and then no frame of its own is sent", () => {
    const { client, server } = lossless()
    feed(client, server, { _tag: "Submitted", message: message() })
    settle(client, server)
    feed(server, client, { _tag: "Submitted", message: message() })
    feed(server, client, { _tag: "Drained" })
    settle(client, server)
    assert.notInclude(server.log.sent, "Ack")
    assert.strictEqual(ready(client).progress.outbox.sent.size, 0)
  })
  it("of a lossy session are neither kept nor acknowledged", () => {
    const { client, server } = lossy()
    feed(client, server, { _tag: "Submitted", message: message() })
    settle(client, server)
    feed(server, client, { _tag: "Drained" })
    assert.strictEqual(ready(client).progress.outbox.sent.size, 0)
    assert.notInclude(server.log.sent, "Ack")
  })
  it("that come twice are dropped, and reading goes on", () => {
    const { client, server } = lossless()
    for (const seq of [1, 2, 2, 1, 3]) feed(server, client, numbered(seq))
    assert.deepStrictEqual(server.log.delivered, [1, 2, 3])
    assert.strictEqual(server.log.commands.filter(({ _tag }) => _tag === "Duplicate").length, 2)
  })
  it("after a gap are accepted and reported, as Ceph does", () => {
    const { client, server } = lossless()
    feed(server, client, numbered(1))
    feed(server, client, numbered(4))
    assert.deepStrictEqual(server.log.delivered, [1, 4])
    assert.deepInclude(server.log.commands, { _tag: "Gap", expected: 2, received: 4 })
  })
  it("that come twice still say what the peer has", () => {
    const { client, server } = lossless()
    feed(client, server, { _tag: "Submitted", message: message() })
    feed(client, server, numbered(1))
    feed(client, server, numbered(1, 1))
    assert.strictEqual(ready(client).progress.outbox.size, 0)
  })
  it("with number 0 are duplicates of nothing and dropped", () => {
    const { client, server } = lossless()
    feed(server, client, numbered(0))
    assert.deepStrictEqual(server.log.delivered, [])
    assert.isUndefined(closedFor(server))
  })
  it("an ack beyond anything sent is harmless, as it is to Ceph", () => {
    const { client, server } = lossless()
    feed(client, server, { _tag: "Submitted", message: message() })
    feed(client, server, { _tag: "Ack", msgSeq: Ids.msgSeq(1000) })
    assert.strictEqual(ready(client).progress.outbox.sent.size, 0)
    feed(client, server, { _tag: "Submitted", message: message() })
    assert.strictEqual(ready(client).progress.outSeq, 2)
  })
})

describe("messages for which there is no room", () => {
  const held = (tid: number, priority?: number): Event.Event => ({
    _tag: "Submitted",
    message: letter(tid, priority),
    hold: true
  })
  const sentNow = (end: End, before: number): ReadonlyArray<readonly [seq: number, tid: number]> =>
    end.log.commands
      .slice(before)
      .flatMap((action) => (action._tag === "SendMessage" ? [[action.seq, Number(action.message.header.tid)]] : []))
  const writable = ({ client, server }: Pair, count: number) => {
    const before = client.log.commands.length
    feed(client, server, { _tag: "Writable", count })
    return sentNow(client, before)
  }
  it("wait, and leave in batches as large as the room, highest priority first, with numbers in that order", () => {
    const pair = lossless()
    for (const [tid, priority] of [
      [1, 127],
      [2, 196],
      [3, 127],
      [4, 255],
      [5, 196]
    ] as const) {
      feed(pair.client, pair.server, held(tid, priority))
    }
    assert.deepStrictEqual(writable(pair, 0), [])
    assert.deepStrictEqual(writable(pair, 2), [
      [1, 4],
      [2, 2]
    ])
    assert.deepStrictEqual(writable(pair, 100), [
      [3, 5],
      [4, 1],
      [5, 3]
    ])
    assert.deepStrictEqual(writable(pair, 100), [])
    settle(pair.client, pair.server)
    assert.deepStrictEqual(pair.server.log.delivered, [1, 2, 3, 4, 5])
  })
  it("are not overtaken by one that comes when there is room again", () => {
    const pair = lossless()
    feed(pair.client, pair.server, held(1))
    const before = pair.client.log.commands.length
    feed(pair.client, pair.server, { _tag: "Submitted", message: letter(2) })
    assert.deepStrictEqual(sentNow(pair.client, before), [])
    assert.deepStrictEqual(writable(pair, 9), [
      [1, 1],
      [2, 2]
    ])
  })
  it("carry the ack that is due when they leave", () => {
    const pair = lossless()
    feed(pair.client, pair.server, held(1))
    feed(pair.client, pair.server, numbered(1))
    feed(pair.client, pair.server, { _tag: "Writable", count: 1 })
    assert.deepInclude(pair.client.log.commands.at(-1), { _tag: "SendMessage", ackSeq: 1 })
    feed(pair.client, pair.server, { _tag: "Drained" })
    assert.notInclude(pair.client.log.sent, "Ack")
  })
  it("leave before the connection is closed on purpose", () => {
    const pair = lossless()
    for (const tid of [1, 2]) feed(pair.client, pair.server, held(tid))
    const before = pair.client.log.commands.length
    feed(pair.client, pair.server, { _tag: "MarkedDown" })
    assert.deepStrictEqual(sentNow(pair.client, before), [
      [1, 1],
      [2, 2]
    ])
    assert.strictEqual(pair.client.log.commands.at(-1)?._tag, "Hangup")
    assert.strictEqual(closedFor(pair.client), "no error")
  })
  it("are not kept once they have left a lossy session", () => {
    const pair = lossy()
    feed(pair.client, pair.server, held(1))
    assert.deepStrictEqual(writable(pair, 1), [[1, 1]])
    assert.strictEqual(ready(pair.client).progress.outbox.size, 0)
  })
})

describe("keepalives", () => {
  it("are answered with the same stamp", () => {
    const { client, server } = lossless()
    feed(client, server, { _tag: "KeepaliveDue", sec: 7, nsec: 9 })
    settle(client, server)
    assert.deepInclude(client.log.commands, { _tag: "KeepaliveAcked", sec: 7, nsec: 9 })
  })
  it("an idle connection of a lossy session ends it when its owner says so", () => {
    const { client, server } = lossy()
    feed(client, server, { _tag: "IdleTimeout" })
    assert.strictEqual(closedFor(client), "IdleTimeout")
  })
  it("an idle connection of a lossless session is left: the client dials again, the server stands by", () => {
    const { client, server } = lossless()
    feed(client, server, { _tag: "IdleTimeout" })
    feed(server, client, { _tag: "IdleTimeout" })
    assert.deepStrictEqual([client.state._tag, server.state._tag], ["StartConnect", "Standby"])
    assert.deepStrictEqual([droppedFor(client), droppedFor(server)], ["IdleTimeout", "IdleTimeout"])
  })
})
