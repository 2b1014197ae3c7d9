/**
 * Runs messengers in simulated networks where everything goes wrong that a seed can think of.
 *
 * Run: `npm run sim -- [--seeds N] [--from S] [--policy NAME]... [--jobs N] [--failures N] [--wrap FILE]` runs the seeds
 * S (0 unless given) to S + N - 1 (1000 of them unless given) of each policy: lossy (unless given), stateful, peers,
 * reuse, or all. A seed that fails is made short, printed as a script and saved; the exit code is 1 then. After
 * `--failures` of them (3 unless given) a process has seen enough. There are `--jobs` processes, as many as processors
 * unless given.
 *
 * `--seed K` runs one seed of each policy and prints everything that happens; `--replay FILE` does so with a case that
 * was saved. The last line is `ok`, or the laws that were broken.
 *
 * `--wrap FILE` is for the test of a transport: FILE is a module that exports `wrap`, a function from a transport to
 * another, which goes around the transport of every messenger.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import * as Case from "../src/Case.ts"
import * as Plan from "../src/Plan.ts"
import * as Scenario from "../src/Scenario.ts"
import * as Tool from "../tool.ts"
import { employAll } from "./Crew.ts"
import { add, type Failure, type Job, optionsOf, type Sums, told, work } from "./Worker.ts"

export const script = fileURLToPath(import.meta.url)
const root = resolve(script, "../../../..")

export interface Settings {
  readonly policies: ReadonlyArray<Plan.PolicyName>
  readonly seeds: number
  readonly from: number
  readonly jobs: number
  readonly failures: number
  /** Where failing cases go. */
  readonly findings: string
  /** As in `Job`. */
  readonly wrap?: string
  /** Told of how far it has come, now and then. */
  readonly progress: (line: string) => void
}

export const defaults: Settings = {
  policies: ["lossy"],
  seeds: 1000,
  from: 0,
  jobs: availableParallelism(),
  failures: 3,
  findings: join(root, "build/sim"),
  progress: () => {}
}

type Print = (line: string) => void

/** Runs the seeds, prints what came of them, and returns the exit code. */
export const run = async (settings: Settings, print: Print): Promise<number> => {
  let failed = 0
  for (const policy of settings.policies) failed += await runPolicy(policy, settings, print)
  return failed > 0 ? 1 : 0
}

const runPolicy = async (policy: Plan.PolicyName, settings: Settings, print: Print): Promise<number> => {
  const { failures, from, jobs, progress, seeds, wrap } = settings
  const job: Job = { policy, from, step: 1, count: seeds, failures, ...(wrap === undefined ? {} : { wrap }) }
  const start = performance.now()
  let sums: Sums = {}
  let lost = 0
  await employAll(job, jobs, script, {
    onSums: (more) => {
      sums = add(sums, more)
      progress(`${policy}: ${sums["seeds"] ?? 0} of ${seeds} seeds, ${sums["failures"] ?? 0} failed`)
    },
    onFailure: (failure) => print(describe(policy, failure, settings)),
    onLoss: (seed, why) => {
      lost++
      print(`${policy}: a process was lost near seed ${seed}: ${why}`)
    }
  })
  const seconds = (performance.now() - start) / 1000
  print(summary(policy, sums, seconds, lost))
  return lost + (sums["failures"] ?? 0)
}

const summary = (policy: string, sums: Sums, seconds: number, lost: number): string => {
  const count = (name: string) => (sums[name] ?? 0).toLocaleString("en")
  const failed = sums["failures"] ?? 0
  const broken = [failed > 0 ? `${failed} FAILED` : "", lost > 0 ? `${lost} processes LOST` : ""]
  const outcome = broken.filter((part) => part !== "").join(", ") || "ok"
  return (
    `${policy}: ${count("seeds")} seeds in ${seconds.toFixed(1)} s, ${((sums["seeds"] ?? 0) / seconds).toFixed(0)}/s, ` +
    `${count("repeated")} of them twice: ${outcome}\n` +
    `  ${count("steps")} steps, ${count("links")} links, ${count("opened")} ends of connections READY, ` +
    `${count("sent")} messages sent, ${count("heard")} heard\n` +
    `  ${count("cuts")} cuts, ${count("crashes")} restarts, ${count("partitions")} partitions, ${count("stalls")} stalls, ` +
    `${count("refusals")} refusals`
  )
}

