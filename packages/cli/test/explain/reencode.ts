/** What was decoded, encoded again. */
import { FrameEncoder, Gather, Mode } from "@msgr2/frame"
import { Bytes, Codec, ControlFrame, Message } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import type { Entry } from "../../src/explain/Entry.ts"

export const segmentsOf = (value: ControlFrame.ControlFrame | Message.Message): ReadonlyArray<Uint8Array> =>
  value._tag === "Message"
    ? [Codec.encode(Message.MessageHeader, value.header), value.front, value.middle, value.data]
    : [ControlFrame.encode(value)]

/** The bytes of one direction, made from the values of its entries alone. */
export const reencode = (
  entries: ReadonlyArray<Entry>,
  direction: Entry["direction"],
  revision: Mode.Revision,
  secret: Uint8Array | undefined
): Uint8Array => {
  const encoder = FrameEncoder.make({ mode: Mode.crc(revision) })
  const role = direction === "c2s" ? "client" : "server"
  const out = Gather.make()
  let isSealed = false
  for (const { direction: said, protection, tag, value } of entries) {
    if (said !== direction) continue
    if (protection === "secure" && !isSealed) {
      isSealed = true
      const mode = Mode.secure({ role, revision, secret: Redacted.make(secret ?? Bytes.empty) })
      encoder.setMode(Result.getOrThrow(mode))
    }
    if (value === undefined) throw new Error("an entry does not decode")
    if (value._tag === "Banner") encoder.banner(out, value)
    else Result.getOrThrow(encoder.frame(out, tag, segmentsOf(value)))
  }
  return Bytes.concat(out.take())
}
