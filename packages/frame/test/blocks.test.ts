import { assert, describe, it } from "@effect/vitest"
import { Fuzz } from "@msgr2/testing"
import { createRequire } from "node:module"
import * as Lz4Block from "../src/internal/lz4Block.ts"
import * as SnappyBlock from "../src/internal/snappyBlock.ts"
import { MiB, plainBytes, u32 } from "./compressing.ts"
import * as Blocks from "./goldens/blocks.ts"
import { join } from "./harness.ts"

describe("our decoder of snappy", () => {
  const malformed: { readonly [what: string]: ReadonlyArray<number> } = {
    "no length": [],
    "a length without its end": [0x80],
    "a length of six bytes": [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    "nothing, though something was announced": [4],
    "more than announced": [3, (4 - 1) << 2, 1, 2, 3, 4],
    "less than announced": [5, (4 - 1) << 2, 1, 2, 3, 4],
    "a literal that breaks off": [4, (4 - 1) << 2, 1, 2, 3],
    "a literal without its length": [9, 60 << 2],
    "a literal whose length breaks off": [9, 62 << 2, 8, 0],
    "a short copy that breaks off": [5, 0, 1, 0x01],
    "a copy that breaks off": [5, 0, 1, ((4 - 1) << 2) | 2, 1],
    "a far copy that breaks off": [5, 0, 1, ((4 - 1) << 2) | 3, 1, 0, 0],
    "a copy of what comes next": [5, 0, 1, ((4 - 1) << 2) | 2, 0, 0],
    "a copy from before the beginning": [5, 0, 1, ((4 - 1) << 2) | 2, 2, 0],
    "a far copy from before the beginning": [5, 0, 1, ((4 - 1) << 2) | 3, 1, 0, 0, 1],
    "a copy past the end": [4, 0, 1, ((4 - 1) << 2) | 2, 1, 0]
  }
  for (const [what, block] of Object.entries(malformed)) {
    it(`refuses ${what}`, () => {
      assert.isUndefined(SnappyBlock.decode(Uint8Array.from(block), MiB))
    })
  }

  it("keeps the limit", () => {
    const block = Uint8Array.of(4, (4 - 1) << 2, 1, 2, 3, 4)
    assert.deepStrictEqual(SnappyBlock.decode(block, 4), Uint8Array.of(1, 2, 3, 4))
    assert.isUndefined(SnappyBlock.decode(block, 3))
  })
})

describe("our decoder of lz4", () => {
  it("refuses a block that breaks off, or writes past its end", () => {
    const decode = (block: ReadonlyArray<number>, size: number) =>
      Lz4Block.decode(Uint8Array.from(block), 0, block.length, new Uint8Array(size), 0, size)
    const { sequence } = Blocks
    const many = Array.from({ length: 40 }, (_, i) => i)
    assert.isTrue(decode(sequence(many), 40))
    assert.isTrue(decode([...sequence(many, { offset: 1, length: 40 }), ...sequence([1])], 81))
    const malformed: { readonly [what: string]: readonly [block: ReadonlyArray<number>, size: number] } = {
      "nothing at all": [[], 0],
      "more literals than room": [sequence(many), 10],
      "a match longer than the room": [[...sequence(many, { offset: 1, length: 40 }), ...sequence([1])], 50],
      "a match at the end": [sequence(many, { offset: 1, length: 40 }), 80],
      "half an offset": [[0x10, 7, 1], 5],
      "a count of literals without its end": [[0xf0, 255, 255], 600],
      "a length of a match without its end": [[0x1f, 7, 1, 0, 255], 600],
      "fewer literals than counted": [[0x50, 1, 2, 3, 4], 5]
    }
    for (const [what, [block, size]] of Object.entries(malformed)) assert.isFalse(decode(block, size), what)
  })
})

describe("our decoders and the libraries'", () => {
  const require = createRequire(import.meta.url)
  const attempt = (run: () => Uint8Array): Uint8Array | undefined => {
    try {
      return new Uint8Array(run())
    } catch {
      return undefined
    }
  }

  it.prop("snappy: agree on every block, damaged or not", [plainBytes, Fuzz.Edits], ([plain, edits]) => {
    const packed = new Uint8Array(require("snappy").compressSync(plain))
    assert.deepStrictEqual(SnappyBlock.decode(packed, MiB), plain)
    const damaged = Fuzz.mutate(packed, edits)
    const size = SnappyBlock.announced(damaged)?.size
    if (size === undefined || size > MiB) return
    const theirs = attempt(() => require("snappy").uncompressSync(damaged, { asBuffer: true }))
    assert.deepStrictEqual(SnappyBlock.decode(damaged, MiB), theirs)
  })

  it.prop("lz4: agree on every block, damaged or not", [plainBytes, Fuzz.Edits], ([plain, edits]) => {
    const packed = new Uint8Array(require("lz4-napi").compressSync(plain)).subarray(4)
    const decode = (block: Uint8Array) => {
      const out = new Uint8Array(plain.length)
      return Lz4Block.decode(block, 0, block.length, out, 0, out.length) ? out : undefined
    }
    assert.deepStrictEqual(decode(packed), plain)
    const damaged = Fuzz.mutate(packed, edits)
    const theirs = attempt(() => require("lz4-napi").uncompressSync(join([u32(plain.length), damaged])))
    assert.deepStrictEqual(decode(damaged), theirs?.length === plain.length ? theirs : undefined)
  })
})
