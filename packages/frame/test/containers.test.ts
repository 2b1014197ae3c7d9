import { assert, describe, it } from "@effect/vitest"
import { Fuzz } from "@msgr2/testing"
import { Bytes } from "@msgr2/wire"
import { createRequire } from "node:module"
import * as zlib from "node:zlib"
import { Crc32c, Mode } from "../src/index.ts"
import * as SnappyBlock from "../src/internal/snappyBlock.ts"
import { ends, Method, MiB, pack, peaks, prose, u32, unpack } from "./compressing.ts"
import * as Blocks from "./goldens/blocks.ts"
import { goldens } from "./goldens/compressed.ts"
import { drain, encode, join, MESSAGE } from "./harness.ts"

describe("recorded frames", () => {
  for (const [name, golden] of Object.entries(goldens)) {
    const bytes = Bytes.fromHex(golden.frame)!
    const read = (frame: Uint8Array) => {
      const { decoder } = ends("2.1-crc", golden.method)
      decoder.push(frame)
      return drain(decoder)
    }

    it(`${name}: an OSD's frame has the content that is stated`, () => {
      const { error, frames } = read(bytes)
      assert.isUndefined(error)
      assert.deepStrictEqual(
        frames.map(({ size, tag }) => ({ size, tag })),
        [{ tag: MESSAGE, size: bytes.length }]
      )
      const [header, front, ...rest] = frames[0]!.segments
      assert.deepStrictEqual(rest, [])
      assert.strictEqual(Bytes.toHex(header!), golden.header)
      assert.strictEqual(front!.length, golden.front.size)
      assert.strictEqual(Crc32c.segment(front!), golden.front.crc)
    })

    it(`${name}: its segments are as long as stated, and what we make of them comes back`, () => {
      const { encoder } = ends("2.1-crc", golden.method)
      const view = new DataView(bytes.buffer, bytes.byteOffset)
      assert.deepStrictEqual([view.getUint32(2, true), view.getUint32(8, true)], [...golden.packed])
      const { segments } = read(bytes).frames[0]!
      const ours = encode(encoder, MESSAGE, segments)
      assert.strictEqual(ours[26], 1)
      assert.isBelow(ours.length, 1.2 * bytes.length)
      assert.deepStrictEqual(read(ours).frames[0]?.segments, segments)
    })

    it.prop(`${name}: a damaged segment inflates within the limit or is refused`, [Fuzz.Edits], ([edits]) => {
      const at = 32 + golden.packed[0] + 4
      const damaged = Fuzz.mutate(bytes.slice(at, at + golden.packed[1]), edits)
      const { encoder, decoder } = ends("2.1-crc", golden.method)
      encoder.setMode(Mode.crc(1))
      decoder.setLimits({ segments: [41, 4096, 0, 0], frame: 5000 })
      decoder.push(encode(encoder, MESSAGE, [bytes.slice(32, 32 + golden.packed[0]), damaged], { flags: 1 }))
      const { error, frames } = drain(decoder)
      if (error === undefined) assert.isAtMost(frames[0]!.segments[1]?.length ?? 0, 4096)
      else assert.include(["Inflate", "TooLarge"], error.reason)
    })
  }
})

