/**
 * A message and its header. Written by hand: this is the one layout that is read and written per message.
 *
 * **Source** msgr2, "Message exchange"; Ceph `src/include/msgr.h` (`ceph_msg_header2`)
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Bytes from "./Bytes.ts"
import * as Codec from "./Codec.ts"
import { MsgSeq } from "./Ids.ts"
import type { Reader } from "./Reader.ts"
import { WireError } from "./WireError.ts"

/** How soon a message should leave, against the others that wait. */
export const Priority = { Low: 64, Default: 127, High: 196, Highest: 255 } as const

/** `CEPH_MSG_FOOTER_*`. Userspace sends `Complete | NoCrc`: the frame carries the checks. */
export const Flags = { Complete: 1, NoCrc: 2, Signed: 4 } as const

/** Length of a header: segment 0 of a MESSAGE frame is exactly this long. */
export const HEADER_SIZE = 41

export interface MessageHeader {
  /** Number of the message in its direction of the session, from 1. */
  readonly seq: MsgSeq
  /** The application's own id of a request; 0 when it has none. */
  readonly tid: bigint
  readonly type: number
  readonly priority: number
  /** Version of the payload's encoding. */
  readonly version: number
  readonly dataPrePadding: number
  /** Where in a page the data would like to lie. A hint. */
  readonly dataOff: number
  /** Last message received from the peer: an ack that rides along. */
  readonly ackSeq: MsgSeq
  readonly flags: number
  /** Oldest version of a decoder that can read the payload; 0 means no restriction. */
  readonly compatVersion: number
  readonly reserved: number
}

/**
 * **Shape** `seq:le64 tid:le64 type:le16 priority:le16 version:le16 prePadding:le32 dataOff:le16 ackSeq:le64 flags:u8
 * compat:le16 reserved:le16`, 41 bytes
 */
export const MessageHeader: Codec.Codec<MessageHeader> = {
  ...Codec.struct("MessageHeader", {
    seq: MsgSeq,
    tid: Codec.u64,
    type: Codec.u16,
    priority: Codec.u16,
    version: Codec.u16,
    dataPrePadding: Codec.u32,
    dataOff: Codec.u16,
    ackSeq: MsgSeq,
    flags: Codec.u8,
    compatVersion: Codec.u16,
    reserved: Codec.u16
  }),
  size: () => HEADER_SIZE,
  write: (writer, header) => {
    writeHeader(writer.view, writer.offset, header, header.seq, header.ackSeq)
    writer.offset += HEADER_SIZE
  },
  read: (reader) => readHeader(reader)
}

/** Writes `header` at `offset` of `view` with these two numbers in place of its own: they are known only when it leaves. */
export const writeHeader = (
  view: DataView,
  offset: number,
  header: MessageHeader,
  seq: number,
  ackSeq: number
): void => {
  const seqHigh = Math.floor(seq / 0x1_0000_0000)
  const ackHigh = Math.floor(ackSeq / 0x1_0000_0000)
  view.setUint32(offset, seq, true)
  view.setUint32(offset + 4, seqHigh, true)
  view.setBigUint64(offset + 8, header.tid, true)
  view.setUint16(offset + 16, header.type, true)
  view.setUint16(offset + 18, header.priority, true)
  view.setUint16(offset + 20, header.version, true)
  view.setUint32(offset + 22, header.dataPrePadding, true)
  view.setUint16(offset + 26, header.dataOff, true)
  view.setUint32(offset + 28, ackSeq, true)
  view.setUint32(offset + 32, ackHigh, true)
  view.setUint8(offset + 36, header.flags)
  view.setUint16(offset + 37, header.compatVersion, true)
  view.setUint16(offset + 39, header.reserved, true)
}

