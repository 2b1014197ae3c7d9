import { assert, describe, it } from "@effect/vitest"
import { Bytes, Codec, EntityAddr, EntityName, WireError } from "@msgr2/wire"
import { LogEntry, MonMessage, PaxosPrefix } from "@msgr2/mon"
import { Result, Schema } from "effect"
import { damaged, failure, laws, survives } from "./support/laws.ts"

const command = { prefix: "mon dump", format: "json" }
const fsid = "00010203-0405-0607-0809-0a0b0c0d0e0f"
const bytesOf = (hex: string): Uint8Array => Bytes.fromHex(hex.replaceAll(/\s/g, "")) ?? Bytes.empty

/** Front of a MAuthReply of an 18.2.7 monitor with rotating keys, sealed. */
const rotating =
  "02000000000000000710000000000000aa000000000400000000a00000004250651635b08f1a18f81f73fc08552076b3a6bacda61fd965fa" +
  "d207518d0ed63ba762284f01a95dc1b80f21c1eb574c174ebb1e403a231fe18b61f9fc3591895d0f6489f7a32b5c3a211c6c20c6f6bd79f7" +
  "e507042b2ce578c73a62c5c871905ae756f95057bee671e9a31ab7369577cc4e75c535256c98b805d5dc25a0af206082c55cbc2109c87553" +
  "673154490771613b3d6102e17dda951c392acc36f2e900000000"

/** Front of a MLog of a 16.2.15 OSD. */
const log =
  "0000000000000000ffff00000000000000009bd85d8bb15544d5b60b2a9e445cd6a801000000050570000000040000000100000030040000" +
  "00000000000002010000000101011c000000020000009b51000010000000020057267f000001000000000000000085f0016bfb39db200200" +
  "0000000000000000150000007075726765645f736e617073207363727562206f6b07000000636c7573746572"

describe("The shared prefix", () => {
  it("A client's prefix is 18 bytes that say nothing", () => {
    assert.strictEqual(
      Bytes.toHex(Codec.encode(PaxosPrefix.PaxosPrefix, PaxosPrefix.initial)),
      "0000000000000000ffff0000000000000000"
    )
  })

  laws(PaxosPrefix.PaxosPrefix)
})

