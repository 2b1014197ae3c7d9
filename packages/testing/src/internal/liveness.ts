/**
 * The properties that no single state can break: each is a bit or two of a {@link Graph}, and a question to it at the
 * end.
 */
import type { Choice, Model } from "../Model.ts"
import type { Kind } from "../Report.ts"
import { Graph } from "./graph.ts"

/** Where a property fails: a state, and numbers of states that a counterexample goes on with. */
export interface Failure<S, M> {
  readonly kind: "eventually" | "noLoop"
  readonly property: string
  readonly state: number
  readonly onward: ReadonlyArray<number>
  /** Where among `[state, ...onward]` the last of them stood before, when it did. */
  readonly loopAt: number | undefined
  /** The moves that the way onward is made of. */
  readonly moves: Choice<S, M>
  /** What its first move is, besides. */
  readonly through: Choice<S, M>
}

export interface Verdict<S, M> {
  readonly kind: Kind
  readonly name: string
  readonly failure: Failure<S, M> | undefined
}

interface Property<S, M> {
  readonly kind: "eventually" | "noLoop"
  readonly name: string
  readonly goal: (state: S) => boolean
  readonly moves: Choice<S, M>
  readonly through: Choice<S, M> | undefined
  /** One bit each. The first marks states of `goal` and labels `moves`. */
  readonly bit: number
  readonly throughBit: number
}

const properties = <S, M>({ eventually = {}, noLoop = {} }: Model<S, M>): ReadonlyArray<Property<S, M>> => {
  let bit = 1
  const next = () => (bit *= 2) / 2
  return [
    ...Object.entries(eventually).map(([name, { fair, goal }]) => {
      const own = next()
      return { kind: "eventually" as const, name, goal, moves: fair, through: undefined, bit: own, throughBit: own }
    }),
    ...Object.entries(noLoop).map(([name, { goal = () => false, moves, through }]) => {
      const own = next()
      return {
        kind: "noLoop" as const,
        name,
        goal,
        moves,
        through,
        bit: own,
        throughBit: through === undefined ? own : next()
      }
    })
  ]
}

export class Liveness<S, M> {
  readonly #properties: ReadonlyArray<Property<S, M>>
  readonly #graph: Graph

  private constructor(list: ReadonlyArray<Property<S, M>>, graph: Graph) {
    this.#properties = list
    this.#graph = graph
  }

  /** `undefined` when the model has no such property: nothing is kept of its transitions then. */
  static of<S, M>(model: Model<S, M>): Liveness<S, M> | undefined {
    const list = properties(model)
    const bits = Math.log2(list.reduce((all, { bit, throughBit }) => Math.max(all, bit, throughBit), 0)) + 1
    if (bits > 31) throw new RangeError(`eventually and noLoop need ${bits} bits, and there are 31`)
    return list.length === 0 ? undefined : new Liveness(list, new Graph(bits))
  }

  addState(state: S): void {
    let marks = 0
    for (const { bit, goal } of this.#properties) if (goal(state)) marks |= bit
    this.#graph.addState(marks)
  }

  open(): void {
    this.#graph.open()
  }

  addEdge(target: number, before: S, move: M, after: S): void {
    let labels = 0
    for (const { bit, moves, through, throughBit } of this.#properties) {
      if (!moves(move, before, after)) continue
      labels |= through?.(move, before, after) === true ? bit | throughBit : bit
    }
    this.#graph.addEdge(target, labels)
  }

  /** Each property, and how it fails when it does and can be decided. */
  judge(isDecidable: (kind: Kind) => boolean): ReadonlyArray<Verdict<S, M>> {
    return this.#properties.map((property) => {
      const { kind, name } = property
      if (!isDecidable(kind)) return { kind, name, failure: undefined }
      return { kind, name, failure: kind === "eventually" ? this.#lost(property) : this.#loop(property) }
    })
  }

  /** Every way from the lost state ends, or goes round: shows the nearest end, or where the first moves go round. */
  #lost({ bit, kind, moves, name }: Property<S, M>): Failure<S, M> | undefined {
    const graph = this.#graph
    const state = graph.firstLost(bit, bit)
    if (state < 0) return undefined
    const failure = { kind, property: name, state, moves, through: moves }
    const onward = (from: number): number | undefined => {
      for (let edge = graph.begin(from); edge < graph.end(from); edge++)
        if (graph.has(edge, bit)) return graph.target(edge)
      return undefined
    }
    const end = graph.route(state, (at) => onward(at) === undefined, 0, bit)
    if (end !== undefined) return { ...failure, onward: end, loopAt: undefined }
    const states = new Set<number>()
    let at: number | undefined = state
    while (at !== undefined && !states.has(at)) {
      states.add(at)
      at = onward(at)
    }
    const path = [...states]
    return { ...failure, onward: [...path.slice(1), at ?? state], loopAt: path.indexOf(at ?? state) }
  }

  #loop({ bit, kind, moves, name, through, throughBit }: Property<S, M>): Failure<S, M> | undefined {
    const found = this.#graph.firstLoop(bit, bit, throughBit)
    if (found === undefined) return undefined
    const { edge, state } = found
    const target = this.#graph.target(edge)
    const back = this.#graph.route(target, (at) => at === state, bit, bit) ?? []
    return { kind, property: name, state, onward: [target, ...back], loopAt: 0, moves, through: through ?? moves }
  }
}
