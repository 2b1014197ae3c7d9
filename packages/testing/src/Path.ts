/**
 * A way through a model: moves, and the states between them.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Fingerprint from "./Fingerprint.ts"
import type { Model } from "./Model.ts"

/**
 * **Shape** one state more than there are moves, unless the last move ended in an exception.
 */
export interface Path<S, M> {
  readonly moves: ReadonlyArray<M>
  readonly states: ReadonlyArray<S>
}

/** A list of moves that the model does not allow. `step` counts from 0; `reason` says why. */
export class ReplayError extends Schema.TaggedError<ReplayError>()("ReplayError", {
  reason: Schema.Literals(["NoSuchStart", "NotEnabled", "NoEffect"]),
  step: Schema.Int,
  move: Schema.Unknown
}) {}

/** Whether `state` allows `move`: a model may rely on being given no other. */
export const isEnabled = <S, M>(model: Model<S, M>, state: S, move: M): boolean => {
  const name = Fingerprint.hex(move)
  return model.moves(state).some((other) => Fingerprint.hex(other) === name)
}

/**
 * The states that `moves` lead through, from the first to the last: a counterexample becomes a test.
 *
 * **Shape** one state more than there are moves. `start` is the place of the first among `model.initial`.
 */
export const replay = <S, M>(
  model: Model<S, M>,
  moves: ReadonlyArray<NoInfer<M>>,
  start = 0
): Result.Result<ReadonlyArray<S>, ReplayError> => {
  if (start >= model.initial.length)
    return Result.fail(new ReplayError({ reason: "NoSuchStart", step: 0, move: undefined }))
  let state = model.initial[start] as S
  const states = [state]
  for (const [i, move] of moves.entries()) {
    if (!isEnabled(model, state, move)) return Result.fail(new ReplayError({ reason: "NotEnabled", step: i, move }))
    const after = model.next(state, move)
    if (after === undefined) return Result.fail(new ReplayError({ reason: "NoEffect", step: i, move }))
    state = after
    states.push(state)
  }
  return Result.succeed(states)
}
