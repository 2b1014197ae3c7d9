/**
 * Memory that a socket reads into: never written twice, so that every view may be kept.
 */

/** Size of the first slab of a connection, and of every slab once it is busy. */
const FIRST_SLAB = 8 * 1024
const SLAB = 256 * 1024

/** Hands out room in slabs and the views of what was read into it. Slabs grow with the traffic. */
export class Slabs {
  private slab = Buffer.allocUnsafeSlow(FIRST_SLAB)
  private used = 0

  readonly room = (): Buffer => {
    const { length } = this.slab
    if (length - this.used < length / 8) {
      this.slab = Buffer.allocUnsafeSlow(Math.min(SLAB, length * 4))
      this.used = 0
    }
    return this.slab.subarray(this.used)
  }

  filled(size: number): Uint8Array {
    const at = this.used
    this.used += size
    return new Uint8Array(this.slab.buffer, this.slab.byteOffset + at, size)
  }
}
