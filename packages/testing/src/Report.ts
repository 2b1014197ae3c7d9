/**
 * What a checker found.
 */
import type { Path } from "./Path.ts"

/** Where the property stands in the model; `throws` when `next` threw an exception. */
export type Kind = "always" | "onStep" | "atEnd" | "sometimes" | "eventually" | "noLoop" | "throws"

/**
 * A property that does not hold, and the shortest way to see it.
 */
export interface Violation<S, M> {
  readonly kind: Kind
  /** Its name in the model; of an exception, its message. */
  readonly property: string
  /** From the start to where it shows. Empty for a state of `sometimes`, which nothing leads to. */
  readonly path: Path<S, M>
  /** For `eventually`: the state of the path from which there is no way to the goal; the rest shows how it ends. */
  readonly lostAt: number | undefined
  /** For a circle: the state of the path that its last state equals, in the canonical form. */
  readonly loopAt: number | undefined
}

/**
 * **Units** `levels` counts the states at each distance from the start, `diameter` is the greatest; `terminal` counts
 * states in which no move has an effect. All counts are the same for every run of the same model. How long it took is
 * not part of a report.
 */
export interface Report<S, M> {
  readonly states: number
  readonly transitions: number
  readonly diameter: number
  readonly levels: ReadonlyArray<number>
  readonly terminal: number
  /** A limit was reached before every state. */
  readonly truncated: boolean
  /** One for each property that does not hold, as found. */
  readonly violations: ReadonlyArray<Violation<S, M>>
  /** Properties, each after its kind, that hold as far as it goes, and it did not go far enough. */
  readonly undecided: ReadonlyArray<string>
  /** The shortest way to each state of `sometimes` that was reached. */
  readonly witnesses: { readonly [name: string]: Path<S, M> }
}

/** The counts of a report, to be compared with those written down. */
export const counts = <S, M>(report: Report<S, M>) => {
  const { diameter, states, terminal, transitions } = report
  return { states, transitions, diameter, terminal }
}

/** Which property does not hold, in a line. */
export const title = <S, M>({ kind, path, property }: Violation<S, M>): string => {
  const { length } = path.moves
  if (kind === "sometimes") return `sometimes "${property}" is never reached`
  return `${kind} "${property}" fails after ${length === 1 ? "1 move" : `${length} moves`}`
}

/** One line for the counts, and one for each property that does not hold. */
export const summary = <S, M>(report: Report<S, M>): string => {
  const { diameter, states, terminal, transitions, truncated, undecided, violations } = report
  const sizes = `${states} states, ${transitions} transitions, diameter ${diameter}, ${terminal} terminal`
  return [
    truncated ? `${sizes}, not all` : sizes,
    ...violations.map(title),
    ...undecided.map((name) => `${name} is undecided`)
  ].join("\n")
}
