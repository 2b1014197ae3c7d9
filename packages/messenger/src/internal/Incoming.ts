/**
 * The receiving half of a connection: bytes into the events of a machine, one at a time.
 */
import * as FrameDecoder from "@msgr2/frame/FrameDecoder"
import type { FrameError } from "@msgr2/frame/FrameError"
import type { Limits } from "@msgr2/frame/Limits"
import type { Mode } from "@msgr2/frame/Mode"
import type { Event } from "@msgr2/session/Event"
import * as Bytes from "@msgr2/wire/Bytes"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as Message from "@msgr2/wire/Message"
import type { WireError } from "@msgr2/wire/WireError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Pipe } from "../Transport.ts"
import type { TransportError } from "../TransportError.ts"

/** Told of everything that has been read; `undefined` is the banner. */
export type Seen = (frame: ControlFrame.ControlFrame | Message.Message | undefined, size: number) => void

export class Incoming {
  /** Bytes that have arrived. */
  bytes = 0
  /** Whole frames among them. */
  frames = 0
  /** What is wrong with the bytes that came, once something is. */
  refused: FrameError | WireError | undefined
  private readonly decoder = FrameDecoder.make()
  private readonly pipe: Pipe
  private readonly seen: Seen
  private bannerTaken = false

  constructor(pipe: Pipe, seen: Seen) {
    this.pipe = pipe
    this.seen = seen
  }

  get transcript() {
    return this.decoder.transcript
  }

  /** Frames that the peer has aborted. */
  get aborted(): number {
    return this.decoder.aborted
  }

  setMode(mode: Mode): void {
    this.decoder.setMode(mode)
  }

  setLimits(limits: Limits): void {
    this.decoder.setLimits(limits)
  }

  /** Waits for more bytes. */
  readonly receive: Effect.Effect<void, TransportError> = Effect.suspend(() =>
    Effect.map(this.pipe.read, (chunks) => {
      for (const chunk of chunks) {
        this.bytes += chunk.length
        this.decoder.push(chunk)
      }
    })
  )

  /** The next event among the bytes that have arrived; `undefined` when more are needed or `refused` is set. */
  next(): Event | undefined {
    if (!this.bannerTaken) return this.nextBanner()
    const decoded = this.decoder.next()
    if (Result.isFailure(decoded)) return this.refuse(decoded.failure)
    const frame = decoded.success
    if (frame === undefined) return undefined
    this.frames++
    return frame.tag === ControlFrame.MESSAGE
      ? this.judge(Message.decode(frame.segments), frame.size)
      : this.judge(ControlFrame.decode(frame.tag, frame.segments[0] ?? Bytes.empty), frame.size)
  }

  private nextBanner(): Event | undefined {
    const banner = this.decoder.banner()
    if (Result.isFailure(banner)) return this.refuse(banner.failure)
    if (banner.success === undefined) return undefined
    this.bannerTaken = true
    this.seen(undefined, this.decoder.consumed)
    return { _tag: "Banner", ...banner.success }
  }

  private judge<F extends ControlFrame.ControlFrame | Message.Message>(
    decoded: Result.Result<F, WireError>,
    size: number
  ): F | undefined {
    if (Result.isFailure(decoded)) return this.refuse(decoded.failure)
    this.seen(decoded.success, size)
    return decoded.success
  }

  private refuse(reason: FrameError | WireError): undefined {
    this.refused = reason
  }
}
