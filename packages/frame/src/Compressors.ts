/**
 * The algorithms that work in this process. One whose library is missing is not offered to any peer, which is no error:
 * two ends agree on what both have.
 *
 * **Source** Ceph `src/msg/compressor_registry.cc`, `src/compressor`
 */
import type { Algorithm, Compressor } from "./Compression.ts"
import * as CompressionMethod from "./CompressionMethod.ts"
import * as Lz4 from "./internal/lz4.ts"
import * as Packages from "./internal/packages.ts"
import * as Snappy from "./internal/snappy.ts"
import * as Zlib from "./internal/zlib.ts"

export interface Compressors {
  /** Loads the library of `method`, once, and says whether it does what it should. */
  readonly has: (method: number) => boolean
  /**
   * What a connection needs that has agreed on `method`; `undefined` unless `has`.
   *
   * **Units** `minSize` in bytes, Ceph's `ms_osd_compress_min_size`.
   */
  readonly make: (method: number, minSize?: number) => Compressor | undefined
}

/** `ms_osd_compress_min_size` of Ceph. */
export const MIN_SIZE = 1024

const { CompressionMethod: Method } = CompressionMethod

/** Long enough that libraries have to do it: small segments are decoded without them. */
const sample = Uint8Array.from({ length: 4096 }, (_, i) => (i * i) >>> 6)

/** Nothing that a library throws gets further than this. */
const attempt = <A>(run: () => A | undefined): A | undefined => {
  try {
    return run()
  } catch {
    return undefined
  }
}

const guarded = ({ compress, decompress }: Algorithm): Algorithm => ({
  compress: (segment) => attempt(() => compress(segment)),
  decompress: (segment, limit) => attempt(() => decompress(segment, limit))
})

const works = ({ compress, decompress }: Algorithm): boolean => {
  const packed = compress(sample)
  const plain = packed === undefined ? undefined : decompress(packed, sample.length)
  return plain !== undefined && plain.length === sample.length && plain.every((byte, i) => byte === sample[i])
}

/**
 * Compressors whose libraries come from `find`: by default the optional packages `snappy` and `lz4-napi` of this package,
 * and node:zlib, which has zstd since Node 22.15.
 */
export const make = (find: (name: string) => unknown = Packages.find): Compressors => {
  const recipes: { readonly [method: number]: readonly [library: string, make: (library: never) => Algorithm] } = {
    [Method.Snappy]: ["snappy", Snappy.make],
    [Method.Zlib]: ["node:zlib", Zlib.zlib],
    [Method.Zstd]: ["node:zlib", Zlib.zstd],
    [Method.Lz4]: ["lz4-napi", Lz4.make]
  }
  const load = (method: number): Algorithm | undefined =>
    attempt(() => {
      const recipe = recipes[method]
      const library = recipe === undefined ? undefined : find(recipe[0])
      if (recipe === undefined || library === undefined) return undefined
      // Each recipe knows what its own library exports; that it does is what `works` finds out.
      const algorithm = guarded(recipe[1](library as never))
      return works(algorithm) ? algorithm : undefined
    })
  const loaded = new Map<number, Algorithm | undefined>()
  const algorithm = (method: number): Algorithm | undefined => {
    if (!loaded.has(method)) loaded.set(method, load(method))
    return loaded.get(method)
  }
  return {
    has: (method) => algorithm(method) !== undefined,
    make: (method, minSize = MIN_SIZE) => {
      const found = algorithm(method)
      return found === undefined ? undefined : { ...found, name: CompressionMethod.format(method), minSize }
    }
  }
}

/** Those of this installation. Nothing is loaded before it is asked for. */
export const installed: Compressors = make()
