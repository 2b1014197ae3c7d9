/**
 * LZ4 as Ceph sends it: a table of blocks, then the blocks, each of which may refer to what those before it have become.
 *
 * A segment that lies in one piece, as all of ours do, is one block.
 *
 * **Source** Ceph `src/compressor/lz4/LZ4Compressor.h`
 */
import type { Algorithm } from "../Compression.ts"
import { plain, setU32, u32 } from "./bytes.ts"
import * as Block from "./lz4Block.ts"

/** The package `lz4-napi`. **Shape** `originalLength:u32`, then a block. */
interface Library {
  readonly compressSync: (input: Uint8Array) => Uint8Array
  readonly uncompressSync: (input: Uint8Array) => Uint8Array
}

const U32 = 4
/** One line of the table: length before and after compression. */
const ENTRY = 2 * U32

/** Up to this many bytes the decoder of our own is faster. */
const SMALL = 1024

/** Every block into one output, as far as the table is honest. **Errors** `undefined` beyond `limit` or malformed. */
const decompress = (segment: Uint8Array, limit: number, library: Library): Uint8Array | undefined => {
  if (segment.length < U32) return undefined
  const count = u32(segment, 0)
  if (count > (segment.length - U32) / ENTRY) return undefined
  const blocks = U32 + count * ENTRY
  let size = 0
  let end = blocks
  for (let at = U32; at < blocks; at += ENTRY) {
    const original = u32(segment, at)
    const compressed = u32(segment, at + U32)
    if (original > Block.RATIO * compressed) return undefined
    size += original
    end += compressed
  }
  if (size > limit || end !== segment.length) return undefined
  if (count === 1 && size > SMALL) return one(segment, blocks, size, library)
  const out = new Uint8Array(size)
  let to = 0
  let from = blocks
  for (let at = U32; at < blocks; at += ENTRY) {
    const original = u32(segment, at)
    const compressed = u32(segment, at + U32)
    if (!Block.decode(segment, from, from + compressed, out, to, to + original)) return undefined
    to += original
    from += compressed
  }
  return out
}

/** A single block, by the library: it wants its length in front. */
const one = (segment: Uint8Array, at: number, size: number, library: Library): Uint8Array | undefined => {
  const input = new Uint8Array(segment.length - at + U32)
  setU32(input, 0, size)
  input.set(segment.subarray(at), U32)
  const out = plain(library.uncompressSync(input))
  return out.length === size ? out : undefined
}

export const make = (library: unknown): Algorithm => ({
  compress: (segment) => {
    const packed = (library as Library).compressSync(segment)
    const block = packed.length - U32
    const out = new Uint8Array(U32 + ENTRY + block)
    setU32(out, 0, 1)
    setU32(out, U32, segment.length)
    setU32(out, 2 * U32, block)
    out.set(packed.subarray(U32), U32 + ENTRY)
    return out
  },
  decompress: (segment, limit) => decompress(segment, limit, library as Library)
})
