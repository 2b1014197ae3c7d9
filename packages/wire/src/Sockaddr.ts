/**
 * The `sockaddr` inside an address. IP addresses become fields, whatever else a peer puts there stays as it came.
 *
 * **Source** Ceph `src/msg/msg_types.h` (`entity_addr_t::encode`), Linux `include/linux/socket.h` for the families
 */
import * as Schema from "effect/Schema"
import * as Bytes from "./Bytes.ts"
import * as Codec from "./Codec.ts"
import type { Reader } from "./Reader.ts"
import type { Writer } from "./Writer.ts"

const AF_INET = 2
const AF_INET6 = 10
/** Room for an address in Ceph's union, family included; a longer one is malformed. */
const UNION = 28

const octets = (size: number) => Bytes.Bytes.check(Schema.isMinLength(size), Schema.isMaxLength(size))
const Port = Codec.u16.schema

export const Inet = Schema.TaggedStruct("Inet", { address: octets(4), port: Port })
export const Inet6 = Schema.TaggedStruct("Inet6", {
  address: octets(16),
  port: Port,
  flowInfo: Codec.u32.schema,
  scopeId: Codec.u32.schema
})
export const Blank = Schema.TaggedStruct("Blank", {})

/**
 * One socket address.
 *
 * **Shape** in JavaScript: `Inet` and `Inet6` with the address as 4 or 16 bytes, `Blank` for 26 zero bytes of
 * family 0, `Absent` for no bytes at all, `Other` for any further family and length, untouched.
 */
export const SockaddrSchema = Schema.Union([
  Inet,
  Inet6,
  Blank,
  Schema.TaggedStruct("Absent", {}),
  Schema.TaggedStruct("Other", {
    family: Codec.u16.schema,
    data: Bytes.Bytes.check(Schema.isMaxLength(UNION - 2))
  }).check(Schema.makeFilter((value) => isOther(value) || "a sockaddr that is no plain IP address"))
])
export type Sockaddr = typeof SockaddrSchema.Type

export const blank: Sockaddr = { _tag: "Blank" }

const size = (value: Sockaddr): number => {
  switch (value._tag) {
    case "Inet":
      return 16
    case "Inet6":
    case "Blank":
      return UNION
    case "Absent":
      return 0
    case "Other":
      return 2 + value.data.length
  }
}

