/**
 * The numbers by which two ends agree on an algorithm.
 *
 * **Source** msgr2, "Compression"; Ceph `src/compressor/Compressor.h`, `COMP_ALG_*`
 */
import * as Result from "effect/Result"

/** `Brotli` is a number that Ceph has given out, and no algorithm of this package. */
export const CompressionMethod = { None: 0, Snappy: 1, Zlib: 2, Zstd: 3, Lz4: 4, Brotli: 5 } as const

const names: ReadonlyArray<string> = ["none", "snappy", "zlib", "zstd", "lz4", "brotli"]

/** `snappy`, or `method(7)` for a number nobody has named. */
export const format = (method: number): string => names[method] ?? `method(${method})`

/**
 * Reads a preference such as `zstd snappy` (most wanted first), separated by spaces or commas; none at all for `none`.
 *
 * **Errors** the words of what was expected.
 */
export const parseList = (text: string): Result.Result<ReadonlyArray<number>, string> => {
  const methods: Array<number> = []
  for (const word of text.split(/[\s,]+/).filter((word) => word !== "")) {
    const method = names.indexOf(word)
    if (method < 0) return Result.fail(`${names.join(", ")} in order of preference, got ${JSON.stringify(word)}`)
    if (method !== CompressionMethod.None && !methods.includes(method)) methods.push(method)
  }
  return Result.succeed(methods)
}
