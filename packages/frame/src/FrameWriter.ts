/**
 * One frame whose bytes are produced piece by piece, and which can be given up half-way.
 *
 * A preamble states every length, so lengths are known before the first piece; whether the bytes will ever come is not. A
 * sender that is interrupted says so at the end of the frame, and the connection lives on: the receiver checks the frame,
 * drops it and reads the next, which may bear the same sequence number.
 *
 * A Ceph daemon passes over such a frame; a Linux client takes it for an error and reconnects.
 *
 * **Source** msgr2, "Frame format"; Ceph `src/msg/async/frames_v2.h` (`FRAME_LATE_STATUS_ABORTED`)
 */
import * as Result from "effect/Result"
import * as CrcMode from "./CrcMode.ts"
import * as Epilogue from "./Epilogue.ts"
import { FrameError, type Reason, type Refuse } from "./FrameError.ts"
import * as Gather from "./Gather.ts"
import * as Layout from "./Layout.ts"
import * as Mode from "./Mode.ts"
import type { Preamble } from "./Preamble.ts"
import * as SecureMode from "./SecureMode.ts"

/**
 * A frame that has been opened. Until it is ended or aborted its encoder refuses every other frame.
 *
 * Crc mode passes bytes on as they come. Secure mode seals records as a whole, so it passes on the first two of revision 1
 * as soon as they are full, and keeps everything else in memory up to the end: at most what the limits of `open` allow.
 *
 * A frame of revision 1 with one segment has no place to say that it was aborted. Nothing of it leaves before `end`, so
 * `abort` takes it back.
 *
 * **Units** sizes in bytes; of `end` and `abort`, the length of the frame on the wire.
 */
export interface FrameWriter {
  /** Bytes of the segments that have not been written yet. */
  readonly missing: number
  /**
   * Appends the next bytes of the segments, which follow each other without a gap: a piece may end one and begin another.
   * It must not change before it has left; in secure mode, not before the frame is ended or aborted.
   *
   * **Errors** `SegmentLength` beyond the announced lengths, and then nothing of the piece is taken; `FrameClosed`.
   */
  readonly write: (piece: Uint8Array) => Result.Result<void, FrameError>
  /**
   * Completes the frame: its bytes are those that `FrameEncoder.frame` makes of the same segments, uncompressed.
   *
   * **Errors** `SegmentLength` while bytes are missing, and then the frame stays open; `FrameClosed`.
   */
  readonly end: () => Result.Result<number, FrameError>
  /**
   * Gives the frame up: what is missing is filled with zeros, all checks are right, and the last word says that it is
   * aborted. 0 when the frame could be taken back instead.
   *
   * **Errors** `FrameClosed`.
   */
  readonly abort: () => Result.Result<number, FrameError>
}

/**
 * How one mode turns the bytes of a frame into its layout, run by run: a run is a segment or the part of one that shares a
 * record. Empty runs are ended like all others.
 */
export interface Sink {
  readonly runs: ReadonlyArray<number>
  readonly begin: () => void
  readonly put: (piece: Uint8Array) => void
  readonly endRun: (index: number) => void
  readonly finish: (late: number) => void
}

/** What a writer knows of its encoder. */
export interface Options {
  readonly out: Gather.Gather
  readonly mode: Mode.Mode
  /** Overwritten by nobody while the frame is open. */
  readonly preamble: Preamble
  /** Where the frame begins, in bytes since the start of the connection. */
  readonly offset: number
  /** Called after every step with the bytes it has appended to `out`, and whether it was the last. */
  readonly moved: (size: number, closed: boolean) => void
}

/** Begins a frame. `FrameEncoder.open` is the way to call this. */
export const make = (options: Options): FrameWriter => new Writer(options)

const zeros = new Uint8Array(16 * 1024)

class Writer implements FrameWriter {
  missing = 0
  readonly #options: Options
  readonly #sink: Sink
  /** Everything, while the frame may still be taken back. */
  readonly #held: Gather.Gather | undefined
  #run = 0
  /** Bytes that the present run still takes. */
  #room = 0
  #closed = false

  constructor(options: Options) {
    const { mode, out, preamble } = options
    this.#options = options
    for (let i = 0; i < preamble.count; i++) this.missing += preamble.lengths[i]!
    this.#sink =
      mode._tag === "Crc" ? CrcMode.pieces(out, mode, preamble) : SecureMode.pieces(out, mode, preamble, this.missing)
    if (mode.revision === 1 && preamble.count === 1) this.#held = Gather.make({ slab: 4096 })
    else this.#step(() => this.#begin())
  }

  write(piece: Uint8Array): Result.Result<void, FrameError> {
    return this.#step(() => {
      if (piece.length > this.missing) {
        this.#refuse("SegmentLength", -1, `at most ${this.missing} more bytes, got ${piece.length}`)
      }
      this.missing -= piece.length
      if (this.#held === undefined) this.#feed(piece)
      else this.#held.put(piece)
    })
  }

  end(): Result.Result<number, FrameError> {
    return this.#step(() => {
      if (this.missing > 0) this.#refuse("SegmentLength", -1, `${this.missing} more bytes before the end`)
      if (this.#held !== undefined) {
        this.#begin()
        for (const piece of this.#held.take()) this.#feed(piece)
      }
      return this.#close(Epilogue.complete(this.#options.mode.revision))
    })
  }

  abort(): Result.Result<number, FrameError> {
    return this.#step(() => {
      if (this.#held !== undefined) {
        this.#closed = true
        return 0
      }
      for (; this.missing > 0; this.missing -= Math.min(this.missing, zeros.length)) {
        this.#feed(zeros.subarray(0, Math.min(this.missing, zeros.length)))
      }
      return this.#close(Epilogue.aborted(this.#options.mode.revision))
    })
  }

  #begin(): void {
    this.#sink.begin()
    this.#room = this.#sink.runs[0]!
    this.#endRuns()
  }

  #feed(piece: Uint8Array): void {
    for (let at = 0; at < piece.length;) {
      const size = Math.min(this.#room, piece.length - at)
      this.#sink.put(size === piece.length ? piece : piece.subarray(at, at + size))
      at += size
      this.#room -= size
      this.#endRuns()
    }
  }

  #endRuns(): void {
    const { runs } = this.#sink
    while (this.#room === 0 && this.#run < runs.length) {
      this.#sink.endRun(this.#run++)
      this.#room = runs[this.#run] ?? 0
    }
  }

  #close(late: number): number {
    const { mode, preamble } = this.#options
    this.#sink.finish(late)
    this.#closed = true
    return Layout.frame(Mode.layout(mode), preamble.lengths, preamble.count)
  }

  /** Runs one call from outside and tells the encoder what it did. */
  #step<A>(run: () => A): Result.Result<A, FrameError> {
    const { moved, out } = this.#options
    const before = out.size
    try {
      if (this.#closed) this.#refuse("FrameClosed", -1, "a frame that is neither ended nor aborted")
      const value = run()
      moved(out.size - before, this.#closed)
      return Result.succeed(value)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      return Result.fail(error)
    }
  }

  readonly #refuse: Refuse = (reason: Reason, segment, expected) => {
    const { offset, preamble } = this.#options
    throw new FrameError({ reason, tag: preamble.tag, segment, offset, expected })
  }
}
