/**
 * Frames into bytes, gathered for one write.
 *
 * Secure mode numbers its records, so frames must leave in the order in which they were encoded. Nothing here waits or
 * throws; a frame that is refused leaves no byte behind.
 *
 * **Source** msgr2, "Frame format"; Ceph `src/msg/async/frames_v2.cc`
 */
import * as Banner from "@msgr2/wire/Banner"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import { HEADER_SIZE, type Message, writeHeader } from "@msgr2/wire/Message"
import * as Result from "effect/Result"
import * as Compression from "./Compression.ts"
import * as CrcMode from "./CrcMode.ts"
import * as Epilogue from "./Epilogue.ts"
import { FrameError, type Refuse } from "./FrameError.ts"
import * as FrameWriter from "./FrameWriter.ts"
import * as Gather from "./Gather.ts"
import { Plaintext } from "./internal/Plaintext.ts"
import * as Layout from "./Layout.ts"
import * as Limits from "./Limits.ts"
import * as Mode from "./Mode.ts"
import * as Preamble from "./Preamble.ts"
import * as SecureMode from "./SecureMode.ts"
import { Transcript } from "./Transcript.ts"

/** What an honest sender never says: for tests, and for whoever wants to see how a peer takes it. */
export interface Oddities {
  /** Flags of the preamble besides those that compression sets. */
  readonly flags?: number
  /** `late_flags` or `late_status` in place of "complete". */
  readonly late?: number
}

/**
 * Every method that appends a frame returns its length on the wire.
 *
 * **Errors** `NonceExhausted` once secure mode has used up its nonces: the connection must end and a new one begin.
 * `FrameOpen` between `open` and the end of that frame.
 */
export interface FrameEncoder {
  readonly banner: (out: Gather.Gather, banner: Banner.Banner) => number
  readonly control: (out: Gather.Gather, frame: ControlFrame.ControlFrame) => Result.Result<number, FrameError>
  /** Appends `message` with these two numbers in its header. Its parts must not change until they have left. */
  readonly message: (
    out: Gather.Gather,
    message: Message,
    seq: number,
    ackSeq: number
  ) => Result.Result<number, FrameError>
  /**
   * Appends a frame of any tag. Trailing empty segments are not sent.
   *
   * **Errors** `SegmentCount` unless there are one to four segments, `TooLarge` beyond `Limits.HIGHEST`.
   */
  readonly frame: (
    out: Gather.Gather,
    tag: number,
    segments: ReadonlyArray<Uint8Array>,
    oddities?: Oddities
  ) => Result.Result<number, FrameError>
  /**
   * Begins a frame whose segments have these `lengths` and come piece by piece, into the same `out`. It is sent
   * uncompressed, which any receiver takes. Trailing empty segments are not sent.
   *
   * **Errors** those of `frame`; `TooLarge` beyond `limits`, which bound what waits in memory (`Limits.afterAuth` unless
   * given); `SegmentLength` for what is no length.
   */
  readonly open: (
    out: Gather.Gather,
    tag: number,
    lengths: ReadonlyArray<number>,
    limits?: Limits.Limits
  ) => Result.Result<FrameWriter.FrameWriter, FrameError>
  /** From the next frame on. */
  readonly setMode: (mode: Mode.Mode) => void
  /** All bytes appended so far, until it is stopped. */
  readonly transcript: Transcript
  /** Bytes appended since the start of the connection. */
  readonly produced: number
}

/** An encoder at the start of a connection: crc mode of revision 1 until the banners have told the revision. */
export const make = (options: { readonly mode?: Mode.Mode } = {}): FrameEncoder =>
  new Encoder(options.mode ?? Mode.crc(1))

class Encoder implements FrameEncoder {
  readonly transcript = new Transcript()
  produced = 0
  #mode: Mode.Mode
  readonly #preamble = Preamble.make()
  readonly #header = new Uint8Array(HEADER_SIZE)
  readonly #headerView = new DataView(this.#header.buffer)
  readonly #plaintext = new Plaintext()
  /** True while a frame comes piece by piece. */
  #open = false

  constructor(mode: Mode.Mode) {
    this.#mode = mode
  }

  setMode(mode: Mode.Mode): void {
    this.#mode = mode
  }

  banner(out: Gather.Gather, banner: Banner.Banner): number {
    const bytes = Banner.encode(banner)
    out.put(bytes)
    this.transcript.add(bytes)
    this.produced += bytes.length
    return bytes.length
  }

  control(out: Gather.Gather, frame: ControlFrame.ControlFrame): Result.Result<number, FrameError> {
    return this.frame(out, ControlFrame.tagOf(frame), [ControlFrame.encode(frame)])
  }

