/**
 * Judging moves one by one, and finding fewer of them that show the same fault.
 */
import type { Model, Predicates } from "../Model.ts"
import * as Path from "../Path.ts"
import type { Kind, Violation } from "../Report.ts"

export type Fault = Pick<Violation<unknown, unknown>, "kind" | "property">

export const stateFault = <S>(kind: Kind, properties: Predicates<S> | undefined, state: S): Fault | undefined => {
  for (const [property, holds] of Object.entries(properties ?? {})) if (!holds(state)) return { kind, property }
  return undefined
}

/** One move: where it leads, if anywhere, and what is wrong with that. */
export const take = <S, M>(
  model: Model<S, M>,
  before: S,
  move: M
): { readonly after: S | undefined; readonly fault: Fault | undefined } => {
  let after: S | undefined
  try {
    after = model.next(before, move)
  } catch (error) {
    return { after, fault: { kind: "throws", property: String(error) } }
  }
  if (after === undefined) return { after, fault: undefined }
  for (const [property, holds] of Object.entries(model.onStep ?? {})) {
    if (!holds(before, move, after)) return { after, fault: { kind: "onStep", property } }
  }
  return { after, fault: stateFault("always", model.always, after) }
}

/** Makes those of `moves` that can be made, up to the first that shows `fault`. `undefined` when none does. */
const attempt = <S, M>(
  model: Model<S, M>,
  start: S,
  moves: ReadonlyArray<M>,
  fault: Fault
): Path.Path<S, M> | undefined => {
  const isFault = (other: Fault | undefined) => other?.kind === fault.kind && other.property === fault.property
  let state = start
  const states = [start]
  const made: Array<M> = []
  for (const move of moves) {
    if (!Path.isEnabled(model, state, move)) continue
    const step = take(model, state, move)
    if (step.after === undefined && step.fault === undefined) continue
    made.push(move)
    if (step.after !== undefined) states.push((state = step.after))
    if (isFault(step.fault)) return { moves: made, states }
    if (step.after === undefined) return undefined
  }
  const isEnd = () => model.moves(state).every((move) => take(model, state, move).after === undefined)
  return fault.kind === "atEnd" && isFault(stateFault("atEnd", model.atEnd, state)) && isEnd()
    ? { moves: made, states }
    : undefined
}

/**
 * Leaves out moves, many at a time and then one by one, while the same property still does not hold. In the end no
 * single move can be left out.
 *
 * **Source** A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing input" (2002)
 */
export const shrink = <S, M>(model: Model<S, M>, start: S, path: Path.Path<S, M>, fault: Fault): Path.Path<S, M> => {
  let best = path
  let size = path.moves.length
  while (size >= 1) {
    const before = best.moves.length
    for (let at = 0; at < best.moves.length;) {
      const shorter = attempt(model, start, best.moves.toSpliced(at, size), fault)
      if (shorter === undefined || shorter.moves.length >= best.moves.length) at += size
      else best = shorter
    }
    if (size > 1) size = Math.ceil(size / 2)
    else if (best.moves.length === before) size = 0
  }
  return best
}
