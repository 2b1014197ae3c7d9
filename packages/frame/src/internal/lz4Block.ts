/**
 * A decoder of LZ4 blocks that may look back into the blocks before them, which no library at hand offers.
 *
 * **Source** lz4/lz4 `doc/lz4_Block_format.md`
 */
import { copyBack, copyIn } from "./lookBack.ts"

/** One byte of a block stands for at most this many. */
export const RATIO = 255
/** A nibble that is full goes on in bytes of their own, and so does a byte that is full. */
const FULL_NIBBLE = 15
const FULL_BYTE = 255
const LEAST_MATCH = 4

/**
 * Decodes the block `input[at, end)` into `out[from, to)`, which it must fill. Matches may begin anywhere before: the
 * output of earlier blocks is their dictionary. False when the block is malformed.
 */
export const decode = (
  input: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  from: number,
  to: number
): boolean => {
  let at = start
  let filled = from
  while (at < end) {
    const token = input[at++]!
    let literals = token >> 4
    if (literals === FULL_NIBBLE) {
      let more: number
      do {
        if (at === end) return false
        more = input[at++]!
        literals += more
      } while (more === FULL_BYTE)
    }
    if (literals > end - at || literals > to - filled) return false
    copyIn(out, filled, input, at, literals)
    at += literals
    filled += literals
    // The last sequence has literals only.
    if (at === end) return filled === to
    if (end - at < 2) return false
    const offset = input[at]! | (input[at + 1]! << 8)
    at += 2
    if (offset === 0 || offset > filled) return false
    let length = token & FULL_NIBBLE
    if (length === FULL_NIBBLE) {
      let more: number
      do {
        if (at === end) return false
        more = input[at++]!
        length += more
      } while (more === FULL_BYTE)
    }
    length += LEAST_MATCH
    if (length > to - filled) return false
    copyBack(out, filled, offset, length)
    filled += length
  }
  return false
}
