/**
 * What inflates a compressed segment, one target for each algorithm of this installation.
 */
import { type Compression, CompressionMethod, Compressors } from "@msgr2/frame"
import { Bytes } from "@msgr2/wire"
import { must, sizeClass, type Target } from "../Target.ts"

const { CompressionMethod: Method } = CompressionMethod

/**
 * One algorithm.
 *
 * **Shape** `limit:u8 segment`: it may inflate to 2^(limit modulo 18) bytes.
 */
export const target = (name: string, algorithm: Compression.Algorithm): Target => ({
  name: `inflate-${name}`,
  seeds: () =>
    plains().flatMap((plain) => {
      const packed = algorithm.compress(plain)
      return packed === undefined ? [] : [17, 6].map((limit) => Bytes.concat([Uint8Array.of(limit), packed]))
    }),
  run: (input) => {
    const limit = 2 ** ((input[0] ?? 0) % 18)
    const segment = input.subarray(1)
    const packed = algorithm.compress(segment.slice())
    if (packed !== undefined && segment.length > 0) {
      const back = algorithm.decompress(packed, segment.length)
      must(back !== undefined && Bytes.equals(back, segment), "what was deflated inflates to the same")
      must(algorithm.decompress(packed, segment.length - 1) === undefined, "a limit one byte too low refuses")
    }
    const inflated = algorithm.decompress(segment, limit)
    if (inflated === undefined) return `refused ${sizeClass(limit)}`
    must(inflated.length <= limit, "no more than the limit comes out")
    const again = algorithm.decompress(segment, inflated.length)
    must(again !== undefined && Bytes.equals(again, inflated), "a limit of just its length lets the same through")
    return `inflates to ${sizeClass(inflated.length)}`
  }
})

/** Repetition, text, noise, and almost nothing. */
const plains = (): ReadonlyArray<Uint8Array> => [
  Uint8Array.of(1),
  new Uint8Array(5000),
  Uint8Array.from({ length: 300 }, (_, i) => 97 + (i % 7)),
  Uint8Array.from({ length: 1200 }, (_, i) => (i * i) >>> 6),
  Uint8Array.from({ length: 64 }, (_, i) => (i * 197) & 0xff)
]

export const targets: ReadonlyArray<Target> = Object.values(Method).flatMap((method) => {
  const algorithm = method === Method.None ? undefined : Compressors.installed.make(method)
  return algorithm === undefined ? [] : [target(CompressionMethod.format(method), algorithm)]
})
