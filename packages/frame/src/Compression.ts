/**
 * What a mode needs to know of the compression that both ends agreed on. The algorithms are in `Compressors.ts`.
 *
 * **Source** msgr2, "Compression"; Ceph `src/msg/async/compression_onwire.cc`
 */
import type { Refuse } from "./FrameError.ts"
import * as Limits from "./Limits.ts"

/**
 * One way to make bytes fewer, in the container that Ceph gives it.
 *
 * **Errors** `undefined` from `compress` when these bytes cannot be; from `decompress` when `segment` does not inflate to
 * at most `limit` bytes. Memory is in proportion to `limit`, whatever the segment claims, and neither throws.
 */
export interface Algorithm {
  readonly compress: (segment: Uint8Array) => Uint8Array | undefined
  readonly decompress: (segment: Uint8Array, limit: number) => Uint8Array | undefined
}

/**
 * An algorithm as a connection uses it. A frame with one segment that cannot be compressed goes plain as a whole.
 *
 * **Units** `minSize` in bytes of all segments together: frames below it are sent as they are.
 */
export interface Compressor extends Algorithm {
  readonly name: string
  readonly minSize: number
}

/** The first `count` of `segments` compressed one by one, empty ones left empty; `undefined` when one resists. */
export const deflate = (
  compressor: Compressor,
  segments: ReadonlyArray<Uint8Array>,
  count: number
): ReadonlyArray<Uint8Array> | undefined => {
  const deflated: Array<Uint8Array> = []
  for (const segment of segments.slice(0, count)) {
    const bytes = segment.length === 0 ? segment : compressor.compress(segment)
    if (bytes === undefined) return undefined
    deflated.push(bytes)
  }
  return deflated
}

/**
 * The segments of a compressed frame as they were.
 *
 * **Errors** `Inflate`, also beyond `limits`.
 */
export const inflate = (
  compressor: Compressor,
  segments: ReadonlyArray<Uint8Array>,
  limits: Limits.Limits,
  refuse: Refuse
): ReadonlyArray<Uint8Array> => {
  let room = Limits.whole(limits)
  return segments.map((segment, i) => {
    if (segment.length === 0) return segment
    const limit = Math.min(limits.segments[i]!, room)
    const inflated = compressor.decompress(segment, limit)
    if (inflated === undefined || inflated.length > limit) {
      return refuse("Inflate", i, `a segment of ${compressor.name} that inflates to at most ${limit} bytes`)
    }
    room -= inflated.length
    return inflated
  })
}
