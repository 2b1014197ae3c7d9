import { ControlFrame } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { FrameDecoder, FrameEncoder, Gather, Layout, Limits, Mode, Preamble } from "../src/index.ts"

export const secret = Redacted.make(Uint8Array.from({ length: 64 }, (_, i) => 0x80 + i))

export const succeed = <A, E>(result: Result.Result<A, E>): A => {
  if (Result.isFailure(result)) throw new Error(`unexpected: ${String(result.failure)}`)
  return result.success
}

export const names = ["2.0-crc", "2.1-crc", "2.0-secure", "2.1-secure"] as const
export type Name = (typeof names)[number]

export const revisionOf = (name: Name): Mode.Revision => (name.startsWith("2.0") ? 0 : 1)

/** A fresh mode: the client's end, or the server's. */
export const mode = (name: Name, role: "client" | "server" = "client"): Mode.Mode =>
  name.endsWith("crc") ? Mode.crc(revisionOf(name)) : succeed(Mode.secure({ role, revision: revisionOf(name), secret }))

export const wide: Limits.Limits = Limits.afterAuth

/** What a client sends and what its server reads. */
export const pair = (name: Name, limits: Limits.Limits = wide) => ({
  encoder: FrameEncoder.make({ mode: mode(name, "client") }),
  decoder: FrameDecoder.make({ mode: mode(name, "server"), limits })
})

export const join = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(chunks))

/** The bytes that `write` appends. */
export const bytesOf = (write: (out: Gather.Gather) => unknown): Uint8Array => {
  const out = Gather.make()
  write(out)
  return join(out.take())
}

export const encode = (
  encoder: FrameEncoder.FrameEncoder,
  tag: number,
  segments: ReadonlyArray<Uint8Array>,
  oddities?: FrameEncoder.Oddities
): Uint8Array => bytesOf((out) => succeed(encoder.frame(out, tag, segments, oddities)))

/** Every frame that can be read, or the error after them. */
export const drain = (decoder: FrameDecoder.FrameDecoder) => {
  const frames: Array<FrameDecoder.Frame> = []
  for (;;) {
    const next = decoder.next()
    if (Result.isFailure(next)) return { frames, error: next.failure }
    if (next.success === undefined) return { frames, error: undefined }
    frames.push(next.success)
  }
}

/** `size` bytes that differ from each other and from those of other seeds. */
export const pattern = (size: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8) + seed * 31) & 0xff)

/** A tag without a name: no rule about segments applies. */
export const ANY_TAG = 123
export const ACK = ControlFrame.Ack.tag
export const MESSAGE = ControlFrame.MESSAGE

/** A preamble with the right checksum, whatever it says. */
export const preamble = (fields: {
  readonly tag?: number
  readonly count: number
  readonly lengths?: ReadonlyArray<number>
  readonly flags?: number
}): Uint8Array => {
  const bytes = new Uint8Array(Preamble.SIZE)
  const lengths = Uint32Array.from({ length: 4 }, (_, i) => fields.lengths?.[i] ?? 0)
  Preamble.write(bytes, 0, { tag: fields.tag ?? ANY_TAG, count: fields.count, lengths, flags: fields.flags ?? 0 })
  return bytes
}

/** What lies on the wire where `bytes`, a preamble, begin a frame. In secure mode only the lengths are honest. */
export const announce = (name: Name, bytes: Uint8Array): Uint8Array => {
  const sender = mode(name, "client")
  if (sender._tag === "Crc") return bytes
  const head = new Uint8Array(sender.revision === 1 ? Layout.HEAD : Preamble.SIZE)
  head.set(bytes)
  return bytesOf((out) => sender.aead.seal(sender.tx, [[head]], out))
}

/** A decoder for `name` that has been given `bytes`. */
export const reading = (name: Name, bytes: Uint8Array, limits: Limits.Limits = wide): FrameDecoder.FrameDecoder => {
  const { decoder } = pair(name, limits)
  decoder.push(bytes)
  return decoder
}

export const reasonOf = (decoder: FrameDecoder.FrameDecoder): string | undefined => drain(decoder).error?.reason
