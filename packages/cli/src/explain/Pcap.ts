/**
 * Capture files into packets: pcap and pcapng as tcpdump and Wireshark write them.
 *
 * The whole file is in memory and packets are views into it: nothing is allocated from a length that the file states.
 *
 * **Source** draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * One packet as it was captured.
 *
 * **Units** `time` in microseconds since 1970, fractions for finer clocks; `size` is what the packet had on the network,
 * which is more than `bytes` when the capture cut it. `link` is a LINKTYPE number.
 */
export interface Packet {
  readonly time: number
  readonly link: number
  readonly bytes: Uint8Array
  readonly size: number
}

export type Format = "pcap" | "pcapng"

/** **Shape** `packets` ends with a note when the file does not end as it should. */
export interface Capture {
  readonly format: Format
  readonly packets: () => Generator<Packet, string | undefined>
}

/** A file that is no capture. */
export class PcapError extends Schema.TaggedError<PcapError>()("PcapError", { expected: Schema.String }) {
  override get message(): string {
    return `not a capture: expected ${this.expected}`
  }
}

const Magic = { Micro: 0xa1b2c3d4, Nano: 0xa1b23c4d, Patched: 0xa1b2cd34, Section: 0x0a0d0d0a } as const
const BYTE_ORDER = 0x1a2b3c4d

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * Opens a capture.
 *
 * **Errors** `PcapError` for anything else; a capture that breaks off is none.
 */
export const open = (file: Uint8Array): Result.Result<Capture, PcapError> => {
  if (file.length < 4) return refuse(`at least 4 bytes, got ${file.length}`)
  const view = viewOf(file)
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little)
    if (magic === Magic.Micro || magic === Magic.Nano) {
      return Result.succeed({ format: "pcap", packets: () => classic(file, view, little, magic === Magic.Nano) })
    }
    if (magic === Magic.Patched)
      return refuse("plain pcap or pcapng, got the patched form of pcap; convert it with editcap")
  }
  if (view.getUint32(0) === Magic.Section)
    return Result.succeed({ format: "pcapng", packets: () => blocks(file, view) })
  if (view.getUint16(0) === 0x1f8b) return refuse("pcap or pcapng, got gzip; decompress it first")
  return refuse("pcap or pcapng, as tcpdump -w and Wireshark write them")
}

const refuse = (expected: string): Result.Result<never, PcapError> => Result.fail(new PcapError({ expected }))

const FILE_HEADER = 24
const PACKET_HEADER = 16

/** `magic major minor zone:4 accuracy:4 snaplen:4 link:4`, then for each packet `sec fraction captured size bytes`. */
function* classic(
  file: Uint8Array,
  view: DataView,
  little: boolean,
  nano: boolean
): Generator<Packet, string | undefined> {
  if (file.length < FILE_HEADER) return cut(0, "header")
  // The upper four bits say how long a checksum ends each frame; lengths of IP leave it out anyway.
  const link = view.getUint32(20, little) & 0x0fff_ffff
  let at = FILE_HEADER
  while (at < file.length) {
    if (file.length - at < PACKET_HEADER) return cut(at, "packet")
    const captured = view.getUint32(at + 8, little)
    const start = at + PACKET_HEADER
    if (captured > file.length - start) return cut(at, "packet")
    const fraction = view.getUint32(at + 4, little)
    yield {
      time: view.getUint32(at, little) * 1_000_000 + (nano ? fraction / 1000 : fraction),
      link,
      bytes: file.subarray(start, start + captured),
      size: view.getUint32(at + 12, little)
    }
    at = start + captured
  }
  return undefined
}

const cut = (at: number, what: string): string => `the file breaks off in the ${what} at byte ${at}`

/** What packets of an interface have in common. */
interface Interface {
  readonly link: number
  readonly snaplen: number
  readonly ticksPerSecond: bigint
  /** Seconds to add. */
  readonly offset: number
}

const Block = { Interface: 1, Packet: 2, Simple: 3, Enhanced: 6 } as const
const Option = { End: 0, Resolution: 9, Offset: 14 } as const