describe("Messages of the stock tools and daemons", () => {
  it("MMonGetMap of a 16.2.15 client has an empty front", () => {
    assert.deepStrictEqual(survives(MonMessage.MMonGetMap.front, ""), { _tag: "MMonGetMap" })
  })

  it("MMonSubscribe of a 16.2.15 client: config and monmap, from now on", () => {
    const message = survives(
      MonMessage.MMonSubscribe.front,
      "0200000006000000636f6e666967000000000000000000060000006d6f6e6d617000000000000000000002000000766d"
    )
    assert.deepStrictEqual(message.what, [
      ["config", { start: 0, flags: 0 }],
      ["monmap", { start: 0, flags: 0 }]
    ])
    assert.strictEqual(message.hostname, "vm")
  })

  it("MMonSubscribe of a 16.2.15 client: one osdmap", () => {
    const message = survives(
      MonMessage.MMonSubscribe.front,
      "01000000060000006f73646d617000000000000000000102000000766d"
    )
    assert.deepStrictEqual(message.what, [["osdmap", { start: 0, flags: MonMessage.SubscribeFlag.Onetime }]])
  })

  it("MMonCommand of the ceph tool of 16.2.15: mon dump", () => {
    const message = survives(
      MonMessage.MMonCommand.front,
      "0000000000000000ffff0000000000000000000102030405060708090a0b0c0d0e0f01000000280000007b22707265666978223a20226d6f" +
        "6e2064756d70222c2022666f726d6174223a20226a736f6e227d"
    )
    assert.strictEqual(message.fsid, fsid)
    assert.deepStrictEqual(message.paxos, PaxosPrefix.initial)
    assert.deepStrictEqual(
      message.cmd.map((text) => JSON.parse(text)),
      [command]
    )
  })

  it("MMonCommandAck of an 18.2.7 monitor to the status command", () => {
    const message = survives(
      MonMessage.MMonCommandAck.front,
      "0000000000000000ffff0000000000000000000000000000000001000000140000007b22707265666978223a2022737461747573227d"
    )
    assert.strictEqual(message.result, 0)
    assert.strictEqual(message.status, "")
    assert.deepStrictEqual(message.cmd, ['{"prefix": "status"}'])
  })

  it("MConfig of 18.2.7 and 20.2.4 monitors: nothing, and one option", () => {
    assert.deepStrictEqual(survives(MonMessage.MConfig.front, "00000000").options, [])
    assert.deepStrictEqual(
      survives(MonMessage.MConfig.front, "01000000140000007261646f735f6f73645f6f705f74696d656f7574020000003330")
        .options,
      [["rados_osd_op_timeout", "30"]]
    )
  })

  it("MMonGetVersion and its reply, 18.2.7", () => {
    assert.deepStrictEqual(survives(MonMessage.MMonGetVersion.front, "0100000000000000060000006f73646d6170"), {
      _tag: "MMonGetVersion",
      handle: 1n,
      what: "osdmap"
    })
    assert.deepStrictEqual(
      survives(MonMessage.MMonGetVersionReply.front, "010000000000000005000000000000000100000000000000"),
      { _tag: "MMonGetVersionReply", handle: 1n, version: 5, oldestVersion: 1 }
    )
  })

  it("MAuth of an 18.2.7 OSD that asks for rotating keys, and the reply", () => {
    const request = survives(MonMessage.MAuth.front, "0000000000000000ffff00000000000000000200000002000000000400000000")
    assert.strictEqual(Bytes.toHex(request.payload), "0004")
    const reply = survives(MonMessage.MAuthReply.front, rotating)
    assert.strictEqual(reply.protocol, 2)
    assert.strictEqual(reply.result, 0)
    assert.strictEqual(reply.globalId, 4103n)
    assert.strictEqual(reply.payload.length, 170)
    assert.strictEqual(reply.resultMessage, "")
  })

  it("MAuth of a 16.2.15 client that renews its tickets", () => {
    const message = survives(
      MonMessage.MAuth.front,
      "0000000000000000ffff00000000000000000200000055000000000201921000000000000020000000010100000000000000100000006f70" +
        "617175652d7469636b65742d333220000000ef8f535bb9f59875ce1d994c616e453aab64d8dc04bfe2b19ad9d6801871411101150000" +
        "0000000000"
    )
    assert.strictEqual(message.payload.length, 85)
    assert.strictEqual(message.monMapEpoch, 0)
  })

  it("MLog of a 16.2.15 OSD, one line", () => {
    const message = survives(MonMessage.MLog.front, log)
    const entry = message.entries[0]!
    assert.strictEqual(EntityName.format(entry.name), "osd.0")
    assert.strictEqual(EntityName.formatNum(entry.rank), "osd.0")
    assert.strictEqual(EntityAddr.formatVec(entry.addrs), "[v2:127.0.0.1:22310/20891]")
    assert.strictEqual(entry.message, "purged_snaps scrub ok")
    assert.strictEqual(entry.channel, "cluster")
    assert.strictEqual(entry.priority, LogEntry.Priority.Debug)
  })

  it("MLogAck of an 18.2.7 monitor", () => {
    assert.deepStrictEqual(
      survives(MonMessage.MLogAck.front, "166aa9e53c514a989a5ae8f63ac6b6f5020000000000000000000000"),
      { _tag: "MLogAck", fsid: "166aa9e5-3c51-4a98-9a5a-e8f63ac6b6f5", last: 2n, channel: "" }
    )
  })
})

describe("Messages that current monitors do not send to current clients", () => {
  it("MMonSubscribeAck is an interval and the cluster, as Ceph's source lays them out", () => {
    assert.deepStrictEqual(survives(MonMessage.MMonSubscribeAck.front, "2c010000 000102030405060708090a0b0c0d0e0f"), {
      _tag: "MMonSubscribeAck",
      interval: 300,
      fsid
    })
  })
})

describe("Damaged messages", () => {
  damaged(MonMessage.MLog.front, log, "MLog of 16.2.15")
  damaged(MonMessage.MAuthReply.front, rotating, "MAuthReply of 18.2.7")
})

