/**
 * The one error of this package: bytes that are not a frame, or a frame that cannot become bytes.
 */
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as Schema from "effect/Schema"

/** The sin. */
export const Reason = Schema.Literals([
  /** The checksum of a preamble does not match. */
  "PreambleCrc",
  /** None or more than four segments, or not exactly one in a control frame. */
  "SegmentCount",
  /** More than one segment and the last is empty. */
  "EmptyLastSegment",
  /** A segment or a frame beyond its limit. */
  "TooLarge",
  /** Segment 0 of a message is not a header. */
  "HeaderSize",
  /** The checksum of a segment does not match. */
  "SegmentCrc",
  /** A record of secure mode was not sealed with this key and nonce, or was tampered with. */
  "AuthTag",
  /** `late_status` is neither complete nor aborted. */
  "LateStatus",
  /** A compressed frame without a compressor agreed on. */
  "NotNegotiated",
  /** A compressed segment that does not inflate. */
  "Inflate",
  /** A connection secret without room for a key and two nonces. */
  "SecretTooShort",
  /** The next nonce would be the first one again. */
  "NonceExhausted",
  /** More or fewer bytes than the preamble has announced. */
  "SegmentLength",
  /** Another frame before the one that is being written piece by piece has been ended or aborted. */
  "FrameOpen",
  /** A piece of a frame that has been ended or aborted. */
  "FrameClosed"
])
export type Reason = typeof Reason.Type

/**
 * **Shape** `tag` is -1 while none can be trusted, `segment` -1 when it is not about one segment.
 *
 * **Units** `offset` is where the frame begins, in bytes since the start of the connection, banner included.
 */
export class FrameError extends Schema.TaggedError<FrameError>()("FrameError", {
  reason: Reason,
  tag: Schema.Int,
  segment: Schema.Int,
  offset: Schema.Int,
  expected: Schema.String
}) {
  override get message(): string {
    const frame = this.tag < 0 ? "frame" : ControlFrame.cephName(this.tag)
    const segment = this.segment < 0 ? "" : `, segment ${this.segment}`
    return `${frame}${segment}: ${this.reason} at byte ${this.offset}, expected ${this.expected}`
  }
}

/** Refuses what is being read or written. Throws; the decoder and the encoder catch at their edges. */
export type Refuse = (reason: Reason, segment: number, expected: string) => never
