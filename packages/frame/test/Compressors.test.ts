import { assert, describe, it } from "@effect/vitest"
import { Fuzz } from "@msgr2/testing"
import { Bytes } from "@msgr2/wire"
import { Schema } from "effect"
import * as zlib from "node:zlib"
import { Compressors, Layout, Mode } from "../src/index.ts"
import { find } from "../src/internal/packages.ts"
import { ends, Method, methods, MiB, nameOf, noise, pack, peaks, plainBytes, prose, unpack } from "./compressing.ts"
import { ANY_TAG, drain, encode, join, mode as modeOf, names, pattern } from "./harness.ts"

const junk = Schema.Uint8Array.check(Schema.isMaxLength(200))

for (const method of methods) {
  describe(`${nameOf(method)}`, () => {
    it.prop("any bytes come back", [plainBytes], ([plain]) => {
      if (plain.length === 0) return
      assert.deepStrictEqual(unpack(method, pack(method, plain), plain.length), plain)
    })

    it("bytes of every kind and length come back, and nothing but a Uint8Array does", () => {
      for (const size of [1, 2, 15, 41, 255, 256, 1023, 1024, 1025, 5000, 65_536, 70_000, MiB]) {
        for (const plain of [new Uint8Array(size), prose(size), pattern(size)]) {
          const back = unpack(method, pack(method, plain))
          assert.isTrue(back !== undefined && Bytes.equals(back, plain), `${size}`)
          assert.strictEqual(back?.constructor, Uint8Array)
        }
      }
    })

    it("a segment that does not shrink comes back whatever its length", () => {
      // Among them the lengths at which what is packed just fills a buffer of the library, where Node's zstd goes wrong.
      const around = (length: number) => Array.from({ length: 40 }, (_, i) => length - i)
      const lengths = [...Array.from({ length: 300 }, (_, i) => i + 1), ...around(16_384), ...around(65_536)]
      for (const length of lengths) {
        const plain = noise(length)
        assert.isTrue(Bytes.equals(unpack(method, pack(method, plain), length) ?? Bytes.empty, plain), `${length}`)
      }
    })

    it("what inflates to one byte more than the limit is refused, and to the limit is not", () => {
      for (const size of [1, 41, 1024, 5000, 70_000]) {
        const packed = pack(method, prose(size))
        assert.isUndefined(unpack(method, packed, size - 1), `${size}`)
        assert.isUndefined(unpack(method, packed, 0), `${size}`)
        assert.strictEqual(unpack(method, packed, size)?.length, size)
      }
    })

    it("a segment that ends too early or goes on too long is refused, wherever it is cut", () => {
      for (const plain of [prose(300), prose(3000), pattern(50)]) {
        const packed = pack(method, plain)
        for (let end = 0; end < packed.length; end++) {
          assert.isUndefined(unpack(method, packed.subarray(0, end)), `cut at ${end} of ${packed.length}`)
        }
        for (const more of [[0], [1, 2, 3], [0, 0, 0, 0, 0]]) {
          assert.isUndefined(unpack(method, join([packed, Uint8Array.from(more)])), `and ${more}`)
        }
      }
    })

    it.prop("a damaged segment gives no more than the limit", [plainBytes, Fuzz.Edits], ([plain, edits]) => {
      if (plain.length === 0) return
      const back = unpack(method, Fuzz.mutate(pack(method, plain), edits), 4096)
      assert.isTrue(back === undefined || back.length <= 4096)
    })

    it.prop("bytes that nobody compressed give no more than the limit", [junk], ([bytes]) => {
      const back = unpack(method, bytes, 4096)
      assert.isTrue(back === undefined || back.length <= 4096)
    })

    it("a bomb is refused for its limit and a little, and so is its frame", () => {
      const bomb = pack(method, new Uint8Array(64 * MiB))
      const [refused, small, size, large] = peaks(method, bomb, [4 * MiB, 64 * MiB])
      assert.strictEqual(refused, -1)
      assert.isBelow(small!, 16 * 1024)
      // The same again with a limit that is wide enough: this is what the other has saved.
      assert.strictEqual(size, 64 * MiB)
      assert.isAbove(large!, 48 * 1024)
      const { encoder, decoder } = ends("2.1-crc", method, 0, {
        segments: [4 * MiB, 0, 0, 0],
        frame: 4 * MiB
      })
      encoder.setMode(Mode.crc(1))
      decoder.push(encode(encoder, ANY_TAG, [bomb], { flags: 1 }))
      assert.strictEqual(drain(decoder).error?.reason, "Inflate")
    }, 20_000)

    for (const mode of names) {
      it(`${mode}: plain and compressed frames alternate, in any order of sizes`, () => {
        const { encoder, decoder } = ends(mode, method, 1000)
        const frames = [10, 1000, 999, 5000, 0, 40_000, 41].map((size, i) => [prose(41, i), prose(size, i + 1)])
        const compressed = frames.map((segments) => segments.reduce((sum, { length }) => sum + length, 0) >= 1000)
        assert.deepStrictEqual(compressed, [false, true, true, true, false, true, false])
        for (const [i, segments] of frames.entries()) {
          const bytes = encode(encoder, ANY_TAG, segments)
          const plain = segments.reduce((sum, { length }) => sum + length, 0)
          assert.strictEqual(bytes.length < plain, compressed[i])
          for (let at = 0; at < bytes.length; at += 777) decoder.push(bytes.slice(at, at + 777))
        }
        const { error, frames: read } = drain(decoder)
        assert.isUndefined(error)
        assert.deepStrictEqual(
          read.map(({ segments }) => segments),
          frames.map((segments) => segments.filter(({ length }) => length > 0))
        )
      })

      it(`${mode}: a frame that compression makes longer is a frame`, () => {
        const { encoder, decoder } = ends(mode, method)
        const segments = [noise(41), noise(300)]
        const bytes = encode(encoder, ANY_TAG, segments)
        const plain = Layout.frame(Mode.layout(modeOf(mode)), [41, 300])
        if (mode.endsWith("crc")) assert.isAbove(bytes.length, plain)
        else assert.isAtLeast(bytes.length, plain)
        decoder.push(bytes)
        assert.deepStrictEqual(drain(decoder).frames, [{ tag: ANY_TAG, segments, size: bytes.length }])
      })
    }
  })
}