const describe = (policy: string, failure: Failure, settings: Settings): string => {
  const { plan, seed } = Case.parse(failure.shrunk)
  mkdirSync(settings.findings, { recursive: true })
  const path = join(settings.findings, `${policy}-${failure.found}.json`)
  writeFileSync(path, failure.shrunk)
  const wrap = settings.wrap === undefined ? "" : ` --wrap ${Tool.fromRoot(fileURLToPath(settings.wrap))}`
  return [
    `${policy}, seed ${failure.found}, after ${failure.runs} runs to make it short:`,
    ...failure.violations,
    Plan.format(plan),
    `order of things: seed ${seed}`,
    `replay: npm run sim -- --replay ${Tool.fromRoot(path)}${wrap}`,
    ""
  ].join("\n")
}

/** Runs one case and prints all of it; the exit code. */
export const show = ({ plan, seed }: Case.Case, options: Scenario.Options, print: Print): number => {
  const report = Scenario.run(seed, plan, { ...options, keepLines: true })
  print(Plan.format(plan))
  for (const line of report.lines) print(line)
  print(`trace ${report.traceHash}, ${report.steps} steps, ${report.millis} ms`)
  for (const line of report.violations.length > 0 ? told(report) : ["ok"]) print(line)
  return report.violations.length > 0 ? 1 : 0
}

const policyOf = (name: string): ReadonlyArray<Plan.PolicyName> => {
  const all = Plan.PolicyName.literals
  const found = all.filter((policy) => name === "all" || policy === name)
  if (found.length === 0) throw new Tool.Misuse(`--policy: expected ${all.join(", ")} or all, got "${name}"`)
  return found
}

/** The URL of a module for `--wrap`. */
const wrapOf = async (path: string): Promise<string> => {
  const url = pathToFileURL(resolve(path)).href
  let options: Scenario.Options
  try {
    options = await optionsOf(url)
  } catch (error) {
    throw new Tool.Misuse(`--wrap: cannot load "${path}": ${Tool.because(error)}`)
  }
  if (typeof options.wrap === "function") return url
  throw new Tool.Misuse(`--wrap: expected a module that exports a function "wrap", "${path}" does not`)
}

const caseIn = (path: string): Case.Case => {
  const text = Tool.readNamed("replay", path)
  try {
    return Case.parse(text)
  } catch (error) {
    throw new Tool.Misuse(`--replay: expected a case that was saved, "${path}" is none: ${Tool.because(error)}`)
  }
}

/** Over the line before where somebody looks on; else a line now and then. */
const reporter = (): Print => {
  let last = performance.now()
  return (line) => {
    const { isTTY } = process.stderr
    if (!isTTY && performance.now() - last < 10_000) return
    last = performance.now()
    process.stderr.write(isTTY ? `\r\x1b[K${line}` : `${line}\n`)
  }
}

const main = async (args: ReadonlyArray<string>): Promise<number> => {
  if (args[0] === "--child") {
    await work(JSON.parse(args[1] ?? "") as Job, (line) => console.log(JSON.stringify(line)))
    return 0
  }
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string" },
      from: { type: "string" },
      policy: { type: "string", multiple: true },
      jobs: { type: "string" },
      failures: { type: "string" },
      seed: { type: "string" },
      replay: { type: "string" },
      wrap: { type: "string" }
    }
  })
  const policies = [...new Set((values.policy ?? defaults.policies).flatMap(policyOf))]
  const seeds = Tool.whole("seeds", values.seeds, defaults.seeds, 1)
  const from = Tool.whole("from", values.from, defaults.from)
  const jobs = Tool.whole("jobs", values.jobs, defaults.jobs, 1)
  const failures = Tool.whole("failures", values.failures, defaults.failures, 1)
  const seed = Tool.whole("seed", values.seed, 0)
  if (!Number.isSafeInteger(from + seeds)) throw new Tool.Misuse("--from: expected a seed with more seeds behind it")
  if (values.seed !== undefined && values.replay !== undefined) {
    throw new Tool.Misuse("expected --seed or --replay, got both")
  }
  const wrap = values.wrap === undefined ? {} : { wrap: await wrapOf(values.wrap) }
  if (values.replay !== undefined) return show(caseIn(values.replay), await optionsOf(wrap.wrap), console.log)
  if (values.seed !== undefined) {
    const options = await optionsOf(wrap.wrap)
    return Math.max(...policies.map((policy) => show(Case.draw(seed, policy), options, console.log)))
  }
  const settings: Settings = { ...defaults, ...wrap, policies, seeds, from, jobs, failures, progress: reporter() }
  const code = await run(settings, (line) => console.log(process.stderr.isTTY ? `\r\x1b[K${line}` : line))
  return code
}

if (process.argv[1] === script) await Tool.main(script, main)
