#!/usr/bin/env node
/**
 * The `msgr2` command.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as CliErrors from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Demo from "./demo/Demo.ts"
import * as Explain from "./explain/Explain.ts"
import { describe } from "./Failure.ts"
import * as MonCommand from "./MonCommand.ts"
import * as Output from "./Output.ts"
import * as Probe from "./Probe.ts"

const root = Command.make("msgr2").pipe(
  Command.withDescription("Talk to Ceph clusters over messenger v2"),
  Command.withSubcommands([MonCommand.status, MonCommand.command, Probe.command, Explain.command, Demo.command])
)

/** One line on stderr and exit code 1; the parser of flags has already said its own piece. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  process.exitCode = 1
  return CliErrors.isCliError(error) && error._tag === "ShowHelp"
    ? Effect.void
    : Output.note(`msgr2: ${describe(error)}`)
}

Command.run(root, { version: "0.1.0" }).pipe(
  Effect.catchCause(report),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
