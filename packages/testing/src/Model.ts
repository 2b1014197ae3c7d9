/**
 * What a checker is given: a machine, the moves it allows, and what must be true of it.
 *
 * Nothing here knows a protocol. A model is any set of pure functions over plain data.
 */
export { check } from "./Check.ts"
export { replay } from "./Path.ts"
export { walk } from "./Walk.ts"

export interface Predicates<S> {
  readonly [name: string]: (state: S) => boolean
}

/** Chooses among transitions; most look at the move only. */
export type Choice<S, M> = (move: M, before: S, after: S) => boolean

/**
 * From every state that can be reached, with no other than fair moves, a state of `goal` can be reached; so there is no
 * dead end and no trap on the way.
 *
 * Whoever makes fair moves at random then reaches the goal with certainty, and so does every scheduler that forgets no
 * transition for ever. An unlucky scheduler may still go in circles: that is what `noLoop` looks for.
 */
export interface Eventually<S, M> {
  readonly goal: (state: S) => boolean
  /** What still happens when nothing goes wrong any more: no cuts, no restarts, but messages and timers. */
  readonly fair: Choice<S, M>
}

/**
 * No circle of `moves` that keeps away from `goal`: every run that makes only such moves ends, or comes to the goal,
 * however unlucky its order.
 */
export interface NoLoop<S, M> {
  readonly moves: Choice<S, M>
  /** A circle through such a state is allowed. Absent, none is. */
  readonly goal?: (state: S) => boolean
  /** Only a circle with such a transition counts, as one with a reset in it. Absent, every circle does. */
  readonly through?: Choice<S, M>
}

/**
 * A machine and its properties.
 *
 * **Shape** states and moves are plain data, see {@link Fingerprinter} of Fingerprint.ts; moves should print as JSON.
 * All functions are pure, and the order of `moves(state)` is always the same. At most 31 of `eventually`, and of
 * `noLoop` (which counts twice), together.
 */
export interface Model<S, M> {
  readonly initial: ReadonlyArray<S>
  /** Every move that `state` allows. */
  readonly moves: (state: S) => ReadonlyArray<M>
  /** `undefined` when the move has no effect, which is no transition. */
  readonly next: (state: S, move: M) => S | undefined

  /** True in every state. */
  readonly always?: Predicates<S>
  /** True of every transition: what only grows, what happens only once. */
  readonly onStep?: { readonly [name: string]: (before: S, move: M, after: S) => boolean }
  /** True in every state where no move has an effect. */
  readonly atEnd?: Predicates<S>
  /** True in some state: that the model can do what it is about. */
  readonly sometimes?: Predicates<S>
  readonly eventually?: { readonly [name: string]: Eventually<S, M> }
  readonly noLoop?: { readonly [name: string]: NoLoop<S, M> }

  /**
   * The part of a state that tells it from others; the state itself when absent. States of one canonical form must
   * behave alike: the same properties, and moves to the same forms. `Reduction.audited` looks for some that do not.
   */
  readonly canonical?: (state: S) => unknown
  /**
   * Other names for the same state: each swaps what is interchangeable. They form a group together with the identity,
   * which is not listed. Of all states that differ by a renaming only, one is explored.
   */
  readonly renamings?: ReadonlyArray<(state: S) => S>
  /**
   * One of `moves(state)` that may go first: it has an effect, changes no property, and whatever else can happen can
   * happen after it as well, with the same outcome in either order. Where `eventually` or `noLoop` are asked, they
   * count it among their moves. Nothing else is then explored from this state. `Reduction.audited` holds it to that.
   */
  readonly eager?: (state: S) => M | undefined
}

/** Every order of `items`; their own comes first. */
export const permutations = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length === 0
    ? [[]]
    : items.flatMap((first, i) => permutations(items.toSpliced(i, 1)).map((rest) => [first, ...rest]))
