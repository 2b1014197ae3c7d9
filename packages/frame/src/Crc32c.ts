/**
 * The checksum of crc mode and of every preamble: CRC-32C as Ceph computes it, that is, the bare register. There is no
 * inversion before or after; the two seeds in use are named below.
 *
 * `crc32c` of other libraries is `~segment(bytes)`.
 *
 * **Source** msgr2, "Frame format"; Ceph `src/include/crc32c.h`
 */
import * as Crc32cWasm from "./internal/crc32cWasm.ts"

const POLYNOMIAL = 0x82f6_3b78
const SLICES = 16

/** The register at the start of a segment. */
export const SEGMENT_SEED = 0xffff_ffff
/** The register at the start of a preamble. */
export const PREAMBLE_SEED = 0
/** The checksum of no bytes: the register untouched. */
export const EMPTY_SEGMENT = SEGMENT_SEED

/** `tables[256 * n + b]`: what byte `b` does to the register when `n` more bytes follow it. */
export const tables = new Int32Array(256 * SLICES)
for (let byte = 0; byte < 256; byte++) {
  let register = byte
  for (let bit = 0; bit < 8; bit++) register = (register >>> 1) ^ (register & 1 ? POLYNOMIAL : 0)
  tables[byte] = register
}
for (let i = 256; i < tables.length; i++) tables[i] = (tables[i - 256]! >>> 8) ^ tables[tables[i - 256]! & 255]!

/** Sixteen bytes at a step, then four, then one. Indices are `table * 256 + byte`. */
const slicing = (register: number, bytes: Uint8Array, start: number, end: number): number => {
  const t = tables
  let c = register | 0
  let i = start
  for (; i + 16 <= end; i += 16) {
    c =
      t[0xf00 | ((c ^ bytes[i]!) & 255)]! ^
      t[0xe00 | (((c >>> 8) ^ bytes[i + 1]!) & 255)]! ^
      t[0xd00 | (((c >>> 16) ^ bytes[i + 2]!) & 255)]! ^
      t[0xc00 | ((c >>> 24) ^ bytes[i + 3]!)]! ^
      t[0xb00 | bytes[i + 4]!]! ^
      t[0xa00 | bytes[i + 5]!]! ^
      t[0x900 | bytes[i + 6]!]! ^
      t[0x800 | bytes[i + 7]!]! ^
      t[0x700 | bytes[i + 8]!]! ^
      t[0x600 | bytes[i + 9]!]! ^
      t[0x500 | bytes[i + 10]!]! ^
      t[0x400 | bytes[i + 11]!]! ^
      t[0x300 | bytes[i + 12]!]! ^
      t[0x200 | bytes[i + 13]!]! ^
      t[0x100 | bytes[i + 14]!]! ^
      t[bytes[i + 15]!]!
  }
  for (; i + 4 <= end; i += 4) {
    c =
      t[0x300 | ((c ^ bytes[i]!) & 255)]! ^
      t[0x200 | (((c >>> 8) ^ bytes[i + 1]!) & 255)]! ^
      t[0x100 | (((c >>> 16) ^ bytes[i + 2]!) & 255)]! ^
      t[(c >>> 24) ^ bytes[i + 3]!]!
  }
  for (; i < end; i++) c = t[(c ^ bytes[i]!) & 255]! ^ (c >>> 8)
  return c
}

/** Copying into the window of the WebAssembly module pays from about this length on (bench/crc32c.bench.ts). */
const WASM_FROM = 32

const wasm = Crc32cWasm.make(tables) ?? slicing

/**
 * Moves `register` over `bytes[start..end)`. Calls may be chained over the parts of a whole.
 *
 * **Units** registers are unsigned 32-bit integers.
 */
export const update = (register: number, bytes: Uint8Array, start = 0, end = bytes.length): number =>
  (end - start < WASM_FROM ? slicing(register, bytes, start, end) : wasm(register, bytes, start, end)) >>> 0

/** `update` in plain JavaScript, whatever the length: the fallback, and the yardstick of the benchmark. */
export const updatePlain = (register: number, bytes: Uint8Array, start = 0, end = bytes.length): number =>
  slicing(register, bytes, start, end) >>> 0

/** The checksum of a segment. */
export const segment = (bytes: Uint8Array): number => update(SEGMENT_SEED, bytes, 0, bytes.length)

/**
 * What computes the checksums of segments. A faster one can take the place of `builtIn`: see `Mode.crc`.
 *
 * **Units** registers and checksums are unsigned 32-bit integers.
 */
export interface Engine {
  /** Moves `register` over `bytes`: for segments that come in pieces. */
  readonly update: (register: number, bytes: Uint8Array) => number
  /** The checksums of the segments of one frame, into the same places of `sums`. */
  readonly segments: (segments: ReadonlyArray<Uint8Array>, sums: Uint32Array) => void
}

/** WebAssembly where there is any, else JavaScript. */
export const builtIn: Engine = {
  update: (register, bytes) => update(register, bytes),
  segments: (segments, sums) => {
    for (let i = 0; i < segments.length; i++) sums[i] = segment(segments[i]!)
  }
}
