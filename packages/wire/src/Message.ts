/**
 * A message and its header. Written by hand: this is the one layout that is read and written per message.
 *
 * **Source** msgr2, "Message exchange"; Ceph `src/include/msgr.h` (`ceph_msg_header2`)
 */
import * as Schema from "effect/Schema"
import * as Bytes from "./Bytes.ts"
import * as Codec from "./Codec.ts"
import { MsgSeq } from "./Ids.ts"
import type { Reader } from "./Reader.ts"

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

const readHeader = (reader: Reader): MessageHeader => {
  const { view } = reader
  const at = reader.take(HEADER_SIZE, "MessageHeader")
  const seqHigh = view.getUint32(at + 4, true)
  const ackHigh = view.getUint32(at + 32, true)
  if (seqHigh > 0x1f_ffff) reader.fail("MessageHeader.seq", "OutOfRange", "a counter below 2^53", at)
  if (ackHigh > 0x1f_ffff) reader.fail("MessageHeader.ackSeq", "OutOfRange", "a counter below 2^53", at + 28)
  return {
    seq: (seqHigh * 0x1_0000_0000 + view.getUint32(at, true)) as MsgSeq,
    tid: view.getBigUint64(at + 8, true),
    type: view.getUint16(at + 16, true),
    priority: view.getUint16(at + 18, true),
    version: view.getUint16(at + 20, true),
    dataPrePadding: view.getUint32(at + 22, true),
    dataOff: view.getUint16(at + 26, true),
    ackSeq: (ackHigh * 0x1_0000_0000 + view.getUint32(at + 28, true)) as MsgSeq,
    flags: view.getUint8(at + 36),
    compatVersion: view.getUint16(at + 37, true),
    reserved: view.getUint16(at + 39, true)
  }
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
