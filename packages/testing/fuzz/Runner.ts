/**
 * Feeds a target with inputs and watches what each one does: to the laws, to the clock, to memory.
 *
 * There is no measure of coverage. An input is interesting when it ends in a way that no other has; it is mutated further
 * from then on. The same seed and corpus give the same inputs.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Mutation from "./Mutation.ts"
import { Random } from "./Random.ts"
import { Budget, Flaw, type Target } from "./Target.ts"

/** `Hang` and `Death` are seen from outside only: `Supervisor.ts`. */
export type Kind = "Exception" | "Flaw" | "Slow" | "Memory" | "Hang" | "Death"

export interface Finding {
  readonly kind: Kind
  readonly message: string
  readonly input: Uint8Array
}

/** **Units** milliseconds of the slowest input, bytes of the one that left most behind. */
export interface Report {
  readonly target: string
  readonly seed: number
  readonly executions: number
  /** Every way in which an input ended, with the first, shortened input that did. */
  readonly outcomes: ReadonlyMap<string, Uint8Array>
  readonly slowest: number
  readonly largest: number
  readonly findings: ReadonlyArray<Finding>
}

export interface Options {
  /** At least one input to begin with. */
  readonly corpus: ReadonlyArray<Uint8Array>
  readonly seed: number
  /** True while another input is wanted. */
  readonly more: (executions: number) => boolean
  /** Different findings after which the target has had enough. */
  readonly enough?: number
  /** Called before every run, also of repeated ones. */
  readonly before?: (input: Uint8Array) => void
}

const ENOUGH = 5
/** Interesting inputs that are kept in mind. */
const POOL = 2000

const usage = (): number => {
  const { external_memory, used_heap_size } = getHeapStatistics()
  return external_memory + used_heap_size
}

let collector: (() => void) | undefined
const collect = (): void => {
  if (collector === undefined) {
    setFlagsFromString("--expose-gc")
    collector = runInNewContext("gc") as () => void
  }
  collector()
}

/** What one run did. */
interface Trial {
  readonly outcome: string | undefined
  readonly finding: Pick<Finding, "kind" | "message"> | undefined
  readonly millis: number
  readonly bytes: number
}

const attempt = (target: Target, input: Uint8Array): Trial => {
  // A target that keeps or changes its input must not spoil the pool.
  const own = input.slice()
  const before = usage()
  const start = performance.now()
  let outcome: string | undefined
  let finding: Trial["finding"]
  try {
    outcome = target.run(own)
  } catch (error) {
    const kind = error instanceof Flaw ? "Flaw" : "Exception"
    finding = { kind, message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  return { outcome, finding, millis: performance.now() - start, bytes: usage() - before }
}

/** Runs `input` once, and again as often as it takes to tell a slow or greedy input from a busy machine. */
const judge = (target: Target, input: Uint8Array, before: (input: Uint8Array) => void): Trial => {
  const trial = attempt(target, input)
  if (trial.finding !== undefined) return trial
  const allowed = Budget.memory(input.length)
  if (trial.millis <= Budget.millis && trial.bytes <= allowed) return trial
  const again = Array.from({ length: 4 }, () => {
    before(input)
    collect()
    return attempt(target, input)
  })
  const millis = Math.min(...again.map(({ millis }) => millis))
  const greedy = again.map(({ bytes }) => bytes).toSorted((a, b) => b - a)
  const bytes = greedy[1]!
  if (bytes > allowed) {
    const message = `left ${bytes} bytes behind, at most ${allowed} are allowed for ${input.length} bytes of input`
    return { outcome: undefined, finding: { kind: "Memory", message }, millis, bytes }
  }
  if (millis > Budget.millis) {
    const message = `took ${millis.toFixed(0)} ms four times, at most ${Budget.millis} ms are allowed`
    return { outcome: undefined, finding: { kind: "Slow", message }, millis, bytes }
  }
  return { ...trial, millis, bytes }
}

/** Runs between two breaths. */
const STRETCH = 64

/** Lets everything happen that waits for the present call to end: libraries put off some of their tidying up. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? ""

/** A part of `input` that does the same: ends, then pieces in the middle, are left out as long as that holds. */
export const shorten = (input: Uint8Array, isSame: (input: Uint8Array) => boolean): Uint8Array => {
  let short = input
  for (let size = short.length >> 1; size > 0; size >>= 1) {
    for (let at = short.length - size; at >= 0; at -= size) {
      const without = new Uint8Array(short.length - size)
      without.set(short.subarray(0, at))
      without.set(short.subarray(at + size), at)
      if (isSame(without)) short = without
    }
  }
  return short
}

export const run = async (target: Target, options: Options): Promise<Report> => {
  const { corpus, enough = ENOUGH, more, seed } = options
  const before = options.before ?? (() => undefined)
  const random = new Random(seed)
  const pool = corpus.slice()
  const outcomes = new Map<string, Uint8Array>()
  const findings = new Map<string, Finding>()
  let executions = 0
  let slowest = 0
  let largest = 0
  const visit = (input: Uint8Array): void => {
    before(input)
    const trial = judge(target, input, before)
    executions++
    slowest = Math.max(slowest, trial.millis)
    largest = Math.max(largest, trial.bytes)
    if (trial.finding !== undefined) {
      const { kind, message } = trial.finding
      const key = `${kind}: ${firstLine(message).replace(/\d+/g, "0").slice(0, 80)}`
      if (!findings.has(key)) findings.set(key, { kind, message, input })
    } else if (trial.outcome !== undefined && !outcomes.has(trial.outcome)) {
      outcomes.set(trial.outcome, input)
      if (pool.length < POOL) pool.push(input)
    }
  }
  const words = target.words ?? []
  const goOn = () => findings.size < enough && more(executions)
  const next = () => corpus[executions] ?? Mutation.mutate(random, random.pick(pool), { pool, words })
  while (goOn()) {
    visit(next())
    if (executions % STRETCH === 0) await breathe()
  }
  return { target: target.name, seed, executions, outcomes, slowest, largest, findings: [...findings.values()] }
}

/** The shortest input found that still ends in `outcome`. */
export const shortenOutcome = (target: Target, input: Uint8Array, outcome: string): Uint8Array =>
  shorten(input, (shorter) => attempt(target, shorter).outcome === outcome)

/** The shortest input found that still breaks the same law or throws the same words. Others are left as they are. */
export const shortenFinding = (target: Target, finding: Finding): Finding => {
  if (finding.kind !== "Flaw" && finding.kind !== "Exception") return finding
  const input = shorten(finding.input, (shorter) => {
    const again = attempt(target, shorter).finding
    return again?.kind === finding.kind && firstLine(again.message) === firstLine(finding.message)
  })
  return { ...finding, input }
}