  message(out: Gather.Gather, message: Message, seq: number, ackSeq: number): Result.Result<number, FrameError> {
    writeHeader(this.#headerView, 0, message.header, seq, ackSeq)
    return this.frame(out, ControlFrame.MESSAGE, [this.#header, message.front, message.middle, message.data])
  }

  frame(
    out: Gather.Gather,
    tag: number,
    segments: ReadonlyArray<Uint8Array>,
    oddities?: Oddities
  ): Result.Result<number, FrameError> {
    return this.#attempt(() => {
      const size = this.#append(out, tag, segments, oddities)
      this.produced += size
      return size
    })
  }

  open(
    out: Gather.Gather,
    tag: number,
    lengths: ReadonlyArray<number>,
    limits: Limits.Limits = Limits.afterAuth
  ): Result.Result<FrameWriter.FrameWriter, FrameError> {
    return this.#attempt(() => {
      this.#begin(tag, 0)
      for (const [i, length] of lengths.entries()) {
        if (!Number.isSafeInteger(length) || length < 0) this.#refuse("SegmentLength", i, `a length, got ${length}`)
      }
      this.#measure(lengths.map((length) => ({ length })))
      const { count, lengths: counted } = this.#preamble
      Limits.check(limits, counted, count, this.#refuse)
      this.#checkNonces()
      this.#open = true
      const own = this.transcript.recording ? Gather.make({ slab: 4096 }) : undefined
      return FrameWriter.make({
        out: own ?? out,
        mode: this.#mode,
        preamble: { ...this.#preamble, lengths: counted.slice() },
        offset: this.produced,
        moved: (size, closed) => {
          if (own !== undefined) this.#record(own, out)
          this.produced += size
          this.#open = !closed
        }
      })
    })
  }

  #attempt<A>(run: () => A): Result.Result<A, FrameError> {
    try {
      return Result.succeed(run())
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      return Result.fail(error)
    }
  }

  #append(
    out: Gather.Gather,
    tag: number,
    segments: ReadonlyArray<Uint8Array>,
    oddities: Oddities | undefined
  ): number {
    const mode = this.#mode
    const preamble = this.#preamble
    this.#begin(tag, oddities?.flags ?? 0)
    const total = this.#measure(segments)
    const sent = this.#compress(segments, total)
    const late = oddities?.late ?? Epilogue.complete(mode.revision)
    this.#checkNonces()
    if (this.transcript.recording) {
      const own = Gather.make({ slab: 4096 })
      this.#write(own, sent, late)
      this.#record(own, out)
    } else {
      this.#write(out, sent, late)
    }
    return Layout.frame(Mode.layout(mode), preamble.lengths, preamble.count)
  }

  #write(out: Gather.Gather, segments: ReadonlyArray<Uint8Array>, late: number): void {
    const mode = this.#mode
    if (mode._tag === "Crc") CrcMode.write(out, mode, this.#preamble, segments, late)
    else SecureMode.write(out, mode, this.#plaintext, this.#preamble, segments, late)
  }

  /** Moves what `own` has gathered to `out` and into the transcript. */
  #record(own: Gather.Gather, out: Gather.Gather): void {
    for (const chunk of own.take()) {
      out.put(chunk)
      this.transcript.add(chunk.slice())
    }
  }

  #begin(tag: number, flags: number): void {
    this.#preamble.tag = tag
    this.#preamble.flags = flags
    if (this.#open) this.#refuse("FrameOpen", -1, "the open frame to be ended or aborted before another begins")
  }

  #checkNonces(): void {
    const mode = this.#mode
    if (mode._tag === "Secure" && !mode.tx.room(SecureMode.records(mode, this.#preamble))) {
      this.#refuse("NonceExhausted", -1, "a new connection, this one has used up its nonces")
    }
  }

  /** Counts `segments` and puts their lengths into the preamble. */
  #measure(segments: ReadonlyArray<{ readonly length: number }>): number {
    const { lengths } = this.#preamble
    if (segments.length === 0 || segments.length > Preamble.MAX_SEGMENTS) {
      this.#refuse("SegmentCount", -1, `one to four segments, got ${segments.length}`)
    }
    const count = Layout.trimmed(segments)
    let total = 0
    for (let i = 0; i < count; i++) {
      const { length } = segments[i]!
      lengths[i] = length
      total += length
    }
    this.#preamble.count = count
    if (total > Limits.HIGHEST) this.#refuse("TooLarge", -1, `at most ${Limits.HIGHEST} bytes, got ${total}`)
    return total
  }

  /** The segments to send: as they are unless all of them can be compressed and are long enough to bother. */
  #compress(segments: ReadonlyArray<Uint8Array>, total: number): ReadonlyArray<Uint8Array> {
    const { compression } = this.#mode
    const preamble = this.#preamble
    if (compression === undefined || total === 0 || total < compression.minSize) return segments
    const compressed = Compression.deflate(compression, segments, preamble.count)
    if (compressed === undefined) return segments
    compressed.forEach((segment, i) => (preamble.lengths[i] = segment.length))
    preamble.flags |= Preamble.Flags.Compressed
    return compressed
  }

  readonly #refuse: Refuse = (reason, segment, expected) => {
    throw new FrameError({ reason, tag: this.#preamble.tag, segment, offset: this.produced, expected })
  }
}
