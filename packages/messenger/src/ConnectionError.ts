/**
 * Everything that ends a connection against its owner's will.
 */
import { AuthError } from "@msgr2/auth/AuthError"
import { FrameError } from "@msgr2/frame/FrameError"
import { ProtocolError } from "@msgr2/session/ProtocolError"
import { WireError } from "@msgr2/wire/WireError"
import * as Schema from "effect/Schema"
import { TransportError } from "./TransportError.ts"

/** The error of the room it came from. */
export const Reason = Schema.Union([TransportError, WireError, FrameError, AuthError, ProtocolError])
export type Reason = typeof Reason.Type

/**
 * A connection that could not be made or did not last.
 *
 * **Shape** `peer` in Ceph's notation, `state` the node of the digraph it had reached; recover by `reason` with
 * `Effect.catchReason("ConnectionError", "AuthError", ...)`.
 */
export class ConnectionError extends Schema.TaggedError<ConnectionError>()("ConnectionError", {
  peer: Schema.String,
  state: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `connection to ${this.peer} failed in ${this.state}: ${this.reason.message}`
  }
}
