/**
 * Where words go: answers to stdout, everything else to stderr.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"

/** What commands need of the platform. */
export type Needs = FileSystem.FileSystem

const to = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    stream.write(text, () => resume(Effect.void))
  })

/** Writes an answer, as it is. */
export const write = (text: string): Effect.Effect<void> => Effect.suspend(() => to(process.stdout, text))

/** Writes a line for the human at the terminal. */
export const note = (line: string): Effect.Effect<void> => Effect.suspend(() => to(process.stderr, `${line}\n`))