/** `type:4 length:4 body length:4` again and again; a section begins with its byte order and forgets the interfaces. */
function* blocks(file: Uint8Array, view: DataView): Generator<Packet, string | undefined> {
  let little = true
  let interfaces: Array<Interface> = []
  let strays = 0
  let time = 0
  let at = 0
  let note: string | undefined
  while (at < file.length) {
    if (file.length - at < 12) {
      note = cut(at, "block")
      break
    }
    const isSection = view.getUint32(at) === Magic.Section
    if (isSection) little = view.getUint32(at + 8, true) === BYTE_ORDER
    const length = view.getUint32(at + 4, little)
    if (isSection && view.getUint32(at + 8, little) !== BYTE_ORDER) {
      note = `the section at byte ${at} has no byte order, the rest of the file was not read`
      break
    }
    if (length > file.length - at) {
      note = cut(at, "block")
      break
    }
    if (length < 12 || length % 4 !== 0 || view.getUint32(at + length - 4, little) !== length) {
      note = `the block at byte ${at} contradicts itself about its length, the rest of the file was not read`
      break
    }
    const body = viewOf(file.subarray(at + 8, at + length - 4))
    const type = view.getUint32(at, little)
    at += length
    if (isSection) interfaces = []
    else if (type === Block.Interface) interfaces.push(readInterface(body, little))
    else if (type === Block.Enhanced || type === Block.Packet || type === Block.Simple) {
      const packet = readPacket(type, body, little, interfaces, time)
      if (packet === undefined) strays++
      else {
        time = packet.time
        yield packet
      }
    }
  }
  const lost = strays === 0 ? undefined : `packets of interfaces that are not described, not read: ${strays}`
  return note === undefined || lost === undefined ? (note ?? lost) : `${note}; ${lost}`
}

/** A block that is too short describes an interface of a kind that nobody reads. */
const readInterface = (body: DataView, little: boolean): Interface => {
  let ticksPerSecond = 1_000_000n
  let offset = 0
  const size = body.byteLength
  for (let at = 8; at + 4 <= size;) {
    const code = body.getUint16(at, little)
    const length = body.getUint16(at + 2, little)
    const value = at + 4
    if (code === Option.End || length > size - value) break
    if (code === Option.Resolution && length >= 1) {
      const resolution = body.getUint8(value)
      ticksPerSecond = (resolution & 0x80) === 0 ? 10n ** BigInt(resolution) : 2n ** BigInt(resolution & 0x7f)
    }
    if (code === Option.Offset && length >= 8) offset = Number(body.getBigInt64(value, little))
    at = value + length + (-length & 3)
  }
  return size < 8
    ? { link: -1, snaplen: 0, ticksPerSecond, offset }
    : { link: body.getUint16(0, little), snaplen: body.getUint32(4, little), ticksPerSecond, offset }
}

/** `undefined` when the block does not hold what it says, or names an interface that is not there. */
const readPacket = (
  type: number,
  body: DataView,
  little: boolean,
  interfaces: ReadonlyArray<Interface>,
  before: number
): Packet | undefined => {
  const isSimple = type === Block.Simple
  const start = isSimple ? 4 : 20
  if (body.byteLength < start) return undefined
  const number = isSimple ? 0 : type === Block.Packet ? body.getUint16(0, little) : body.getUint32(0, little)
  const found = interfaces[number]
  if (found === undefined) return undefined
  const size = body.getUint32(isSimple ? 0 : 16, little)
  const room = body.byteLength - start
  const captured = isSimple
    ? Math.min(size, room, found.snaplen === 0 ? room : found.snaplen)
    : body.getUint32(12, little)
  if (captured > room) return undefined
  const bytes = new Uint8Array(body.buffer, body.byteOffset + start, captured)
  // A simple packet has no time of its own.
  if (isSimple) return { time: before, link: found.link, bytes, size }
  const ticks = (BigInt(body.getUint32(4, little)) << 32n) | BigInt(body.getUint32(8, little))
  return { time: micros(ticks, found), link: found.link, bytes, size }
}

const micros = (ticks: bigint, { offset, ticksPerSecond }: Interface): number => {
  const seconds = ticks / ticksPerSecond
  const nanos = ((ticks % ticksPerSecond) * 1_000_000_000n) / ticksPerSecond
  return (Number(seconds) + offset) * 1_000_000 + Number(nanos) / 1000
}
