/** The bytes of one direction of a connection, cut where its parts end: the banner, and every frame. */
import { FrameDecoder, Limits } from "@msgr2/frame"
import { ControlFrame } from "@msgr2/wire"
import { Result } from "effect"

export type Step = "Banner" | "BannerPayload" | ControlFrame.Name | "Message"

export interface Piece {
  readonly step: Step
  readonly bytes: Uint8Array
}

/** Marker and length of a banner; its payload follows. */
const BANNER_HEAD = 10

const nameOf = (tag: number, payload: Uint8Array): Step =>
  tag === ControlFrame.MESSAGE ? "Message" : Result.getOrThrow(ControlFrame.decode(tag, payload))._tag

/** Reads connections of revision 1 whose frames are neither sealed nor compressed. */
export class Scanner {
  private readonly decoder = FrameDecoder.make({ limits: Limits.afterAuth })
  private waiting: Uint8Array = new Uint8Array(0)
  private begun = false
  private readonly splitBanner: boolean

  /** `splitBanner` tells the payload of the banner from what comes before it, as one who reads it does. */
  constructor(splitBanner: boolean) {
    this.splitBanner = splitBanner
  }

  /** The parts that are complete now. */
  push(chunk: Uint8Array): ReadonlyArray<Piece> {
    this.waiting = new Uint8Array(Buffer.concat([this.waiting, chunk]))
    this.decoder.push(chunk)
    const pieces: Array<Piece> = []
    if (!this.begun) {
      if (Result.getOrThrow(this.decoder.banner()) === undefined) return pieces
      this.begun = true
      const size = this.decoder.consumed
      if (this.splitBanner) {
        pieces.push({ step: "Banner", bytes: this.take(BANNER_HEAD) })
        pieces.push({ step: "BannerPayload", bytes: this.take(size - BANNER_HEAD) })
      } else pieces.push({ step: "Banner", bytes: this.take(size) })
    }
    for (;;) {
      const frame = Result.getOrThrow(this.decoder.next())
      if (frame === undefined) return pieces
      const step = nameOf(frame.tag, frame.segments[0] ?? new Uint8Array(0))
      pieces.push({ step, bytes: this.take(frame.size) })
    }
  }

  private take(size: number): Uint8Array {
    const taken = this.waiting.slice(0, size)
    this.waiting = this.waiting.subarray(size)
    return taken
  }
}
