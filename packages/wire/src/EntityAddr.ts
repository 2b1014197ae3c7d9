/**
 * Where somebody is: `entity_addr_t` and `entity_addrvec_t` with every form of address they may hold.
 *
 * **Source** msgr2, "Message flow handshake"; Ceph `src/msg/msg_types.h`
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Bytes from "./Bytes.ts"
import * as Codec from "./Codec.ts"
import * as Envelope from "./Envelope.ts"
import { type Reader } from "./Reader.ts"
import * as Sockaddr from "./Sockaddr.ts"

/** What an address is good for. */
export const AddrType = { None: 0, Legacy: 1, Msgr2: 2, Any: 3, Cidr: 4 } as const

const prefixes = ["-", "v1:", "v2:", "any:", "cidr:"]

const Modern = Envelope.envelope(
  1,
  1,
  Codec.struct("EntityAddr", { type: Codec.u32, nonce: Codec.u32, sockaddr: Sockaddr.Sockaddr })
)

/**
 * An address with its type and the nonce that tells apart successive owners of a port.
 *
 * **Shape** `marker:u8=1`, then in an envelope `type:le32 nonce:le32 sockaddr`. 35 bytes for IPv4, 47 for IPv6 and
 * for a blank address. The form of peers without MSG_ADDR2 (marker 0, 136 bytes) is read too, never written.
 *
 * **Errors** `Malformed` for another marker or an address family that does not fit its length.
 */
export const EntityAddr: Codec.Codec<EntityAddr> = {
  name: "EntityAddr",
  schema: Modern.schema,
  min: 1 + Modern.min,
  size: (value) => 1 + Modern.size(value),
  write: (writer, value) => {
    Codec.u8.write(writer, 1)
    Modern.write(writer, value)
  },
  read: (reader) => {
    const at = reader.offset
    const marker = Codec.u8.read(reader)
    if (marker === 1) return Modern.read(reader)
    if (marker !== 0) reader.fail("EntityAddr", "Malformed", `marker 1 or 0, got ${marker}`, at)
    reader.offset = at
    return Legacy.read(reader)
  }
}
export interface EntityAddr {
  readonly type: number
  readonly nonce: number
  readonly sockaddr: Sockaddr.Sockaddr
}

/**
 * The form for peers without MSG_ADDR2. Nothing in msgr2 sends it.
 *
 * **Shape** `0:le32 nonce:le32 sockaddr_storage[128]`, the family big-endian. The type is not on the wire: it reads as
 * `Legacy`, or as `None` when there is no address.
 */
export const Legacy: Codec.Codec<EntityAddr> = {
  name: "EntityAddr.Legacy",
  schema: Schema.Union([
    Schema.Struct({ type: Schema.Literal(AddrType.None), nonce: Codec.u32.schema, sockaddr: Sockaddr.Blank }),
    Schema.Struct({
      type: Schema.Literal(AddrType.Legacy),
      nonce: Codec.u32.schema,
      sockaddr: Schema.Union([Sockaddr.Inet, Sockaddr.Inet6])
    })
  ]),
  min: 136,
  size: () => 136,
  write: (writer, value) => {
    Codec.u32.write(writer, 0)
    Codec.u32.write(writer, value.nonce)
    const at = writer.offset
    Sockaddr.writeStorage(writer, value.sockaddr)
    writer.offset = at + 128
  },
  read: (reader) => {
    reader.take(4, "EntityAddr")
    const nonce = Codec.u32.read(reader)
    const sockaddr = Sockaddr.readStorage(reader)
    return { type: sockaddr._tag === "Blank" ? AddrType.None : AddrType.Legacy, nonce, sockaddr }
  }
}

const Addrs = Codec.list(EntityAddr)

/**
 * Several addresses of one owner.
 *
 * **Shape** `marker:u8=2 count:le32 addr...`; a single address (marker 1, or 0 for the old form) reads as a list of one.
 */
