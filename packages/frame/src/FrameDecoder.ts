/**
 * Bytes of a socket into frames, whatever the cuts between its chunks.
 *
 * One frame is read at a time, because a frame may change how the next one is read (AUTH_DONE does) and both may lie in
 * one chunk. Nothing here waits, allocates from an announced length or throws.
 *
 * **Source** msgr2, "Frame format"; Ceph `src/msg/async/ProtocolV2.cc`
 */
import * as Banner from "@msgr2/wire/Banner"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import { HEADER_SIZE } from "@msgr2/wire/Message"
import type { WireError } from "@msgr2/wire/WireError"
import * as Result from "effect/Result"
import * as Compression from "./Compression.ts"
import * as CrcMode from "./CrcMode.ts"
import { FrameError, type Reason, type Refuse } from "./FrameError.ts"
import { ByteQueue } from "./internal/ByteQueue.ts"
import * as Layout from "./Layout.ts"
import * as Limits from "./Limits.ts"
import * as Mode from "./Mode.ts"
import * as Preamble from "./Preamble.ts"
import * as SecureMode from "./SecureMode.ts"
import { Transcript } from "./Transcript.ts"

/**
 * A whole frame that has passed every check.
 *
 * **Shape** `tag` is any number up to 255: which tags are welcome is for the session to say. A MESSAGE has a header of
 * exactly 41 bytes as its first segment, every other tag that has a name has exactly one segment. Segments are logical
 * (inflated, without padding), trailing empty ones left out. They are views: into a pushed chunk in crc mode, into memory
 * of their own in secure mode or where a chunk ended amid a segment. Whoever holds them holds that memory.
 *
 * **Units** `size` is what the frame took on the wire, in bytes.
 */
export interface Frame {
  readonly tag: number
  readonly segments: ReadonlyArray<Uint8Array>
  readonly size: number
}

export interface FrameDecoder {
  /** Appends bytes and parses nothing. `chunk` must not be written again: frames may be views into it. */
  readonly push: (chunk: Uint8Array) => void
  /**
   * The banner, which comes before the first frame and must be taken first, or `undefined` while it is not all there.
   *
   * **Errors** those of `Banner.decode`, the same again ever after.
   */
  readonly banner: () => Result.Result<Banner.Banner | undefined, WireError>
  /**
   * The next whole frame in the present mode, or `undefined` while it is not all there. A frame that its sender has
   * aborted is checked, counted and passed over.
   *
   * **Errors** any that is about bytes which have come; the same again ever after.
   */
  readonly next: () => Result.Result<Frame | undefined, FrameError>
  /** From the next frame on. Call it before the next `next`. */
  readonly setMode: (mode: Mode.Mode) => void
  /** From the next frame on. */
  readonly setLimits: (limits: Limits.Limits) => void
  /** All bytes taken so far, until it is stopped: those of whole frames only, never of a frame that is still arriving. */
  readonly transcript: Transcript
  /** Bytes pushed and not yet taken. */
  readonly buffered: number
  /** Bytes taken since the start of the connection. */
  readonly consumed: number
  /** Frames that their sender has aborted. */
  readonly aborted: number
}

/**
 * A decoder at the start of a connection.
 *
 * **Shape** without options: `Limits.beforeAuth`, crc mode of revision 1 until the banners have told the revision.
 */
export const make = (options: { readonly limits?: Limits.Limits; readonly mode?: Mode.Mode } = {}): FrameDecoder =>
  new Decoder(options.limits ?? Limits.beforeAuth, options.mode ?? Mode.crc(1))

const needsMore: Result.Result<undefined> = Result.succeed(undefined)

const wordsOf: { readonly [R in Reason]?: string } = {
  PreambleCrc: "a preamble with the checksum that it states",
  SegmentCount: "one to four segments",
  EmptyLastSegment: "a last segment that is not empty"
}

/** A banner says its own length in 16 bits. */
const LONGEST_BANNER = 10 + 0xffff

/** The tags that name a control frame. */
const isControl = new Uint8Array(256)
for (const { tag } of ControlFrame.all) isControl[tag] = 1

class Decoder implements FrameDecoder {
  readonly transcript = new Transcript()
  consumed = 0
  aborted = 0
  readonly #queue = new ByteQueue()
  readonly #preamble = Preamble.make()
  #limits: Limits.Limits
  #mode: Mode.Mode
  /** The frame that is arriving: its length on the wire, or 0 while unknown. */
  #size = 0
  /** Its plain beginning, in secure mode. */
  #head: Uint8Array | undefined
  /** Its tag once that is known. */
  #tag = -1
  #failure: Result.Result<never, FrameError> | undefined
  #bannerFailure: Result.Result<never, WireError> | undefined

  constructor(limits: Limits.Limits, mode: Mode.Mode) {
    this.#limits = limits
    this.#mode = mode
  }

