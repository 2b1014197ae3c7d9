/**
 * The frame decoder, one target for each mode.
 */
import {
  type Aead,
  Compressors,
  FrameDecoder,
  FrameEncoder,
  FrameError,
  Gather,
  Layout,
  Limits,
  Mode
} from "@msgr2/frame"
import { Bytes, Codec, ControlFrame, Ids, Message } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { Capture, Conversation, Fuzz } from "../../src/index.ts"
import { must, type Target } from "../Target.ts"
import * as Layouts from "./Layouts.ts"

export const names = ["2.0-crc", "2.1-crc", "2.0-secure", "2.1-secure"] as const
export type Name = (typeof names)[number]

const secret = Redacted.make(Uint8Array.from({ length: 64 }, (_, i) => 0x80 + i))
const narrow: Limits.Limits = { segments: [65536, 65536, 65536, 65536], frame: 131072 }

const revisionOf = (name: Name): Mode.Revision => (name.startsWith("2.0") ? 0 : 1)

/**
 * What happens to the payload of an input before it is read, by its first byte modulo 8: nothing; right checksums (and
 * seals: in secure mode the payload is plain but for treatment 0); right preambles only; strict limits; and right checks
 * where snappy, zlib, zstd or lz4 have been agreed on.
 */
export const Treatment = { Raw: 0, Repaired: 1, Preambles: 2, Strict: 3, Compressed: 4 } as const

const compressorOf = (treatment: number) =>
  treatment < Treatment.Compressed ? undefined : Compressors.installed.make(treatment - Treatment.Compressed + 1, 0)

const modeOf = (
  name: Name,
  role: "client" | "server",
  options: { readonly compression?: Mode.Mode["compression"]; readonly engine?: Subject["engine"] } = {}
): Mode.Mode => {
  const { compression, engine } = options
  const revision = revisionOf(name)
  if (name.endsWith("crc")) return Mode.crc(revision, { compression })
  return Result.getOrThrow(
    Mode.secure({ role, revision, secret, compression, ...(engine === undefined ? {} : { engine }) })
  )
}

/** The stream that a peer has sent when this is the input. */
const streamOf = (name: Name, treatment: number, payload: Uint8Array): Uint8Array => {
  if (treatment === Treatment.Raw) return payload
  const sender = modeOf(name, "client")
  return sender._tag === "Crc"
    ? Layouts.repairCrc(payload, sender.revision, treatment !== Treatment.Preambles)
    : Layouts.seal(payload, sender, treatment !== Treatment.Preambles)
}

/** Everything that a decoder made of a stream. */
interface Seen {
  readonly frames: ReadonlyArray<FrameDecoder.Frame>
  readonly error: FrameError.FrameError | undefined
  readonly consumed: number
  readonly aborted: number
}

/** What may be put in place of the code under test, to see that faults in it are found. */
export interface Subject {
  readonly make?: typeof FrameDecoder.make
  readonly engine?: (key: Uint8Array) => Aead.Aead
}

const readAll = (
  decoder: FrameDecoder.FrameDecoder,
  chunks: ReadonlyArray<Uint8Array>
): Seen & { readonly buffered: number } => {
  decoder.transcript.clear()
  const frames: Array<FrameDecoder.Frame> = []
  let error: FrameError.FrameError | undefined
  for (const chunk of chunks) {
    decoder.push(chunk)
    while (error === undefined) {
      const next = decoder.next()
      if (Result.isFailure(next)) error = next.failure
      else if (next.success === undefined) break
      else frames.push(next.success)
    }
  }
  return { frames, error, consumed: decoder.consumed, aborted: decoder.aborted, buffered: decoder.buffered }
}

const sameSegments = (left: ReadonlyArray<Uint8Array>, right: ReadonlyArray<Uint8Array>): boolean =>
  left.length === right.length && left.every((segment, i) => Bytes.equals(segment, right[i]!))

const sameFrames = (left: ReadonlyArray<FrameDecoder.Frame>, right: ReadonlyArray<FrameDecoder.Frame>): boolean =>
  left.length === right.length &&
  left.every(({ segments, tag }, i) => tag === right[i]!.tag && sameSegments(segments, right[i]!.segments))

const sameSeen = (left: Seen, right: Seen): boolean =>
  sameFrames(left.frames, right.frames) &&
  left.frames.every(({ size }, i) => size === right.frames[i]!.size) &&
  left.consumed === right.consumed &&
  left.aborted === right.aborted &&
  left.error?.message === right.error?.message

/** The bytes of `frames` at the start of a connection. */
const encode = (name: Name, frames: ReadonlyArray<Sample>, oddities?: FrameEncoder.Oddities): Uint8Array => {
  const encoder = FrameEncoder.make({ mode: modeOf(name, "client") })
  encoder.transcript.clear()
  const out = Gather.make({ slab: 4096 })
  for (const { segments, tag } of frames) Result.getOrThrow(encoder.frame(out, tag, segments, oddities))
  return Bytes.concat(out.take())
}

const nameOf = ({ tag }: FrameDecoder.Frame): string =>
  tag === ControlFrame.MESSAGE || ControlFrame.isControl(tag) ? ControlFrame.cephName(tag) : "no name"

/**
 * The decoder of one mode.
 *
 * **Shape** `treatment:u8 cut:u8 cut:u8 payload`; the stream arrives in chunks of `cut + 1` and `16 * cut + 1` bytes.
 */
