/**
 * The process that runs seeds: prints what it has done, a line of JSON at a time.
 */
import * as Case from "../src/Case.ts"
import * as Plan from "../src/Plan.ts"
import * as Scenario from "../src/Scenario.ts"

/**
 * What one process has to do: `count` seeds from `from` on, `step` apart.
 *
 * **Shape** `wrap` is the URL of a module that exports `wrap`, something to put around every transport. `failures` is
 * how many are enough.
 */
export interface Job {
  readonly policy: Plan.PolicyName
  readonly from: number
  readonly step: number
  readonly count: number
  readonly failures: number
  readonly wrap?: string
}

/** Sums over runs. */
export type Sums = Record<string, number>

export interface Failure {
  readonly found: number
  /** The JSON of the shortened case. */
  readonly shrunk: string
  readonly runs: number
  readonly violations: ReadonlyArray<string>
}

/** **Shape** `seed` is the one that comes next. */
export type Line =
  | { readonly _tag: "Sums"; readonly seed: number; readonly sums: Sums }
  | { readonly _tag: "Failure"; readonly failure: Failure }

/** Every so many seeds are run twice, to see that they do the same. */
const TWICE = 97
/** **Units** milliseconds between two lines about sums. */
const PAUSE = 250

/** What is put around transports by the module at this URL. */
export const optionsOf = async (url: string | undefined): Promise<Scenario.Options> => {
  const { wrap }: Pick<Scenario.Options, "wrap"> = url === undefined ? {} : await import(url)
  return wrap === undefined ? {} : { wrap }
}

export const told = (report: Scenario.Report): ReadonlyArray<string> =>
  report.violations.map(({ law, text }) => `${law}: ${text}`)

/** Numbers of a report that can be added up. */
const numbersOf = ({ counts, heard, opened, sent, steps }: Scenario.Report): Sums => ({
  seeds: 1,
  steps,
  sent,
  heard,
  opened,
  ...counts
})

export const add = (sums: Sums, more: Sums): Sums => {
  const names = new Set([...Object.keys(sums), ...Object.keys(more)])
  return Object.fromEntries(Array.from(names, (name) => [name, (sums[name] ?? 0) + (more[name] ?? 0)]))
}

const examine = (found: Case.Case, options: Scenario.Options, violations: ReadonlyArray<string>): Failure => {
  const { tries, value } = Case.shrink(found, options)
  const again = told(Scenario.run(value.seed, value.plan, options))
  // A case that is not repeatable breaks no law the second time.
  return {
    found: found.seed,
    shrunk: Case.print(value),
    runs: tries,
    violations: again.length > 0 ? again : violations
  }
}

/** Does `job`. */
export const work = async (job: Job, print: (line: Line) => void): Promise<void> => {
  const options = await optionsOf(job.wrap)
  let sums: Sums = {}
  let printed = 0
  let failures = 0
  for (let i = 0; i < job.count && failures < job.failures; i++) {
    const seed = job.from + i * job.step
    if (performance.now() - printed > PAUSE) {
      print({ _tag: "Sums", seed, sums })
      sums = {}
      printed = performance.now()
    }
    const found = Case.draw(seed, job.policy)
    const report = Scenario.run(seed, found.plan, options)
    const isRepeated = seed % TWICE === 0
    const hash = isRepeated ? Scenario.run(seed, found.plan, options).traceHash : report.traceHash
    const violations = [...told(report), ...(hash === report.traceHash ? [] : ["Repeat: the same seed, another run"])]
    sums = add(sums, { ...numbersOf(report), repeated: isRepeated ? 1 : 0, failures: violations.length > 0 ? 1 : 0 })
    if (violations.length === 0) continue
    failures++
    print({ _tag: "Failure", failure: examine(found, options, violations) })
  }
  print({ _tag: "Sums", seed: job.from + job.count * job.step, sums })
}
