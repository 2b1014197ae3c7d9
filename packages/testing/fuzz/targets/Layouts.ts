/**
 * Streams of frames whose checks are made right after they were damaged, so that what lies behind the checks is reached.
 */
import { Crc32c, Gather, Layout, type Mode, Preamble } from "@msgr2/frame"
import { Bytes } from "@msgr2/wire"

const CRC_AT = Preamble.SIZE - 4

/** States the right checksum in the preamble at `at`. */
export const repairPreamble = (bytes: Uint8Array, at: number): void => {
  const sum = Crc32c.update(Crc32c.PREAMBLE_SEED, bytes, at, at + CRC_AT)
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at + CRC_AT, sum, true)
}

/** What the preamble at `at` announces, or `undefined` where no segment count can be. */
const announced = (bytes: Uint8Array, at: number): ReadonlyArray<number> | undefined => {
  const count = bytes[at + 1]!
  if (count < 1 || count > Preamble.MAX_SEGMENTS) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Array.from({ length: count }, (_, i) => view.getUint32(at + 2 + 6 * i, true))
}

/** A stream of crc mode with right checksums, as far as its frames can be made out; `segments` too if asked for. */
export const repairCrc = (stream: Uint8Array, revision: Mode.Revision, segments: boolean): Uint8Array => {
  const bytes = stream.slice()
  const view = new DataView(bytes.buffer)
  const layout = Layout.table.Crc[revision]
  let at = 0
  while (at + Preamble.SIZE <= bytes.length) {
    repairPreamble(bytes, at)
    const lengths = announced(bytes, at)
    const size = lengths === undefined ? Number.POSITIVE_INFINITY : Layout.frame(layout, lengths)
    if (lengths === undefined || at + size > bytes.length) break
    const epilogue = at + size - layout.epilogue(lengths.length) + 1
    let start = at + Preamble.SIZE
    for (const [i, length] of segments ? lengths.entries() : []) {
      const sum = Crc32c.update(Crc32c.SEGMENT_SEED, bytes, start, start + length)
      const inline = revision === 1 && i === 0
      if (!inline) view.setUint32(epilogue + 4 * (i - revision), sum, true)
      else if (length > 0) view.setUint32(start + length, sum, true)
      start += layout.segment(i, length)
    }
    at += size
  }
  return bytes
}

/** Seals a stream of plain frames (`plainFrame`), record by record, as far as its frames can be made out. */
export const seal = (stream: Uint8Array, mode: Mode.Secure, repaired: boolean): Uint8Array => {
  const bytes = stream.slice()
  const out = Gather.make()
  const head = mode.revision === 0 ? Preamble.SIZE : Layout.HEAD
  const record = (from: number, to: number) => mode.aead.seal(mode.tx, [[bytes.slice(from, to)]], out)
  let at = 0
  while (at < bytes.length) {
    if (at + head > bytes.length) {
      record(at, bytes.length)
      break
    }
    if (repaired) repairPreamble(bytes, at)
    const lengths = announced(bytes, at)
    if (lengths === undefined) {
      record(at, at + head)
      break
    }
    for (const size of recordsOf(lengths, mode.revision)) {
      // A record that is cut short is sealed as it is: its receiver waits for more.
      if (at < bytes.length) record(at, Math.min(at + size, bytes.length))
      at += size
    }
  }
  return Bytes.concat(out.take())
}

/** Lengths of the plain records of one frame. */
const recordsOf = (lengths: ReadonlyArray<number>, revision: Mode.Revision): ReadonlyArray<number> => {
  const padded = lengths.map(Layout.padded)
  const sum = (sizes: ReadonlyArray<number>) => sizes.reduce((total, size) => total + size, 0)
  if (revision === 0) return [Preamble.SIZE + sum(padded) + Layout.BLOCK]
  return [
    Layout.HEAD,
    ...(padded[0]! > Layout.INLINE ? [padded[0]! - Layout.INLINE] : []),
    ...(lengths.length > 1 ? [sum(padded.slice(1)) + Layout.BLOCK] : [])
  ]
}

/** The plain records of a frame, one after the other. */
export const plainFrame = (
  revision: Mode.Revision,
  frame: {
    readonly tag: number
    readonly segments: ReadonlyArray<Uint8Array>
    readonly flags?: number
    readonly late: number
  }
): Uint8Array => {
  const { late, segments, tag } = frame
  const preamble = new Uint8Array(Preamble.SIZE)
  const lengths = Uint32Array.from({ length: 4 }, (_, i) => segments[i]?.length ?? 0)
  Preamble.write(preamble, 0, { tag, count: segments.length, lengths, flags: frame.flags ?? 0 })
  const parts = segments.map((segment, i) => {
    const least = revision === 1 && i === 0 ? Layout.INLINE : 0
    const part = new Uint8Array(Math.max(least, Layout.padded(segment.length)))
    part.set(segment)
    return part
  })
  const last = new Uint8Array(Layout.BLOCK)
  last[0] = late
  return Bytes.concat([preamble, ...parts, ...(revision === 0 || segments.length > 1 ? [last] : [])])
}