/** Writes family and address; `bigEndianFamily` is the old form's habit. */
const writeBody = (writer: Writer, value: Sockaddr, bigEndianFamily: boolean): void => {
  const { bytes, view, offset } = writer
  const family = (n: number) => view.setUint16(offset, n, !bigEndianFamily)
  switch (value._tag) {
    case "Inet":
      family(AF_INET)
      view.setUint16(offset + 2, value.port)
      bytes.set(value.address, offset + 4)
      break
    case "Inet6":
      family(AF_INET6)
      view.setUint16(offset + 2, value.port)
      view.setUint32(offset + 4, value.flowInfo)
      bytes.set(value.address, offset + 8)
      view.setUint32(offset + 24, value.scopeId, true)
      break
    case "Other":
      family(value.family)
      bytes.set(value.data, offset + 2)
      break
  }
  writer.offset += size(value)
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/**
 * `body` holds family and address. Both are copied: an address outlives the frame it came in, whose bytes are not to be
 * kept for it.
 */
const readBody = (body: Uint8Array, bigEndianFamily: boolean): Sockaddr => {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const family = view.getUint16(0, !bigEndianFamily)
  if (family === AF_INET && body.length >= 16 && isZero(body.subarray(8))) {
    return { _tag: "Inet", address: body.slice(4, 8), port: view.getUint16(2) }
  }
  if (family === AF_INET6 && body.length >= UNION && isZero(body.subarray(UNION))) {
    return {
      _tag: "Inet6",
      address: body.slice(8, 24),
      port: view.getUint16(2),
      flowInfo: view.getUint32(4),
      scopeId: view.getUint32(24, true)
    }
  }
  return family === 0 && body.length >= UNION && isZero(body.subarray(2))
    ? blank
    : { _tag: "Other", family, data: body.slice(2) }
}

/** False for what the other variants express: one value, one form. */
const isOther = (value: { readonly family: number; readonly data: Uint8Array }): boolean => {
  const body = new Uint8Array(2 + value.data.length)
  new DataView(body.buffer).setUint16(0, value.family, true)
  body.set(value.data, 2)
  return readExact(body)._tag === "Other"
}

/** A longer IPv4 form would not come back as it was read, so it stays as it is. */
const readExact = (body: Uint8Array): Sockaddr => {
  const value = readBody(body, false)
  return size(value) === body.length
    ? value
    : { _tag: "Other", family: body[0]! | (body[1]! << 8), data: body.slice(2) }
}

/** **Shape** `length:le32 family:le16 data[length - 2]`; port and IPv6 flow information big-endian. */
export const Sockaddr: Codec.Codec<Sockaddr> = {
  name: "Sockaddr",
  schema: SockaddrSchema,
  min: 4,
  size: (value) => 4 + size(value),
  write: (writer, value) => {
    Codec.u32.write(writer, size(value))
    writeBody(writer, value, false)
  },
  read: (reader) => {
    const at = reader.offset
    const length = Codec.u32.read(reader)
    if (length === 0) return { _tag: "Absent" }
    if (length < 2 || length > UNION)
      reader.fail("Sockaddr", "Malformed", `0 or 2 to ${UNION} bytes, got ${length}`, at)
    const start = reader.take(length, "Sockaddr")
    return readExact(reader.bytes.subarray(start, start + length))
  }
}

export const writeStorage = (writer: Writer, value: Sockaddr): void => writeBody(writer, value, true)

/** The 128 bytes of a `sockaddr_storage`, family big-endian. Families that are no IP read as `Blank`. */
export const readStorage = (reader: Reader): Sockaddr => {
  const at = reader.take(128, "Sockaddr")
  const value = readBody(reader.bytes.subarray(at, at + 128), true)
  return value._tag === "Other" ? blank : value
}

/** The 28 bytes of Ceph's in-memory union, family first: what comparisons look at. */
export const memory = (value: Sockaddr): Uint8Array => Codec.encode(Memory, value)
const Memory: Codec.Codec<Sockaddr> = {
  ...Sockaddr,
  size: () => UNION,
  write: (writer, value) => writeBody(writer, value, false)
}

/** `127.0.0.1:3300`, `[::1]:3300`. */
export const format = (value: Sockaddr): string => {
  switch (value._tag) {
    case "Inet":
      return `${value.address.join(".")}:${value.port}`
    case "Inet6":
      return `[${formatInet6(value.address)}]:${value.port}`
    case "Blank":
    case "Absent":
      return ":0"
    case "Other":
      return `family(${value.family}):${Bytes.toHex(value.data)}`
  }
}

/** RFC 5952: the longest run of zero groups becomes `::`. */
const formatInet6 = (address: Uint8Array): string => {
  const groups = Array.from({ length: 8 }, (_, i) => ((address[2 * i]! << 8) | address[2 * i + 1]!).toString(16))
  const text = groups.join(":")
  const runs = [...text.matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)]
  const longest = runs.reduce((best, run) => (run[0].length > best.length ? run[0] : best), "")
  if (longest === "") return text
  const at = runs.find((run) => run[0] === longest)!.index
  return `${text.slice(0, Math.max(0, at - 1))}::${text.slice(at + longest.length + 1)}`
}

const parseInet = (host: string): Uint8Array | undefined => {
  const parts = host.split(".")
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)
    ? Uint8Array.from(parts, Number)
    : undefined
}

const parseInet6 = (host: string): Uint8Array | undefined => {
  const halves = host.split("::")
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")))
  const given = groups.flat()
  if (halves.length > 2 || (halves.length === 1 ? given.length !== 8 : given.length > 7)) return undefined
  if (!given.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const filled = [...groups[0]!, ...Array<string>(8 - given.length).fill("0"), ...(groups[1] ?? [])]
  return Uint8Array.from(
    filled.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
  )
}

/** `undefined` when `host` is not a numeric IPv4 or IPv6 address or `port` is no port. */
export const make = (host: string, port: number): Sockaddr | undefined => {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) return undefined
  const inet = parseInet(host)
  if (inet !== undefined) return { _tag: "Inet", address: inet, port }
  const inet6 = parseInet6(host)
  return inet6 === undefined ? undefined : { _tag: "Inet6", address: inet6, port, flowInfo: 0, scopeId: 0 }
}

/** Reads `127.0.0.1:3300` and `[::1]:3300`; `undefined` for anything else. */
export const parse = (text: string): Sockaddr | undefined => {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  return parts === null ? undefined : make(parts[1] ?? parts[2]!, Number(parts[3]))
}

/** The host as a socket library wants it, or `undefined` when this is no IP address. */
export const host = (value: Sockaddr): string | undefined =>
  value._tag === "Inet" ? value.address.join(".") : value._tag === "Inet6" ? formatInet6(value.address) : undefined

export const port = (value: Sockaddr): number | undefined =>
  value._tag === "Inet" || value._tag === "Inet6" ? value.port : undefined

/** True when every byte of the IP is zero: somebody who does not know his own address. */
export const isBlankIp = (value: Sockaddr): boolean =>
  value._tag === "Inet" || value._tag === "Inet6" ? isZero(value.address) : true
