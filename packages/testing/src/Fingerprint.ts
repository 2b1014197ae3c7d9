/**
 * A 64-bit name for a value of plain data, by which a checker knows a state again.
 *
 * It is no digest: whoever looks for two values of one name will find them.
 */

/** What comes out: two numbers of 32 bits, signed as the bit operators leave them. */
export interface Fingerprint {
  readonly hi: number
  readonly lo: number
}

const float = new Float64Array(1)
const big = new BigInt64Array(float.buffer)
const words = new Int32Array(float.buffer)

/** Kinds of values, so that `1`, `1n`, `"1"` and `[1]` differ. */
const seed = {
  integer: 0x3c6e_f372,
  float: 0x510e_527f,
  bigint: 0x1f83_d9ab,
  negative: 0x5be0_cd19,
  string: 0x6a09_e667,
  key: 0x3b67_ae85,
  bytes: 0x2545_f491,
  list: 0x4cf5_ad43,
  fields: 0x1b87_3593,
  constant: 0x7feb_352d
}

/** What 64 bits hold, signed or not. */
const maxWord = 0xffff_ffff_ffff_ffffn
const minWord = -0x8000_0000_0000_0000n

/** Texts and parts that are remembered. Few parts are best: those that the next states share are the latest. */
const maxTexts = 1 << 14
const maxParts = 1 << 11

const refuse = (what: string): never => {
  throw new TypeError(`a state is plain data, and ${what} is not: project it in \`canonical\``)
}

/**
 * Names values, and remembers the names of the latest parts: states share most of theirs with those before them. That
 * makes naming three to four times as fast where a move changes a few of some 90 leaves; a `WeakMap` of all parts would
 * make it slower than no memory at all.
 *
 * **Shape** numbers, bigints, strings, booleans, `null`, `undefined`, arrays, `Uint8Array`s and objects of these. The
 * order of an object's keys does not matter; a key that holds `undefined` is not an absent one. `-0` is not `0`, for `1
 * / x` can tell. An instance of a class counts by the class's name and its own enumerable fields. Values are trees:
 * they may share parts, but not contain themselves. They must not change once they have been named.
 *
 * **Units** among n different values, two have one name with a chance of about n² / 2^65: 7 in ten million for five
 * million values, 3 in a million for ten.
 *
 * **Errors** throws a `TypeError` for a function, a symbol, and an object whose contents cannot be seen (`Map`, `Set`,
 * `Date`, `Redacted`): it would be a defect of the model, and one that hides states.
 */
export class Fingerprinter implements Fingerprint {
  hi = 0
  lo = 0
  readonly #keys = new Map<string, Fingerprint>()
  readonly #texts = new Map<string, Fingerprint>()
  #parts = new Map<object, Fingerprint>()

  /** Leaves the name of `value` in `hi` and `lo`. */
  update(value: unknown): void {
    if (typeof value === "object" && value !== null) this.#object(value)
    else this.#part(value)
  }