describe("The table of messages", () => {
  it("No two kinds share a number or a tag", () => {
    assert.strictEqual(new Set(MonMessage.all.map(({ type }) => type)).size, MonMessage.all.length)
    assert.strictEqual(new Set(MonMessage.all.map(({ front }) => front.name)).size, MonMessage.all.length)
  })

  it("Headers name the versions that Ceph's tools and daemons send", () => {
    assert.deepStrictEqual(
      MonMessage.all.map((kind) => `${kind.type} ${kind.front.name} ${kind.version}/${kind.compatVersion}`),
      [
        "2 MPing 1/1",
        "4 MMonMap 1/1",
        "5 MMonGetMap 1/1",
        "15 MMonSubscribe 3/1",
        "16 MMonSubscribeAck 1/1",
        "17 MAuth 1/1",
        "18 MAuthReply 1/1",
        "19 MMonGetVersion 1/1",
        "20 MMonGetVersionReply 2/2",
        "50 MMonCommand 1/1",
        "51 MMonCommandAck 1/1",
        "52 MLog 1/1",
        "53 MLogAck 1/1",
        "62 MConfig 1/1"
      ]
    )
  })

  it("A command becomes its header's fields and its front", () => {
    const encoded = MonMessage.encodeMessage({
      _tag: "MMonCommand",
      paxos: PaxosPrefix.initial,
      fsid,
      cmd: ['{"prefix": "mon dump", "format": "json"}']
    })
    assert.deepStrictEqual([encoded.type, encoded.version, encoded.compatVersion], [50, 1, 1])
    assert.strictEqual(
      Bytes.toHex(encoded.front),
      "0000000000000000ffff0000000000000000000102030405060708090a0b0c0d0e0f01000000280000007b22707265666978223a20226d6f" +
        "6e2064756d70222c2022666f726d6174223a20226a736f6e227d"
    )
  })

  it("A type that is not declared here is Unknown and keeps its bytes", () => {
    const front = Uint8Array.of(1, 2, 3)
    assert.deepStrictEqual(MonMessage.decodeMessage(41, front), Result.succeed({ _tag: "Unknown", type: 41, front }))
    assert.isUndefined(MonMessage.declarationOf(41))
  })

  it("What a later version appended to a front is skipped", () => {
    const front = bytesOf("010000000000000005000000000000000100000000000000 eeee")
    assert.deepStrictEqual(
      MonMessage.decodeMessage(20, front, 2),
      Result.succeed({ _tag: "MMonGetVersionReply", handle: 1n, version: 5, oldestVersion: 1 } as const)
    )
  })

  it("A message for newer readers only is Unsupported; compat 0 restricts nobody", () => {
    const front = bytesOf("010000000000000005000000000000000100000000000000")
    assert.strictEqual(failure(MonMessage.decodeMessage(20, front, 3)).reason, "Unsupported")
    assert.isTrue(Result.isSuccess(MonMessage.decodeMessage(20, front, 0)))
  })

  it("A ping without a front asks, a ping with text answers", () => {
    assert.deepStrictEqual(
      MonMessage.decodeMessage(2, Bytes.empty),
      Result.succeed({ _tag: "MPing", text: undefined } as const)
    )
    assert.deepStrictEqual(
      MonMessage.decodeMessage(2, bytesOf("02000000 7b7d")),
      Result.succeed({ _tag: "MPing", text: "{}" } as const)
    )
    assert.strictEqual(failure(MonMessage.decodeMessage(2, bytesOf("02000000 7b"))).reason, "Truncated")
  })

  it("A status that is not UTF-8 is still a status, and result and echo with it", () => {
    const front = bytesOf("0000000000000000ffff0000000000000000 feffffff 04000000 6f80ff6b 01000000 01000000 ff")
    assert.deepStrictEqual(
      MonMessage.decodeMessage(51, front),
      Result.succeed({
        _tag: "MMonCommandAck",
        paxos: PaxosPrefix.initial,
        result: -2,
        status: "o\uFFFD\uFFFDk",
        cmd: ["\uFFFD"]
      } as const)
    )
  })

  it("A name that is not UTF-8 is Malformed: it could not be sent back", () => {
    const front = bytesOf("0100000000000000 01000000 ff")
    assert.strictEqual(failure(MonMessage.decodeMessage(19, front)).reason, "Malformed")
  })

  it.prop(
    "Every message comes back through its type number",
    [Schema.Union(MonMessage.all.map((k) => k.front.schema))],
    ([value]) => {
      const { type, front, compatVersion } = MonMessage.encodeMessage(value as MonMessage.MonMessage)
      assert.deepStrictEqual(
        MonMessage.decodeMessage(type, front, compatVersion),
        Result.succeed(value as MonMessage.MonMessage)
      )
    }
  )

  it.prop(
    "Any front of any type is a message or a WireError",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 70 })), Schema.Uint8Array],
    ([type, front]) => {
      const decoded = MonMessage.decodeMessage(type, front)
      if (Result.isFailure(decoded)) assert.instanceOf(decoded.failure, WireError.WireError)
    }
  )
})

describe("Each front", () => {
  for (const { front } of MonMessage.all) laws<any>(front, front.name === "MPing")
})
