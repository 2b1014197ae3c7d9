/**
 * `msgr2 command` and `msgr2 status`: one question to the monitors, its answer on stdout.
 */
import { type Command as Asked, MonClient } from "@msgr2/mon/MonClient"
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Output from "./Output.ts"
import { CliError } from "./Failure.ts"
import * as Options from "./Options.ts"

const format = Flag.Literals("format", ["json", "plain"])

/** Asks, prints the output, and fails with the monitor's own words when it refuses. */
const ask = (given: Options.Given, command: Asked): Effect.Effect<void, unknown, Output.Needs> =>
  Effect.gen(function* () {
    const mon = yield* MonClient
    const reply = yield* mon.command(command)
    const text = new TextDecoder().decode(reply.output)
    if (text !== "") yield* Output.write(text.endsWith("\n") ? text : `${text}\n`)
    if (reply.result >= 0 && reply.status !== "") yield* Output.note(reply.status)
    if (reply.result < 0) {
      const words = reply.status === "" ? `error ${reply.result}` : reply.status
      return yield* new CliError({ message: `the monitor refused ${JSON.stringify(command.prefix)}: ${words}` })
    }
  }).pipe(Effect.provide(Options.monClient(given)), Effect.scoped, Options.within(given, "the answer"))

const parse = (text: string): Effect.Effect<Asked, CliError> => {
  const expected = `expected JSON with a "prefix" such as '{"prefix":"mon versions"}', got ${text}`
  return Effect.try({ try: () => JSON.parse(text) as unknown, catch: () => new CliError({ message: expected }) }).pipe(
    Effect.flatMap((value) =>
      typeof value === "object" && value !== null && "prefix" in value && typeof value.prefix === "string"
        ? Effect.succeed({ ...value, prefix: value.prefix })
        : Effect.fail(new CliError({ message: expected }))
    )
  )
}

export const status = Command.make(
  "status",
  { ...Options.flags, format: format.pipe(Flag.withDefault("json"), Flag.withDescription("Form of the answer")) },
  (given) => ask(given, { prefix: "status", format: given.format === "json" ? "json-pretty" : "plain" })
).pipe(
  Command.withDescription("Print the status of a cluster"),
  Command.withExamples([
    { command: "msgr2 status -c /etc/ceph/ceph.conf", description: "Ask the monitors of a configuration file" },
    {
      command: "msgr2 status --mon-host v2:127.0.0.1:3300 --keyring admin.keyring --mode secure --format plain",
      description: "Ask one monitor, sealed, for reading"
    }
  ])
)

export const command = Command.make(
  "command",
  {
    json: Argument.String("json").pipe(Argument.withDescription('The command: {"prefix":"mon versions"}')),
    ...Options.flags,
    format: format.pipe(Flag.withDefault("json"), Flag.withDescription("Asked for unless the command names its own"))
  },
  (given) => Effect.flatMap(parse(given.json), (asked) => ask(given, { format: given.format, ...asked }))
).pipe(
  Command.withDescription("Send a command to the monitors"),
  Command.withExamples([
    { command: `msgr2 command '{"prefix":"mon versions"}'`, description: "Versions of the monitors, as JSON" }
  ])
)
