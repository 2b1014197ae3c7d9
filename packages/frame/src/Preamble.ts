/**
 * The 32 bytes that open every frame. Written by hand: it is read and written per frame.
 *
 * **Source** msgr2, "Frame format"; Ceph `src/msg/async/frames_v2.h`
 */
import * as Crc32c from "./Crc32c.ts"
import type { Reason } from "./FrameError.ts"
import { setU32, u32 } from "./internal/bytes.ts"

export const SIZE = 32
export const MAX_SEGMENTS = 4
const CRC_AT = SIZE - 4
const FLAGS_AT = 26

/** `FRAME_EARLY_*`; other bits are zero when sent and ignored when received. */
export const Flags = { Compressed: 1 } as const

/** Segment 3 wishes to lie on a page, the others on a word. Receivers may ignore it, and this one does. */
const alignments = [8, 8, 8, 4096] as const

/**
 * What a preamble says. One value serves a whole connection: `read` overwrites it.
 *
 * **Shape** only the first `count` of `lengths` mean anything.
 *
 * **Units** lengths in bytes without padding; of compressed segments, the compressed length.
 */
export interface Preamble {
  tag: number
  count: number
  readonly lengths: Uint32Array
  flags: number
}

export const make = (): Preamble => ({ tag: 0, count: 1, lengths: new Uint32Array(MAX_SEGMENTS), flags: 0 })

/**
 * Reads the preamble at `at` into `into`. Its values may be trusted no further than its checksum: it proves no sender.
 *
 * **Shape** `tag:u8 count:u8 (length:le32 alignment:le16)x4 flags:u8 reserved:u8 crc:le32`
 *
 * **Errors** `PreambleCrc`, `SegmentCount`, `EmptyLastSegment`, checked in this order.
 */
export const read = (bytes: Uint8Array, at: number, into: Preamble): Reason | undefined => {
  if (Crc32c.update(Crc32c.PREAMBLE_SEED, bytes, at, at + CRC_AT) !== u32(bytes, at + CRC_AT)) return "PreambleCrc"
  const count = bytes[at + 1]!
  into.tag = bytes[at]!
  if (count === 0 || count > MAX_SEGMENTS) return "SegmentCount"
  into.count = count
  into.flags = bytes[at + FLAGS_AT]!
  for (let i = 0; i < count; i++) into.lengths[i] = u32(bytes, at + 2 + 6 * i)
  return count > 1 && into.lengths[count - 1] === 0 ? "EmptyLastSegment" : undefined
}

/** Writes `preamble` at `at`. */
export const write = (bytes: Uint8Array, at: number, preamble: Preamble): void => {
  bytes[at] = preamble.tag
  bytes[at + 1] = preamble.count
  for (let i = 0; i < MAX_SEGMENTS; i++) {
    const used = i < preamble.count
    const alignment = used ? alignments[i]! : 0
    setU32(bytes, at + 2 + 6 * i, used ? preamble.lengths[i]! : 0)
    bytes[at + 6 + 6 * i] = alignment
    bytes[at + 7 + 6 * i] = alignment >>> 8
  }
  bytes[at + FLAGS_AT] = preamble.flags
  bytes[at + FLAGS_AT + 1] = 0
  setU32(bytes, at + CRC_AT, Crc32c.update(Crc32c.PREAMBLE_SEED, bytes, at, at + CRC_AT))
}
