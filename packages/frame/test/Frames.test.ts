/**
 * The grid of Ceph's own frame test: 32 layouts in every mode, plain and with compression, alone and three in a row.
 *
 * Origin of the grid: Ceph `src/test/msgr/test_frames_v2.cc`
 */
import { assert, describe, it } from "@effect/vitest"
import { Layout, Mode } from "../src/index.ts"
import { ends, Method } from "./compressing.ts"
import { ANY_TAG, drain, encode, mode, names, pair, pattern } from "./harness.ts"

const grid = [0, 1, 48, 49].flatMap((header) =>
  [0, 101].flatMap((front) => [0, 202].flatMap((middle) => [0, 303].map((data) => [header, front, middle, data])))
)

const trim = (segments: ReadonlyArray<Uint8Array>) => segments.slice(0, Layout.trimmed(segments))

describe("frames", () => {
  it("the grid has 32 layouts", () => {
    assert.strictEqual(new Set(grid.map(String)).size, 32)
  })

  for (const name of names) {
    const layout = Mode.layout(mode(name))

    it(`${name}: each layout has its length on the wire and comes back`, () => {
      for (const lengths of grid) {
        const { encoder, decoder } = pair(name)
        const segments = lengths.map((length, i) => pattern(length, i + 1))
        const sent = trim(segments)
        const bytes = encode(encoder, ANY_TAG, segments)
        const expected = Layout.frame(
          layout,
          sent.map((segment) => segment.length)
        )
        assert.strictEqual(bytes.length, expected, lengths.join("+"))
        decoder.push(bytes)
        const { frames, error } = drain(decoder)
        assert.isUndefined(error)
        assert.deepStrictEqual(frames, [{ tag: ANY_TAG, segments: sent, size: expected }], lengths.join("+"))
        assert.strictEqual(decoder.buffered, 0)
        assert.strictEqual(decoder.consumed, expected)
        assert.strictEqual(encoder.produced, expected)
      }
    })

    it(`${name}: each layout comes back three times through one pair`, () => {
      for (const lengths of grid) {
        const { encoder, decoder } = pair(name)
        for (let round = 0; round < 3; round++) {
          const segments = lengths.map((length, i) => pattern(length, 10 * round + i))
          decoder.push(encode(encoder, ANY_TAG, segments))
          const { frames, error } = drain(decoder)
          assert.isUndefined(error)
          assert.deepStrictEqual(
            frames.map((frame) => frame.segments),
            [trim(segments)]
          )
        }
        assert.strictEqual(decoder.buffered, 0)
      }
    })

    it(`${name}: the whole grid comes back over one connection`, () => {
      const { encoder, decoder } = pair(name)
      const all = grid.map((lengths) => lengths.map((length, i) => pattern(length, i)))
      for (const segments of all) decoder.push(encode(encoder, ANY_TAG, segments))
      const { frames, error } = drain(decoder)
      assert.isUndefined(error)
      assert.deepStrictEqual(
        frames.map((frame) => frame.segments),
        all.map(trim)
      )
    })
  }

  // Ceph's grid stays below its threshold of 1 KiB, so a threshold of 1 is tried beside it.
  for (const name of names) {
    const layout = Mode.layout(mode(name))

    it(`${name} with snappy from 1 KiB on: each layout is as long as without, and comes back`, () => {
      for (const lengths of grid) {
        const { encoder, decoder } = ends(name, Method.Snappy, 1024)
        const sent = trim(lengths.map((length, i) => pattern(length, i + 1)))
        const bytes = encode(encoder, ANY_TAG, sent)
        const plain = Layout.frame(
          layout,
          sent.map((segment) => segment.length)
        )
        assert.strictEqual(bytes.length, plain, lengths.join("+"))
        decoder.push(bytes)
        assert.deepStrictEqual(drain(decoder).frames, [{ tag: ANY_TAG, segments: sent, size: plain }])
      }
    })

    it(`${name} with snappy for every frame: each layout is no longer than it must be, and comes back`, () => {
      for (const lengths of grid) {
        const { encoder, decoder } = ends(name, Method.Snappy, 1)
        const sent = trim(lengths.map((length, i) => new Uint8Array(length).fill(i)))
        const bytes = encode(encoder, ANY_TAG, sent)
        // The length, one byte of new content, and three bytes for every 64 that repeat it.
        const most = lengths.map((length) => (length < 2 ? 3 * length : 4 + 3 * Math.ceil(length / 64)))
        assert.isAtMost(bytes.length, Layout.frame(layout, most, sent.length), lengths.join("+"))
        if (name.endsWith("crc")) assert.strictEqual(bytes[26], lengths.some((length) => length > 0) ? 1 : 0)
        decoder.push(bytes)
        assert.deepStrictEqual(drain(decoder).frames, [{ tag: ANY_TAG, segments: sent, size: bytes.length }])
        assert.strictEqual(decoder.buffered, 0)
      }
    })

    it(`${name} with snappy: each layout comes back three times through one pair, whatever the threshold`, () => {
      for (const minSize of [1, 300, 1024]) {
        for (const lengths of grid) {
          const { encoder, decoder } = ends(name, Method.Snappy, minSize)
          for (let round = 0; round < 3; round++) {
            const segments = lengths.map((length, i) => pattern(length, 10 * round + i))
            decoder.push(encode(encoder, ANY_TAG, segments))
            const { frames, error } = drain(decoder)
            assert.isUndefined(error)
            assert.deepStrictEqual(
              frames.map((frame) => frame.segments),
              [trim(segments)]
            )
          }
          assert.strictEqual(decoder.buffered, 0)
        }
      }
    })
  }
})
