/**
 * The decoder and the encoder as Channels and Streams: for recorded traffic, fuzzing and steady connections.
 *
 * Nothing here knows when a mode ends. A frame that may change the mode ends its batch, so that whoever takes the batch
 * can call `setMode` before the next frame is read; `Stream.buffer` between the two reads ahead and defeats that.
 */
import type * as Arr from "effect/Array"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import type { Frame, FrameDecoder } from "./FrameDecoder.ts"
import type { FrameEncoder } from "./FrameEncoder.ts"
import type { FrameError } from "./FrameError.ts"
import * as Gather from "./Gather.ts"

type Batch<A> = Arr.NonEmptyReadonlyArray<A>

const batch = <A>(items: ReadonlyArray<A>): Batch<A> | undefined => (items.length > 0 ? (items as Batch<A>) : undefined)

/** Tags that never change the mode: MESSAGE, KEEPALIVE2, KEEPALIVE2_ACK and ACK. */
export const isSteady = (tag: number): boolean => tag >= ControlFrame.MESSAGE && tag <= ControlFrame.Ack.tag

/** All bytes into frames, from whatever `decoder` has buffered on. The banner must have been taken. */
export const channel = <IE = never, Done = unknown>(
  decoder: FrameDecoder
): Channel.Channel<Batch<Frame>, FrameError | IE, Done, Batch<Uint8Array>, IE, Done> =>
  Channel.fromTransform((upstream: Pull.Pull<Batch<Uint8Array>, IE, Done>) =>
    Effect.sync(() => {
      const pull: Pull.Pull<Batch<Frame>, FrameError | IE, Done> = Effect.suspend(() => {
        const frames: Array<Frame> = []
        for (;;) {
          const next = decoder.next()
          if (Result.isFailure(next)) {
            // The decoder fails again when it is asked again: frames before the error go first.
            const before = batch(frames)
            return before === undefined ? Effect.fail(next.failure) : Effect.succeed(before)
          }
          if (next.success === undefined) break
          frames.push(next.success)
          if (!isSteady(next.success.tag)) break
        }
        const read = batch(frames)
        if (read !== undefined) return Effect.succeed(read)
        return Effect.flatMap(upstream, (chunks) => {
          for (const chunk of chunks) decoder.push(chunk)
          return pull
        })
      })
      return pull
    })
  )

/**
 * The frames of a stream of bytes. Bytes of an unfinished frame at its end are left in `decoder.buffered`.
 *
 * **Errors** `FrameError`, after the frames before it.
 */
export const decode =
  (decoder: FrameDecoder) =>
  <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Frame, E | FrameError, R> =>
    Stream.pipeThroughChannel(bytes, channel<E>(decoder))

/**
 * The bytes of a stream of frames; each batch of frames becomes one batch of chunks.
 *
 * **Errors** `FrameError`, after the bytes of the frames before it.
 */
export const encode =
  (encoder: FrameEncoder) =>
  <E, R>(frames: Stream.Stream<Pick<Frame, "tag" | "segments">, E, R>): Stream.Stream<Uint8Array, E | FrameError, R> =>
    Stream.transformPull(frames, (upstream) =>
      Effect.sync(() => {
        const out = Gather.make()
        let failure: FrameError | undefined
        const pull: Pull.Pull<Batch<Uint8Array>, E | FrameError, void> = Effect.suspend(() => {
          if (failure !== undefined) return Effect.fail(failure)
          return Effect.flatMap(upstream, (frames) => {
            for (const { tag, segments } of frames) {
              const written = encoder.frame(out, tag, segments)
              if (Result.isSuccess(written)) continue
              failure = written.failure
              break
            }
            const chunks = batch(out.take())
            return chunks === undefined ? pull : Effect.succeed(chunks)
          })
        })
        return pull
      })
    )
