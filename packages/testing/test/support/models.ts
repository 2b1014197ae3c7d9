/**
 * Small models whose answers are known, and an exploration that shares nothing with the one under test.
 */
import type { Model } from "../../src/Model.ts"

/** Two counters that go up to `size`. */
export type Grid = { readonly x: number; readonly y: number }
export const grid = (size: number): Model<Grid, "x" | "y"> => ({
  initial: [{ x: 0, y: 0 }],
  moves: () => ["x", "y"],
  next: (state, axis) => (state[axis] === size ? undefined : { ...state, [axis]: state[axis] + 1 })
})

/** Each philosopher thinks, holds the first fork, or eats. With `careful`, the last takes the forks the other way round. */
export type Table = ReadonlyArray<"thinks" | "waits" | "eats">
export type Bite = { readonly who: number; readonly does: "takes first" | "takes second" | "leaves" }
export const philosophers = (count: number, careful: boolean): Model<Table, Bite> => {
  const isSwapped = (who: number) => careful && who === count - 1
  const first = (who: number) => (isSwapped(who) ? (who + 1) % count : who)
  const second = (who: number) => (isSwapped(who) ? who : (who + 1) % count)
  const isTaken = (table: Table, fork: number) =>
    table.some((does, who) => (does !== "thinks" && first(who) === fork) || (does === "eats" && second(who) === fork))
  return {
    initial: [Array.from({ length: count }, () => "thinks" as const)],
    moves: (table) =>
      table.map((does, who) => ({
        who,
        does: does === "thinks" ? "takes first" : does === "waits" ? "takes second" : "leaves"
      })),
    next: (table, { does, who }) => {
      if (does === "leaves") return table.with(who, "thinks")
      if (isTaken(table, does === "takes first" ? first(who) : second(who))) return undefined
      return table.with(who, does === "takes first" ? "waits" : "eats")
    },
    atEnd: { "somebody can move": () => false },
    always: {
      "neighbours do not eat together": (table) =>
        table.every((does, who) => does !== "eats" || table[(who + 1) % count] !== "eats")
    },
    sometimes: { "somebody eats": (table) => table.includes("eats") }
  }
}

/** The alternating bit protocol over channels that keep order and lose anything. */
export interface Abp {
  readonly sent: number
  readonly sendBit: 0 | 1
  readonly takeBit: 0 | 1
  readonly data: ReadonlyArray<{ readonly bit: 0 | 1; readonly item: number }>
  readonly acks: ReadonlyArray<0 | 1>
  readonly taken: ReadonlyArray<number>
}
export type AbpMove = "send" | "take" | "settle" | "lose data" | "lose ack"
export const abp = (
  items: number,
  room: number,
  mutant?: "deaf to the bit" | "does not repeat"
): Model<Abp, AbpMove> => ({
  initial: [{ sent: 0, sendBit: 0, takeBit: 0, data: [], acks: [], taken: [] }],
  moves: ({ acks, data }) => [
    "send",
    ...(data.length > 0 ? (["take", "lose data"] as const) : []),
    ...(acks.length > 0 ? (["settle", "lose ack"] as const) : [])
  ],
  next: (state, move) => {
    const { acks, data, sendBit, sent, takeBit, taken } = state
    switch (move) {
      case "send":
        if (sent === items || data.length === room) return undefined
        if (mutant === "does not repeat" && (data.length > 0 || acks.length > 0 || taken.length > sent))
          return undefined
        return { ...state, data: [...data, { bit: sendBit, item: sent }] }
      case "take": {
        const [frame] = data
        if (frame === undefined || acks.length === room) return undefined
        const rest = { ...state, data: data.slice(1), acks: [...acks, frame.bit] }
        if (frame.bit !== takeBit && mutant !== "deaf to the bit") return rest
        return { ...rest, takeBit: takeBit === 0 ? 1 : 0, taken: [...taken, frame.item] }
      }
      case "settle":
        return acks[0] === sendBit
          ? { ...state, acks: acks.slice(1), sent: sent + 1, sendBit: sendBit === 0 ? 1 : 0 }
          : { ...state, acks: acks.slice(1) }
      case "lose data":
        return { ...state, data: data.slice(1) }
      case "lose ack":
        return { ...state, acks: acks.slice(1) }
    }
  },
  always: {
    "items arrive once and in order": ({ taken }) => taken.every((item, i) => item === i),
    "nothing is settled before it arrives": ({ sent, taken }) => sent <= taken.length
  },
  onStep: { "what arrived stays": (before, _, after) => after.taken.length >= before.taken.length },
  sometimes: { "everything is settled": ({ sent }) => sent === items },
  eventually: {
    "everything is settled": { goal: ({ sent }) => sent === items, fair: (move) => !move.startsWith("lose") }
  }
})

/** `cells` alike cells, each of which takes one of `colours` once. */
export const cells = (count: number, colours: number): Model<ReadonlyArray<number>, readonly [number, number]> => ({
  initial: [Array.from({ length: count }, () => 0)],
  moves: (state) =>
    state.flatMap((colour, cell) =>
      colour === 0 ? Array.from({ length: colours }, (_, i) => [cell, i + 1] as const) : []
    ),
  next: (state, [cell, colour]) => state.with(cell, colour)
})

/** Breadth first by JSON text and nothing else: what the counts of the checker are held against. */
export const naive = <S, M>(model: Model<S, M>, key: (state: S) => string = (state) => JSON.stringify(state)) => {
  const seen = new Set(model.initial.map(key))
  const levels: Array<number> = []
  let transitions = 0
  let terminal = 0
  for (let states = [...model.initial]; states.length > 0;) {
    levels.push(states.length)
    const next: Array<S> = []
    for (const state of states) {
      const after = model
        .moves(state)
        .map((move) => model.next(state, move))
        .filter((one) => one !== undefined)
      transitions += after.length
      if (after.length === 0) terminal++
      for (const one of after) {
        if (seen.has(key(one))) continue
        seen.add(key(one))
        next.push(one)
      }
    }
    states = next
  }
  return { states: seen.size, transitions, diameter: levels.length - 1, terminal, levels }
}
