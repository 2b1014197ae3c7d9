/**
 * Runs messengers in simulated networks where everything goes wrong that a seed can think of.
 *
 * Run: `node packages/testing/sim/sim.ts [--seeds N] [--from S] [--policy NAME]... [--jobs N] [--failures N]` runs the
 * seeds S (0 unless given) to S + N - 1 (1000 of them unless given) of each policy: lossy, stateful, peers, reuse. A
 * seed that fails is made short, printed as a script and saved; the exit code is 1 then. After `--failures` of them (3
 * unless given) a process has seen enough.
 *
 * `--seed K` runs one seed and prints everything that happens; `--replay FILE` does so with a case that was saved.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as Case from "../src/Case.ts"
import * as Plan from "../src/Plan.ts"
import * as Scenario from "../src/Scenario.ts"
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

const here = (path: string): string => relative(process.cwd(), path)

const describe = (policy: string, failure: Failure, settings: Settings): string => {
  const { plan, seed } = Case.parse(failure.shrunk)
  mkdirSync(settings.findings, { recursive: true })
  const path = join(settings.findings, `${policy}-${failure.found}.json`)
  writeFileSync(path, failure.shrunk)
  return [
    `${policy}, seed ${failure.found}, after ${failure.runs} runs to make it short:`,
    ...failure.violations,
    Plan.format(plan),
    `order of things: seed ${seed}`,
    `replay: node ${here(script)} --replay ${here(path)}`,
    ""
  ].join("\n")
}

/** Runs one case and prints all of it. */
export const show = ({ plan, seed }: Case.Case, options: Scenario.Options, print: Print): number => {
  const report = Scenario.run(seed, plan, { ...options, keepLines: true })
  print(Plan.format(plan))
  for (const line of report.lines) print(line)
  print(`trace ${report.traceHash}, ${report.steps} steps, ${report.millis} ms`)
  for (const line of told(report)) print(line)
  return report.violations.length > 0 ? 1 : 0
}

const whole = (text: string | undefined, otherwise: number): number => {
  const value = Number(text ?? otherwise)
  if (!Number.isInteger(value) || value < 0) throw new Error(`a whole number was expected, got ${text}`)
  return value
}

const policyOf = (name: string): ReadonlyArray<Plan.PolicyName> => {
  const all = Plan.PolicyName.literals
  const found = all.filter((policy) => name === "all" || policy === name)
  if (found.length === 0) throw new Error(`a policy was expected, one of ${all.join(", ")} or all, got ${name}`)
  return found
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
  const policies = (values.policy ?? defaults.policies).flatMap(policyOf)
  const [policy = "lossy"] = policies
  const wrap = values.wrap === undefined ? {} : { wrap: new URL(values.wrap, `file://${process.cwd()}/`).href }
  if (values.replay !== undefined) {
    return show(Case.parse(readFileSync(values.replay, "utf8")), await optionsOf(wrap.wrap), console.log)
  }
  if (values.seed !== undefined) {
    return show(Case.draw(whole(values.seed, 0), policy), await optionsOf(wrap.wrap), console.log)
  }
  const settings: Settings = {
    ...defaults,
    ...wrap,
    policies,
    seeds: whole(values.seeds, defaults.seeds),
    from: whole(values.from, defaults.from),
    jobs: whole(values.jobs, defaults.jobs),
    failures: whole(values.failures, defaults.failures),
    progress: reporter()
  }
  const code = await run(settings, (line) => console.log(process.stderr.isTTY ? `\r\x1b[K${line}` : line))
  return code
}

if (process.argv[1] === script) process.exitCode = await main(process.argv.slice(2))
