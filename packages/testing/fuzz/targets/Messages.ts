/**
 * What frames carry: control frames by tag, messages, and the messages of monitors by type.
 */
import { MonMessage } from "@msgr2/mon"
import { Bytes, Codec, ControlFrame, Message, WireError } from "@msgr2/wire"
import { Arbitrary, Effect, Equal, Result } from "effect"
import { Capture, Conversation, Fuzz } from "../../src/index.ts"
import { must, type Target } from "../Target.ts"

const refused = (failure: unknown): string => {
  if (!(failure instanceof WireError.WireError)) must(false, "bytes are refused with a WireError")
  const { reason, type } = failure as WireError.WireError
  return `refused: ${reason}/${Math.min(type.split(/[.[]/).length, 4)}`
}

const examples = (codec: Codec.Any): ReadonlyArray<Uint8Array> =>
  Effect.runSync(Arbitrary.sampleEffect(Fuzz.values<unknown>(codec), { count: 3, size: 6, seed: 1 })).map((value) =>
    Codec.encode(codec, value)
  )

/** Frames of every recorded conversation, short ones. */
const recorded = (): ReadonlyArray<Conversation.Entry> =>
  Capture.names.flatMap((name) =>
    Capture.load(name).connections.flatMap((connection) => {
      const { c2s, s2c } = Result.getOrThrow(Conversation.read(connection))
      return [...c2s.entries, ...s2c.entries].filter(({ size }) => size < 1500)
    })
  )

/**
 * A control frame.
 *
 * **Shape** `tag:u8 payload`
 */
export const control: Target = {
  name: "control",
  seeds: () => [
    ...recorded()
      .filter(({ frame }) => frame._tag !== "Message")
      .map(({ segments, tag }) => Bytes.concat([Uint8Array.of(tag), segments[0] ?? Bytes.empty])),
    ...ControlFrame.all.flatMap((codec) =>
      examples(codec).map((payload) => Bytes.concat([Uint8Array.of(codec.tag), payload]))
    ),
    Uint8Array.of(99, 1)
  ],
  run: (input) => {
    const tag = input[0] ?? 0
    const decoded = ControlFrame.decode(tag, input.subarray(1))
    const name = ControlFrame.isControl(tag) ? ControlFrame.cephName(tag) : "no name"
    if (Result.isFailure(decoded)) return `${name} ${refused(decoded.failure)}`
    const frame = decoded.success
    must(ControlFrame.tagOf(frame) === tag, "a frame keeps its tag")
    const again = ControlFrame.decode(tag, ControlFrame.encode(frame))
    must(Result.isSuccess(again) && Equal.equals(again.success, frame), "a frame survives its bytes")
    return `${name} frame`
  }
}

/**
 * A message.
 *
 * **Shape** `segments:u8 first:u8 bytes`: `segments` modulo 6, the first of them with `first` bytes, the last with the rest.
 */
export const message: Target = {
  name: "message",
  seeds: () =>
    [
      ...recorded().flatMap(({ frame }) =>
        frame._tag === "Message" ? [Codec.encode(Message.MessageHeader, frame.header)] : []
      ),
      ...examples(Message.MessageHeader)
    ].flatMap((header) => [
      Bytes.concat([Uint8Array.of(1, header.length), header]),
      Bytes.concat([Uint8Array.of(4, header.length), header, new Uint8Array(9)])
    ]),
  run: (input) => {
    const count = (input[0] ?? 0) % 6
    const bytes = input.subarray(2)
    const first = Math.min(input[1] ?? 0, bytes.length)
    const rest = bytes.subarray(first)
    const share = Math.floor(rest.length / Math.max(1, count - 1))
    const segments = Array.from({ length: count }, (_, i) =>
      i === 0 ? bytes.subarray(0, first) : rest.subarray((i - 1) * share, i === count - 1 ? rest.length : i * share)
    )
    const decoded = Message.decode(segments)
    const header = Codec.decode(Message.MessageHeader, segments[0] ?? Bytes.empty)
    if (Result.isFailure(decoded)) {
      must(Result.isFailure(header) || count > 4, "a message is refused for its header or for too many parts")
      return `${count} segments ${refused(decoded.failure)}`
    }
    const value = decoded.success
    must(Result.isSuccess(header) && Equal.equals(header.success, value.header), "both readers read the same header")
    must(Bytes.equals(Codec.encode(Message.MessageHeader, value.header), segments[0]!), "a header is its bytes")
    const parts = [value.front, value.middle, value.data]
    must(
      parts.every((part, i) => Bytes.equals(part, segments[i + 1] ?? Bytes.empty)),
      "parts are the segments"
    )
    return `${count} segments message`
  }
}

/**
 * A message of a monitor or to one.
 *
 * **Shape** `type:le16 compat:u8 front`
 */
export const mon: Target = {
  name: "mon",
  seeds: () => {
    const input = (type: number, compat: number, front: Uint8Array) =>
      Bytes.concat([Uint8Array.of(type & 0xff, type >>> 8, compat), front])
    return [
      ...recorded().flatMap(({ frame }) =>
        frame._tag === "Message" ? [input(frame.header.type, frame.header.compatVersion & 0xff, frame.front)] : []
      ),
      ...MonMessage.all.flatMap(({ compatVersion, front, type }) =>
        examples(front).map((bytes) => input(type, compatVersion, bytes))
      ),
      input(4, 9, Bytes.empty)
    ]
  },
  run: (input) => {
    const type = (input[0] ?? 0) | ((input[1] ?? 0) << 8)
    const decoded = MonMessage.decodeMessage(type, input.slice(3), input[2] ?? 0)
    const name = MonMessage.declarationOf(type)?.front.name ?? "no name"
    if (Result.isFailure(decoded)) return `${name} ${refused(decoded.failure)}`
    const value = decoded.success
    if (value._tag === "Unknown") return "unknown"
    const encoded = MonMessage.encodeMessage(value)
    must(encoded.type === type, "a message keeps its type")
    const again = MonMessage.decodeMessage(type, encoded.front, encoded.compatVersion)
    must(Result.isSuccess(again) && Equal.equals(again.success, value), "a message survives its bytes")
    return `${name} message`
  }
}
