/**
 * Why the monitors could not be asked.
 */
import { ConnectionError } from "@msgr2/messenger/ConnectionError"
import { WireError } from "@msgr2/wire/WireError"
import * as Schema from "effect/Schema"

/** One monitor that was tried, and how that ended. */
export const Attempt = Schema.Struct({ monitor: Schema.String, error: Schema.Union([ConnectionError, WireError]) })
export type Attempt = typeof Attempt.Type

/**
 * No monitor would do.
 *
 * **Shape** `attempts` has the last one at each monitor that was tried, in that order; it is empty for `NoMonitors`.
 */
export class MonError extends Schema.TaggedError<MonError>()("MonError", {
  reason: Schema.Literals(["NoMonitors", "Unreachable"]),
  attempts: Schema.Array(Attempt)
}) {
  override get message(): string {
    return this.reason === "NoMonitors"
      ? "there is no monitor to ask: none was named"
      : `no monitor could be asked: ${this.attempts.map(({ error }) => error.message).join("; ")}`
  }
}
