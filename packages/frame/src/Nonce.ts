/**
 * The nonces of one direction of a secure connection. A nonce used twice under one key gives the key's secrets away, so
 * the counter is a value that cannot be copied, reset or run past its beginning.
 *
 * **Source** msgr2, "msgr2.1-secure"; Ceph `src/msg/async/crypto_onwire.cc`; CVE-2020-1759
 */
import type { Revision } from "./Mode.ts"

export const SIZE = 12

/**
 * **Shape** `fixed:le32 counter:le64`. Revision 1 counts in `counter`; revision 0 counts in `fixed` and comes round after
 * 2^32 frames.
 */
export class Nonce {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #initial: DataView
  readonly #revision: Revision
  #used: boolean

  /** `current` differs from `initial` only in tests of the end of the road. */
  constructor(revision: Revision, initial: Uint8Array, current: Uint8Array = initial) {
    this.#bytes = current.slice(0, SIZE)
    this.#view = new DataView(this.#bytes.buffer)
    this.#initial = new DataView(initial.slice(0, SIZE).buffer)
    this.#revision = revision
    this.#used = !this.#isInitial()
  }

  /** The nonce of the next operation: the same array every time, changed by `advance`. Not for logs. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** True when `count` more operations need no nonce a second time. */
  room(count: number): boolean {
    if (!this.#used) return true
    if (this.#revision === 0) return this.#distance(0) >= count
    const low = this.#distance(4)
    const borrow = this.#initial.getUint32(4, true) < this.#view.getUint32(4, true) ? 1 : 0
    return this.#distance(8) !== borrow || low >= count
  }

  /** One operation has been done. */
  advance(): void {
    this.#used = true
    if (this.#revision === 0) {
      this.#view.setUint32(0, this.#view.getUint32(0, true) + 1, true)
      return
    }
    const low = (this.#view.getUint32(4, true) + 1) >>> 0
    this.#view.setUint32(4, low, true)
    if (low === 0) this.#view.setUint32(8, this.#view.getUint32(8, true) + 1, true)
  }

  /** From the word at `at` up to the initial one, modulo 2^32. */
  #distance(at: number): number {
    return (this.#initial.getUint32(at, true) - this.#view.getUint32(at, true)) >>> 0
  }

  #isInitial(): boolean {
    return this.#distance(0) === 0 && this.#distance(4) === 0 && this.#distance(8) === 0
  }
}