export const target = (name: Name, { engine, make = FrameDecoder.make }: Subject = {}): Target => ({
  name: `frame-${name}`,
  seeds: () => seeds(name),
  run: (input) => {
    const treatment = (input[0] ?? 0) % 8
    const stream = streamOf(name, treatment, input.subarray(3))
    const chunks = Fuzz.rechunk(stream, [(input[1] ?? 0) + 1, 16 * (input[2] ?? 0) + 1])
    const compression = compressorOf(treatment)
    const decoder = () =>
      make({
        mode: modeOf(name, "server", { compression, ...(engine === undefined ? {} : { engine }) }),
        limits: treatment < Treatment.Strict ? Limits.afterAuth : narrow
      })
    const seen = readAll(decoder(), chunks)
    must(sameSeen(seen, readAll(decoder(), [stream])), "chunks and the whole are read alike")
    const { error } = seen
    must(error !== undefined || seen.consumed + seen.buffered === stream.length, "every byte is taken or waits")
    const taken = seen.frames.reduce((total, { size }) => total + size, 0)
    must(seen.aborted > 0 ? taken < seen.consumed : taken === seen.consumed, "frames add up to what was taken")
    must(error === undefined || error.offset === seen.consumed, "an error names the place behind the last frame")
    for (const { segments } of seen.frames) {
      must(segments.length === Layout.trimmed(segments), "trailing empty segments are left out")
    }
    const bytes = encode(name, seen.frames)
    must(sameFrames(readAll(decoder(), [bytes]).frames, seen.frames), "frames survive their bytes")
    if (treatment === Treatment.Raw && name.endsWith("secure")) {
      // Every raw stream in the corpus was sealed by this encoder: nobody else can seal anything.
      const taken = stream.subarray(0, seen.consumed)
      must(seen.aborted > 0 || Bytes.equals(bytes, taken), "nothing is accepted that the peer has not sealed")
    }
    const last = seen.frames.at(-1)
    return [
      Object.entries(Treatment).find(([, number]) => number === Math.min(treatment, Treatment.Compressed))![0],
      last === undefined ? "none" : `${Math.min(seen.frames.length, 3)} to ${nameOf(last)}/${last.segments.length}`,
      seen.aborted > 0 ? "aborted" : "",
      error === undefined ? "waits" : `${error.reason}/${error.segment}`
    ].join(" ")
  }
})

export const targets: ReadonlyArray<Target> = names.map((name) => target(name))

type Sample = Pick<FrameDecoder.Frame, "tag" | "segments">

/** Frames of every form, some of them as Ceph sent them. */
const samples = (): ReadonlyArray<Sample> => {
  const header = (seq: number) =>
    Codec.encode(Message.MessageHeader, { ...Message.make({ type: 42 }).header, seq: Ids.msgSeq(seq) })
  const count = (size: number) => Uint8Array.from({ length: size }, (_, i) => i)
  const [connection] = Capture.load("c-cephx-secure-r18").connections
  const recorded = connection === undefined ? undefined : Result.getOrThrow(Conversation.read(connection))
  return [
    { tag: 16, segments: [new Uint8Array(0)] },
    { tag: 20, segments: [count(8)] },
    { tag: ControlFrame.MESSAGE, segments: [header(1)] },
    { tag: ControlFrame.MESSAGE, segments: [header(2), count(48)] },
    { tag: ControlFrame.MESSAGE, segments: [header(3), count(20), new Uint8Array(0), count(33)] },
    { tag: 123, segments: [count(53), count(21), count(16), count(1)] },
    { tag: 123, segments: [new Uint8Array(0), count(49)] },
    ...[...(recorded?.c2s.entries ?? []), ...(recorded?.s2c.entries ?? [])].filter(({ size }) => size < 400)
  ]
}

const seeds = (name: Name): ReadonlyArray<Uint8Array> => {
  const revision = revisionOf(name)
  const crc = name.endsWith("crc")
  const complete = revision === 0 ? 0 : 0xe
  const input = (treatment: number, payload: Uint8Array) => Bytes.concat([Uint8Array.of(treatment, 20, 3), payload])
  const plain = (frames: ReadonlyArray<Sample>, odd: FrameEncoder.Oddities = {}) =>
    crc
      ? encode(name, frames, odd)
      : Bytes.concat(frames.map((frame) => Layouts.plainFrame(revision, { late: complete, ...odd, ...frame })))
  const inputs: Array<Uint8Array> = []
  for (const frame of samples()) {
    inputs.push(input(Treatment.Raw, encode(name, [frame])), input(Treatment.Repaired, plain([frame])))
  }
  inputs.push(input(Treatment.Strict, plain(samples().slice(0, 5))))
  inputs.push(input(Treatment.Preambles, plain(samples().slice(4, 6))))
  for (const late of [1, 5, 0xf1]) inputs.push(input(Treatment.Repaired, plain(samples().slice(4, 7), { late })))
  for (let treatment = Treatment.Compressed as number; treatment < 8; treatment++) {
    const compressor = compressorOf(treatment)
    if (compressor === undefined) continue
    const packed = samples().map(({ segments, tag }) => ({
      tag,
      segments: segments.map((segment) => (segment.length === 0 ? segment : (compressor.compress(segment) ?? segment)))
    }))
    for (const frame of packed.slice(1, 6)) inputs.push(input(treatment, plain([frame, frame], { flags: 1 })))
    const nothing = compressor.compress(Bytes.empty) ?? Bytes.empty
    inputs.push(input(treatment, plain([{ tag: 123, segments: [nothing, nothing] }], { flags: 1 })))
  }
  return inputs
}
