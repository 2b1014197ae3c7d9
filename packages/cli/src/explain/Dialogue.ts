/**
 * Both directions of a recorded connection read frame by frame, in the order in which they were said.
 *
 * A direction is not read ahead of what its meaning depends on: whoever asked waits for the answer, whoever answers for
 * the question. So a mode begins with the right frame, in whatever order the capture has the packets.
 */
import * as CompressionMethod from "@msgr2/frame/CompressionMethod"
import type { Compressors } from "@msgr2/frame/Compressors"
import type * as FrameDecoder from "@msgr2/frame/FrameDecoder"
import { FrameError } from "@msgr2/frame/FrameError"
import * as Limits from "@msgr2/frame/Limits"
import * as Mode from "@msgr2/frame/Mode"
import * as Bytes from "@msgr2/wire/Bytes"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as Features from "@msgr2/wire/Features"
import * as Message from "@msgr2/wire/Message"
import type { WireError } from "@msgr2/wire/WireError"
import * as Result from "effect/Result"
import { type Context, contextOf } from "./AuthPayload.ts"
import type { Direction, Entry, Note } from "./Entry.ts"
import * as Keys from "./Keys.ts"
import * as Sealing from "./Sealing.ts"
import { type Read, Side } from "./Side.ts"
import type { Connection, End } from "./Tcp.ts"
import { speaker, Turns } from "./Turns.ts"

/** What a conversation agreed on, as far as it got. */
export interface Agreed {
  readonly revision: Mode.Revision | undefined
  readonly mode: number | undefined
  readonly method: number | undefined
  readonly compression: number
}

export interface Options {
  readonly keys: Keys.Keys
  readonly compressors: Compressors
}

/** Length of what every banner begins with: enough to know that it is one. */
const PREFIX = 8

const ends = [0, 1] as const
const other = (end: End): End => (end === 0 ? 1 : 0)

/** Reads one connection. Entries come out as soon as it is known that it is msgr2, and who is the client. */
export class Dialogue {
  readonly connection: Connection
  /** Whether one of the ends speaks msgr2. Without that nothing is told. */
  greeted = false
  agreed: Agreed = { revision: undefined, mode: undefined, method: undefined, compression: 0 }
  readonly #options: Options
  readonly #sides = [new Side(), new Side()] as const
  readonly #turns = new Turns()
  #client: End | undefined
  #held: Array<readonly [End, Omit<Entry, "direction">]> = []
  #handshake: Keys.Handshake | undefined
  #context: Context | undefined
  #known: Keys.Known = Keys.nothing
  /** Secrets that are yet to be tried. */
  #candidates: ReadonlyArray<Keys.Secret> = []
  #wantsCompression = true
  /** The capture is over: nothing is worth waiting for. */
  #over = false

  constructor(connection: Connection, options: Options) {
    this.connection = connection
    this.#options = options
  }

