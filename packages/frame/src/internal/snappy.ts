/**
 * Snappy as Ceph sends it: a raw block, not the framing format.
 *
 * **Source** Ceph `src/compressor/snappy/SnappyCompressor.h`
 */
import type { Algorithm } from "../Compression.ts"
import { plain } from "./bytes.ts"
import * as Block from "./snappyBlock.ts"

/** The package `snappy`, as far as it is used here. */
interface Library {
  readonly compressSync: (input: Uint8Array, options: object) => Uint8Array
  readonly uncompressSync: (input: Uint8Array, options: object) => Uint8Array
}

/** Up to this many bytes the decoder of our own is faster. */
const SMALL = 1024

/** Memory of the library's own instead of a copy costs several times the copy. */
const options = { asBuffer: true, copyOutputData: true }

export const make = (library: unknown): Algorithm => {
  const { compressSync, uncompressSync } = library as Library
  return {
    compress: (segment) => plain(compressSync(segment, options)),
    decompress: (segment, limit) => {
      const size = Block.announced(segment)?.size
      if (size === undefined || size > limit) return undefined
      return size <= SMALL ? Block.decode(segment, limit) : plain(uncompressSync(segment, options))
    }
  }
}
