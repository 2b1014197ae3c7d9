/**
 * One direction of a recorded conversation: its bytes, how they are read, and where reading ended.
 */
import * as FrameDecoder from "@msgr2/frame/FrameDecoder"
import * as Layout from "@msgr2/frame/Layout"
import * as Mode from "@msgr2/frame/Mode"
import type { Banner } from "@msgr2/wire/Banner"
import { type Entry, SHOWN } from "./Entry.ts"
import { Tape } from "./Tape.ts"
import type { Gap } from "./Reassembly.ts"

/** What an entry is before it is known what it looked like on the wire. */
export type Read = Pick<Entry, "offset" | "size" | "tag" | "segments" | "value" | "error">

type Seen = Pick<Entry, "time" | "protection" | "compressed" | "wire" | "segments">

export class Side {
  readonly decoder = FrameDecoder.make()
  readonly #tape = new Tape()
  banner: Banner | undefined
  /** Frames read so far. */
  frames = 0
  /** Why nothing more is read. */
  stopped: { readonly why: string } | undefined
  #mode: Mode.Mode = Mode.crc(1)

  get mode(): Mode.Mode {
    return this.#mode
  }

  setMode(mode: Mode.Mode): void {
    this.#mode = mode
    this.decoder.setMode(mode)
  }

  /** Bytes recorded. */
  get size(): number {
    return this.#tape.size
  }

  /** Takes bytes; those behind the place where reading ended are only counted. */
  push(bytes: Uint8Array, time: number): void {
    this.#tape.add(bytes, time)
    if (this.stopped === undefined) this.decoder.push(bytes)
    else this.#tape.forget(this.#tape.size)
  }

  /** Up to `size` bytes that have not been read. */
  peek(size: number): Uint8Array {
    return this.#tape.read(this.decoder.consumed, size)
  }

  /** How the frame at `offset` was sent; call it once for each frame, in their order. */
  look({ offset, segments, size }: Read): Seen {
    const lengths = segments.map(({ length }) => length)
    const seen: Seen = {
      time: this.#tape.timeAt(offset + Math.max(size, 1) - 1),
      protection: this.#mode._tag === "Secure" ? "secure" : "crc",
      compressed: this.#mode.compression !== undefined && Layout.frame(Mode.layout(this.#mode), lengths) !== size,
      wire: this.#tape.read(offset, Math.min(size === 0 ? SHOWN : size, SHOWN)),
      segments: shown(segments)
    }
    this.#tape.forget(offset + size)
    return seen
  }

  /** What is to be said about the bytes that were not read. */
  remarks(gap: Gap | undefined): ReadonlyArray<string> {
    const { aborted, consumed } = this.decoder
    const rest = this.size - consumed
    const why = this.stopped?.why ?? "the frame there is not whole"
    return [
      ...(rest > 0 ? [`${rest} bytes from byte ${consumed} on were not read: ${why}`] : []),
      ...(gap === undefined
        ? []
        : [
            `${gap.size} bytes at byte ${gap.offset} are missing in the capture, and ${gap.lost} behind them are useless`
          ]),
      ...(aborted > 0 ? [`frames that their sender aborted, passed over: ${aborted}`] : [])
    ]
  }
}

const shown = (segments: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  let room = SHOWN
  return segments.map((segment) => {
    const kept = segment.slice(0, room)
    room -= kept.length
    return kept
  })
}
