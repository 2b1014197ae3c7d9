/**
 * The smallest layouts: integers, booleans, bytes and text.
 *
 * **Source** Ceph `src/include/encoding.h`, `src/include/denc.h`
 */
import * as Schema from "effect/Schema"
import { Bytes } from "./Bytes.ts"
import type { Codec } from "./Codec.ts"

const fixedSize = <A>(
  name: string,
  size: number,
  schema: Schema.Codec<A>,
  set: (view: DataView, offset: number, value: A) => void,
  get: (view: DataView, offset: number) => A
): Codec<A> => ({
  name,
  schema,
  min: size,
  size: () => size,
  write: (writer, value) => {
    set(writer.view, writer.offset, value)
    writer.offset += size
  },
  read: (reader) => get(reader.view, reader.take(size, name))
})

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const bigint = (minimum: bigint, maximum: bigint) => Schema.BigInt.check(Schema.isBetweenBigInt({ minimum, maximum }))

export const u8: Codec<number> = fixedSize(
  "u8",
  1,
  int(0, 0xff),
  (v, at, n) => v.setUint8(at, n),
  (v, at) => v.getUint8(at)
)

export const u16: Codec<number> = fixedSize(
  "u16",
  2,
  int(0, 0xffff),
  (v, at, n) => v.setUint16(at, n, true),
  (v, at) => v.getUint16(at, true)
)

export const i16: Codec<number> = fixedSize(
  "i16",
  2,
  int(-0x8000, 0x7fff),
  (v, at, n) => v.setInt16(at, n, true),
  (v, at) => v.getInt16(at, true)
)

export const u32: Codec<number> = fixedSize(
  "u32",
  4,
  int(0, 0xffff_ffff),
  (v, at, n) => v.setUint32(at, n, true),
  (v, at) => v.getUint32(at, true)
)

export const i32: Codec<number> = fixedSize(
  "i32",
  4,
  int(-0x8000_0000, 0x7fff_ffff),
  (v, at, n) => v.setInt32(at, n, true),
  (v, at) => v.getInt32(at, true)
)

export const u64: Codec<bigint> = fixedSize(
  "u64",
  8,
  bigint(0n, 0xffff_ffff_ffff_ffffn),
  (v, at, n) => v.setBigUint64(at, n, true),
  (v, at) => v.getBigUint64(at, true)
)

export const i64: Codec<bigint> = fixedSize(
  "i64",
  8,
  bigint(-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn),
  (v, at, n) => v.setBigInt64(at, n, true),
  (v, at) => v.getBigInt64(at, true)
)

/**
 * A u64 that counts something and therefore stays far below 2^53, held as a `number`.
 *
 * **Errors** `OutOfRange` for 2^53 and above, which no honest counter reaches.
 */
export const counter: Codec<number> = {
  name: "counter",
  schema: int(0, Number.MAX_SAFE_INTEGER),
  min: 8,
  size: () => 8,
  write: (writer, value) => {
    const high = Math.floor(value / 0x1_0000_0000)
    writer.view.setUint32(writer.offset, value - high * 0x1_0000_0000, true)
    writer.view.setUint32(writer.offset + 4, high, true)
    writer.offset += 8
  },
  read: (reader) => {
    const at = reader.take(8, "counter")
    const high = reader.view.getUint32(at + 4, true)
    if (high > 0x1f_ffff) reader.fail("counter", "OutOfRange", "a counter below 2^53", at)
    return high * 0x1_0000_0000 + reader.view.getUint32(at, true)
  }
}

/** One byte; any value but zero reads as true and is written as 1. */
export const bool: Codec<boolean> = fixedSize(
  "bool",
  1,
  Schema.Boolean,
  (v, at, value) => v.setUint8(at, value ? 1 : 0),
  (v, at) => v.getUint8(at) !== 0
)

/**
 * A u32 length and that many bytes (`bufferlist`).
 *
 * **Shape** the value read is a view into the input; copy what must outlive it.
 */
export const bytes: Codec<Uint8Array> = {
  name: "bytes",
  schema: Bytes,
  min: 4,
  size: (value) => 4 + value.length,
  write: (writer, value) => {
    u32.write(writer, value.length)
    writer.put(value)
  },
  read: (reader) => {
    const size = u32.read(reader)
    const at = reader.take(size, "bytes")
    return reader.bytes.subarray(at, at + size)
  }
}

/** Exactly `size` bytes without a length. */
export const fixed = (size: number): Codec<Uint8Array> => ({
  name: `fixed(${size})`,
  schema: Bytes.check(Schema.isMinLength(size), Schema.isMaxLength(size)),
  min: size,
  size: () => size,
  write: (writer, value) => writer.put(value),
  read: (reader) => {
    const at = reader.take(size, `fixed(${size})`)
    return reader.bytes.subarray(at, at + size)
  }
})

const utf8 = new TextEncoder()
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Text that has one UTF-8 form: no lone surrogates. */
const WellFormed = Schema.String.check(
  Schema.makeFilter((text: string) => text.isWellFormed() || "text without lone surrogates")
)

/**
 * A u32 length and that many bytes of UTF-8 (`std::string`). Ceph sets no charset; what is not UTF-8 is refused
 * here, so use `bytes` where a peer may send anything.
 *
 * **Errors** `Malformed` when the bytes are not UTF-8.
 */
export const string: Codec<string> = {
  name: "string",
  schema: WellFormed,
  min: 4,
  size: (value) => 4 + utf8.encode(value).length,
  write: (writer, value) => {
    const encoded = utf8.encode(value)
    u32.write(writer, encoded.length)
    writer.put(encoded)
  },
  read: (reader) => {
    const size = u32.read(reader)
    const at = reader.take(size, "string")
    try {
      return strictUtf8.decode(reader.bytes.subarray(at, at + size))
    } catch {
      return reader.fail("string", "Malformed", "UTF-8 text", at)
    }
  }
}