describe("missing libraries", () => {
  const without = (...missing: ReadonlyArray<string>) =>
    Compressors.make((name) => (missing.includes(name) ? undefined : find(name)))
  const has = (compressors: Compressors.Compressors) => methods.filter(compressors.has)

  it("this installation has all four and no others", () => {
    assert.deepStrictEqual(has(Compressors.installed), methods)
    for (const method of [Method.None, Method.Brotli, 6, -1, 1.5, 2 ** 32 - 1]) {
      assert.isFalse(Compressors.installed.has(method))
      assert.isUndefined(Compressors.installed.make(method))
    }
  })

  it("a method without its library is absent, and the others are not", () => {
    assert.deepStrictEqual(has(without("snappy")), [Method.Zlib, Method.Zstd, Method.Lz4])
    assert.deepStrictEqual(has(without("lz4-napi")), [Method.Snappy, Method.Zlib, Method.Zstd])
    assert.deepStrictEqual(has(without("node:zlib")), [Method.Snappy, Method.Lz4])
    assert.isUndefined(without("snappy").make(Method.Snappy))
  })

  it("an old Node has no zstd", () => {
    const { zstdCompressSync: _c, zstdDecompressSync: _d, ...old } = zlib
    assert.deepStrictEqual(has(Compressors.make((name) => (name === "node:zlib" ? old : undefined))), [Method.Zlib])
  })

  it("a library that throws, or does something else, counts as missing", () => {
    const broken: ReadonlyArray<unknown> = [
      null,
      42,
      {},
      { compressSync: () => new Uint8Array(3), uncompressSync: () => new Uint8Array(4096) },
      {
        compressSync: () => {
          throw new Error("wrong machine")
        }
      }
    ]
    for (const library of broken) assert.deepStrictEqual(has(Compressors.make(() => library)), [])
    const raising = Compressors.make(() => {
      throw new Error("not found")
    })
    assert.deepStrictEqual(has(raising), [])
  })

  it("a library is looked for when it is first needed, and once", () => {
    const asked: Array<string> = []
    const compressors = Compressors.make((name) => {
      asked.push(name)
      return find(name)
    })
    assert.deepStrictEqual(asked, [])
    for (let i = 0; i < 3; i++) compressors.make(Method.Snappy)
    assert.isTrue(compressors.has(Method.Snappy))
    assert.deepStrictEqual(asked, ["snappy"])
  })

  it("a package that is not installed is not found", () => {
    assert.isUndefined(find("@msgr2/there-is-no-such-package"))
  })
})
