import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@msgr2/wire"
import { Result, Schema } from "effect"
import { Crc32c, FrameDecoder, FrameEncoder, Gather, Limits, Mode } from "../src/index.ts"
import * as Crc32cWasm from "../src/internal/crc32cWasm.ts"
import { pattern } from "./harness.ts"

/** One bit at a time, as the definition has it: shares nothing with the code under test. */
const reference = (register: number, bytes: Uint8Array): number => {
  let c = register
  for (const byte of bytes) {
    c ^= byte
    for (let bit = 0; bit < 8; bit++) c = (c >>> 1) ^ (c & 1 ? 0x82f63b78 : 0)
  }
  return c >>> 0
}

const ascii = (text: string) => new TextEncoder().encode(text)
const implementations = { update: Crc32c.update, updatePlain: Crc32c.updatePlain }
const wasm = Crc32cWasm.make(Crc32c.tables)

describe("Crc32c", () => {
  for (const [name, update] of Object.entries(implementations)) {
    it(`${name} has Ceph's values, without inversion`, () => {
      // Origin: Ceph `ceph_crc32c`; 0xe3069283 is the usual check value of CRC-32C.
      const digits = ascii("123456789")
      assert.strictEqual(update(0xffffffff, digits), 0x1cf96d7c)
      assert.strictEqual(~update(0xffffffff, digits) >>> 0, 0xe3069283)
      assert.strictEqual(update(0, digits), 0x58e3fa20)
      assert.strictEqual(update(0xffffffff, ascii("a")), 0x3e2fbccf)
      assert.strictEqual(update(0, ascii("a")), 0x93ad1061)
      assert.strictEqual(update(0xffffffff, new Uint8Array(32)), 0x756ec955)
      assert.strictEqual(update(0xffffffff, new Uint8Array(0)), 0xffffffff)
      assert.strictEqual(update(0, new Uint8Array(0)), 0)
    })

    it.prop(
      `${name} agrees with the definition on any range of any bytes`,
      [Schema.Uint8Array.check(Schema.isMaxLength(300)), Schema.Int, Schema.Int, Schema.Int],
      ([bytes, seed, a, b]) => {
        const [start, end] = [a, b].map((n) => Math.abs(n) % (bytes.length + 1)).toSorted((x, y) => x - y)
        assert.strictEqual(update(seed >>> 0, bytes, start, end), reference(seed >>> 0, bytes.subarray(start, end)))
      }
    )
  }

  it("every length around the steps of the loops agrees with the definition", () => {
    assert.isDefined(wasm)
    const bytes = pattern(200, 3)
    for (let size = 0; size <= bytes.length; size++) {
      const part = bytes.subarray(0, size)
      const expected = reference(0xffffffff, part)
      assert.strictEqual(Crc32c.segment(part), expected, `update, ${size} bytes`)
      assert.strictEqual(Crc32c.updatePlain(0xffffffff, part), expected, `updatePlain, ${size} bytes`)
      assert.strictEqual(wasm!(-1, part, 0, size) >>> 0, expected, `wasm, ${size} bytes`)
    }
  })

  it("input longer than the window of the WebAssembly module is taken piece by piece", () => {
    const bytes = pattern(100_003, 1)
    assert.strictEqual(Crc32c.segment(bytes), Crc32c.updatePlain(0xffffffff, bytes))
    const [from, to] = [5, 70_001]
    assert.strictEqual(Crc32c.update(7, bytes, from, to), Crc32c.updatePlain(7, bytes.slice(from, to)))
  })

  it("parts chain to the value of the whole", () => {
    const bytes = pattern(1000)
    for (const cut of [0, 1, 40, 500, 999]) {
      const left = Crc32c.update(Crc32c.SEGMENT_SEED, bytes, 0, cut)
      assert.strictEqual(Crc32c.update(left, bytes, cut, 1000), Crc32c.segment(bytes))
    }
  })
})

describe("another engine", () => {
  const asked: Array<number> = []
  const engine: Crc32c.Engine = {
    update: (register, bytes) => Crc32c.updatePlain(register, bytes),
    segments: (segments, sums) => {
      asked.push(segments.length)
      for (const [i, segment] of segments.entries()) sums[i] = Crc32c.updatePlain(Crc32c.SEGMENT_SEED, segment)
    }
  }
  const parts = [new Uint8Array(41).fill(1), new Uint8Array(300).fill(2), Bytes.empty, new Uint8Array(5000).fill(3)]
  for (const revision of [0, 1] as const) {
    it(`takes the place of the one built in, once for each frame, in revision ${revision}`, () => {
      asked.length = 0
      const out = Gather.make()
      Result.getOrThrow(FrameEncoder.make({ mode: Mode.crc(revision, { engine }) }).frame(out, 17, parts))
      const sent = Bytes.concat(out.take())
      Result.getOrThrow(FrameEncoder.make({ mode: Mode.crc(revision) }).frame(out, 17, parts))
      assert.deepStrictEqual(sent, Bytes.concat(out.take()))
      const decoder = FrameDecoder.make({ mode: Mode.crc(revision, { engine }), limits: Limits.afterAuth })
      decoder.push(sent)
      assert.deepStrictEqual(Result.getOrThrow(decoder.next())?.segments, parts)
      assert.deepStrictEqual(asked, [4, 4])
    })
    it(`is believed when it finds damage, in revision ${revision}`, () => {
      const out = Gather.make()
      Result.getOrThrow(FrameEncoder.make({ mode: Mode.crc(revision) }).frame(out, 17, parts))
      const wrong: Crc32c.Engine = { ...engine, segments: (_, sums) => sums.fill(7) }
      const decoder = FrameDecoder.make({ mode: Mode.crc(revision, { engine: wrong }), limits: Limits.afterAuth })
      decoder.push(Bytes.concat(out.take()))
      const refused = decoder.next()
      assert.isTrue(Result.isFailure(refused) && refused.failure.reason === "SegmentCrc")
    })
  }
})
