/**
 * How much of what a peer has made us say still waits to leave.
 *
 * Counted in two generations, so that a stream of answers that never ends is not taken for one that never leaves.
 */
interface Generation {
  size: number
  /** Where in the stream of bytes the last of them ends. */
  end: number
}

export class Answers {
  private older: Generation = { size: 0, end: 0 }
  private newer: Generation = { size: 0, end: 0 }

  /** An answer of `size` bytes whose last is number `end` of the stream. */
  add(size: number, end: number): void {
    this.newer.size += size
    this.newer.end = end
  }

  /** Bytes of answers that may not have left, when `left` bytes of the stream have. Never less than the truth. */
  waiting(left: number): number {
    if (left >= this.newer.end) this.newer.size = 0
    if (left >= this.older.end) {
      this.older = this.newer
      this.newer = { size: 0, end: this.older.end }
    }
    return this.older.size + this.newer.size
  }
}
