/**
 * The shape shared by every state machine of the protocol: a table of what each state does with each input.
 *
 * Nothing here knows a frame, a clock or a socket.
 */
export type Tagged = { readonly _tag: string }

/** Where a step leads and what it asks the runtime to do, in order. */
export type Transition<S, A> = readonly [state: S, actions: ReadonlyArray<A>]

export interface Machine<S, E, A> {
  readonly initial: S
  /** Total and deterministic: the same state and event always give the same transition. */
  readonly step: (state: S, event: E) => Transition<S, A>
}

/** What each state does with each input it allows. A missing entry is a violation of the protocol. */
export type Table<S extends Tagged, I extends Tagged, A> = {
  readonly [K in S["_tag"]]?: {
    readonly [T in I["_tag"]]?: (
      state: Extract<S, { readonly _tag: K }>,
      input: Extract<I, { readonly _tag: T }>
    ) => Transition<S, A>
  }
}

type Row<S, I, A> = { readonly [input: string]: ((state: S, input: I) => Transition<S, A>) | undefined } | undefined

/** The row of a state, its handlers seen through the union types: the table's own type has matched them already. */
const row = <S extends Tagged, I extends Tagged, A>(table: Table<S, I, A>, state: S): Row<S, I, A> =>
  table[state._tag as S["_tag"]] as Row<S, I, A>

/** The inputs that `state` allows, for error messages and for drawing the machine. */
export const allowed = <S extends Tagged, I extends Tagged, A>(
  table: Table<S, I, A>,
  state: S
): ReadonlyArray<string> => Object.keys(row(table, state) ?? {})

/** Takes the entry for `state` and `input`, or asks `otherwise` when there is none. */
export const follow = <S extends Tagged, I extends Tagged, A>(
  table: Table<S, I, A>,
  state: S,
  input: I,
  otherwise: (state: S, input: I) => Transition<S, A>
): Transition<S, A> => {
  const handler = row(table, state)?.[input._tag]
  return handler === undefined ? otherwise(state, input) : handler(state, input)
}
