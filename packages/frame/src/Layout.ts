/**
 * Every length on the wire, of every mode. Nothing else in the package adds up bytes of a frame.
 *
 * **Source** msgr2, "msgr2.0-crc" to "msgr2.1-secure"; Ceph `src/test/msgr/test_frames_v2.cc`
 */
import * as Preamble from "./Preamble.ts"

/** Length of one checksum. */
export const CRC = 4
/** AES works on blocks of this many bytes, and so does the padding of segments. */
export const BLOCK = 16
/** Length of a GCM tag, which ends every record. */
export const TAG = 16
/** Bytes of segment 0 that travel in the first record of revision 1. */
export const INLINE = 48
/** The first record of revision 1: preamble and inline bytes. */
export const HEAD = Preamble.SIZE + INLINE

/** `length` rounded up to whole blocks. */
export const padded = (length: number): number => length + (-length & (BLOCK - 1))

/** Lengths of the parts of one frame, as they follow each other on the wire. */
export interface Layout {
  readonly preamble: number
  /** Segment `index` and what belongs to it: padding, its checksum, its tag. */
  readonly segment: (index: number, length: number) => number
  /** What closes a frame of `count` segments; 0 when nothing does. */
  readonly epilogue: (count: number) => number
}

/** Segments as they are, then `late_flags` and always four checksums. */
export const crc0: Layout = {
  preamble: Preamble.SIZE,
  segment: (_, length) => length,
  epilogue: () => 1 + CRC * Preamble.MAX_SEGMENTS
}

/** Segment 0 carries its own checksum unless it is empty; the others share an epilogue, if there are others. */
export const crc1: Layout = {
  preamble: Preamble.SIZE,
  segment: (index, length) => (index === 0 && length > 0 ? length + CRC : length),
  epilogue: (count) => (count > 1 ? 1 + CRC * (Preamble.MAX_SEGMENTS - 1) : 0)
}

/** One record from the preamble to a block with `late_flags`, and its tag. */
export const secure0: Layout = {
  preamble: Preamble.SIZE,
  segment: (_, length) => padded(length),
  epilogue: () => BLOCK + TAG
}

/** What of segment 0 does not fit into the first record is a second one; all other segments are a third. */
export const secure1: Layout = {
  preamble: HEAD + TAG,
  segment: (index, length) =>
    index > 0 ? padded(length) : padded(length) > INLINE ? padded(length) - INLINE + TAG : 0,
  epilogue: (count) => (count > 1 ? BLOCK + TAG : 0)
}

/** By mode, then by revision. */
export const table = { Crc: [crc0, crc1], Secure: [secure0, secure1] } as const

/** A whole frame. */
export const frame = (layout: Layout, lengths: ArrayLike<number>, count = lengths.length): number => {
  let size = layout.preamble + layout.epilogue(count)
  for (let i = 0; i < count; i++) size += layout.segment(i, lengths[i]!)
  return size
}

/** The parts of a frame one by one, the epilogue only if there is one. */
export const parts = (layout: Layout, lengths: ReadonlyArray<number>): ReadonlyArray<number> => {
  const epilogue = layout.epilogue(lengths.length)
  return [
    layout.preamble,
    ...lengths.map((length, i) => layout.segment(i, length)),
    ...(epilogue > 0 ? [epilogue] : [])
  ]
}

/** How many of `segments` are sent: trailing empty ones are not, but one always is. */
export const trimmed = (segments: ReadonlyArray<{ readonly length: number }>): number => {
  let count = segments.length
  while (count > 1 && segments[count - 1]!.length === 0) count--
  return count
}
