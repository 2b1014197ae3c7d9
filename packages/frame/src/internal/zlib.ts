/**
 * Zlib and zstd as Ceph sends them, by node:zlib.
 *
 * **Source** Ceph `src/compressor/zlib/ZlibCompressor.cc`, `src/compressor/zstd/ZstdCompressor.h`
 */
import type * as Node from "node:zlib"
import type { Algorithm } from "../Compression.ts"
import { plain, setU32, u32 } from "./bytes.ts"

/** What wrote the stream: 0 is zlib, 1 is ISA-L. Receivers skip it. */
const MARK = 0
const MARK_SIZE = 1

/** `compressor_zlib_level`, `compressor_zlib_winsize` and `ZLIB_MEMORY_LEVEL` of Ceph. */
const deflating = { level: 5, windowBits: 15, memLevel: 8 }

/** `compressor_zstd_level` of Ceph. */
const ZSTD_LEVEL = 1
const LENGTH_SIZE = 4

/** The window that every decoder of zstd should grant, whatever its limits: 8 MiB, as a power of two. */
const LEAST_WINDOW = 23
const LARGEST_WINDOW = 27

/** Output is collected in pieces of this size. A piece is kept whole by whoever keeps a part of it. */
const piece = (expected: number): number => Math.max(64, Math.min(expected, 64 * 1024))

/**
 * More than zstd can make of `size` bytes. Node appends an empty frame when the output fills its last piece exactly, so
 * there must be one piece and room left in it.
 */
const zstdBound = (size: number): number => size + (size >> 8) + 128

/** Node does not know of a limit of nothing. */
const atMost = (limit: number): number => Math.max(1, limit)

/** Node's answer when it is asked for `info`. */
interface Inflated {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

/** The plain bytes, unless bytes of `packed` are left over. */
const whole = ({ buffer, engine }: Inflated, packed: Uint8Array, limit: number): Uint8Array | undefined =>
  engine.bytesWritten === packed.length && buffer.length <= limit ? plain(buffer) : undefined

/** `packed` behind `size` bytes. */
const behind = (size: number, packed: Uint8Array): Uint8Array => {
  const segment = new Uint8Array(size + packed.length)
  segment.set(packed, size)
  return segment
}

/** **Shape** `mark:u8`, then a raw deflate stream. */
export const zlib = (node: typeof Node): Algorithm => ({
  compress: (segment) => {
    const out = behind(MARK_SIZE, node.deflateRawSync(segment, { ...deflating, chunkSize: piece(segment.length) }))
    out[0] = MARK
    return out
  },
  decompress: (segment, limit) => {
    const packed = segment.subarray(MARK_SIZE)
    const inflated: unknown = node.inflateRawSync(packed, {
      windowBits: deflating.windowBits,
      maxOutputLength: atMost(limit),
      chunkSize: piece(4 * packed.length),
      info: true
    })
    return whole(inflated as Inflated, packed, limit)
  }
})

/** **Shape** `originalLength:u32`, then one zstd frame. */
export const zstd = (node: typeof Node): Algorithm => {
  const { constants } = node
  return {
    compress: (segment) => {
      const packed = node.zstdCompressSync(segment, {
        chunkSize: zstdBound(segment.length),
        params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL }
      })
      const out = behind(LENGTH_SIZE, packed)
      setU32(out, 0, segment.length)
      return out
    },
    decompress: (segment, limit) => {
      if (segment.length < LENGTH_SIZE) return undefined
      const size = u32(segment, 0)
      if (size > limit) return undefined
      const packed = segment.subarray(LENGTH_SIZE)
      const window = Math.max(LEAST_WINDOW, Math.min(LARGEST_WINDOW, Math.ceil(Math.log2(atMost(size)))))
      const inflated: unknown = node.zstdDecompressSync(packed, {
        maxOutputLength: atMost(size),
        chunkSize: piece(size),
        params: { [constants.ZSTD_d_windowLogMax]: window },
        info: true
      })
      const out = whole(inflated as Inflated, packed, size)
      return out?.length === size ? out : undefined
    }
  }
}
