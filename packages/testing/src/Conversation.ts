/**
 * A recorded connection read frame by frame, both directions, whatever mode it changed to.
 */
import * as FrameDecoder from "@msgr2/frame/FrameDecoder"
import type { FrameError } from "@msgr2/frame/FrameError"
import * as Limits from "@msgr2/frame/Limits"
import * as Mode from "@msgr2/frame/Mode"
import type { Banner } from "@msgr2/wire/Banner"
import * as Bytes from "@msgr2/wire/Bytes"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as Features from "@msgr2/wire/Features"
import * as Message from "@msgr2/wire/Message"
import type { WireError } from "@msgr2/wire/WireError"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

export type Direction = "c2s" | "s2c"

/** The two byte streams of a connection, from the first byte of the banners on. */
export interface Recording {
  readonly c2s: Uint8Array
  readonly s2c: Uint8Array
  /** Needed where the connection changed to secure mode. */
  readonly connectionSecret: Uint8Array | null
}

/**
 * One frame of a recording.
 *
 * **Units** `offset` and `size` in bytes of its direction's stream.
 */
export interface Entry {
  readonly offset: number
  readonly size: number
  readonly tag: number
  readonly segments: ReadonlyArray<Uint8Array>
  readonly frame: ControlFrame.ControlFrame | Message.Message
}

/** One direction: its banner, its frames, and the mode that each was read in. */
export interface Side {
  readonly banner: Banner
  readonly bannerSize: number
  readonly entries: ReadonlyArray<Entry>
  /** Frames before the mode changed; all of them when it never did. */
  readonly plainFrames: number
  /** Bytes at the end that are not a whole frame. */
  readonly rest: number
}

export interface Conversation {
  readonly c2s: Side
  readonly s2c: Side
  /** 1 when both banners offered msgr2.1. */
  readonly revision: Mode.Revision
  /** What AUTH_DONE said; `undefined` when the recording ends before it. */
  readonly mode: number | undefined
}

type Failure = FrameError | WireError

const tagOf = (name: ControlFrame.Name): number => ControlFrame.codec(name).tag
const AUTH_DONE = tagOf("AuthDone")
const answers: ReadonlyArray<number> = [tagOf("AuthBadMethod"), tagOf("AuthReplyMore"), AUTH_DONE]
const requests: ReadonlyArray<number> = [tagOf("AuthRequest"), tagOf("AuthRequestMore")]

/** The mode of a connection after AUTH_DONE, as one end sees it. */
export const modeAfter = (
  role: "client" | "server",
  revision: Mode.Revision,
  mode: number | undefined,
  secret: Uint8Array | null
): Result.Result<Mode.Mode, FrameError> =>
  mode === 2
    ? Mode.secure({ role, revision, secret: Redacted.make(secret ?? Bytes.empty) })
    : Result.succeed(Mode.crc(revision))

const decodeFrame = ({ segments, tag }: FrameDecoder.Frame): Result.Result<Entry["frame"], WireError> =>
  tag === ControlFrame.MESSAGE ? Message.decode(segments) : ControlFrame.decode(tag, segments[0] ?? Bytes.empty)

/** Reads one direction; `switchAfter` says behind which frame the other mode begins. */
const readSide = (
  bytes: Uint8Array,
  revision: Mode.Revision,
  switchAfter: (entries: ReadonlyArray<Entry>) => Result.Result<Mode.Mode, FrameError> | undefined
): Result.Result<Side, Failure> =>
  Result.gen(function* () {
    const decoder = FrameDecoder.make()
    decoder.push(bytes)
    const banner = yield* decoder.banner()
    const bannerSize = decoder.consumed
    if (banner === undefined) {
      return { banner: { supported: 0n, required: 0n }, bannerSize, entries: [], plainFrames: 0, rest: bytes.length }
    }
    decoder.setMode(Mode.crc(revision))
    const entries: Array<Entry> = []
    let plainFrames: number | undefined
    for (;;) {
      const offset = decoder.consumed
      const raw = yield* decoder.next()
      if (raw === undefined) break
      entries.push({ ...raw, offset, frame: yield* decodeFrame(raw) })
      const next = plainFrames === undefined ? switchAfter(entries) : undefined
      if (next !== undefined) {
        plainFrames = entries.length
        decoder.setMode(yield* next)
        decoder.setLimits(Limits.afterAuth)
      }
    }
    return { banner, bannerSize, entries, plainFrames: plainFrames ?? entries.length, rest: decoder.buffered }
  })

/**
 * Reads a recording.
 *
 * **Errors** the first thing that is not as it should be, in either direction.
 */
export const read = (recording: Recording): Result.Result<Conversation, Failure> =>
  Result.gen(function* () {
    const { c2s, connectionSecret, s2c } = recording
    const [client, server] = [yield* bannerOf(c2s), yield* bannerOf(s2c)]
    const both = client.supported & server.supported
    const revision: Mode.Revision = (both & Features.Msgr2.Revision1) === 0n ? 0 : 1
    let mode: number | undefined
    let rounds = 0
    const down = yield* readSide(s2c, revision, (entries) => {
      const last = entries.at(-1)
      if (last !== undefined && answers.includes(last.tag)) rounds++
      if (last?.frame._tag !== "AuthDone") return undefined
      mode = last.frame.mode
      return modeAfter("client", revision, mode, connectionSecret)
    })
    // In secure mode a client's frame after its last AUTH frame does not show its tag: answers are counted instead.
    const up = yield* readSide(c2s, revision, (entries) =>
      mode !== undefined && entries.filter(({ tag }) => requests.includes(tag)).length === rounds
        ? modeAfter("server", revision, mode, connectionSecret)
        : undefined
    )
    return { c2s: up, s2c: down, revision, mode }
  })

const bannerOf = (bytes: Uint8Array): Result.Result<Banner, WireError> => {
  const decoder = FrameDecoder.make()
  decoder.push(bytes)
  return Result.map(decoder.banner(), (banner) => banner ?? { supported: 0n, required: 0n })
}
