import { assert, describe, it } from "@effect/vitest"
import { Bytes, Codec, EntityAddr, UTime } from "@msgr2/wire"
import { MonMap, MonMessage } from "@msgr2/mon"
import { Result } from "effect"
import { damaged, failure, laws, survives } from "./support/laws.ts"

/** Handmade for and accepted by Ceph 16.2.15: version 8, one monitor. */
const v8 = `
  0806 97000000 000102030405060708090a0b0c0d0e0f 01000000 0000000000000000 0000000000000000
  0101 08000000 0000000000000000 0101 08000000 0000000000000000
  01000000 01000000 61 0501 35000000 01000000 61
  02 01000000 0101011c000000 02000000 00000000 10000000 0200 8344 7f000001 0000000000000000
  0000 0000 00000000 01000000 01000000 61 10 00000000 01 00000000`

/** `monmaptool --create --fsid ... --addv a '[v2:192.0.2.1:3300/0,v1:192.0.2.1:6789/0]'` of 16.2.15: version 9. */
const v9 =
  "0906c3000000000102030405060708090a0b0c0d0e0f0000000059f4016bdbc7590259f4016bdbc759020101080000000000000000000000" +
  "0101080000000000000000000000010000000100000061050158000000010000006102020000000101011c00000002000000000000001000" +
  "000002000ce4c000020100000000000000000101011c00000001000000000000001000000002001a85c00002010000000000000000000000" +
  "000000000001000000010000006100000000000100000000000000000000000000"

/** Sent by a monitor of 18.2.7 as the front of MON_MAP: version 9. */
const reef =
  "a60000000906a0000000823857857d514b0884a7fef7399cb2e701000000b1ee016bc9e9d433b1ee016bc9e9d433010108000000ff030000" +
  "000000000101080000000000000000000000010000000100000061050135000000010000006102010000000101011c000000020000000000" +
  "000010000000020055f07f000001000000000000000000000000000000000100000001000000611200000000010000000000000000000000" +
  "0000"

/** Sent by a monitor of 18.2.7, one of three that are forming a quorum: version 9, epoch 0. */
const three =
  "3001000009062a010000ee24b87df3434c9d9c31f10c4748deb9000000007bf1016b45c6e4227bf1016b45c6e42201010800000000000000" +
  "000000000101080000000000000000000000030000000100000061050135000000010000006102010000000101011c000000020000000000" +
  "0000100000000200571c7f000001000000000000000000000000000000000100000062050135000000010000006202010000000101011c00" +
  "00000200000000000000100000000200571d7f00000100000000000000000000000000000000010000006305013500000001000000630201" +
  "0000000101011c0000000200000000000000100000000200571e7f0000010000000000000000000000000000000003000000010000006101" +
  "00000062010000006310000000000100000000000000000000000000"

/** Sent by a monitor of 20.2.4: version 10, MonInfo 6, the cipher policy at the end. */
const tentacle =
  "c20000000a06bc0000003d7b6706205746aa9135cac8ed8efbaa01000000b8ee016b3f6b7c33b8ee016b3f6b7c33010108000000ff0f0080" +
  "01000000010108000000000000000000000001000000010000006106013d000000010000006102010000000101011c000000020000000000" +
  "000010000000020055f07f00000100000000000000000000000000000000b8ee016bf5b57c33010000000100000061140000000001000000" +
  "000000000000000000000000000002000000010000000200000002000000"

const inFront = Codec.sized(MonMap.MonMap)
const tailOf = (hex: string): Uint8Array => Bytes.fromHex(hex.replaceAll(/\s/g, "")) ?? Bytes.empty