export const EntityAddrVec: Codec.Codec<EntityAddrVec> = {
  name: "EntityAddrVec",
  schema: Addrs.schema,
  min: 1 + Addrs.min,
  size: (value) => 1 + Addrs.size(value),
  write: (writer, value) => {
    Codec.u8.write(writer, 2)
    Addrs.write(writer, value)
  },
  read: (reader) => {
    if (peekMarker(reader) !== 2) return [EntityAddr.read(reader)]
    reader.offset++
    return Addrs.read(reader)
  }
}
export type EntityAddrVec = ReadonlyArray<EntityAddr>

const peekMarker = (reader: Reader): number => {
  const at = reader.take(1, "EntityAddrVec")
  reader.offset = at
  return reader.bytes[at]!
}

/** No address at all, as a default `entity_addr_t` is: what Ceph calls blank. */
export const blank: EntityAddr = { type: AddrType.None, nonce: 0, sockaddr: Sockaddr.blank }

/**
 * The 36 bytes by which Ceph compares addresses: type, nonce and sockaddr as they lie in memory. The nonce is
 * compared byte by byte, lowest first, so this is not the order of numbers.
 */
export const sortKey = (addr: EntityAddr): Uint8Array => {
  const key = new Uint8Array(36)
  const view = new DataView(key.buffer)
  view.setUint32(0, addr.type, true)
  view.setUint32(4, addr.nonce, true)
  key.set(Sockaddr.memory(addr.sockaddr), 8)
  return key
}

export const compare = (left: EntityAddr, right: EntityAddr): number => Bytes.compare(sortKey(left), sortKey(right))
export const equals = (left: EntityAddr, right: EntityAddr): boolean => compare(left, right) === 0

/** A text that is equal exactly when two lists of addresses are: the key of a table of peers. */
export const key = (addrs: EntityAddrVec): string => addrs.map((addr) => Bytes.toHex(sortKey(addr))).join(",")

/** The first address that msgr2 can use, or a blank one. */
export const msgr2Of = (addrs: EntityAddrVec): EntityAddr =>
  addrs.find(({ type }) => type === AddrType.Msgr2 || type === AddrType.Any) ?? blank

/** `v2:127.0.0.1:3300/0`, `any:...`, `-` for a blank one. */
export const format = ({ type, nonce, sockaddr }: EntityAddr): string =>
  type === AddrType.None && sockaddr._tag === "Blank"
    ? "-"
    : `${prefixes[type] ?? `type(${type}):`}${Sockaddr.format(sockaddr)}/${nonce}`

/** `[v2:127.0.0.1:3300/0,v1:127.0.0.1:6789/0]`. */
export const formatVec = (addrs: EntityAddrVec): string => `[${addrs.map(format).join(",")}]`

/**
 * Reads `v2:127.0.0.1:3300/0`. The nonce may be missing (0), and so may the prefix (v2).
 *
 * **Errors** the words of what was expected.
 */
export const parse = (text: string): Result.Result<EntityAddr, string> => {
  const parts = /^(?:(v1|v2|any):)?(.+?)(?:\/(\d{1,10}))?$/.exec(text.trim())
  if (parts === null) return Result.fail(expected(text))
  const type = parts[1] === undefined ? AddrType.Msgr2 : prefixes.indexOf(`${parts[1]}:`)
  const nonce = Number(parts[3] ?? 0)
  const sockaddr = Sockaddr.parse(parts[2]!)
  return sockaddr === undefined || nonce > 0xffff_ffff
    ? Result.fail(expected(text))
    : Result.succeed({ type, nonce, sockaddr })
}

const expected = (text: string): string => `an address such as v2:127.0.0.1:3300/0, got ${JSON.stringify(text)}`

/** A msgr2 address of `host` (numeric, IPv4 or IPv6) and `port`; `undefined` when `host` is not numeric. */
export const make = (host: string, port: number, nonce = 0, type: number = AddrType.Msgr2): EntityAddr | undefined => {
  const sockaddr = Sockaddr.make(host, port)
  return sockaddr === undefined ? undefined : { type, nonce, sockaddr }
}