describe("containers", () => {
  const plain = prose(2000)
  const require = createRequire(import.meta.url)

  it("snappy: a raw block, as any decoder of snappy reads it", () => {
    const packed = pack(Method.Snappy, plain)
    assert.deepStrictEqual([...packed.subarray(0, 2)], [0x80 | (2000 & 0x7f), 2000 >> 7])
    assert.isTrue(Bytes.equals(require("snappy").uncompressSync(packed, { asBuffer: true }), plain))
  })

  it("zlib: the mark 0, then a raw deflate stream; any mark is taken", () => {
    const packed = pack(Method.Zlib, plain)
    assert.strictEqual(packed[0], 0)
    assert.isTrue(Bytes.equals(zlib.inflateRawSync(packed.subarray(1)), plain))
    for (const mark of [0, 1, 7, 255]) {
      const marked = packed.slice()
      marked[0] = mark
      assert.deepStrictEqual(unpack(Method.Zlib, marked), plain)
    }
  })

  it("zstd: the length before, then a zstd frame", () => {
    const packed = pack(Method.Zstd, plain)
    assert.deepStrictEqual(packed.slice(0, 4), u32(2000))
    assert.isTrue(Bytes.equals(zlib.zstdDecompressSync(packed.subarray(4)), plain))
  })

  it("zstd: a length that is not that of the frame is refused", () => {
    const packed = pack(Method.Zstd, plain)
    for (const lie of [0, 1999, 2001, 0xffffffff]) {
      assert.isUndefined(unpack(Method.Zstd, join([u32(lie), packed.subarray(4)])), `${lie}`)
    }
  })

  it("zstd: a bomb that announces little is refused for little", () => {
    const bomb = join([u32(1000), pack(Method.Zstd, new Uint8Array(64 * MiB)).subarray(4)])
    const [refused, peak] = peaks(Method.Zstd, bomb, [64 * MiB])
    assert.strictEqual(refused, -1)
    assert.isBelow(peak!, 16 * 1024)
  }, 20_000)

  it("zstd: a frame that asks for a window of 128 MiB is refused, one of 8 MiB is not", () => {
    // Magic, no flags, window descriptor, one raw block that is the last: three bytes.
    const frame = (exponent: number) =>
      Uint8Array.from([...u32(3), 0x28, 0xb5, 0x2f, 0xfd, 0x00, (exponent - 10) << 3, 0x19, 0x00, 0x00, 1, 2, 3])
    assert.deepStrictEqual(unpack(Method.Zstd, frame(23)), Uint8Array.of(1, 2, 3))
    assert.isUndefined(unpack(Method.Zstd, frame(27)))
  })

  it("lz4: one block behind its two lengths", () => {
    const packed = pack(Method.Lz4, plain)
    assert.deepStrictEqual(packed.slice(0, 12), join([u32(1), u32(2000), u32(packed.length - 12)]))
    const block = join([u32(2000), packed.subarray(12)])
    assert.isTrue(Bytes.equals(require("lz4-napi").uncompressSync(block), plain))
  })

  it("lz4: blocks that look back into the ones before them are read", () => {
    const { packed, plain } = Blocks.dependent
    assert.strictEqual(new TextDecoder().decode(unpack(Method.Lz4, packed, plain.length)), plain)
    assert.isUndefined(unpack(Method.Lz4, packed, plain.length - 1))
  })

  it("lz4: a first block that looks back before the beginning is refused", () => {
    const { container, sequence } = Blocks
    const looking = (offset: number) =>
      container([
        { original: 4, block: sequence([1, 2, 3, 4]) },
        { original: 9, block: [...sequence([], { offset, length: 4 }), ...sequence([5, 6, 7, 8, 9])] }
      ])
    assert.deepStrictEqual(unpack(Method.Lz4, looking(4)), Uint8Array.of(1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9))
    assert.isUndefined(unpack(Method.Lz4, looking(5)))
    assert.isUndefined(unpack(Method.Lz4, looking(0)))
  })

  it("lz4: a stream cut into blocks of any sizes gives what the whole block gives", () => {
    // Every block here is literals and then a match into all that went before.
    for (const size of [4, 20, 300, 5000]) {
      const text = [...prose(size)]
      const blocks = [
        { original: size, block: Blocks.sequence(text) },
        ...Array.from({ length: 5 }, (_, i) => ({
          original: size + 5,
          block: [
            ...Blocks.sequence([], { offset: size + (i > 0 ? 5 : 0), length: size }),
            ...Blocks.sequence([i, i, i, i, i])
          ]
        }))
      ]
      const expected = [...text, ...Array.from({ length: 5 }, (_, i) => [...text, i, i, i, i, i]).flat()]
      assert.deepStrictEqual(unpack(Method.Lz4, Blocks.container(blocks)), Uint8Array.from(expected))
    }
  })

  it("lz4: a table that lies is refused before anything is allocated for it", () => {
    const { container } = Blocks
    const block = Blocks.sequence([1, 2, 3, 4])
    const lies: { readonly [what: string]: Uint8Array } = {
      "more blocks than bytes": u32(0xffffffff),
      "a block too many": join([u32(2), container([{ original: 4, block }]).subarray(4)]),
      "a length beyond what its bytes can hold": container([{ original: 0xffffffff, block }]),
      "a block shorter than stated": container([{ original: 3, block }]),
      "a block longer than stated": container([{ original: 5, block }]),
      "bytes that no block owns": join([container([{ original: 4, block }]), u32(0)]),
      "no block, but bytes": join([u32(0), u32(0)])
    }
    for (const [what, packed] of Object.entries(lies)) assert.isUndefined(unpack(Method.Lz4, packed), what)
    assert.deepStrictEqual(unpack(Method.Lz4, u32(0)), new Uint8Array(0))
  })

  it("lz4: a long block shorter or longer than stated is refused", () => {
    const packed = pack(Method.Lz4, plain)
    for (const lie of [1999, 2001]) {
      assert.isUndefined(unpack(Method.Lz4, join([u32(1), u32(lie), packed.subarray(8)])), `${lie}`)
    }
  })

  it("snappy: a length beyond what its bytes can hold is refused", () => {
    for (const block of [
      [0x80, 0x80, 0x40, 0],
      [0x59, 0, 0, 0]
    ]) {
      assert.isUndefined(SnappyBlock.announced(Uint8Array.from(block)), `${block}`)
    }
    assert.deepStrictEqual(SnappyBlock.announced(Uint8Array.of(0x58, 0, 0, 0)), { size: 0x58, at: 1 })
    for (const packed of [
      [0x80, 0x80, 0x40, 0],
      [0xff, 0xff, 0xff, 0xff, 0x7f, 0],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0]
    ]) {
      assert.isUndefined(unpack(Method.Snappy, Uint8Array.from(packed), 2 ** 31))
    }
  })

  it("snappy: every kind of element is read", () => {
    const elements = [
      8 << 2,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      ((5 - 4) << 2) | 1,
      3,
      ((6 - 1) << 2) | 2,
      9,
      0,
      ((4 - 1) << 2) | 3,
      1,
      0,
      0,
      0
    ]
    const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 8, 9, 7, 8, 6, 7, 8, 9, 7, 8, 8, 8, 8, 8]
    assert.deepStrictEqual(
      unpack(Method.Snappy, Uint8Array.from([expected.length, ...elements])),
      Uint8Array.from(expected)
    )
  })
})
