/** Runs the command as a user does: in a process of its own. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const bin = fileURLToPath(new URL("../src/bin.ts", import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `msgr2 ...args`; killed when the effect is interrupted. */
export const msgr2 = (...args: ReadonlyArray<string>): Effect.Effect<Outcome> =>
  Effect.callback<Outcome>((resume) => {
    const env = { ...process.env, HOME: "/nonexistent", NO_COLOR: "1" }
    const child = spawn(process.execPath, [bin, ...args], { env, stdio: ["ignore", "pipe", "pipe"] })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    return Effect.sync(() => child.kill())
  })

/** The lines a failed command leaves on stderr. */
export const complaint = ({ stderr }: Outcome): ReadonlyArray<string> =>
  stderr.split("\n").filter((line) => line !== "")
