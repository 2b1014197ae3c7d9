/**
 * The last stretch of a stream, by offset: when each byte came, and the bytes themselves for whoever wants to look.
 */
import * as Bytes from "@msgr2/wire/Bytes"

interface Piece {
  readonly offset: number
  readonly time: number
  readonly bytes: Uint8Array
}

export class Tape {
  /** Bytes recorded since the start of the stream. */
  size = 0
  #pieces: Array<Piece> = []
  /** The first piece that has not been forgotten. */
  #first = 0

  add(bytes: Uint8Array, time: number): void {
    this.#pieces.push({ offset: this.size, time, bytes })
    this.size += bytes.length
  }

  /** When the byte at `offset` came; the time of the nearest one that is known. */
  timeAt(offset: number): number {
    let time = 0
    for (let i = this.#first; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]!
      if (i > this.#first && piece.offset > offset) break
      time = piece.time
    }
    return time
  }

  /** A copy of up to `size` bytes from `offset` on. */
  read(offset: number, size: number): Uint8Array {
    const parts: Array<Uint8Array> = []
    const end = offset + size
    for (let i = this.#first; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]!
      if (piece.offset >= end) break
      const from = Math.max(0, offset - piece.offset)
      if (from < piece.bytes.length) parts.push(piece.bytes.subarray(from, end - piece.offset))
    }
    return Bytes.concat(parts)
  }

  /** Nobody asks for bytes before `offset` any more. */
  forget(offset: number): void {
    const pieces = this.#pieces
    while (this.#first < pieces.length && pieces[this.#first]!.offset + pieces[this.#first]!.bytes.length <= offset) {
      this.#first++
    }
    // Every piece is moved at most once more than it is forgotten.
    if (2 * this.#first < pieces.length) return
    this.#pieces = pieces.slice(this.#first)
    this.#first = 0
  }
}
