/**
 * Inputs that are almost like known ones.
 */
import { Bytes } from "@msgr2/wire"
import { Fuzz } from "../src/index.ts"
import type { Random } from "./Random.ts"
import { Budget } from "./Target.ts"

const kinds = ["Set", "Flip", "Cut", "Insert", "Remove", "Copy"] as const

/** One to four edits of single bytes. */
export const edits = (random: Random): ReadonlyArray<Fuzz.Edit> =>
  Array.from({ length: 1 + random.below(4) }, () => ({
    kind: random.pick(kinds),
    at: random.below(0x10_0000),
    to: random.below(0x10_0000),
    byte: random.below(0x100)
  }))

/** Numbers at which counts and lengths go wrong. */
const borders = [0, 1, 2, 15, 16, 17, 47, 48, 49, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x10_0000]
const large = [0x100_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_fffe, 0xffff_ffff]

const replace = (input: Uint8Array, at: number, count: number, by: Uint8Array): Uint8Array =>
  Bytes.concat([input.subarray(0, at), by, input.subarray(at + count)])

type Mutator = (random: Random, input: Uint8Array, others: Others) => Uint8Array

/** What else there is to take from. */
export interface Others {
  readonly pool: ReadonlyArray<Uint8Array>
  readonly words: ReadonlyArray<Uint8Array>
}

/** Writes a little-endian number over what stands there. */
const number: Mutator = (random, input) => {
  const size = random.pick([1, 2, 4, 4, 4, 8])
  const at = random.below(Math.max(1, input.length - size + 1))
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  const old = input.subarray(at, at + size)
  bytes.set(old)
  const near = view.getUint32(0, true) + random.below(33) - 16
  view.setUint32(
    0,
    random.once(3) ? near >>> 0 : random.pick(random.once(3) ? large : [...borders, input.length]),
    true
  )
  if (random.once(2)) view.setUint32(4, random.pick([0, 1, 0x20_0000, 0xffff_ffff]), true)
  return replace(input, at, size, bytes.subarray(0, size))
}

const bytewise: Mutator = (random, input) => Fuzz.mutate(input, edits(random))

const splice: Mutator = (random, input, { pool }) => {
  const other = random.pick(pool)
  const head = input.subarray(0, random.below(input.length + 1))
  return Bytes.concat([head, other.subarray(random.below(other.length + 1))])
}

const block: Mutator = (random, input, { pool }) => {
  const at = random.below(input.length + 1)
  const size = random.below(Math.min(64, input.length - at) + 1)
  const other = random.pick(pool)
  const from = random.below(other.length + 1)
  const pieces = [
    new Uint8Array(0),
    new Uint8Array(random.below(64)),
    random.bytes(random.below(32)),
    input.slice(at, at + size),
    other.slice(from, from + random.below(64))
  ]
  return replace(input, at, random.once(2) ? size : 0, random.pick(pieces))
}

const word: Mutator = (random, input, { words }) => {
  if (words.length === 0) return block(random, input, { pool: [input], words })
  const at = random.below(input.length + 1)
  const chosen = random.pick(words)
  return replace(input, at, random.once(2) ? chosen.length : 0, chosen)
}

/** Nothing of the known input but, perhaps, its first bytes, which often choose what reads the rest. */
const noise: Mutator = (random, input) =>
  Bytes.concat([input.subarray(0, random.below(5)), random.bytes(random.below(random.once(4) ? 1024 : 64))])

const mutators = [bytewise, bytewise, bytewise, number, number, splice, block, word, noise]

/** `input` after one to three changes; the input stays as it is. */
export const mutate = (random: Random, input: Uint8Array, others: Others): Uint8Array => {
  let mutated = input
  for (let left = 1 + random.below(3); left > 0; left--) mutated = random.pick(mutators)(random, mutated, others)
  return mutated.length > Budget.longest ? mutated.slice(0, Budget.longest) : mutated
}
