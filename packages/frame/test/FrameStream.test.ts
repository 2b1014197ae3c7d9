import { assert, describe, it } from "@effect/vitest"
import { ControlFrame } from "@msgr2/wire"
import { Effect, Result, Stream } from "effect"
import { FrameDecoder, FrameEncoder, FrameStream, Limits, Mode } from "../src/index.ts"
import { ACK, ANY_TAG, encode, join, MESSAGE, mode, pattern } from "./harness.ts"

const AUTH_DONE = ControlFrame.AuthDone.tag
const steady = [
  [MESSAGE, pattern(41)],
  [MESSAGE, pattern(41)],
  [ACK, pattern(8)],
  [MESSAGE, pattern(41)]
] as const

/** HELLO and AUTH_DONE in the clear, then a signature, an ident and steady traffic, sealed: one chunk. */
const conversation = () => {
  const encoder = FrameEncoder.make()
  const clear = [1, AUTH_DONE].map((tag) => encode(encoder, tag, [pattern(20)]))
  encoder.setMode(mode("2.1-secure", "server"))
  const sealed = [[7, pattern(32)] as const, [9, pattern(80)] as const, ...steady].map(([tag, segment]) =>
    encode(encoder, tag, [segment])
  )
  return join([...clear, ...sealed])
}

/** Takes the batches and does what a session does: AUTH_DONE changes the mode. */
const follow = (decoder: FrameDecoder.FrameDecoder, batches: Array<ReadonlyArray<number>>) =>
  Stream.runForEachArray<FrameDecoder.Frame, void, never, never>((frames) =>
    Effect.sync(() => {
      batches.push(frames.map((frame) => frame.tag))
      if (frames.some((frame) => frame.tag === AUTH_DONE)) decoder.setMode(mode("2.1-secure", "client"))
    })
  )

describe("FrameStream", () => {
  it.effect("reads the frame after AUTH_DONE in the mode that AUTH_DONE chose, and steady frames as one batch", () =>
    Effect.gen(function* () {
      const decoder = FrameDecoder.make({ limits: Limits.afterAuth })
      const batches: Array<ReadonlyArray<number>> = []
      yield* Stream.make(conversation()).pipe(FrameStream.decode(decoder), follow(decoder, batches))
      assert.deepStrictEqual(batches, [[1], [AUTH_DONE], [7], [9], [MESSAGE, MESSAGE, ACK, MESSAGE]])
      assert.strictEqual(decoder.buffered, 0)
    })
  )

  it.effect("a buffer between decoder and consumer defeats that: the signature is read in the clear", () =>
    Effect.gen(function* () {
      const decoder = FrameDecoder.make({ limits: Limits.afterAuth })
      const batches: Array<ReadonlyArray<number>> = []
      const result = yield* Stream.make(conversation()).pipe(
        FrameStream.decode(decoder),
        Stream.buffer({ capacity: 16 }),
        follow(decoder, batches),
        Effect.result
      )
      assert.isTrue(Result.isFailure(result) && result.failure.reason === "PreambleCrc")
      assert.deepStrictEqual(batches.flat(), [1, AUTH_DONE])
    })
  )

  it.effect("frames before an error arrive before it does", () =>
    Effect.gen(function* () {
      const decoder = FrameDecoder.make()
      const good = encode(FrameEncoder.make(), ACK, [pattern(8)])
      const tags: Array<number> = []
      const result = yield* Stream.make(join([good, good, new Uint8Array(40).fill(3), good])).pipe(
        FrameStream.decode(decoder),
        Stream.runForEach((frame) => Effect.sync(() => tags.push(frame.tag))),
        Effect.result
      )
      assert.deepStrictEqual(tags, [ACK, ACK])
      assert.isTrue(Result.isFailure(result) && result.failure.reason === "PreambleCrc")
    })
  )

  it.effect("what the encoder makes of frames the decoder makes frames of, whatever lies between", () =>
    Effect.gen(function* () {
      const frames = Array.from({ length: 40 }, (_, i) => ({
        tag: MESSAGE,
        segments: [pattern(41), pattern(100 * i, i)]
      }))
      const read = yield* Stream.fromIterable(frames).pipe(
        FrameStream.encode(FrameEncoder.make({ mode: mode("2.1-secure", "client") })),
        Stream.mapArray((chunks) => {
          const bytes = join(chunks)
          const cut = (bytes.length >> 1) + 3
          return [bytes.slice(0, cut), bytes.slice(cut)] as const
        }),
        FrameStream.decode(FrameDecoder.make({ mode: mode("2.1-secure", "server"), limits: Limits.afterAuth })),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        read.map((frame) => frame.segments),
        frames.map(({ segments }) => (segments[1]!.length === 0 ? segments.slice(0, 1) : segments))
      )
    })
  )

  it.effect("the bytes of frames before one that cannot be sent leave before the error", () =>
    Effect.gen(function* () {
      const good = { tag: ACK, segments: [pattern(8)] }
      const sent: Array<Uint8Array> = []
      const result = yield* Stream.make(good, { tag: ANY_TAG, segments: [] }, good).pipe(
        FrameStream.encode(FrameEncoder.make({ mode: Mode.crc(1) })),
        Stream.runForEach((chunk) => Effect.sync(() => sent.push(chunk))),
        Effect.result
      )
      assert.strictEqual(join(sent).length, 44)
      assert.isTrue(Result.isFailure(result) && result.failure.reason === "SegmentCount")
    })
  )

  it.effect("the bytes of an unfinished frame at the end stay in the decoder", () =>
    Effect.gen(function* () {
      const decoder = FrameDecoder.make()
      const bytes = encode(FrameEncoder.make(), ACK, [pattern(8)])
      const read = yield* Stream.make(bytes, bytes.subarray(0, 40)).pipe(FrameStream.decode(decoder), Stream.runCollect)
      assert.strictEqual(read.length, 1)
      assert.strictEqual(decoder.buffered, 40)
    })
  )
})
