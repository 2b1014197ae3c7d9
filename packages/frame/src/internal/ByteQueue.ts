/**
 * Bytes that have arrived and have not been taken, over as many chunks as they came in.
 *
 * Memory stays in proportion to what has arrived: nothing is allocated for bytes that have only been announced, and a
 * peer that sends single bytes cannot make a whole receive buffer be kept for each.
 */
import * as Bytes from "@msgr2/wire/Bytes"
import { plain, u32 } from "./bytes.ts"

/** Behind bytes that wait, a chunk smaller than this is copied together with its neighbours. */
const SMALL = 1024
const LARGEST_OWN = 64 * 1024
/** Beyond this memory is not worth keeping for the next time. */
const LARGEST_SCRATCH = 256 * 1024

export class ByteQueue {
  /** Bytes that wait. */
  length = 0
  /** Where `locate` has found them. */
  bytes: Uint8Array = Bytes.empty
  readonly #chunks: Array<Uint8Array> = []
  /** Where the used part of each chunk ends. */
  readonly #ends: Array<number> = []
  /** Where the first chunk begins. */
  #at = 0
  /** True while the last chunk is ours and may have room at its end. */
  #own = false
  #scratch: Uint8Array = Bytes.empty

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    const small = this.length > 0 && chunk.length < SMALL
    this.length += chunk.length
    if (small) {
      this.#append(chunk)
      return
    }
    // Buffer is a subclass: one class of arrays keeps every loop over bytes on its fast path.
    this.#chunks.push(plain(chunk))
    this.#ends.push(chunk.length)
    this.#own = false
  }

  /** Makes the next `size` bytes lie in one piece, in `bytes`, and says where they begin. They stay in the queue. */
  locate(size: number): number {
    if (this.#ends[0]! - this.#at >= size) {
      this.bytes = this.#chunks[0]!
      return this.#at
    }
    this.bytes = this.#join(new Uint8Array(size))
    return 0
  }

  /** The next `size` bytes: a view when they lie in one chunk, else a copy. They stay in the queue. */
  peek(size: number): Uint8Array {
    if (size === 0) return Bytes.empty
    const at = this.locate(size)
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + at, size)
  }

  /** Removes the next `size` bytes. */
  skip(size: number): void {
    this.length -= size
    let rest = size
    while (rest > 0) {
      const held = this.#ends[0]! - this.#at
      if (rest < held) {
        this.#at += rest
        return
      }
      rest -= held
      this.#at = 0
      this.#chunks.shift()
      this.#ends.shift()
    }
    if (this.length === 0) this.bytes = Bytes.empty
  }

  take(size: number): Uint8Array {
    const bytes = this.peek(size)
    this.skip(size)
    return bytes
  }

  takeU32(): number {
    const at = this.locate(4)
    const value = u32(this.bytes, at)
    this.skip(4)
    return value
  }

  /** As `take`, for bytes that nobody looks at after the next `borrow`: a copy is made in memory that is used again. */
  borrow(size: number): Uint8Array {
    let bytes: Uint8Array
    if (this.#ends[0]! - this.#at >= size) {
      bytes = this.peek(size)
    } else {
      if (this.#scratch.length < size && size <= LARGEST_SCRATCH) this.#scratch = new Uint8Array(2 * size)
      bytes = this.#join(size <= this.#scratch.length ? this.#scratch.subarray(0, size) : new Uint8Array(size))
    }
    this.skip(size)
    return bytes
  }

  #join(joined: Uint8Array): Uint8Array {
    const size = joined.length
    let at = 0
    for (let i = 0; at < size; i++) {
      const start = i === 0 ? this.#at : 0
      const end = Math.min(this.#ends[i]!, start + size - at)
      joined.set(this.#chunks[i]!.subarray(start, end), at)
      at += end - start
    }
    return joined
  }

  #append(chunk: Uint8Array): void {
    const last = this.#chunks.length - 1
    const end = this.#ends[last]!
    const previous = this.#chunks[last]!
    if (this.#own && previous.length - end >= chunk.length) {
      previous.set(chunk, end)
      this.#ends[last] = end + chunk.length
      return
    }
    const own = new Uint8Array(this.#own ? Math.min(2 * previous.length, LARGEST_OWN) : 2 * SMALL)
    own.set(chunk)
    this.#chunks.push(own)
    this.#ends.push(chunk.length)
    this.#own = true
  }
}
