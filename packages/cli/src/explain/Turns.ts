/**
 * Who has to wait for whom: in some places a frame means something only after one of the other end.
 *
 * **Source** msgr2, "Authentication", "Compression"; Ceph `src/msg/async/ProtocolV2.cc`
 */
import * as ControlFrame from "@msgr2/wire/ControlFrame"

/** What one end has to know before its next frame can be read. */
export interface Standing {
  readonly isClient: boolean
  /** Frames of this end that have been read. */
  readonly frames: number
  /** Both ends can compress, so the client asks for it. */
  readonly canCompress: boolean
}

const kinds: { readonly [N in ControlFrame.Name]?: "question" | "answer" } = {
  AuthRequest: "question",
  AuthRequestMore: "question",
  AuthBadMethod: "answer",
  AuthReplyMore: "answer",
  AuthDone: "answer"
}

/** Who says such a frame: the client asks, the server answers, the others tell nothing. */
export const speaker = ({ _tag }: ControlFrame.ControlFrame): "client" | "server" | undefined =>
  kinds[_tag] === undefined ? undefined : kinds[_tag] === "question" ? "client" : "server"

export class Turns {
  #questions = 0
  #answers = 0
  #isAuthenticated = false
  #compression: "open" | "asked" | "done" = "open"

  heard(frame: ControlFrame.ControlFrame): void {
    const kind = kinds[frame._tag]
    if (kind === "question") this.#questions++
    if (kind === "answer") this.#answers++
    if (frame._tag === "AuthDone") this.#isAuthenticated = true
    if (frame._tag === "CompressionRequest") this.#compression = "asked"
    if (frame._tag === "CompressionDone") this.#compression = "done"
  }

  /** Whether the next frame of an end comes after one of the other end that has not been heard. */
  isEarly({ canCompress, frames, isClient }: Standing): boolean {
    // HELLO depends on nothing.
    if (frames === 0) return false
    const waiting = this.#questions - this.#answers
    if (isClient) return waiting > 0 || this.#compression === "asked"
    if (!this.#isAuthenticated) return waiting <= 0
    // HELLO, the answers and the signature; then whether to compress, once that has been asked.
    return canCompress && this.#compression === "open" && frames > this.#answers + 1
  }
}
