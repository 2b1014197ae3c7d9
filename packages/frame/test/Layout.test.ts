import { assert, describe, it } from "@effect/vitest"
import { Layout } from "../src/index.ts"

const layouts = [Layout.crc0, Layout.secure0, Layout.crc1, Layout.secure1]

/** Origin: Ceph `src/test/msgr/test_frames_v2.cc`; columns 2.0 crc, 2.0 secure, 2.1 crc, 2.1 secure. */
const table: ReadonlyArray<readonly [lengths: ReadonlyArray<number>, ...ReadonlyArray<ReadonlyArray<number>>]> = [
  [[0], [32, 0, 17], [32, 0, 32], [32, 0], [96, 0]],
  [[1], [32, 1, 17], [32, 16, 32], [32, 5], [96, 0]],
  [[16], [32, 16, 17], [32, 16, 32], [32, 20], [96, 0]],
  [[48], [32, 48, 17], [32, 48, 32], [32, 52], [96, 0]],
  [[49], [32, 49, 17], [32, 64, 32], [32, 53], [96, 32]],
  [
    [49, 101, 202, 303],
    [32, 49, 101, 202, 303, 17],
    [32, 64, 112, 208, 304, 32],
    [32, 53, 101, 202, 303, 13],
    [96, 32, 112, 208, 304, 32]
  ],
  [
    [1, 0, 0, 303],
    [32, 1, 0, 0, 303, 17],
    [32, 16, 0, 0, 304, 32],
    [32, 5, 0, 0, 303, 13],
    [96, 0, 0, 0, 304, 32]
  ],
  [
    [0, 101],
    [32, 0, 101, 17],
    [32, 0, 112, 32],
    [32, 0, 101, 13],
    [96, 0, 112, 32]
  ]
]

describe("Layout", () => {
  for (const [lengths, ...expected] of table) {
    it(`${lengths.join("+")} has Ceph's lengths in every mode`, () => {
      assert.deepStrictEqual(
        layouts.map((layout) => Layout.parts(layout, lengths)),
        [...expected]
      )
      assert.deepStrictEqual(
        layouts.map((layout) => Layout.frame(layout, lengths)),
        expected.map((parts) => parts.reduce((sum, part) => sum + part))
      )
    })
  }

  it("the frames of a handshake have the lengths that were seen on the wire", () => {
    // Origin: recorded with Ceph 16.2.15.
    assert.strictEqual(Layout.frame(Layout.secure1, [32]), 96)
    assert.strictEqual(Layout.frame(Layout.secure1, [123]), 192)
    assert.strictEqual(Layout.frame(Layout.secure1, [41, 48]), 176)
    assert.strictEqual(Layout.frame(Layout.crc1, [0]), 32)
    assert.strictEqual(Layout.frame(Layout.crc0, [0]), 49)
  })

  it("padding goes up to whole blocks, also for lengths beyond 2^31", () => {
    assert.deepStrictEqual([0, 1, 15, 16, 17, 0xffff_fff1].map(Layout.padded), [0, 16, 16, 16, 32, 0x1_0000_0000])
  })

  it("trailing empty segments are not sent, but one always is", () => {
    const trimmed = (...lengths: ReadonlyArray<number>) => Layout.trimmed(lengths.map((length) => ({ length })))
    assert.strictEqual(trimmed(0, 0, 0, 0), 1)
    assert.strictEqual(trimmed(0, 0, 5, 0), 3)
    assert.strictEqual(trimmed(41, 0, 0, 1), 4)
    assert.strictEqual(trimmed(41), 1)
  })
})
