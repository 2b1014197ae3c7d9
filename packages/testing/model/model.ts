/**
 * Explores the worlds of `WorldSetups.ts` in full, with the machines that ship, and holds them to all properties.
 *
 * Run: `npm run model -- [--deep] [--config NAME]... [--mutants] [--list]`. Each line gives the configuration, its
 * states, transitions and diameter, and how long it took; a violation is drawn as a chart, with the moves that replay it.
 * `--deep` takes the larger ones, 12.8 million states in all, which need a quarter of an hour and 3 GB. NAME is
 * a configuration's name or, where none is called that, the beginning of one, and may be given several times. `--list`
 * prints the names. `--mutants` puts known bugs back, one at a time, and prints what kills each: the table of
 * `docs/mutants.md`. The exit code is 1 when a property does not hold, or a bug survives.
 */
import { parseArgs } from "node:util"
import { fileURLToPath } from "node:url"
import { Chart, Check, Report, type World, WorldChart, WorldModel, WorldSetups } from "../src/index.ts"
import { hunt, mutants, table } from "../test/mutants.ts"
import * as Tool from "../tool.ts"

export const script = fileURLToPath(import.meta.url)

type Print = (line: string) => void

/** What `--deep` and `--config` choose. **Errors** `Misuse` when a name is that of none. */
export const chosen = (
  deep: boolean,
  names: ReadonlyArray<string>
): ReadonlyArray<readonly [name: string, exploration: WorldSetups.Exploration]> => {
  const all: ReadonlyArray<readonly [string, WorldSetups.Exploration]> = deep
    ? Object.entries(WorldSetups.deep).map(([name, setup]: [string, World.Setup]) => [name, { setup, reaches: [] }])
    : Object.entries(WorldSetups.all)
  const hint = deep ? "" : ", with --deep the larger ones"
  const wanted = Tool.pick(
    "configuration",
    all.map(([name]) => name),
    names,
    hint
  )
  return all.filter(([name]) => wanted.includes(name))
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`

/** Explores one, and returns whether it was as it should be. */
const explore = (name: string, exploration: WorldSetups.Exploration, print: Print): Report.Report<unknown, unknown> => {
  const since = performance.now()
  const report = Check.check(WorldModel.model(exploration))
  print(`${seconds(since).padStart(9)}  ${name}: ${Report.summary(report)}`)
  for (const violation of report.violations) {
    if (violation.kind !== "sometimes") print(Chart.explain(violation, WorldChart.chart(exploration.setup)))
  }
  return report
}

/** Explores all of `explorations`; the exit code. */
export const run = (explorations: ReturnType<typeof chosen>, print: Print): number => {
  const since = performance.now()
  const reports = explorations.map(([name, exploration]) => explore(name, exploration, print))
  const states = reports.reduce((sum, report) => sum + report.states, 0)
  print(`${seconds(since).padStart(9)}  ${states} states in all`)
  return explorations.length > 0 && reports.every(({ violations }) => violations.length === 0) ? 0 : 1
}

/** Puts each bug back; the exit code. */
export const runMutants = (print: Print): number => {
  const hunts = mutants.map(hunt)
  print(table(hunts))
  const survivors = hunts.filter(({ mutant, property }) => property !== mutant.property)
  for (const { mutant, property } of survivors)
    print(`${mutant.name}: killed by ${property}, not by ${mutant.property}`)
  return survivors.length === 0 ? 0 : 1
}

const main = (args: ReadonlyArray<string>): number => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      deep: { type: "boolean", default: false },
      config: { type: "string", multiple: true, default: [] },
      mutants: { type: "boolean", default: false },
      list: { type: "boolean", default: false }
    }
  })
  const { config, deep, list, mutants } = values
  const print: Print = (line) => console.log(line)
  if (mutants && (deep || list || config.length > 0))
    throw new Tool.Misuse("--mutants stands alone: it has its own worlds")
  if (mutants) return runMutants(print)
  const explorations = chosen(deep, config)
  if (!list) return run(explorations, print)
  for (const [name] of explorations) print(name)
  return 0
}

if (process.argv[1] === script) await Tool.main(script, main)