  /** One to one, so that nothing is lost before two values are joined. */
  #mix(a: number, b: number): void {
    a = Math.imul(a ^ (a >>> 16), 0x85eb_ca6b)
    b = (b + a) | 0
    b = Math.imul(b ^ (b >>> 15), 0xc2b2_ae35)
    a = (a + b) | 0
    a = Math.imul(a ^ (a >>> 13), 0x27d4_eb2f)
    b ^= a
    b = Math.imul(b ^ (b >>> 16), 0x1656_67b1)
    this.hi = a ^ (b >>> 7)
    this.lo = b
  }

  #part(value: unknown): void {
    switch (typeof value) {
      case "number":
        return this.#number(value)
      case "string":
        return this.#take(this.#texts.get(value) ?? this.#text(value))
      case "boolean":
        return this.#mix(seed.constant, value ? 1 : 2)
      case "undefined":
        return this.#mix(seed.constant, 3)
      case "bigint":
        return this.#bigint(value)
      case "object":
        return value === null ? this.#mix(seed.constant, 4) : this.#take(this.#parts.get(value) ?? this.#fresh(value))
      default:
        return refuse(`a ${typeof value}`)
    }
  }

  #take({ hi, lo }: Fingerprint): void {
    this.hi = hi
    this.lo = lo
  }

  #fresh(value: object): Fingerprint {
    this.#object(value)
    const print = { hi: this.hi, lo: this.lo }
    if (this.#parts.size === maxParts) this.#parts = new Map()
    this.#parts.set(value, print)
    return print
  }

  #number(value: number): void {
    if (value === (value | 0) && (value !== 0 || 1 / value > 0)) return this.#mix(value ^ seed.integer, value)
    float[0] = value
    this.#mix(words[0]! ^ seed.float, words[1]!)
  }

  #bigint(value: bigint): void {
    if (value > maxWord || value < minWord) {
      this.#characters(value.toString(16), seed.bigint)
    } else {
      big[0] = value
      this.#mix(words[0]! ^ (value < 0n ? seed.negative : seed.bigint), words[1]!)
    }
  }

  #text(value: string): Fingerprint {
    this.#characters(value, seed.string)
    const print = { hi: this.hi, lo: this.lo }
    if (this.#texts.size < maxTexts) this.#texts.set(value, print)
    return print
  }

  #key(name: string): Fingerprint {
    const known = this.#keys.get(name)
    if (known !== undefined) return known
    this.#characters(name, seed.key)
    const print = { hi: this.hi, lo: this.lo }
    this.#keys.set(name, print)
    return print
  }

  #characters(value: string, seed: number): void {
    let a = seed
    let b = value.length
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      a = Math.imul(a ^ code, 0x0100_0193)
      b = Math.imul(((b << 13) | (b >>> 19)) + code, 0x5bd1_e995)
    }
    this.#mix(a, b)
  }

  #object(value: object): void {
    if (Array.isArray(value)) return this.#list(value)
    const prototype: object | null = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) return this.#fields(value, seed.fields)
    if (value instanceof Uint8Array) return this.#bytes(value)
    const name = value.constructor.name
    if (Object.keys(value).length === 0) refuse(`a ${name}`)
    this.#characters(name, seed.key)
    this.#fields({ ...value }, this.hi)
  }

  #list(value: ReadonlyArray<unknown>): void {
    let a = seed.list
    let b = value.length
    for (let i = 0; i < value.length; i++) {
      this.#part(value[i])
      this.#mix(a ^ this.hi, (b + this.lo) | 0)
      a = this.hi
      b = this.lo
    }
    this.#mix(a, b)
  }

  #bytes(value: Uint8Array): void {
    let a = seed.bytes
    let b = value.length
    for (let i = 0; i < value.length; i++) {
      const byte = value[i]!
      a = Math.imul(a ^ byte, 0x0100_0193)
      b = Math.imul(((b << 13) | (b >>> 19)) + byte, 0x5bd1_e995)
    }
    this.#mix(a, b)
  }

  /** A sum, which knows no order; each term binds a value to its key. */
  #fields(value: object, seed: number): void {
    const fields = value as { readonly [name: string]: unknown }
    let a = seed
    let b = 0
    for (const name in fields) {
      const key = this.#key(name)
      this.#part(fields[name])
      this.#mix(this.hi ^ key.hi, (this.lo + key.lo) | 0)
      a = (a + this.hi) | 0
      b = (b + this.lo) | 0
    }
    this.#mix(a, b)
  }
}

/** The name of one value. */
export const of = (value: unknown): Fingerprint => {
  const { hi, lo } = named(value)
  return { hi, lo }
}

/** The name as 16 hex digits, which sort and print. */
export const hex = (value: unknown): string => {
  const { hi, lo } = named(value)
  return [hi, lo].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("")
}

/** Remembers nothing, so that it does not matter what becomes of `value` later. */
const named = (value: unknown): Fingerprinter => {
  const prints = new Fingerprinter()
  prints.update(value)
  return prints
}