  get client(): string {
    return this.connection.ends[this.#client ?? 0]
  }

  get server(): string {
    return this.connection.ends[other(this.#client ?? 0)]
  }

  /** Takes bytes of one end, in their order, and returns what can be told now. */
  push(end: End, bytes: Uint8Array, time: number): ReadonlyArray<Entry> {
    this.#client ??= this.connection.client
    this.#sides[end].push(bytes, time)
    this.#run()
    return this.#take()
  }

  /** Nothing more comes. Returns the last entries, and what is to be said about the rest. */
  end(): { readonly entries: ReadonlyArray<Entry>; readonly notes: ReadonlyArray<Note> } {
    this.#over = true
    this.#client ??= this.connection.client
    this.#run()
    // Daemons listen on low ports, whoever dials them is given a high one.
    this.#client ??= portOf(this.connection.ends[0]) >= portOf(this.connection.ends[1]) ? 0 : 1
    const notes = [this.#client, other(this.#client)].flatMap((end) =>
      this.#sides[end]
        .remarks(this.connection.gap(end))
        .map((text): Note => ({ direction: this.#direction(end), text }))
    )
    return { entries: this.#take(), notes }
  }

  #direction(end: End): Direction {
    return end === this.#client ? "c2s" : "s2c"
  }

  #take(): ReadonlyArray<Entry> {
    if (this.#client === undefined || !this.greeted) return []
    const entries = this.#held.map(([end, entry]): Entry => ({ ...entry, direction: this.#direction(end) }))
    this.#held = []
    return entries
  }

  #run(): void {
    while (this.#step(0) || this.#step(1)) continue
  }

  /** Reads one thing of one direction, if there is one and its time has come. */
  #step(end: End): boolean {
    const side = this.#sides[end]
    if (side.stopped !== undefined || side.decoder.buffered === 0) return false
    if (side.banner === undefined) return this.#readBanner(end)
    if (this.#candidates.length > 0 && !this.#choose()) return false
    const early = this.#isEarly(end)
    if (early && !this.#over && this.#sides[other(end)].stopped === undefined) return false
    this.#settleRevision()
    const offset = side.decoder.consumed
    const next = side.decoder.next()
    if (Result.isFailure(next)) this.#fail(end, next.failure, early)
    else if (next.success === undefined) return false
    else this.#accept(end, offset, next.success)
    return true
  }

  #isEarly(end: End): boolean {
    const [{ banner, frames }, peer] = [this.#sides[end], this.#sides[other(end)]]
    if (banner === undefined || peer.banner === undefined) return true
    // Until the roles are known the next frame tells them.
    if (this.#client === undefined) return false
    const canCompress = (banner.supported & peer.banner.supported & Features.Msgr2.Compression) !== 0n
    return this.#turns.isEarly({ isClient: end === this.#client, frames, canCompress })
  }

  #readBanner(end: End): boolean {
    const side = this.#sides[end]
    const banner = side.decoder.banner()
    this.greeted ||= Result.isSuccess(banner) && side.size >= PREFIX
    if (Result.isSuccess(banner) && banner.success === undefined) return false
    const value = Result.isSuccess(banner) ? ({ _tag: "Banner", ...banner.success! } as const) : undefined
    const error = Result.isFailure(banner) ? banner.failure : undefined
    this.#emit(end, { offset: 0, size: side.decoder.consumed, tag: -1, segments: [], value, error })
    if (error !== undefined) side.stopped = behindError
    side.banner = value
    return true
  }

  /** Both banners decide; a lonely one has to do at the end. */
  #settleRevision(): void {
    if (this.agreed.revision !== undefined) return
    const both = this.#sides.reduce((bits, { banner }) => bits & (banner?.supported ?? bits), ~0n)
    const revision = (both & Features.Msgr2.Revision1) === 0n ? 0 : 1
    this.agreed = { ...this.agreed, revision }
    for (const side of this.#sides) side.setMode(Mode.crc(revision))
  }

  #accept(end: End, offset: number, { segments, size, tag }: FrameDecoder.Frame): void {
    const decoded: Result.Result<ControlFrame.ControlFrame | Message.Message, WireError> =
      tag === ControlFrame.MESSAGE ? Message.decode(segments) : ControlFrame.decode(tag, segments[0] ?? Bytes.empty)
    this.#sides[end].frames++
    const value = Result.isSuccess(decoded) ? decoded.success : undefined
    const error = Result.isFailure(decoded) ? decoded.failure : undefined
    if (value !== undefined && value._tag !== "Message") {
      const who = speaker(value)
      if (who !== undefined) this.#client ??= who === "client" ? end : other(end)
      if (value._tag === "AuthRequest") this.#context = contextOf(value.method, value.payload)
    }
    this.#emit(end, { offset, size, tag, segments, value, error })
    if (value !== undefined && value._tag !== "Message") this.#react(value)
  }

  #emit(end: End, read: Read): void {
    const { value } = read
    const verified =
      value?._tag === "AuthSignature"
        ? Sealing.isSigned(
            this.agreed.method,
            this.#known.sessionKeys,
            this.#sides[other(end)].decoder.transcript.chunks(),
            value.digest
          )
        : undefined
    this.#held.push([end, { ...read, ...this.#sides[end].look(read), verified, auth: this.#context }])
  }

  #react(frame: ControlFrame.ControlFrame): void {
    this.#turns.heard(frame)
    switch (frame._tag) {
      case "AuthRequest":
        this.agreed = { ...this.agreed, method: frame.method }
        this.#keys().request(frame)
        break
      case "AuthRequestMore":
        this.#keys().request(frame)
        break
      case "AuthDone":
        this.#finishAuth(frame)
        break
      case "CompressionRequest":
        this.#wantsCompression = frame.isCompress
        break
      case "CompressionDone":
        if (frame.isCompress && this.#wantsCompression) this.#compress(frame.method)
        break
    }
  }

  /** Whoever may know the secrets, told from now on what is said. */
  #keys(): Keys.Handshake {
    this.#handshake ??= this.#options.keys.open(this.client, this.server)
    return this.#handshake
  }

  #finishAuth(frame: ControlFrame.Of<"AuthDone">): void {
    this.agreed = { ...this.agreed, mode: frame.mode }
    for (const { decoder } of this.#sides) {
      decoder.transcript.stop()
      decoder.setLimits(Limits.afterAuth)
    }
    this.#known = this.#keys().done(frame)
    if (frame.mode !== ConnectionMode.Secure) return
    const { connectionSecrets, trouble } = this.#known
    const [first, ...more] = connectionSecrets
    if (first === undefined) {
      const why = `sealed, and there is no secret to open it (${trouble ?? "see --key-log and --keyring"})`
      for (const side of this.#sides) side.stopped = { why }
    } else if (more.length === 0) this.#unseal(first)
    else this.#candidates = connectionSecrets
  }

  #sender(end: End): Sealing.Sender {
    return { isClient: end === this.#client, revision: this.agreed.revision ?? 1 }
  }

  #unseal(secret: Keys.Secret): void {
    for (const end of ends) {
      const mode = Sealing.modeOf(this.#sender(end), secret)
      if (Result.isSuccess(mode)) this.#sides[end].setMode(mode.success)
      else this.#fail(end, mode.failure, false)
    }
  }

  /** Settles which of several secrets it is; false while there is nothing to try them on. */
  #choose(): boolean {
    const end = this.#sides[0].decoder.buffered >= Sealing.FIRST_SEALED ? 0 : 1
    const side = this.#sides[end]
    if (side.decoder.buffered < Sealing.FIRST_SEALED && !this.#over) return false
    const found = Sealing.choose(this.#candidates, this.#sender(end), side.peek(Sealing.FIRST_SEALED))
    this.#candidates = []
    if (found !== undefined) this.#unseal(found)
    return true
  }

  #compress(method: number): void {
    this.agreed = { ...this.agreed, compression: method }
    const compressor = this.#options.compressors.make(method)
    for (const side of this.#sides) side.setMode(Mode.withCompression(side.mode, compressor))
  }

  #fail(end: End, error: FrameError, early: boolean): void {
    const side = this.#sides[end]
    const { compression } = this.agreed
    if (early) {
      side.stopped = { why: "it depends on what the other end said, and that is not in the capture" }
    } else if (error.reason === "NotNegotiated" && compression !== 0) {
      const method = CompressionMethod.format(compression)
      side.stopped = { why: `compressed with ${method}, which this installation cannot inflate` }
    } else {
      const offset = side.decoder.consumed
      const placed = new FrameError({ ...error, offset })
      this.#emit(end, { offset, size: 0, tag: error.tag, segments: [], value: undefined, error: placed })
      side.stopped = behindError
    }
  }
}

const behindError = { why: "the frame there is broken" }

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1))
