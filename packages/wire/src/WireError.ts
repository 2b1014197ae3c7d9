/**
 * The one error of this package: bytes that are not a value.
 */
import * as Schema from "effect/Schema"

/** What is wrong with the bytes. */
export const Reason = Schema.Literals(["Truncated", "TrailingBytes", "OutOfRange", "Unsupported", "Malformed"])
export type Reason = typeof Reason.Type

/**
 * Bytes that do not form a value of `type`.
 *
 * **Shape** `type` names the codec and the way into it (`ClientIdent.addrs[0]`), `offset` counts bytes from
 * the start of the input, `expected` says in words what would have been accepted.
 */
export class WireError extends Schema.TaggedError<WireError>()("WireError", {
  type: Schema.String,
  reason: Reason,
  offset: Schema.Int,
  expected: Schema.String
}) {
  override get message(): string {
    return `${this.type}: ${this.reason} at byte ${this.offset}, expected ${this.expected}`
  }
}
