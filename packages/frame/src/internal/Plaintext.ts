/**
 * The plain bytes of the records of one frame, laid side by side so that each record is one piece. Large segments stay
 * where they are: copying them costs more than another call of the cipher.
 */
import * as Layout from "../Layout.ts"

const KEEP = 64 * 1024

/** Reused for every frame of a connection; what it returned is void after `begin`. */
export class Plaintext {
  bytes = new Uint8Array(8 * 1024)
  #at = 0
  #from = 0
  #parts: Array<Uint8Array> = []

  /** Starts a frame with room for the head, the epilogue and the small ones of `segments`. */
  begin(segments: ReadonlyArray<Uint8Array>, count: number): void {
    let size = Layout.HEAD + Layout.BLOCK
    for (let i = 0; i < count; i++) {
      const { length } = segments[i]!
      size += length < KEEP ? Layout.padded(length) : Layout.BLOCK
    }
    if (size > this.bytes.length) this.bytes = new Uint8Array(2 * size)
    this.#at = 0
    this.#from = 0
  }

  /** `size` bytes to be written by the caller, all of them: they hold whatever was there. */
  reserve(size: number): number {
    const at = this.#at
    this.#at += size
    return at
  }

  put(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    if (bytes.length < KEEP) {
      const at = this.reserve(bytes.length)
      this.bytes.set(bytes, at)
      return
    }
    this.#cut()
    this.#parts.push(bytes)
  }

  /** `segment` and the zeros that make it whole blocks. */
  putPadded(segment: Uint8Array): void {
    this.put(segment)
    this.zeros(Layout.padded(segment.length) - segment.length)
  }

  zeros(size: number): void {
    const at = this.reserve(size)
    this.bytes.fill(0, at, at + size)
  }

  /** The block that closes a frame. */
  putLate(late: number): void {
    const at = this.#at
    this.zeros(Layout.BLOCK)
    this.bytes[at] = late
  }

  /** What has been put since the last record. */
  record(): ReadonlyArray<Uint8Array> {
    this.#cut()
    const parts = this.#parts
    this.#parts = []
    return parts
  }

  #cut(): void {
    if (this.#at > this.#from) this.#parts.push(this.bytes.subarray(this.#from, this.#at))
    this.#from = this.#at
  }
}
