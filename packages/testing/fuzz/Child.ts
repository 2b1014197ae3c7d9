/**
 * The process in which one target runs. Whatever an input does to it, its parent is outside.
 */
import { openSync, readFileSync, writeSync } from "node:fs"
import * as Corpus from "./Corpus.ts"
import * as Runner from "./Runner.ts"
import type { Target } from "./Target.ts"

/**
 * What one process has to do.
 *
 * **Shape** `module` is the URL of a module that exports `targets`; `scratch` is the file in which the present input is
 * kept; `input` is a file to run instead of anything else. A target runs until `seconds` are over and, if `executions` is
 * given, no longer than that many.
 */
export interface Job {
  readonly target: string
  readonly module: string
  readonly scratch: string
  readonly corpus: string
  readonly seed: number
  readonly seconds: number
  readonly executions?: number
  readonly input?: string
  readonly grow: boolean
}

/**
 * **Shape** as `Runner.Report`, inputs in base64. `saved` are inputs that have joined the corpus.
 *
 * **Units** `seconds` are those of the runs, without what came before and after them.
 */
export interface Account {
  readonly executions: number
  readonly seconds: number
  readonly outcomes: number
  readonly slowest: number
  readonly largest: number
  readonly saved: number
  readonly findings: ReadonlyArray<{ readonly kind: Runner.Kind; readonly message: string; readonly input: string }>
}

/** Bytes before the input in a scratch file: `runs:le32 size:le32`. */
export const SCRATCH_HEADER = 8
const SCRATCH_MOST = 64 * 1024

/** Says before every run which input it is, at the price of one short write. */
const witness = (path: string): ((input: Uint8Array) => void) => {
  const file = openSync(path, "w")
  const bytes = new Uint8Array(SCRATCH_HEADER + SCRATCH_MOST)
  const view = new DataView(bytes.buffer)
  let runs = 0
  return (input) => {
    const kept = input.subarray(0, SCRATCH_MOST)
    view.setUint32(0, ++runs, true)
    view.setUint32(4, kept.length, true)
    bytes.set(kept, SCRATCH_HEADER)
    writeSync(file, bytes, 0, SCRATCH_HEADER + kept.length, 0)
  }
}

const find = async (job: Job): Promise<Target> => {
  const { targets } = (await import(job.module)) as { readonly targets: ReadonlyArray<Target> }
  const target = targets.find(({ name }) => name === job.target)
  if (target === undefined) throw new Error(`no target ${job.target}`)
  return target
}

/** Keeps what ended in a way in which no kept input ends: seeds as they are, other inputs shortened. */
const grow = (
  target: Target,
  kept: ReadonlyArray<Uint8Array>,
  planted: ReadonlyArray<Uint8Array>,
  report: Runner.Report,
  root: string
): number => {
  let saved = 0
  for (const [outcome, input] of report.outcomes) {
    if (kept.includes(input) || kept.length + saved >= Corpus.MOST) continue
    const short = planted.includes(input) ? input : Runner.shortenOutcome(target, input, outcome)
    if (short.length > Corpus.LONGEST) continue
    Corpus.save(target.name, short, root)
    saved++
  }
  return saved
}

/** Does `job` and returns what there is to tell. */
export const perform = async (job: Job): Promise<Account> => {
  const target = await find(job)
  const before = witness(job.scratch)
  const kept = Corpus.load(target.name, job.corpus)
  // Without a corpus, or when it is to grow, the target's own seeds count too.
  const planted = job.grow || kept.length === 0 ? target.seeds() : []
  const start = performance.now()
  const end = start + 1000 * job.seconds
  const most = job.executions ?? Number.POSITIVE_INFINITY
  const report =
    job.input === undefined
      ? await Runner.run(target, {
          corpus: [...kept, ...planted],
          seed: job.seed,
          more: (executions) => executions < most && performance.now() < end,
          before
        })
      : await Runner.run(target, {
          corpus: [new Uint8Array(readFileSync(job.input))],
          seed: job.seed,
          more: (executions) => executions < 1,
          before
        })
  const seconds = (performance.now() - start) / 1000
  const { executions, largest, outcomes, slowest } = report
  return {
    executions,
    seconds,
    outcomes: outcomes.size,
    slowest,
    largest,
    saved: job.grow ? grow(target, kept, planted, report, job.corpus) : 0,
    findings: report.findings
      .map((finding) => (job.input === undefined ? Runner.shortenFinding(target, finding) : finding))
      .map(({ input, kind, message }) => ({ kind, message, input: Buffer.from(input).toString("base64") }))
  }
}
