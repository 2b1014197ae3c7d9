/**
 * Makes something that fails smaller, as long as it goes on failing.
 *
 * **Source** Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (delta debugging)
 */

/** What came of it. **Shape** `tries` counts everything that was tried, `steps` what was taken. */
export interface Shrunk<A> {
  readonly value: A
  readonly tries: number
  readonly steps: number
}

export interface Options<A> {
  /** Simpler ones, the simplest first. */
  readonly simpler: (value: A) => Iterable<A>
  readonly fails: (value: A) => boolean
  /** How many may be tried. */
  readonly tries: number
}

/** The simplest of those that fail and can be reached from `value`, which fails. */
export const shrink = <A>(value: A, { fails, simpler, tries }: Options<A>): Shrunk<A> => {
  let tried = 0
  const next = (from: A): A | undefined => {
    for (const candidate of simpler(from)) {
      if (tried >= tries) return undefined
      tried++
      if (fails(candidate)) return candidate
    }
    return undefined
  }
  let steps = 0
  let best = value
  for (let better = next(best); better !== undefined; better = next(best)) {
    best = better
    steps++
  }
  return { value: best, tries: tried, steps }
}

/** `items` without some of them: without all, without halves, quarters, down to single ones. */
export function* fewer<A>(items: ReadonlyArray<A>): Generator<ReadonlyArray<A>> {
  for (let size = items.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < items.length; at += size) yield [...items.slice(0, at), ...items.slice(at + size)]
  }
}

/** Numbers nearer to `least`: itself, half way, a quarter of the way, down to a single step. */
export function* smaller(value: number, least = 0): Generator<number> {
  for (let step = value - least; step !== 0; step = Math.trunc(step / 2)) yield value - step
}

/** `record` with one of its fields as `plain` has it. */
export function* plainer<A extends object>(record: A, plain: A): Generator<A> {
  for (const name of Object.keys(plain) as Array<keyof A & string>) {
    if (JSON.stringify(record[name]) !== JSON.stringify(plain[name])) yield { ...record, [name]: plain[name] }
  }
}
