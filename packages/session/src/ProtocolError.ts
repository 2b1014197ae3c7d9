/**
 * The one error of this package: the peer broke a rule, or cannot be talked to.
 */
import * as Schema from "effect/Schema"

export const Reason = Schema.Literals([
  "UnexpectedFrame",
  "MissingMsgr2Features",
  "MissingFeatures",
  "WrongPeerType",
  "WrongTarget",
  "BlankAddress",
  "AuthRounds",
  "ModeNotOffered",
  "BadSignature",
  "CompressionNotAsked",
  "AuthBusy",
  "AskedToWait",
  "SessionRounds",
  "SequenceExhausted",
  "StaleConnection",
  "ForeignSession",
  "SessionDisplaced",
  "SessionExpired",
  "HandshakeTimeout",
  "IdleTimeout"
])
export type Reason = typeof Reason.Type

/**
 * What ended a connection by the rules of the protocol.
 *
 * **Shape** `state` is the node of the digraph, `received` the frame or event, `expected` what was allowed instead.
 */
export class ProtocolError extends Schema.TaggedError<ProtocolError>()("ProtocolError", {
  reason: Reason,
  state: Schema.String,
  received: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return `${this.reason}: got ${this.received} in ${this.state}, expected ${this.expected}`
  }
}
