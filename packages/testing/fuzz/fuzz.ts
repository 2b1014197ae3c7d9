/**
 * Looks for inputs that break what reads them.
 *
 * Run: `npm run fuzz -- [--seconds N] [--target NAME]... [--seed N] [--jobs N] [--grow] [--list]`, where N seconds (10
 * unless given) are spent on each target and NAME is a target's name or, where none is called that, the beginning of one.
 * `--seed` is another one every time unless given; there are `--jobs` processes, as many as processors unless given.
 * `--list` prints the targets. `--grow` keeps inputs that end in a new way in `packages/testing/fixtures/corpus`. The exit
 * code is 1 when anything was found; each finding is saved, with a command that runs just that input:
 * `npm run fuzz -- --target NAME --input FILE`.
 *
 * A target runs in a process of its own; while that runs, the time and the memory that each input takes are measured. What
 * counts as too much is `Budget` of `Target.ts`; an input that takes more than ten seconds is a hang.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as Tool from "../tool.ts"
import type { Account, Job } from "./Child.ts"
import * as Child from "./Child.ts"
import * as Corpus from "./Corpus.ts"
import { supervise } from "./Supervisor.ts"
import type { Target } from "./Target.ts"

export const script = fileURLToPath(import.meta.url)
const root = resolve(script, "../../../..")

export interface Settings {
  readonly seconds: number
  readonly targets: ReadonlyArray<string>
  readonly seed: number
  readonly jobs: number
  readonly grow: boolean
  readonly input?: string
  /** Where inputs of findings go. */
  readonly findings: string
  /** URL of the module that exports `targets`. */
  readonly module: string
  readonly corpus: string
  readonly patience?: number
  readonly executions?: number
}

export const defaults: Settings = {
  seconds: 10,
  targets: [],
  seed: 0,
  jobs: availableParallelism(),
  grow: false,
  findings: join(root, "build/fuzz"),
  module: new URL("targets/index.ts", import.meta.url).href,
  corpus: Corpus.folder
}

/**
 * Runs the chosen targets, prints what came of them, and returns the exit code.
 *
 * **Errors** rejects with a `Misuse` when there is no such target.
 */
export const run = async (settings: Settings, print: (line: string) => void): Promise<number> => {
  const { targets } = (await import(settings.module)) as { readonly targets: ReadonlyArray<Target> }
  const chosen = Tool.pick(
    "target",
    targets.map(({ name }) => name),
    settings.targets
  )
  print(
    `seed ${settings.seed}, ${settings.seconds} s for each of ${chosen.length} targets, ${settings.jobs} at a time\n`
  )
  print(columns(["target", "executions", "per s", "outcomes", "max ms", "max MB", "verdict"]))
  const scratch = mkdtempSync(join(tmpdir(), "msgr2-fuzz-"))
  const found: Array<string> = []
  let next = 0
  const work = async () => {
    for (let name = chosen[next++]; name !== undefined; name = chosen[next++]) {
      const account = await supervise(jobOf(settings, name, join(scratch, name)), {
        script,
        ...(settings.patience === undefined ? {} : { patience: settings.patience })
      })
      print(row(name, account))
      found.push(...account.findings.map((finding) => describe(settings, name, finding)))
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.max(1, settings.jobs) }, work))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  for (const text of found) print(`\n${text}`)
  return found.length > 0 ? 1 : 0
}

const jobOf = (settings: Settings, target: string, scratch: string): Job => ({
  target,
  scratch,
  module: settings.module,
  corpus: settings.corpus,
  seed: settings.seed,
  seconds: settings.seconds,
  grow: settings.grow,
  ...(settings.executions === undefined ? {} : { executions: settings.executions }),
  ...(settings.input === undefined ? {} : { input: settings.input })
})

const WIDTHS = [18, 11, 8, 9, 8, 8] as const

const columns = (cells: ReadonlyArray<string>): string =>
  cells
    .map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[0]) : i < WIDTHS.length ? cell.padStart(WIDTHS[i]!) : `  ${cell}`))
    .join("")

const row = (name: string, account: Account): string => {
  const { executions, findings, largest, outcomes, saved, seconds, slowest } = account
  const verdict = findings.length > 0 ? findings.map(({ kind }) => kind).join(", ") : "ok"
  return columns([
    name,
    executions.toLocaleString("en"),
    (executions / Math.max(seconds, 0.001)).toFixed(0),
    String(outcomes),
    slowest.toFixed(1),
    (largest / 1e6).toFixed(2),
    saved > 0 ? `${verdict}, ${saved} kept` : verdict
  ])
}

const describe = (settings: Settings, name: string, finding: Account["findings"][number]): string => {
  const path =
    settings.input ?? Corpus.save(name, new Uint8Array(Buffer.from(finding.input, "base64")), settings.findings)
  return `${name}: ${finding.kind}: ${finding.message.trim()}\n  replay: npm run fuzz -- --target ${name} --input ${Tool.fromRoot(path)}`
}

/** More than none, and not for ever. */
const secondsOf = (text: string | undefined): number => {
  const value = Number(text ?? defaults.seconds)
  if (Number.isFinite(value) && value > 0) return value
  throw new Tool.Misuse(`--seconds: expected a number above 0, got "${text}"`)
}

const main = async (args: ReadonlyArray<string>): Promise<number> => {
  if (args[0] === "--child") {
    const account = await Child.perform(JSON.parse(args[1] ?? "") as Job)
    console.log(JSON.stringify(account))
    return 0
  }
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string" },
      target: { type: "string", multiple: true },
      seed: { type: "string" },
      jobs: { type: "string" },
      input: { type: "string" },
      grow: { type: "boolean" },
      list: { type: "boolean" }
    }
  })
  if (values.list === true) {
    const { targets } = await import("./targets/index.ts")
    for (const { name } of targets) console.log(name)
    return 0
  }
  if (values.input !== undefined) Tool.readNamed("input", values.input)
  return run(
    {
      ...defaults,
      seconds: secondsOf(values.seconds),
      targets: values.target ?? [],
      seed: Tool.whole("seed", values.seed, Date.now() % 0x1_0000_0000),
      jobs: Tool.whole("jobs", values.jobs, defaults.jobs, 1),
      grow: values.grow ?? false,
      ...(values.input === undefined ? {} : { input: resolve(values.input) })
    },
    console.log
  )
}

if (process.argv[1] === script) await Tool.main(script, main)