  get buffered(): number {
    return this.#queue.length
  }

  push(chunk: Uint8Array): void {
    this.#queue.push(chunk)
  }

  setLimits(limits: Limits.Limits): void {
    this.#limits = limits
  }

  setMode(mode: Mode.Mode): void {
    // A first record that has been opened has used up its nonce: the same cipher must not open it again.
    const same = mode._tag === "Secure" && this.#mode._tag === "Secure" && mode.rx === this.#mode.rx
    this.#mode = mode
    if (!same) this.#size = 0
  }

  banner(): Result.Result<Banner.Banner | undefined, WireError> {
    if (this.#bannerFailure !== undefined) return this.#bannerFailure
    const decoded = Banner.decode(this.#queue.peek(Math.min(this.#queue.length, LONGEST_BANNER)))
    if (Result.isFailure(decoded)) {
      this.#bannerFailure = Result.fail(decoded.failure)
      return this.#bannerFailure
    }
    if (decoded.success === undefined) return needsMore
    const { banner, size } = decoded.success
    this.#record(size)
    this.#queue.skip(size)
    this.consumed += size
    return Result.succeed(banner)
  }

  next(): Result.Result<Frame | undefined, FrameError> {
    if (this.#failure !== undefined) return this.#failure
    try {
      for (;;) {
        if (this.#size === 0 && !this.#start()) return needsMore
        const size = this.#size
        if (this.#queue.length < size) return needsMore
        const segments = this.#finish()
        this.#size = 0
        this.consumed += size
        if (segments !== undefined) return Result.succeed({ tag: this.#preamble.tag, segments, size })
        this.aborted++
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.#failure = Result.fail(error)
      return this.#failure
    }
  }

  /** Reads the preamble, if it has arrived, and so learns the length of the frame. */
  #start(): boolean {
    const queue = this.#queue
    const mode = this.#mode
    const layout = Layout.table[mode._tag][mode.revision]
    if (queue.length < layout.preamble) return false
    this.#tag = -1
    let reason: Reason | undefined
    if (mode._tag === "Crc") {
      const at = queue.locate(Preamble.SIZE)
      reason = Preamble.read(queue.bytes, at, this.#preamble)
    } else {
      this.#head = SecureMode.readHead(queue, mode, this.#refuse)
      reason = Preamble.read(this.#head, 0, this.#preamble)
    }
    if (reason !== "PreambleCrc") this.#tag = this.#preamble.tag
    if (reason !== undefined) this.#refuse(reason, -1, wordsOf[reason]!)
    this.#check()
    this.#size = Layout.frame(layout, this.#preamble.lengths, this.#preamble.count)
    return true
  }

  /** Refuses what no peer may announce, before a byte of it is waited for. */
  #check(): void {
    const { tag, count, lengths, flags } = this.#preamble
    const compressed = (flags & Preamble.Flags.Compressed) !== 0
    if (compressed) this.#compressor()
    if (tag === ControlFrame.MESSAGE) {
      if (!compressed) this.#checkHeader(lengths[0]!)
    } else if (count > 1 && isControl[tag] === 1) {
      this.#refuse("SegmentCount", -1, `one segment in a control frame, got ${count}`)
    }
    Limits.check(this.#limits, lengths, count, this.#refuse)
  }

  #checkHeader(length: number): void {
    if (length !== HEADER_SIZE) this.#refuse("HeaderSize", 0, `a header of ${HEADER_SIZE} bytes, got ${length}`)
  }

  /** Takes the frame, which has arrived whole. */
  #finish(): ReadonlyArray<Uint8Array> | undefined {
    const mode = this.#mode
    const preamble = this.#preamble
    this.#record(this.#size)
    const segments =
      mode._tag === "Crc"
        ? CrcMode.read(this.#queue, mode, preamble, this.#refuse)
        : SecureMode.read(this.#queue, mode, preamble, this.#head!, this.#refuse)
    if (segments === undefined || (preamble.flags & Preamble.Flags.Compressed) === 0) return segments
    const inflated = Compression.inflate(this.#compressor(), segments, this.#limits, this.#refuse)
    if (preamble.tag === ControlFrame.MESSAGE) this.#checkHeader(inflated[0]!.length)
    return inflated.slice(0, Layout.trimmed(inflated))
  }

  #compressor(): Compression.Compressor {
    return (
      this.#mode.compression ?? this.#refuse("NotNegotiated", -1, "a plain frame: no compression has been agreed on")
    )
  }

  #record(size: number): void {
    if (this.transcript.recording) this.transcript.add(this.#queue.peek(size).slice())
  }

  readonly #refuse: Refuse = (reason, segment, expected) => {
    throw new FrameError({ reason, tag: this.#tag, segment, offset: this.consumed, expected })
  }
}