const u16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8)
const u32 = (bytes: Uint8Array, at: number): number => (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0
/** NaN at 2^53 and above. */
const counter = (bytes: Uint8Array, at: number): number => {
  const high = u32(bytes, at + 4)
  return high > 0x1f_ffff ? Number.NaN : high * 0x1_0000_0000 + u32(bytes, at)
}
const u64 = (bytes: Uint8Array, at: number): bigint => {
  const high = u32(bytes, at + 4)
  return high === 0 ? BigInt(u32(bytes, at)) : (BigInt(high) << 32n) | BigInt(u32(bytes, at))
}

/** `bytes` holds a whole header at `at`. Reads bytes, not a DataView: making one costs more than all of this. */
const fromBytes = (bytes: Uint8Array, at: number): MessageHeader => ({
  seq: counter(bytes, at) as MsgSeq,
  tid: u64(bytes, at + 8),
  type: u16(bytes, at + 16),
  priority: u16(bytes, at + 18),
  version: u16(bytes, at + 20),
  dataPrePadding: u32(bytes, at + 22),
  dataOff: u16(bytes, at + 26),
  ackSeq: counter(bytes, at + 28) as MsgSeq,
  flags: bytes[at + 36]!,
  compatVersion: u16(bytes, at + 37),
  reserved: u16(bytes, at + 39)
})

/** The field whose number no honest session reaches. */
const outOfRange = (header: MessageHeader): "seq" | "ackSeq" | undefined =>
  Number.isNaN(header.seq) ? "seq" : Number.isNaN(header.ackSeq) ? "ackSeq" : undefined

const readHeader = (reader: Reader): MessageHeader => {
  const at = reader.take(HEADER_SIZE, "MessageHeader")
  const header = fromBytes(reader.bytes, at)
  const field = outOfRange(header)
  return field === undefined
    ? header
    : reader.fail(`MessageHeader.${field}`, "OutOfRange", "a counter below 2^53", at + (field === "seq" ? 0 : 28))
}

/** A message: header and three parts, any of which may be empty. Received parts are views; see the decoder's docs. */
export interface Message {
  readonly _tag: "Message"
  readonly header: MessageHeader
  readonly front: Uint8Array
  readonly middle: Uint8Array
  readonly data: Uint8Array
}

export const schema: Schema.Codec<Message> = Schema.TaggedStruct("Message", {
  header: MessageHeader.schema,
  front: Bytes.Bytes,
  middle: Bytes.Bytes,
  data: Bytes.Bytes
})

/**
 * The message whose frame has these segments: header, front, middle, data, trailing empty ones left out.
 *
 * **Errors** `Malformed` when the first segment is not exactly a header.
 */
export const decode = (segments: ReadonlyArray<Uint8Array>): Result.Result<Message, WireError> => {
  const head = segments[0]
  if (head === undefined || head.length !== HEADER_SIZE || segments.length > 4) {
    return fail("Malformed", `a header of ${HEADER_SIZE} bytes and at most 3 parts, got ${head?.length ?? 0} bytes`)
  }
  const header = fromBytes(head, 0)
  return outOfRange(header) === undefined
    ? Result.succeed({
        _tag: "Message",
        header,
        front: segments[1] ?? Bytes.empty,
        middle: segments[2] ?? Bytes.empty,
        data: segments[3] ?? Bytes.empty
      })
    : fail("OutOfRange", "counters below 2^53")
}

const fail = (reason: WireError["reason"], expected: string): Result.Result<never, WireError> =>
  Result.fail(new WireError({ type: "MessageHeader", reason, offset: 0, expected }))

/** A message to send: `seq` and `ackSeq` are filled in when it leaves. */
export const make = (options: {
  readonly type: number
  readonly tid?: bigint
  readonly priority?: number
  readonly version?: number
  readonly compatVersion?: number
  readonly dataOff?: number
  readonly front?: Uint8Array
  readonly middle?: Uint8Array
  readonly data?: Uint8Array
}): Message => {
  const version = options.version ?? 1
  return {
    _tag: "Message",
    header: {
      seq: 0 as MsgSeq,
      tid: options.tid ?? 0n,
      type: options.type,
      priority: options.priority ?? Priority.Default,
      version,
      dataPrePadding: 0,
      dataOff: options.dataOff ?? 0,
      ackSeq: 0 as MsgSeq,
      flags: Flags.Complete | Flags.NoCrc,
      compatVersion: options.compatVersion ?? version,
      reserved: 0
    },
    front: options.front ?? Bytes.empty,
    middle: options.middle ?? Bytes.empty,
    data: options.data ?? Bytes.empty
  }
}

/** Bytes of front, middle and data: what throttles count. */
export const payloadSize = (message: Message): number =>
  message.front.length + message.middle.length + message.data.length
