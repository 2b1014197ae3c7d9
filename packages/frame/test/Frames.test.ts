/**
 * The grid of Ceph's own frame test: 32 layouts in every uncompressed mode, alone and three in a row.
 *
 * Origin of the grid: Ceph `src/test/msgr/test_frames_v2.cc`
 */
import { assert, describe, it } from "@effect/vitest"
import { Layout, Mode } from "../src/index.ts"
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
})
