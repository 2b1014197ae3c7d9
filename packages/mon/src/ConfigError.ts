/**
 * The one error of reading settings: text that cannot be what it should be.
 */
import * as Schema from "effect/Schema"

/**
 * Settings that make no sense.
 *
 * **Shape** `what` names the option or the part of the file, `got` is what stands there (never a secret), `expected`
 * says in words what would have been accepted, `line` counts from 1 when the text came from a file.
 */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  what: Schema.String,
  got: Schema.String,
  expected: Schema.String,
  line: Schema.optionalKey(Schema.Int)
}) {
  override get message(): string {
    const where = this.line === undefined ? "" : `line ${this.line}: `
    return `${where}${this.what}: expected ${this.expected}, got ${JSON.stringify(this.got)}`
  }
}
