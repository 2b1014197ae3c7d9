/**
 * Looks for inputs that break what reads them.
 *
 * Run: `node packages/testing/fuzz/fuzz.ts [--seconds N] [--target NAME]... [--seed N] [--jobs N] [--grow]`, where N
 * seconds (10 unless given) are spent on each target and NAME is the beginning of a target's name. `--list` prints the
 * targets. `--grow` keeps inputs that end in a new way in `packages/testing/fixtures/corpus`. The exit code is 1 when
 * anything was found; each finding is saved, with a command that runs just that input:
 * `node packages/testing/fuzz/fuzz.ts --target NAME --input FILE`.
 *
 * A target runs in a process of its own; while that runs, the time and the memory that each input takes are measured. What
 * counts as too much is `Budget` of `Target.ts`; an input that takes more than ten seconds is a hang.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
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

/** Runs the chosen targets, prints what came of them, and returns the exit code. */
export const run = async (settings: Settings, print: (line: string) => void): Promise<number> => {
  const { targets } = (await import(settings.module)) as { readonly targets: ReadonlyArray<Target> }
  const chosen = choose(
    targets.map(({ name }) => name),
    settings.targets
  )
  if (chosen.length === 0) {
    print(`no such target; there are ${targets.map(({ name }) => name).join(", ")}`)
    return 2
  }
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

/** Those of `names` that are wanted, by their name or, where nothing has that name, by its beginning. */
const choose = (names: ReadonlyArray<string>, wanted: ReadonlyArray<string>): ReadonlyArray<string> =>
  wanted.length === 0
    ? names
    : names.filter((name) => wanted.some((want) => (names.includes(want) ? name === want : name.startsWith(want))))

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
  const file = relative(process.cwd(), path)
  return `${name}: ${finding.kind}: ${finding.message.trim()}\n  replay: node ${relative(process.cwd(), script)} --target ${name} --input ${file}`
}

const number = (text: string | undefined, otherwise: number): number => {
  const value = Number(text ?? otherwise)
  if (!Number.isFinite(value) || value < 0) throw new Error(`a number was expected, got ${text}`)
  return value
}

const main = async (args: ReadonlyArray<string>): Promise<void> => {
  if (args[0] === "--child") {
    const account = await Child.perform(JSON.parse(args[1] ?? "") as Job)
    console.log(JSON.stringify(account))
    return
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
    return
  }
  const settings: Settings = {
    ...defaults,
    seconds: number(values.seconds, defaults.seconds),
    targets: values.target ?? [],
    seed: number(values.seed, Date.now() % 0x1_0000_0000),
    jobs: number(values.jobs, defaults.jobs),
    grow: values.grow ?? false,
    ...(values.input === undefined ? {} : { input: resolve(values.input) })
  }
  process.exitCode = await run(settings, console.log)
}

if (process.argv[1] === script) await main(process.argv.slice(2))
