/**
 * Frames in the clear, each segment under a checksum. It finds accidents; it keeps nobody out.
 *
 * **Source** msgr2, "msgr2.0-crc mode", "msgr2.1-crc mode"; Ceph `src/msg/async/frames_v2.cc`
 */
import * as Crc32c from "./Crc32c.ts"
import * as Epilogue from "./Epilogue.ts"
import type { Refuse } from "./FrameError.ts"
import type { Sink } from "./FrameWriter.ts"
import type { Gather } from "./Gather.ts"
import * as Bytes from "./internal/bytes.ts"
import type { ByteQueue } from "./internal/ByteQueue.ts"
import * as Layout from "./Layout.ts"
import type { Crc } from "./Mode.ts"
import * as Preamble from "./Preamble.ts"

/** Checksums of the frame at hand: no two are read or written at once. */
const sums = new Uint32Array(Preamble.MAX_SEGMENTS)

/** Into `sums`: those of `segments`, or none at all. */
const checksums = (mode: Crc, segments: ReadonlyArray<Uint8Array>): void => {
  if (mode.dataCrc) mode.crc32c.segments(segments, sums)
  else sums.fill(0)
}

const check = (mode: Crc, index: number, segment: Uint8Array, stated: number, refuse: Refuse): void => {
  if (mode.dataCrc && sums[index] !== stated) {
    refuse("SegmentCrc", index, `${segment.length} bytes with the checksum 0x${stated.toString(16).padStart(8, "0")}`)
  }
}

/**
 * Takes the frame that `preamble` announces, all of which has arrived, and returns its segments; `undefined` when its
 * sender has aborted it. The checksums must be right all the same. Slots of unused segments are not looked at.
 *
 * **Errors** `SegmentCrc`, `LateStatus`.
 */
export const read = (
  queue: ByteQueue,
  mode: Crc,
  preamble: Preamble.Preamble,
  refuse: Refuse
): ReadonlyArray<Uint8Array> | undefined => {
  const { count, lengths } = preamble
  const segments: Array<Uint8Array> = []
  queue.skip(Preamble.SIZE)
  // In revision 1 the checksum of segment 0 follows it, unless it is empty.
  let stated: number | undefined
  for (let i = 0; i < count; i++) {
    segments.push(queue.take(lengths[i]!))
    if (i === 0 && mode.revision === 1 && lengths[0]! > 0) stated = queue.takeU32()
  }
  checksums(mode, segments)
  if (stated !== undefined) check(mode, 0, segments[0]!, stated, refuse)
  // In revision 1 the first slot of the epilogue is that of segment 1.
  const first = mode.revision
  const size = Layout.table.Crc[mode.revision].epilogue(count)
  if (size === 0) return segments
  const at = queue.locate(size)
  const epilogue = queue.bytes
  for (let i = first; i < count; i++) {
    check(mode, i, segments[i]!, Bytes.u32(epilogue, at + 1 + Layout.CRC * (i - first)), refuse)
  }
  const status = Epilogue.read(mode.revision, epilogue[at]!)
  queue.skip(size)
  return status === undefined ? Epilogue.refuse(epilogue[at]!, refuse) : status === "Complete" ? segments : undefined
}

/** Appends the frame of `preamble` and as many of `segments` as it counts. */
export const write = (
  out: Gather,
  mode: Crc,
  preamble: Preamble.Preamble,
  segments: ReadonlyArray<Uint8Array>,
  late: number
): void => {
  const { count } = preamble
  checksums(mode, segments.length === count ? segments : segments.slice(0, count))
  const start = out.reserve(Preamble.SIZE)
  Preamble.write(out.slab, start, preamble)
  for (let i = 0; i < count; i++) {
    const segment = segments[i]!
    out.put(segment)
    if (i === 0 && mode.revision === 1 && segment.length > 0) {
      const at = out.reserve(Layout.CRC)
      Bytes.setU32(out.slab, at, sums[0]!)
    }
  }
  writeEpilogue(out, mode, count, sums, late)
}

/** Appends what closes a frame of `count` segments, if anything does. */
const writeEpilogue = (out: Gather, mode: Crc, count: number, sums: Uint32Array, late: number): void => {
  const first = mode.revision
  const size = Layout.table.Crc[mode.revision].epilogue(count)
  if (size === 0) return
  const at = out.reserve(size)
  out.slab[at] = late
  for (let i = first; i < Preamble.MAX_SEGMENTS; i++) {
    Bytes.setU32(out.slab, at + 1 + Layout.CRC * (i - first), i < count ? sums[i]! : 0)
  }
}

/** Appends a frame whose segments come in pieces. Nothing but the checksums is remembered. */
export const pieces = (out: Gather, mode: Crc, preamble: Preamble.Preamble): Sink => {
  const { count, lengths } = preamble
  const sums = new Uint32Array(Preamble.MAX_SEGMENTS)
  let register = Crc32c.SEGMENT_SEED
  return {
    runs: Array.from(lengths.subarray(0, count)),
    begin: () => {
      const at = out.reserve(Preamble.SIZE)
      Preamble.write(out.slab, at, preamble)
    },
    put: (piece) => {
      out.put(piece)
      if (mode.dataCrc) register = mode.crc32c.update(register, piece)
    },
    endRun: (index) => {
      const sum = mode.dataCrc ? register : 0
      sums[index] = sum
      register = Crc32c.SEGMENT_SEED
      if (index > 0 || mode.revision === 0 || lengths[0] === 0) return
      const at = out.reserve(Layout.CRC)
      Bytes.setU32(out.slab, at, sum)
    },
    finish: (late) => writeEpilogue(out, mode, count, sums, late)
  }
}
