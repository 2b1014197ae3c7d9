/**
 * Chance that can be repeated: the same seed gives the same numbers on every machine.
 */

/**
 * The generator sfc32.
 *
 * **Units** `seed` is taken modulo 2^32.
 *
 * **Source** PractRand 0.94 (Chris Doty-Humphrey), `sfc32`
 */
export class Random {
  #a: number
  #b: number
  #c = 0x9e37_79b9
  #counter = 1

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = ~seed
    for (let i = 0; i < 12; i++) this.u32()
  }

  u32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.u32() % limit
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<A>(items: ReadonlyArray<A>): A {
    return items[this.below(items.length)]!
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.u32() & 0xff)
  }
}
