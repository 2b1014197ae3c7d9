/**
 * Every state that was seen: its fingerprint, and how it was first reached. The state itself is not kept.
 *
 * **Units** 16 bytes for each state and 4 for each slot of the table, of which at most two thirds are taken: 22 to 44
 * bytes for each state, and half as much again while the table grows.
 */
export class Visited {
  size = 0
  /** Two numbers for each state. */
  #prints = new Int32Array(2 << 12)
  #parents = new Int32Array(1 << 12)
  #numbers = new Int32Array(1 << 12)
  /** Numbers of states plus 1, at the first free place from `lo` on. */
  #slots = new Int32Array(1 << 13)

  /** The slot of a fingerprint, or the free one where it belongs. */
  #slot(hi: number, lo: number): number {
    const mask = this.#slots.length - 1
    let slot = lo & mask
    for (;;) {
      const state = this.#slots[slot]! - 1
      if (state < 0 || (this.#prints[2 * state] === hi && this.#prints[2 * state + 1] === lo)) return slot
      slot = (slot + 1) & mask
    }
  }

  /** The number of a state, -1 when it is new. States are numbered from 0 in the order in which they were added. */
  find(hi: number, lo: number): number {
    return this.#slots[this.#slot(hi, lo)]! - 1
  }

  /** Adds a state that is new. `parent` is -1 for a start; `number` says which of the parent's moves leads here. */
  add(hi: number, lo: number, parent: number, number: number): number {
    if (3 * this.size >= 2 * this.#slots.length) this.#grow()
    const state = this.size++
    if (state === this.#parents.length) {
      this.#prints = doubled(this.#prints)
      this.#parents = doubled(this.#parents)
      this.#numbers = doubled(this.#numbers)
    }
    this.#prints[2 * state] = hi
    this.#prints[2 * state + 1] = lo
    this.#parents[state] = parent
    this.#numbers[state] = number
    this.#slots[this.#slot(hi, lo)] = state + 1
    return state
  }

  #grow(): void {
    this.#slots = new Int32Array(2 * this.#slots.length)
    for (let state = 0; state < this.size; state++) {
      this.#slots[this.#slot(this.#prints[2 * state]!, this.#prints[2 * state + 1]!)] = state + 1
    }
  }

  parent(state: number): number {
    return this.#parents[state] ?? -1
  }

  /** Numbers of moves from a start to `state`, after the number of the start. */
  trail(state: number): ReadonlyArray<number> {
    const numbers: Array<number> = []
    for (let at = state; at >= 0; at = this.parent(at)) numbers.push(this.#numbers[at]!)
    return numbers.toReversed()
  }
}

export const doubled = (array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
  const larger = new Int32Array(2 * array.length)
  larger.set(array)
  return larger
}
