import { assert, describe, it } from "@effect/vitest"
import { type Compression, FrameDecoder, FrameEncoder, Limits, Mode } from "../src/index.ts"
import { ACK, ANY_TAG, drain, encode, MESSAGE, pattern, secret, succeed } from "./harness.ts"

/** Says how often one byte repeats: `byte:u8 count:u8`; anything else it cannot compress. */
const repeats = (minSize: number): Compression.Compressor => ({
  name: "repeats",
  minSize,
  compress: (segment) =>
    segment.length < 256 && segment.every((byte) => byte === segment[0])
      ? Uint8Array.of(segment[0]!, segment.length)
      : undefined,
  decompress: (segment, limit) =>
    segment.length === 2 && segment[1]! <= limit ? new Uint8Array(segment[1]!).fill(segment[0]!) : undefined
})

const ends = (minSize = 0, limits: Limits.Limits = Limits.afterAuth) => {
  const mode = Mode.crc(1, { compression: repeats(minSize) })
  return { encoder: FrameEncoder.make({ mode }), decoder: FrameDecoder.make({ mode, limits }) }
}
const flags = (frame: Uint8Array) => frame[26]
const sevens = (size: number) => new Uint8Array(size).fill(7)
const crc1 = () => FrameEncoder.make({ mode: Mode.crc(1) })

describe("compression", () => {
  it("each segment that is not empty travels compressed, and the flag says so", () => {
    const { encoder, decoder } = ends()
    const segments = [sevens(50), new Uint8Array(0), sevens(90)]
    const bytes = encode(encoder, ANY_TAG, segments)
    assert.strictEqual(flags(bytes), 1)
    assert.strictEqual(bytes.length, 32 + (2 + 4) + 0 + 2 + 13)
    decoder.push(bytes)
    assert.deepStrictEqual(drain(decoder).frames, [{ tag: ANY_TAG, segments, size: bytes.length }])
  })

  it("a frame below the least size, an empty one, and one with a segment that resists go plain", () => {
    for (const [minSize, segments] of [
      [100, [sevens(50), sevens(49)]],
      [0, [new Uint8Array(0)]],
      [0, [sevens(50), pattern(50)]]
    ] as const) {
      const { encoder, decoder } = ends(minSize)
      const bytes = encode(encoder, ANY_TAG, segments)
      assert.strictEqual(flags(bytes), 0)
      decoder.push(bytes)
      assert.deepStrictEqual(drain(decoder).frames[0]?.segments, segments)
    }
  })

  it("a frame of just the least size is compressed", () => {
    assert.strictEqual(flags(encode(ends(99).encoder, ANY_TAG, [sevens(50), sevens(49)])), 1)
  })

  it("a message may be compressed, its header inflates to 41 bytes or is refused", () => {
    const { encoder, decoder } = ends()
    decoder.push(encode(encoder, MESSAGE, [sevens(41), sevens(10)]))
    decoder.push(encode(encoder, MESSAGE, [sevens(42), sevens(10)]))
    const { frames, error } = drain(decoder)
    assert.strictEqual(frames.length, 1)
    assert.strictEqual(error?.reason, "HeaderSize")
  })

  it("a segment that does not inflate, or to more than its limit, is refused with Inflate", () => {
    const limits: Limits.Limits = { segments: [100, 100, 100, 100], frame: 150 }
    const read = (segments: ReadonlyArray<Uint8Array>) => {
      const { decoder } = ends(0, limits)
      decoder.push(encode(crc1(), ANY_TAG, segments, { flags: 1 }))
      const { error, frames } = drain(decoder)
      return error === undefined ? frames.length : [error.reason, error.segment]
    }
    const claim = (size: number) => Uint8Array.of(7, size)
    assert.deepStrictEqual(read([claim(100), claim(50)]), 1)
    assert.deepStrictEqual(read([claim(1), pattern(3)]), ["Inflate", 1])
    assert.deepStrictEqual(read([claim(101)]), ["Inflate", 0])
    assert.deepStrictEqual(read([claim(100), claim(51)]), ["Inflate", 1])
  })

  it("a compressed frame that nobody agreed on is refused with NotNegotiated, not passed on", () => {
    const decoder = FrameDecoder.make({ mode: Mode.crc(1) })
    decoder.push(encode(crc1(), ACK, [pattern(8)], { flags: 1 }))
    assert.strictEqual(drain(decoder).error?.reason, "NotNegotiated")
  })

  it("a frame that begins under a compressor and ends without one is refused, not passed on", () => {
    const compression = repeats(0)
    const pairs: ReadonlyArray<readonly [sender: Mode.Mode, receiver: Mode.Mode]> = [
      [Mode.crc(1, { compression }), Mode.crc(1, { compression })],
      [
        succeed(Mode.secure({ role: "client", revision: 1, secret, compression })),
        succeed(Mode.secure({ role: "server", revision: 1, secret, compression }))
      ]
    ]
    for (const [sender, receiver] of pairs) {
      const bytes = encode(FrameEncoder.make({ mode: sender }), ANY_TAG, [sevens(50), sevens(50)])
      assert.isAbove(bytes.length, 32)
      const decoder = FrameDecoder.make({ mode: receiver })
      decoder.push(bytes.subarray(0, bytes.length - 1))
      assert.isUndefined(drain(decoder).error)
      decoder.setMode(Mode.withCompression(receiver, undefined))
      decoder.push(bytes.subarray(bytes.length - 1))
      assert.strictEqual(drain(decoder).error?.reason, "NotNegotiated")
    }
  })
})
