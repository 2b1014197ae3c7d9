import { assert, describe, it } from "@effect/vitest"
import { Fuzz } from "@msgr2/testing"
import { Bytes, Codec, UTime } from "@msgr2/wire"
import { Arbitrary, Result } from "effect"
import * as MClientSession from "./MClientSession.ts"
import * as MCommand from "./MCommand.ts"
import * as MMonProbe from "./MMonProbe.ts"

const fsid = "33879c27-5539-4c49-ba36-0b78549f85db"

/** The map inside the last of them. */
const monMap =
  "0906a000000071e00e16d40f444baae1b77a8b47729a01000000c13a026b7148ee33c13a026b7148ee33010108000000ff000000000000000101080000000000000000000000010000000100000061050135000000010000006102010000000101011c000000020000000000000010000000020092187f0000010000000000000000000000000000000001000000010000006110000000000100000000000000000000000000"

/** Fronts that passed between these ends and Ceph 16.2.15 or 18.2.7 on a loopback, with the values they stand for. */
const goldens: ReadonlyArray<readonly [origin: string, front: Codec.Any, value: unknown, hex: string]> = [
  [
    "a command that an OSD of 18.2.7 took",
    MCommand.MCommand.front,
    { _tag: "MCommand", fsid, cmd: ['{"prefix":"version"}'] } satisfies MCommand.MCommand,
    "33879c2755394c49ba360b78549f85db01000000140000007b22707265666978223a2276657273696f6e227d"
  ],
  [
    "what an OSD of 16.2.15 and 18.2.7 said to a command it does not know",
    MCommand.MCommandReply.front,
    { _tag: "MCommandReply", result: -22, status: "unknown command prefix nonsense" } satisfies MCommand.MCommandReply,
    "eaffffff1f000000756e6b6e6f776e20636f6d6d616e6420707265666978206e6f6e73656e7365"
  ],
  [
    "a session opened by an MDS of 16.2.15 and 18.2.7",
    MClientSession.MClientSession.front,
    MClientSession.make(MClientSession.Op.Open),
    "01000000000000000000000000000000000000000000000000000000"
  ],
  [
    "capabilities renewed by the same",
    MClientSession.MClientSession.front,
    MClientSession.make(MClientSession.Op.RenewCaps, 5),
    "05000000050000000000000000000000000000000000000000000000"
  ],
  [
    "a probe of mon.b of 18.2.7 that has lost its quorum",
    MMonProbe.MMonProbe.front,
    {
      _tag: "MMonProbe",
      fsid: "ddc3422c-e54f-4833-8b60-ad0415b7933d",
      op: MMonProbe.Op.Probe,
      name: "b",
      quorum: [],
      monMap: Bytes.empty,
      hasEverJoined: true,
      paxosFirst: 0,
      paxosLast: 0,
      requiredFeatures: 0n,
      monRelease: 18,
      leader: -1
    } satisfies MMonProbe.MMonProbe,
    "ddc3422ce54f48338b60ad0415b7933d01000000010000006200000000000000000100000000000000000000000000000000000000000000000012ffffffff"
  ],
  [
    "what mon.a of 16.2.15, alone in its quorum, answered to one",
    MMonProbe.MMonProbe.front,
    {
      _tag: "MMonProbe",
      fsid: "71e00e16-d40f-444b-aae1-b77a8b47729a",
      op: MMonProbe.Op.Reply,
      name: "a",
      quorum: [0],
      monMap: Bytes.fromHex(monMap) ?? Bytes.empty,
      hasEverJoined: true,
      paxosFirst: 1,
      paxosLast: 0xf9,
      requiredFeatures: 0n,
      monRelease: 16,
      leader: 0
    } satisfies MMonProbe.MMonProbe,
    `71e00e16d40f444baae1b77a8b47729a0200000001000000610100000000000000a6000000${monMap}010100000000000000f90000000000000000000000000000001000000000`
  ]
]

describe("Messages of daemons", () => {
  for (const [origin, front, value, hex] of goldens) {
    it(`${front.name}: ${origin}`, () => {
      const bytes = Bytes.fromHex(hex) ?? assert.fail("no hex")
      assert.deepStrictEqual(Result.getOrThrow(Codec.decode(front, bytes)), value)
      assert.strictEqual(Bytes.toHex(Codec.encode(front, value)), hex)
    })
  }

  for (const { front } of [MCommand.MCommand, MClientSession.MClientSession, MMonProbe.MMonProbe]) {
    it.prop(`${front.name} survives its bytes`, [Arbitrary.schema(front.schema)], ([value]) =>
      assert.isTrue(Fuzz.survives(front as Codec.Any, value))
    )
  }

  it("what a later version appends to a session is skipped", () => {
    const value: MClientSession.MClientSession = {
      ...MClientSession.make(MClientSession.Op.Open, 7),
      stamp: UTime.seconds(9)
    }
    const { front } = MClientSession.MClientSession
    const longer = Bytes.concat([Codec.encode(front, value), new Uint8Array(12)])
    assert.deepStrictEqual(Result.getOrThrow(Codec.decodePrefix(front, longer)), value)
  })
})
