/**
 * A cursor over bytes that somebody else sent. Every step is bounded by the bytes at hand.
 */
import { type Reason, WireError } from "./WireError.ts"

/**
 * Reads forward through `bytes`, never beyond `end`.
 *
 * **Units** `offset` and `end` count bytes from the start of `bytes`. `end` shrinks while a length-prefixed
 * structure is being read and is restored after it.
 *
 * **Errors** throws `WireError`; codecs throw, their edge (`Codec.decode`) catches.
 */
export class Reader {
  readonly bytes: Uint8Array
  readonly view: DataView
  offset: number
  end: number

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.offset = 0
    this.end = bytes.length
  }

  get remaining(): number {
    return this.end - this.offset
  }

  /** Moves past `size` bytes and says where they began. */
  take(size: number, type: string): number {
    const at = this.offset
    if (size > this.end - at) this.fail(type, "Truncated", `${size} more bytes, found ${this.end - at}`)
    this.offset = at + size
    return at
  }

  fail(type: string, reason: Reason, expected: string, offset = this.offset): never {
    throw new WireError({ type, reason, offset, expected })
  }
}
