import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@msgr2/wire"
import { Result } from "effect"
import * as Pcap from "../src/explain/Pcap.ts"
import { blocks, pcap, pcapng, START } from "./explain/packets.ts"

const read = (file: Uint8Array) => {
  const capture = Result.getOrThrow(Pcap.open(file))
  const packets: Array<Pcap.Packet> = []
  const generator = capture.packets()
  for (let next = generator.next(); ; next = generator.next()) {
    if (next.done === true) return { format: capture.format, packets, note: next.value }
    packets.push(next.value)
  }
}

const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)
const two = [
  { bytes: bytes(1, 2, 3), time: START },
  { bytes: bytes(4, 5, 6, 7), time: START + 1_234_567, size: 90 }
]

describe("pcap", () => {
  for (const little of [true, false]) {
    for (const nano of [true, false]) {
      it(`${little ? "little" : "big"}-endian with ${nano ? "nano" : "micro"}seconds`, () => {
        const { format, note, packets } = read(pcap(two, { little, nano, link: 113 }))
        assert.deepStrictEqual([format, note], ["pcap", undefined])
        assert.deepStrictEqual(
          packets.map((packet) => ({ ...packet, bytes: [...packet.bytes] })),
          [
            { time: START, link: 113, bytes: [1, 2, 3], size: 3 },
            { time: START + 1_234_567, link: 113, bytes: [4, 5, 6, 7], size: 90 }
          ]
        )
      })
    }
  }

  it("A file that breaks off is read up to its last whole packet, wherever it does", () => {
    const whole = pcap(two)
    for (let size = 4; size < whole.length; size++) {
      const { note, packets } = read(whole.subarray(0, size))
      assert.lengthOf(packets, size < 24 + 19 ? 0 : 1)
      // After a whole header or packet there is no telling that more was to come.
      assert.strictEqual(note === undefined, size === 24 || size === 24 + 19, `${size} bytes: ${note}`)
    }
  })

  it("A packet that claims more bytes than the file has ends the file", () => {
    const file = pcap(two)
    new DataView(file.buffer).setUint32(24 + 8, 0xffff_fff0, true)
    const { note, packets } = read(file)
    assert.deepStrictEqual([packets.length, note], [0, "the file breaks off in the packet at byte 24"])
  })
})

describe("pcapng", () => {
  for (const little of [true, false]) {
    it(`${little ? "little" : "big"}-endian, with blocks that nobody reads`, () => {
      const make = blocks(little)
      const file = Bytes.concat([
        make.section(),
        make.block(0x0bad, new Uint8Array(40)),
        make.interface(1),
        make.enhanced(0, BigInt(START), bytes(1, 2, 3), make.option(1, bytes(104, 105))),
        make.block(5, new Uint8Array(20))
      ])
      const { format, note, packets } = read(file)
      assert.deepStrictEqual([format, note, packets.length], ["pcapng", undefined, 1])
      assert.deepStrictEqual([packets[0]?.time, packets[0]?.link, packets[0]?.size], [START, 1, 3])
    })
  }

  it("Interfaces have their own link types, resolutions and offsets", () => {
    const make = blocks()
    const seconds = 1_795_288_756n
    const file = Bytes.concat([
      make.section(),
      make.interface(101, make.option(9, bytes(9))),
      make.interface(276, make.option(9, bytes(0x80 | 10))),
      make.interface(1, Bytes.concat([make.option(14, bytes(100, 0, 0, 0, 0, 0, 0, 0)), make.option(0, bytes())])),
      make.enhanced(0, seconds * 1_000_000_000n + 1500n, bytes(1)),
      make.enhanced(1, seconds * 1024n + 512n, bytes(2)),
      make.enhanced(2, seconds * 1_000_000n, bytes(3))
    ])
    assert.deepStrictEqual(
      read(file).packets.map(({ link, time }) => [link, time]),
      [
        [101, START + 1.5],
        [276, START + 500_000],
        [1, START + 100_000_000]
      ]
    )
  })

  it("A section forgets the interfaces of the one before it and may change the byte order", () => {
    const [little, big] = [blocks(true), blocks(false)]
    const file = Bytes.concat([
      little.section(),
      little.interface(1),
      little.enhanced(0, 1n, bytes(1)),
      big.section(),
      big.interface(113),
      big.enhanced(0, 2n, bytes(2)),
      big.enhanced(1, 3n, bytes(3))
    ])
    const { note, packets } = read(file)
    assert.deepStrictEqual(
      packets.map(({ link, time }) => [link, time]),
      [
        [1, 1],
        [113, 2]
      ]
    )
    assert.include(note, "not described, not read: 1")
  })

  it("Simple packets are cut at the snap length and have the time of the packet before them", () => {
    const make = blocks()
    const file = Bytes.concat([
      make.section(),
      make.interface(1, Bytes.empty, 3),
      make.enhanced(0, 7n, bytes(1)),
      make.simple(bytes(1, 2, 3), 80)
    ])
    const packet = read(file).packets[1]
    assert.deepStrictEqual([packet?.time, [...(packet?.bytes ?? [])], packet?.size], [7, [1, 2, 3], 80])
  })

  it("A file that breaks off anywhere is read up to there", () => {
    const whole = pcapng(two)
    for (let size = 4; size < whole.length; size++) {
      const { packets } = read(whole.subarray(0, size))
      assert.isAtMost(packets.length, 1)
    }
  })

  it("A block that contradicts itself about its length ends the file", () => {
    for (const length of [0, 8, 13, 0x30]) {
      const make = blocks()
      const bad = Bytes.concat([make.u32(6, length), new Uint8Array(60)])
      const { note } = read(Bytes.concat([make.section(), make.interface(1), bad]))
      assert.include(note, "contradicts itself", `length ${length}`)
    }
  })

  it("A packet that claims more bytes than its block has is left out", () => {
    const make = blocks()
    const lying = make.block(6, Bytes.concat([make.u32(0, 0, 0, 1000, 1000), bytes(1, 2, 3, 4)]))
    const { note, packets } = read(Bytes.concat([make.section(), make.interface(1), lying]))
    assert.lengthOf(packets, 0)
    assert.include(note, "not read: 1")
  })
})

describe("Pcap.open", () => {
  it("refuses what is no capture, and says what it expected", () => {
    const refused = (file: Uint8Array) => Result.getOrThrow(Result.flip(Pcap.open(file))).message
    assert.include(refused(bytes()), "at least 4 bytes")
    assert.include(refused(new TextEncoder().encode("GET / HTTP/1.1")), "pcap or pcapng")
    assert.include(refused(bytes(0x1f, 0x8b, 8, 0)), "gzip")
    assert.include(refused(bytes(0x34, 0xcd, 0xb2, 0xa1)), "editcap")
  })
})
