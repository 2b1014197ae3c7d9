/**
 * Holds a model to its promises: that `canonical`, `renamings` and `eager` leave out nothing that matters. For small
 * models, which are explored in full.
 */
import * as Check from "./Check.ts"
import * as Fingerprint from "./Fingerprint.ts"
import { Keys } from "./internal/keys.ts"
import type { Model } from "./Model.ts"
import * as Path from "./Path.ts"

/** The model without its shortcuts. */
export const full = <S, M>(model: Model<S, M>): Model<S, M> => {
  const { canonical: _canonical, eager: _eager, renamings: _renamings, ...rest } = model
  return rest
}

/** Everything that properties say of a state, and of a transition. */
const verdicts = <S, M>(model: Model<S, M>) => {
  const { always = {}, atEnd = {}, eventually = {}, noLoop = {}, onStep = {}, sometimes = {} } = model
  const goals = [...Object.values(eventually), ...Object.values(noLoop)].flatMap(({ goal }) => goal ?? [])
  const ofState = [...Object.values(always), ...Object.values(atEnd), ...Object.values(sometimes), ...goals]
  const choices = [
    ...Object.values(eventually).map(({ fair }) => fair),
    ...Object.values(noLoop).flatMap(({ moves, through }) => [moves, ...(through === undefined ? [] : [through])])
  ]
  return {
    state: (state: S) => ofState.map((holds) => holds(state)),
    step: (before: S, move: M, after: S) => [
      ...Object.values(onStep).map((holds) => holds(before, move, after)),
      ...choices.map((isChosen) => isChosen(move, before, after))
    ],
    isChosenByAll: (before: S, move: M, after: S) => choices.every((isChosen) => isChosen(move, before, after))
  }
}

const transitions = <S, M>(model: Model<S, M>, before: S) =>
  model.moves(before).flatMap((move) => {
    const after = model.next(before, move)
    return after === undefined ? [] : [{ move, after }]
  })

/**
 * True of a state whose properties, and whose transitions up to their outcome's name, are those of the others of its
 * name.
 */
const behavesAsItsName = <S, M>(model: Model<S, M>): ((state: S) => boolean) => {
  const keys = new Keys(model)
  const says = verdicts(model)
  const known = new Map<string, string>()
  const name = (state: S) => {
    keys.update(state)
    return Fingerprint.hex([keys.hi, keys.lo])
  }
  return (state) => {
    const steps = transitions(model, state).map(({ after, move }) => [name(after), says.step(state, move, after)])
    const behaviour = Fingerprint.hex([says.state(state), [...new Set(steps.map(Fingerprint.hex))].toSorted()])
    const own = name(state)
    if (!known.has(own)) known.set(own, behaviour)
    return known.get(own) === behaviour
  }
}

/** True of a state whose eager move keeps its promise, there and after whatever else may happen before it is made. */
const eagerMoveMayGoFirst = <S, M>(model: Model<S, M>): ((state: S) => boolean) => {
  const says = verdicts(model)
  const isSame = (left: unknown, right: unknown) => Fingerprint.hex(left) === Fingerprint.hex(right)
  const seen = new Set<string>()
  /** Other moves that lead on from `state` while `eager` waits; `undefined` when the two are not independent. */
  const others = (state: S, eager: M): ReadonlyArray<S> | undefined => {
    const first = Path.isEnabled(model, state, eager) ? model.next(state, eager) : undefined
    if (first === undefined || !isSame(says.state(state), says.state(first))) return undefined
    if (!says.isChosenByAll(state, eager, first)) return undefined
    const onward: Array<S> = []
    for (const { after, move } of transitions(model, state)) {
      if (isSame(move, eager)) continue
      const eagerLast = Path.isEnabled(model, after, eager) ? model.next(after, eager) : undefined
      const eagerFirst = Path.isEnabled(model, first, move) ? model.next(first, move) : undefined
      if (eagerLast === undefined || eagerFirst === undefined || !isSame(eagerLast, eagerFirst)) return undefined
      if (!isSame(says.step(state, move, after), says.step(first, move, eagerFirst))) return undefined
      if (!isSame(says.step(state, eager, first), says.step(after, eager, eagerLast))) return undefined
      onward.push(after)
    }
    return onward
  }
  return (start) => {
    const eager = model.eager?.(start)
    if (eager === undefined) return true
    const open = [start]
    for (const state of open) {
      const name = Fingerprint.hex([state, eager])
      if (seen.has(name)) continue
      seen.add(name)
      const onward = others(state, eager)
      if (onward === undefined) return false
      open.push(...onward)
    }
    return true
  }
}

/**
 * A model of the promises: its properties say that those of `model` hold everywhere. Checking it gives a shortest way
 * to a state where one does not. For each use a new one, since it remembers what it has seen.
 */
export const audited = <S, M>(model: Model<S, M>): Model<S, M> => ({
  initial: model.initial,
  moves: model.moves,
  next: model.next,
  always: {
    "states of one name behave alike": behavesAsItsName(model),
    "the eager move may go first": eagerMoveMayGoFirst(model)
  }
})

/**
 * What the properties of the full model say that those of the reduced one do not, and the reverse. Empty when they
 * agree.
 */
export const differences = <S, M>(
  model: Model<S, M>,
  options: Omit<Check.Options, "all"> = {}
): ReadonlyArray<string> => {
  const facts = (model: Model<S, M>) => {
    const { terminal, truncated, undecided, violations, witnesses } = Check.check(model, { ...options, all: true })
    return new Set([
      ...violations.map(({ kind, property }) => `${kind} "${property}" fails`),
      ...undecided.map((name) => `${name} is undecided`),
      ...Object.keys(witnesses).map((name) => `sometimes "${name}" is reached`),
      ...(terminal > 0 ? ["some state is terminal"] : []),
      ...(truncated ? ["not every state was explored"] : [])
    ])
  }
  const all = facts(full(model))
  const reduced = facts(model)
  return [
    ...[...all].filter((fact) => !reduced.has(fact)).map((fact) => `full: ${fact}`),
    ...[...reduced].filter((fact) => !all.has(fact)).map((fact) => `reduced: ${fact}`)
  ]
}
