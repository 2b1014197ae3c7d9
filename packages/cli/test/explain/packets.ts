/** Captures made up in memory: segments, packets around them, files around those. */
import { Bytes } from "@msgr2/wire"

/** One TCP segment to be. `ack` counts only with the flag. */
export interface Segment {
  readonly from: string
  readonly to: string
  readonly seq: number
  readonly ack?: number
  readonly flags?: number
  readonly payload?: Uint8Array
}

export const Flag = { Fin: 1, Syn: 2, Reset: 4, Ack: 16 } as const

const numbers = (size: number, little: boolean, ...values: ReadonlyArray<number>): Uint8Array => {
  const bytes = new Uint8Array(size * values.length)
  const view = new DataView(bytes.buffer)
  values.forEach((value, i) => {
    if (size === 2) view.setUint16(2 * i, value, little)
    else view.setUint32(4 * i, value, little)
  })
  return bytes
}
export const be16 = (...values: ReadonlyArray<number>) => numbers(2, false, ...values)
export const be32 = (...values: ReadonlyArray<number>) => numbers(4, false, ...values)

const split = (address: string): readonly [host: string, port: number] => {
  const at = address.lastIndexOf(":")
  return [address.slice(0, at).replace(/[[\]]/g, ""), Number(address.slice(at + 1))]
}

const tcp = ({ ack = 0, flags = Flag.Ack, from, payload = Bytes.empty, seq, to }: Segment): Uint8Array =>
  Bytes.concat([
    be16(split(from)[1], split(to)[1]),
    be32(seq >>> 0, ack >>> 0),
    // Twelve bytes of options, as Linux sends them.
    Uint8Array.of(0x80, flags),
    be16(0xffff, 0, 0),
    new Uint8Array(12),
    payload
  ])

const host4 = (address: string) => Uint8Array.from(split(address)[0].split("."), Number)

/** An IPv4 packet; `fragment` is its word of flags and offset, `total` its length if it lies. */
export const ipv4 = (segment: Segment, options: { readonly fragment?: number; readonly total?: number } = {}) => {
  const body = tcp(segment)
  const total = options.total ?? 20 + body.length
  return Bytes.concat([
    Uint8Array.of(0x45, 0),
    be16(total, 0, options.fragment ?? 0x4000),
    Uint8Array.of(64, 6, 0, 0),
    host4(segment.from),
    host4(segment.to),
    body
  ])
}

/** `[::1]` and the like: groups are not abbreviated anywhere but at the front. */
const host6 = (address: string): Uint8Array => {
  const groups = split(address)[0].replace(/^::/, "").split(":")
  const filled = [...Array<string>(8 - groups.length).fill("0"), ...groups]
  return be16(...filled.map((group) => Number.parseInt(group, 16)))
}

/** An IPv6 packet, with extension headers `[type, bytes]` whose first byte is filled in here. */
export const ipv6 = (segment: Segment, extensions: ReadonlyArray<readonly [number, Uint8Array]> = []) => {
  const types = [...extensions.map(([type]) => type), 6]
  const headers = extensions.map(([, bytes], i) => {
    const header = bytes.slice()
    header[0] = types[i + 1]!
    return header
  })
  const body = Bytes.concat([...headers, tcp(segment)])
  return Bytes.concat([
    be32(0x6000_0000),
    be16(body.length),
    Uint8Array.of(types[0]!, 64),
    host6(segment.from),
    host6(segment.to),
    body
  ])
}

const macs = new Uint8Array(12)

export const ethernet = (packet: Uint8Array, type = 0x0800, vlans: ReadonlyArray<number> = []) =>
  Bytes.concat([macs, ...vlans.map((vlan) => be16(vlan, 7)), be16(type), packet])

/** `time` in microseconds since 1970. */
export interface Packet {
  readonly bytes: Uint8Array
  readonly time: number
  readonly size?: number
}

export interface PcapOptions {
  readonly little?: boolean
  readonly nano?: boolean
  readonly link?: number
}

export const pcap = (packets: ReadonlyArray<Packet>, { link = 1, little = true, nano = false }: PcapOptions = {}) => {
  const u16 = (...values: ReadonlyArray<number>) => numbers(2, little, ...values)
  const u32 = (...values: ReadonlyArray<number>) => numbers(4, little, ...values)
  return Bytes.concat([
    u32(nano ? 0xa1b23c4d : 0xa1b2c3d4),
    u16(2, 4),
    u32(0, 0, 262_144, link),
    ...packets.flatMap(({ bytes, size = bytes.length, time }) => {
      const fraction = time % 1_000_000
      return [u32(Math.floor(time / 1_000_000), nano ? fraction * 1000 : fraction, bytes.length, size), bytes]
    })
  ])
}

const padded = (bytes: Uint8Array) => Bytes.concat([bytes, new Uint8Array(-bytes.length & 3)])

/** Builds blocks of pcapng. */
export const blocks = (little = true) => {
  const u16 = (...values: ReadonlyArray<number>) => numbers(2, little, ...values)
  const u32 = (...values: ReadonlyArray<number>) => numbers(4, little, ...values)
  const block = (type: number, body: Uint8Array) => {
    const length = 12 + padded(body).length
    return Bytes.concat([u32(type, length), padded(body), u32(length)])
  }
  const option = (code: number, value: Uint8Array) => Bytes.concat([u16(code, value.length), padded(value)])
  return {
    block,
    option,
    u32,
    section: () => block(0x0a0d0d0a, Bytes.concat([u32(0x1a2b3c4d), u16(1, 0), u32(0xffff_ffff, 0xffff_ffff)])),
    interface: (link: number, options: Uint8Array = Bytes.empty, snaplen = 0) =>
      block(1, Bytes.concat([u16(link, 0), u32(snaplen), options])),
    enhanced: (number: number, ticks: bigint, bytes: Uint8Array, options: Uint8Array = Bytes.empty) => {
      const [high, low] = [Number(ticks >> 32n), Number(ticks & 0xffff_ffffn)]
      return block(6, Bytes.concat([u32(number, high, low, bytes.length, bytes.length), padded(bytes), options]))
    },
    simple: (bytes: Uint8Array, size = bytes.length) => block(3, Bytes.concat([u32(size), bytes]))
  }
}

export const pcapng = (packets: ReadonlyArray<Packet>, link = 1): Uint8Array => {
  const make = blocks()
  return Bytes.concat([
    make.section(),
    make.interface(link),
    ...packets.map(({ bytes, time }) => make.enhanced(0, BigInt(Math.round(time)), bytes))
  ])
}

/** Where made-up captures begin. */
export const START = 1_795_288_756_000_000

/** Segments as a capture, a millisecond apart. */
export const capture = (segments: ReadonlyArray<Segment>): Uint8Array =>
  pcap(segments.map((segment, i) => ({ bytes: ethernet(ipv4(segment)), time: START + 1000 * i })))
