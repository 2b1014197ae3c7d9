/**
 * The transitions between numbered states, and what can be asked of them once all are known.
 *
 * **Units** for each transition 4 bytes and its label of 1 to 4; for each state 8 bytes. A question takes as much again
 * while it lasts.
 */
import { doubled } from "./visited.ts"

type Labels = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>

/**
 * **Shape** a state has a set of marks, a transition a set of labels, each a bit. Transitions of a state are
 * neighbours, in the order of states.
 */
export class Graph {
  #states = 0
  #opened = 0
  #size = 0
  #first = new Int32Array(1 << 12)
  #marks = new Int32Array(1 << 12)
  #targets = new Int32Array(1 << 13)
  #labels: Labels

  constructor(labels: number) {
    this.#labels =
      labels <= 8 ? new Uint8Array(1 << 13) : labels <= 16 ? new Uint16Array(1 << 13) : new Int32Array(1 << 13)
  }

  addState(marks: number): void {
    if (this.#states === this.#marks.length) this.#marks = doubled(this.#marks)
    this.#marks[this.#states++] = marks
  }

  /** What is added from here on leaves the next state, in the order of their numbers. */
  open(): void {
    if (this.#opened + 1 >= this.#first.length) this.#first = doubled(this.#first)
    this.#first[this.#opened++] = this.#size
    this.#first[this.#opened] = this.#size
  }

  addEdge(target: number, labels: number): void {
    if (this.#size === this.#targets.length) {
      this.#targets = doubled(this.#targets)
      const { BYTES_PER_ELEMENT, buffer, length } = this.#labels
      this.#labels = new (this.#labels.constructor as new (size: number) => Labels)(2 * length)
      new Uint8Array(this.#labels.buffer).set(new Uint8Array(buffer, 0, BYTES_PER_ELEMENT * length))
    }
    this.#targets[this.#size] = target
    this.#labels[this.#size] = labels
    this.#first[this.#opened] = ++this.#size
  }

  isMarked(state: number, mark: number): boolean {
    return (this.#marks[state]! & mark) !== 0
  }

  /**
   * Transitions of a state are those from `begin` up to, and without, `end`. A state that was never opened has none.
   */
  begin(state: number): number {
    return state < this.#opened ? this.#first[state]! : this.#size
  }

  end(state: number): number {
    return state < this.#opened ? this.#first[state + 1]! : this.#size
  }

  target(edge: number): number {
    return this.#targets[edge]!
  }

  has(edge: number, label: number): boolean {
    return (this.#labels[edge]! & label) !== 0
  }

  /**
   * The first state from which no transitions of `label` lead to a state of `mark`; -1 when there is none.
   *
   * Goes backwards from the marked states, once over every transition.
   */
  firstLost(mark: number, label: number): number {
    const states = this.#states
    const starts = new Int32Array(states + 1)
    for (let edge = 0; edge < this.#size; edge++) if (this.has(edge, label)) starts[this.target(edge)]!++
    for (let state = 1; state <= states; state++) starts[state]! += starts[state - 1]!
    const sources = new Int32Array(starts[states]!)
    for (let state = 0; state < states; state++) {
      for (let edge = this.begin(state); edge < this.end(state); edge++) {
        if (this.has(edge, label)) sources[--starts[this.target(edge)]!] = state
      }
    }
    const reaches = new Uint8Array(states)
    const queue = new Int32Array(states)
    let size = 0
    for (let state = 0; state < states; state++) {
      if (!this.isMarked(state, mark)) continue
      reaches[state] = 1
      queue[size++] = state
    }
    for (let head = 0; head < size; head++) {
      const state = queue[head]!
      for (let i = starts[state]!; i < starts[state + 1]!; i++) {
        const source = sources[i]!
        if (reaches[source] === 1) continue
        reaches[source] = 1
        queue[size++] = source
      }
    }
    return reaches.indexOf(0)
  }

  /**
   * The first transition, by its state, that lies on a circle of `label` without states of `mark`, and has `through`.
   */
  firstLoop(
    mark: number,
    label: number,
    through: number
  ): { readonly state: number; readonly edge: number } | undefined {
    const components = this.#components(mark, label)
    for (let state = 0; state < this.#opened; state++) {
      if (this.isMarked(state, mark)) continue
      for (let edge = this.begin(state); edge < this.end(state); edge++) {
        if (!this.has(edge, label) || !this.has(edge, through)) continue
        if (components[state] === components[this.target(edge)]) return { state, edge }
      }
    }
    return undefined
  }

  /**
   * The strongly connected component of each state.
   *
   * **Source** R. Tarjan, "Depth-first search and linear graph algorithms" (1972), with a stack instead of recursion
   */
  #components(mark: number, label: number): Int32Array {
    const states = this.#states
    const components = new Int32Array(states)
    const order = new Int32Array(states)
    const low = new Int32Array(states)
    const open = new Int32Array(states)
    const calls = new Int32Array(states)
    const edges = new Int32Array(states)
    let visited = 0
    let opened = 0
    let found = 0
    let depth = 0
    const enter = (state: number) => {
      order[state] = low[state] = ++visited
      open[opened++] = state
      edges[state] = this.begin(state)
      calls[depth++] = state
    }
    for (let root = 0; root < this.#opened; root++) {
      if (order[root] !== 0 || this.isMarked(root, mark)) continue
      enter(root)
      while (depth > 0) {
        const state = calls[depth - 1]!
        if (edges[state]! < this.end(state)) {
          const edge = edges[state]!++
          const target = this.target(edge)
          if (!this.has(edge, label) || this.isMarked(target, mark)) continue
          if (order[target] === 0) enter(target)
          else if (components[target] === 0) low[state] = Math.min(low[state]!, order[target]!)
          continue
        }
        depth--
        if (depth > 0) low[calls[depth - 1]!] = Math.min(low[calls[depth - 1]!]!, low[state]!)
        if (low[state] !== order[state]) continue
        found++
        do components[open[--opened]!] = found
        while (open[opened] !== state)
      }
    }
    return components
  }

  /**
   * The states after `from` on a shortest way to one of `isEnd`, over the transitions of `label` between states without
   * `mark`.
   */
  route(
    from: number,
    isEnd: (state: number) => boolean,
    mark: number,
    label: number
  ): ReadonlyArray<number> | undefined {
    const parents = new Map<number, number>([[from, -1]])
    for (const state of parents.keys()) {
      if (isEnd(state)) {
        const states: Array<number> = []
        for (let at = state; at !== from; at = parents.get(at)!) states.push(at)
        return states.toReversed()
      }
      for (let edge = this.begin(state); edge < this.end(state); edge++) {
        const target = this.target(edge)
        if (this.has(edge, label) && !this.isMarked(target, mark) && !parents.has(target)) parents.set(target, state)
      }
    }
    return undefined
  }
}