describe("MonMap", () => {
  it("A version 8 map that 16.2.15 accepts is read and written byte for byte", () => {
    const map = survives(MonMap.MonMap, v8)
    assert.strictEqual(map.structV, 8)
    assert.strictEqual(map.fsid, "00010203-0405-0607-0809-0a0b0c0d0e0f")
    assert.strictEqual(map.minMonRelease, 16)
    assert.strictEqual(map.strategy, MonMap.Strategy.Classic)
    assert.strictEqual(map.tiebreakerMon, undefined)
    assert.strictEqual(EntityAddr.formatVec(map.mons[0]![1].publicAddrs), "[v2:127.0.0.1:33604/0]")
  })

  it("A version 9 map of monmaptool 16.2.15 is read and written byte for byte", () => {
    const map = survives(MonMap.MonMap, v9)
    assert.strictEqual(map.structV, 9)
    assert.strictEqual(map.epoch, 0)
    assert.strictEqual(map.stretchModeEnabled, false)
    assert.strictEqual(map.authEpoch, undefined)
    assert.deepStrictEqual(MonMap.ranked(map), [
      {
        rank: 0,
        name: "a",
        addrs: [EntityAddr.make("192.0.2.1", 3300)!, EntityAddr.make("192.0.2.1", 6789, 0, EntityAddr.AddrType.Legacy)!]
      }
    ])
  })

  it("A version 9 map of a monitor of 18.2.7 is read and written byte for byte", () => {
    const map = survives(inFront, reef)
    assert.strictEqual(map.fsid, "82385785-7d51-4b08-84a7-fef7399cb2e7")
    assert.strictEqual(map.persistentFeatures, 0x3ffn)
    assert.strictEqual(MonMap.formatRelease(map.minMonRelease ?? 0), "reef")
    assert.strictEqual(map.mons[0]![1].structV, 5)
    assert.strictEqual(UTime.format(map.created), UTime.format(map.lastChanged))
  })

  it("A map of three monitors lists them by rank", () => {
    const map = survives(inFront, three)
    assert.deepStrictEqual(
      MonMap.ranked(map).map(({ rank, name, addrs }) => `${rank} ${name} ${EntityAddr.formatVec(addrs)}`),
      ["0 a [v2:127.0.0.1:22300/0]", "1 b [v2:127.0.0.1:22301/0]", "2 c [v2:127.0.0.1:22302/0]"]
    )
  })

  it("A version 10 map of a monitor of 20.2.4 is read and written byte for byte", () => {
    const map = survives(inFront, tentacle)
    assert.strictEqual(map.structV, 10)
    assert.strictEqual(MonMap.formatRelease(map.minMonRelease ?? 0), "tentacle")
    assert.deepStrictEqual(
      [map.authEpoch, map.authServiceCipher, map.authAllowedCiphers, map.authPreferredCipher],
      [0, 2, [2], 2]
    )
    assert.strictEqual(map.mons[0]![1].structV, 6)
    assert.isDefined(map.mons[0]![1].timeAdded)
  })

  it("A version 10 map of monmaptool 20.2.4 with both ciphers keeps their order", () => {
    // The end of its output: epoch 0, service aes, allowed aes and aes256k, preferred aes256k.
    const map = survives(inFront, tentacle)
    const mixed = { ...map, authServiceCipher: 1, authAllowedCiphers: [1, 2] }
    const tail = tailOf("00000000 01000000 02000000 01000000 02000000 02000000")
    assert.deepStrictEqual(Codec.encode(MonMap.MonMap, mixed).slice(-tail.length), tail)
  })

  it("A newer map is read as version 10, and what it added is skipped", () => {
    const known = survives(inFront, tentacle)
    const bytes = Codec.encode(MonMap.MonMap, known)
    const newer = Bytes.concat([bytes, new Uint8Array(5).fill(0xee)])
    newer[0] = 11
    newer[2]! += 5
    assert.deepStrictEqual(Codec.decode(MonMap.MonMap, newer), Result.succeed(known))
  })

  it("A map that only version 11 can read, and one older than Nautilus, are Unsupported", () => {
    const bytes = Codec.encode(MonMap.MonMap, survives(inFront, tentacle))
    const demanding = bytes.with(1, 11)
    assert.strictEqual(failure(Codec.decode(MonMap.MonMap, demanding)).reason, "Unsupported")
    const old = bytes.with(0, 5).with(1, 3)
    assert.strictEqual(failure(Codec.decode(MonMap.MonMap, old)).reason, "Unsupported")
  })

  it("A count that no map could hold is refused before anything is allocated", () => {
    const bytes = Codec.encode(MonMap.MonMap, survives(MonMap.MonMap, v8))
    const mons = 6 + 16 + 4 + 8 + 8 + 14 + 14
    bytes.set([0xff, 0xff, 0xff, 0xff], mons)
    const error = failure(Codec.decode(MonMap.MonMap, bytes))
    assert.strictEqual(error.reason, "Truncated")
    assert.strictEqual(error.type, "MonMap.mons")
  })

  it("A rank without an entry keeps its number and is left out", () => {
    const map = survives(inFront, three)
    const gap = { ...map, mons: map.mons.filter(([name]) => name !== "b") }
    assert.deepStrictEqual(
      MonMap.ranked(gap).map(({ rank, name }) => [rank, name]),
      [
        [0, "a"],
        [2, "c"]
      ]
    )
  })

  it("The JSON view names the cluster and spells out addresses' bytes", () => {
    const json = Codec.toJson(MonMap.MonMap)(survives(inFront, tentacle)) as { readonly [key: string]: unknown }
    assert.strictEqual(json.fsid, "3d7b6706-2057-46aa-9135-cac8ed8efbaa")
    assert.strictEqual(json.persistentFeatures, "6442455039")
    assert.include(JSON.stringify(json.mons), "7f000001")
  })

  it("A MonInfo of version 1 and one of version 4 lack what came later", () => {
    const first = survives(MonMap.MonInfo, "0101 0a000000 01000000 61 02 00000000")
    assert.deepStrictEqual([first.priority, first.weight, first.crushLoc], [undefined, undefined, undefined])
    const fourth = survives(MonMap.MonInfo, "0401 0e000000 01000000 61 02 00000000 0300 0700")
    assert.deepStrictEqual([fourth.priority, fourth.weight, fourth.crushLoc], [3, 7, undefined])
  })

  it("The map travels in a length inside MMonMap", () => {
    const message = survives(MonMessage.MMonMap.front, tentacle)
    assert.strictEqual(message.monMap.epoch, 1)
  })

  damaged(MonMap.MonMap, v8, "The version 8 map")
  damaged(MonMap.MonMap, v9, "The map of monmaptool")
  damaged(inFront, three, "The map of three monitors")
  damaged(inFront, tentacle, "The version 10 map")
  laws(MonMap.MonInfo)
  laws(MonMap.MonMap)
})
