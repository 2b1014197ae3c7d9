/**
 * Packets into TCP segments: the headers of the link, of IP and of TCP taken off.
 *
 * **Source** the registry of LINKTYPE numbers; RFC 791, RFC 8200, RFC 9293
 */
import * as Sockaddr from "@msgr2/wire/Sockaddr"
import type { Packet } from "./Pcap.ts"

/**
 * One TCP segment.
 *
 * **Shape** `from` and `to` as `127.0.0.1:3300` and `[::1]:3300`. `seq` numbers the first byte of `payload`, or the SYN
 * before it; `ack` the byte that its sender waits for.
 */
export interface Segment {
  readonly from: string
  readonly to: string
  readonly seq: number
  readonly ack: number
  readonly flags: number
  readonly payload: Uint8Array
}

/** Bits of `Segment.flags`. */
export const Flags = { Fin: 1, Syn: 2, Reset: 4, Ack: 16 } as const

/** Why a packet is no segment. */
export type Skipped = "other protocol" | "IP fragment" | "cut off in its headers" | "unknown link type"

const EtherType = { Ipv4: 0x0800, Ipv6: 0x86dd, vlans: [0x8100, 0x88a8, 0x9100] } as const
const TCP = 6

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!
const u32 = (bytes: Uint8Array, at: number): number => ((u16(bytes, at) << 16) | u16(bytes, at + 2)) >>> 0

/** What `packet` holds. */
export const decode = ({ bytes, link }: Packet): Segment | Skipped => {
  switch (link) {
    case 1:
      return ethernet(bytes)
    case 113: // Linux cooked
      return bytes.length < 16 ? "cut off in its headers" : byType(bytes, u16(bytes, 14), 16)
    case 276: // Linux cooked, version 2
      return bytes.length < 20 ? "cut off in its headers" : byType(bytes, u16(bytes, 0), 20)
    case 0: // BSD loopback: the address family in the byte order of whoever captured, which the IP header repeats
    case 108: // OpenBSD loopback
      return ip(bytes, 4)
    case 12: // raw IP, by its numbers of old and of today
    case 14:
    case 101:
    case 228:
    case 229:
      return ip(bytes, 0)
    default:
      return "unknown link type"
  }
}

const ethernet = (bytes: Uint8Array): Segment | Skipped =>
  bytes.length < 14 ? "cut off in its headers" : byType(bytes, u16(bytes, 12), 14)

const byType = (bytes: Uint8Array, type: number, start: number): Segment | Skipped => {
  let [kind, at] = [type, start]
  while (EtherType.vlans.some((vlan) => vlan === kind)) {
    if (bytes.length < at + 4) return "cut off in its headers"
    kind = u16(bytes, at + 2)
    at += 4
  }
  return kind === EtherType.Ipv4 || kind === EtherType.Ipv6 ? ip(bytes, at) : "other protocol"
}

const ip = (bytes: Uint8Array, at: number): Segment | Skipped => {
  if (bytes.length <= at) return "cut off in its headers"
  const version = bytes[at]! >> 4
  return version === 4 ? ipv4(bytes, at) : version === 6 ? ipv6(bytes, at) : "other protocol"
}

const ipv4 = (bytes: Uint8Array, at: number): Segment | Skipped => {
  const header = (bytes[at]! & 0xf) * 4
  if (header < 20 || bytes.length < at + header) return "cut off in its headers"
  if (bytes[at + 9] !== TCP) return "other protocol"
  if ((u16(bytes, at + 6) & 0x3fff) !== 0) return "IP fragment"
  // A network card that cuts segments itself leaves the length to be filled in: 0.
  const total = u16(bytes, at + 2)
  const end = total === 0 ? bytes.length : at + total
  const address = (from: number, port: number) =>
    Sockaddr.format({ _tag: "Inet", address: bytes.subarray(from, from + 4), port })
  return tcp(
    bytes,
    at + header,
    end,
    (port) => address(at + 12, port),
    (port) => address(at + 16, port)
  )
}

const Extension = { HopByHop: 0, Routing: 43, Fragment: 44, Authentication: 51, Destination: 60 } as const

const ipv6 = (bytes: Uint8Array, start: number): Segment | Skipped => {
  let at = start + 40
  if (bytes.length < at) return "cut off in its headers"
  const size = u16(bytes, start + 4)
  const end = size === 0 ? bytes.length : at + size
  let next = bytes[start + 6]!
  while (next !== TCP) {
    if (bytes.length < at + 8) return "cut off in its headers"
    const words = bytes[at + 1]!
    switch (next) {
      case Extension.Fragment:
        // A fragment that is the whole packet is none.
        if ((u16(bytes, at + 2) & 0xfff9) !== 0) return "IP fragment"
        next = bytes[at]!
        at += 8
        break
      case Extension.Authentication:
        next = bytes[at]!
        at += (words + 2) * 4
        break
      case Extension.HopByHop:
      case Extension.Routing:
      case Extension.Destination:
        next = bytes[at]!
        at += (words + 1) * 8
        break
      default:
        return "other protocol"
    }
  }
  const address = (from: number, port: number) =>
    Sockaddr.format({ _tag: "Inet6", address: bytes.subarray(from, from + 16), port, flowInfo: 0, scopeId: 0 })
  return tcp(
    bytes,
    at,
    end,
    (port) => address(start + 8, port),
    (port) => address(start + 24, port)
  )
}

/** `end` is where the packet ends by its own account: before the padding of the link, behind what was captured. */
const tcp = (
  bytes: Uint8Array,
  at: number,
  end: number,
  from: (port: number) => string,
  to: (port: number) => string
): Segment | Skipped => {
  if (bytes.length < at + 20) return "cut off in its headers"
  const header = (bytes[at + 12]! >> 4) * 4
  const start = at + header
  if (header < 20 || bytes.length < start || end < start) return "cut off in its headers"
  return {
    from: from(u16(bytes, at)),
    to: to(u16(bytes, at + 2)),
    seq: u32(bytes, at + 4),
    ack: u32(bytes, at + 8),
    flags: bytes[at + 13]!,
    payload: bytes.subarray(start, Math.min(end, bytes.length))
  }
}
