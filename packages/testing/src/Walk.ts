/**
 * Chance instead of every state, for models too large to explore: the same seed takes the same ways.
 */
import { type Fault, shrink, stateFault, take } from "./internal/shrink.ts"
import type { Model } from "./Model.ts"
import type { Path } from "./Path.ts"
import type { Violation } from "./Report.ts"

export interface Options<M> {
  /** Modulo 2^32. */
  readonly seed: number
  /** Moves in all. */
  readonly steps: number
  /** Moves after which a walk begins again at the start; 200 when absent. One that can go no further does so too. */
  readonly length?: number
  /** How often a move is chosen, compared with others: a whole number, 1 when absent. */
  readonly weight?: (move: M) => number
}

export interface WalkReport<S, M> {
  readonly steps: number
  readonly walks: number
  /** Walks that came to a state where no move has an effect. */
  readonly ended: number
  /** The first property that did not hold, its path made shorter; it need not be a shortest one. */
  readonly violation: Violation<S, M> | undefined
  /** Moves of the path as it was found. */
  readonly foundAfter: number
  /** Names of `sometimes` that no walk came to: nothing is proved by that. */
  readonly unreached: ReadonlyArray<string>
}

/**
 * The generator mulberry32.
 *
 * **Shape** whole numbers from 0 up to, and without, the limit given.
 */
const chance = (seed: number) => {
  let state = seed | 0
  return (limit: number): number => {
    state = (state + 0x6d2b_79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) % limit
  }
}

/** One walk, to its end or its first fault. */
const once = <S, M>(
  model: Model<S, M>,
  start: S,
  length: number,
  draw: (moves: Array<M>) => M | undefined,
  see: (state: S) => void
): { readonly path: Path<S, M>; readonly fault: Fault | undefined; readonly isEnd: boolean } => {
  let state = start
  const path = { moves: new Array<M>(), states: [start] }
  let fault = stateFault("always", model.always, start)
  see(start)
  while (fault === undefined && path.moves.length < length) {
    const moves = [...model.moves(state)]
    let move = draw(moves)
    let step: ReturnType<typeof take<S, M>> | undefined
    for (; move !== undefined; move = draw(moves)) {
      step = take(model, state, move)
      if (step.after !== undefined || step.fault !== undefined) break
    }
    if (move === undefined || step === undefined) {
      return { path, fault: stateFault("atEnd", model.atEnd, state), isEnd: true }
    }
    path.moves.push(move)
    fault = step.fault
    if (step.after === undefined) break
    state = step.after
    path.states.push(state)
    see(state)
  }
  return { path, fault, isEnd: false }
}

/**
 * Makes moves at random and holds each step against `always`, `onStep` and `atEnd`. Nothing is said of liveness, and
 * `eager`, `canonical` and `renamings` are not looked at.
 */
export const walk = <S, M>(model: Model<S, M>, options: Options<M>): WalkReport<S, M> => {
  const { length = 200, seed, steps, weight = () => 1 } = options
  const random = chance(seed)
  const unreached = new Map(Object.entries(model.sometimes ?? {}))
  const see = (state: S) => {
    for (const [name, holds] of unreached) if (holds(state)) unreached.delete(name)
  }
  /** Takes a move out of `moves`, the likelier the heavier it is. */
  const draw = (moves: Array<M>): M | undefined => {
    if (moves.length === 0) return undefined
    let at = random(
      Math.max(
        1,
        moves.reduce((sum, move) => sum + weight(move), 0)
      )
    )
    const place = moves.findIndex((move) => (at -= weight(move)) < 0)
    return moves.splice(Math.max(0, place), 1)[0]
  }
  let taken = 0
  let walks = 0
  let ended = 0
  let failed: ReturnType<typeof once<S, M>> | undefined
  while (failed === undefined && taken < steps && model.initial.length > 0) {
    const start = model.initial[random(model.initial.length)] as S
    const found = once(model, start, Math.min(length, steps - taken), draw, see)
    walks++
    taken += found.path.moves.length
    // A walk that ends where it starts would go on for ever.
    if (found.path.moves.length === 0) taken++
    if (found.isEnd) ended++
    if (found.fault !== undefined) failed = found
  }
  const violation =
    failed?.fault === undefined
      ? undefined
      : {
          ...failed.fault,
          path: shrink(model, failed.path.states[0] as S, failed.path, failed.fault),
          lostAt: undefined,
          loopAt: undefined
        }
  return {
    steps: taken,
    walks,
    ended,
    violation,
    foundAfter: failed?.path.moves.length ?? 0,
    unreached: [...unreached.keys()]
  }
}
