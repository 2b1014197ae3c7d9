/**
 * A decoder of raw snappy blocks: for the small segments of which every frame has some, where a call into a library
 * costs several times the work.
 *
 * **Source** google/snappy `format_description.txt`
 */
import { copyBack, copyIn } from "./lookBack.ts"

/** A varint of 32 bits has at most this many bytes. */
const LONGEST_VARINT = 5
/** Three bytes of a block copy at most 64. */
const RATIO = 22

/** The length that `block` announces and where its elements begin; `undefined` when it lies. */
export const announced = (block: Uint8Array): { readonly size: number; readonly at: number } | undefined => {
  let size = 0
  for (let at = 0; at < Math.min(block.length, LONGEST_VARINT); at++) {
    const byte = block[at]!
    size += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return size <= RATIO * block.length ? { size, at: at + 1 } : undefined
  }
  return undefined
}

/** `size` bytes little-endian. */
const integer = (block: Uint8Array, at: number, size: number): number => {
  let value = 0
  for (let i = size - 1; i >= 0; i--) value = value * 256 + block[at + i]!
  return value
}

/** The plain bytes of `block`; `undefined` when it is malformed or they are more than `limit`. */
export const decode = (block: Uint8Array, limit: number): Uint8Array | undefined => {
  const start = announced(block)
  if (start === undefined || start.size > limit) return undefined
  const out = new Uint8Array(start.size)
  const end = block.length
  let { at } = start
  let to = 0
  while (at < end) {
    const tag = block[at++]!
    const kind = tag & 3
    if (kind === 0) {
      let length = (tag >> 2) + 1
      if (length > 60) {
        const extra = length - 60
        if (extra > end - at) return undefined
        length = integer(block, at, extra) + 1
        at += extra
      }
      if (length > end - at || length > out.length - to) return undefined
      copyIn(out, to, block, at, length)
      at += length
      to += length
      continue
    }
    const extra = kind === 3 ? 4 : kind
    if (extra > end - at) return undefined
    const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    const offset = kind === 1 ? ((tag >> 5) << 8) | block[at]! : integer(block, at, extra)
    at += extra
    if (offset === 0 || offset > to || length > out.length - to) return undefined
    copyBack(out, to, offset, length)
    to += length
  }
  return to === out.length ? out : undefined
}
