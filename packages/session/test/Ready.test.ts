import { assert, describe, it } from "@effect/vitest"
import { Ids, type Message } from "@msgr2/wire"
import { Schema } from "effect"
import { Outbox, Policy } from "../src/index.ts"
import { clientOptions, closedFor, feed, meet, message, ready, serverOptions, settle } from "./pair.ts"

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
    assert.strictEqual(ready(client).progress.sent.size, 5)
  })
  it("are kept until they are acknowledged, and one ack settles a batch", () => {
    const { client, server } = lossless()
    for (let i = 0; i < 5; i++) feed(client, server, { _tag: "Submitted", message: message() })
    settle(client, server)
    feed(server, client, { _tag: "Drained" })
    feed(server, client, { _tag: "Drained" })
    assert.strictEqual(server.log.sent.filter((tag) => tag === "Ack").length, 1)
    settle(client, server)
    assert.strictEqual(ready(client).progress.sent.size, 0)
  })
  it("carry the ack along, and then no frame of its own is sent", () => {
    const { client, server } = lossless()
    feed(client, server, { _tag: "Submitted", message: message() })
    settle(client, server)
    feed(server, client, { _tag: "Submitted", message: message() })
    feed(server, client, { _tag: "Drained" })
    settle(client, server)
    assert.notInclude(server.log.sent, "Ack")
    assert.strictEqual(ready(client).progress.sent.size, 0)
  })
  it("of a lossy session are neither kept nor acknowledged", () => {
    const { client, server } = lossy()
    feed(client, server, { _tag: "Submitted", message: message() })
    settle(client, server)
    feed(server, client, { _tag: "Drained" })
    assert.strictEqual(ready(client).progress.sent.size, 0)
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
    assert.strictEqual(ready(client).progress.sent.size, 0)
    feed(client, server, { _tag: "Submitted", message: message() })
    assert.strictEqual(ready(client).progress.outSeq, 2)
  })
})

describe("keepalives", () => {
  it("are answered with the same stamp", () => {
    const { client, server } = lossless()
    feed(client, server, { _tag: "KeepaliveDue", sec: 7, nsec: 9 })
    settle(client, server)
    assert.deepInclude(client.log.commands, { _tag: "KeepaliveAcked", sec: 7, nsec: 9 })
  })
  it("an idle session is ended when its owner says so", () => {
    const { client, server } = lossless()
    feed(client, server, { _tag: "IdleTimeout" })
    assert.strictEqual(closedFor(client), "IdleTimeout")
  })
})

describe("Outbox", () => {
  const ops = Schema.Array(
    Schema.Struct({ push: Schema.Boolean, by: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })) })
  )
  it.prop("behaves as an array that is filtered", [ops], ([ops]) => {
    let outbox = Outbox.empty
    let list: Array<number> = []
    let seq = 0
    const versions: Array<readonly [Outbox.Outbox, ReadonlyArray<number>]> = []
    for (const { by, push } of ops) {
      if (push) {
        seq++
        outbox = Outbox.push(outbox, { seq, message: message() })
        list = [...list, seq]
      } else {
        const acked = (list[0] ?? 1) + by - 1
        outbox = Outbox.acknowledge(outbox, acked)
        list = list.filter((n) => n > acked)
      }
      versions.push([outbox, list])
    }
    // Every version, not only the last: states of the machine keep old ones.
    for (const [version, expected] of versions) {
      assert.deepStrictEqual(
        Outbox.toArray(version).map(({ seq }) => seq),
        expected
      )
      assert.strictEqual(version.size, expected.length)
    }
  })
})
