/**
 * Chance that can be repeated: the same seed gives the same numbers on every machine.
 */

/** Murmur3's finaliser: neighbours become strangers. */
const scatter = (x: number): number => {
  const a = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b)
  const b = Math.imul(a ^ (a >>> 13), 0xc2b2_ae35)
  return (b ^ (b >>> 16)) >>> 0
}

const streamOf = (name: string): number => {
  let hash = 0x811c_9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x0100_0193)
  return hash >>> 0
}

/**
 * The generator sfc32.
 *
 * **Shape** a seed has any number of streams, told apart by name: what is drawn from one does not change what another
 * gives, so a program that draws once more is still the same program elsewhere.
 *
 * **Units** `seed` is taken modulo 2^32.
 *
 * **Source** PractRand 0.94 (Chris Doty-Humphrey), `sfc32`
 */
export class Chance {
  private readonly seed: number
  private readonly name: string
  private a: number
  private b: number
  private c = 0x9e37_79b9
  private counter = 1

  constructor(seed: number, name = "") {
    this.seed = seed
    this.name = name
    this.a = scatter(seed)
    this.b = scatter(streamOf(name) ^ this.a)
    for (let i = 0; i < 12; i++) this.u32()
  }

  /** A stream of the same seed. */
  stream(name: string): Chance {
    return new Chance(this.seed, `${this.name}/${name}`)
  }

  u32(): number {
    const result = (this.a + this.b + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** From 0 up to, and without, 1. */
  unit(): number {
    return this.u32() / 0x1_0000_0000
  }

  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number {
    return limit <= 1 ? 0 : Math.floor(this.unit() * limit)
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True with this probability. */
  odds(probability: number): boolean {
    return this.unit() < probability
  }

  /** One of `items`, of which there is at least one. */
  pick<A>(items: readonly [A, ...ReadonlyArray<A>]): A {
    return items[this.below(items.length)] ?? items[0]
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.u32() & 0xff)
  }
}
