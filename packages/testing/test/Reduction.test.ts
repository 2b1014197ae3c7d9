import { assert, describe, it } from "@effect/vitest"
import * as Model from "../src/Model.ts"
import * as Reduction from "../src/Reduction.ts"
import * as Report from "../src/Report.ts"
import { abp, type Abp, cells, naive, philosophers, type Table } from "./support/models.ts"

const faults = <S, M>(model: Model.Model<S, M>) =>
  Model.check(Reduction.audited(model), { all: true }).violations.map(({ path, property }) => [
    property,
    path.moves.length
  ])
const oneName = "states of one name behave alike"
const goesFirst = "the eager move may go first"

/** All permutations of the places of a list but their own order. */
const places = <A>(count: number): ReadonlyArray<(state: ReadonlyArray<A>) => ReadonlyArray<A>> =>
  Model.permutations(Array.from({ length: count }, (_, i) => i))
    .slice(1)
    .map(
      (order) =>
        <A>(state: ReadonlyArray<A>): ReadonlyArray<A> =>
          order.map((place) => state[place] as A)
    )

describe("Renamings", () => {
  it("There are n! orders, each different, and their own is the first", () => {
    for (const [count, expected] of [1, 1, 2, 6, 24, 120].entries()) {
      const orders = Model.permutations([..."abcde"].slice(0, count)).map((order) => order.join(""))
      assert.strictEqual(new Set(orders).size, expected)
      assert.strictEqual(orders[0], "abcde".slice(0, count))
    }
  })

  it("Alike cells are counted as a choice with repetition, not as a product", () => {
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k)
    for (const [count, colours] of [
      [2, 1],
      [3, 2],
      [4, 3]
    ] as const) {
      const model = cells(count, colours)
      assert.strictEqual(Model.check(model).states, (colours + 1) ** count)
      const renamings = places<number>(count)
      assert.strictEqual(Model.check({ ...model, renamings }).states, choose(count + colours, count))
    }
  })

  it("Philosophers in a circle are counted once for each way to turn the table", () => {
    const count = 5
    const turns = [1, 2, 3, 4].map(
      (by) =>
        <A>(table: ReadonlyArray<A>) =>
          table.map((_, i) => table[(i + by) % count] as A)
    )
    const model = philosophers(count, false)
    const turned = { ...model, renamings: turns }
    const least = (table: ReadonlyArray<string>) =>
      [table, ...turns.map((turn) => turn(table))].map((one) => JSON.stringify(one)).toSorted()[0] ?? ""
    const { levels, ...counts } = naive(model, least)
    const report = Model.check(turned, { all: true })
    assert.deepStrictEqual([Report.counts(report), report.levels], [counts, levels])
    assert.isBelow(counts.states * 4, naive(model).states)
    assert.deepStrictEqual(Reduction.differences(turned), [])
    assert.deepStrictEqual(faults(turned), [])
    // The shortest way to the deadlock is one that can be made, not one of mixed names.
    const [violation] = Model.check(turned).violations
    assert.strictEqual(violation?.path.moves.length, count)
    assert.strictEqual(Model.replay(turned, violation?.path.moves ?? [])._tag, "Success")
  })

  it("A loop is found and shown whole when it comes back under another name", () => {
    // Two tokens that swap: back to the same name after one move, to the same state after two.
    const model: Model.Model<readonly [number, number], "pass" | "start"> = {
      initial: [[0, 0]],
      moves: () => ["start", "pass"],
      next: ([a, b], move) =>
        move === "start" ? (a + b === 0 ? [1, 0] : undefined) : a + b === 0 ? undefined : [b, a],
      noLoop: { "passing ends": { moves: (move) => move === "pass" } },
      renamings: [([a, b]) => [b, a]]
    }
    const [violation] = Model.check(model).violations
    assert.deepStrictEqual(violation?.path.states, [
      [0, 0],
      [1, 0],
      [0, 1]
    ])
    assert.strictEqual(violation?.loopAt, 1)
  })

  it("Swapping what is not alike is found out", () => {
    const renamings = places<number>(2)
    const model = { ...cells(2, 2), always: { "the first is not 2": ([first]: ReadonlyArray<number>) => first !== 2 } }
    assert.deepStrictEqual(faults({ ...model, renamings }), [[oneName, 1]])
    assert.deepStrictEqual(faults({ ...cells(2, 2), renamings }), [])
    // The careful one among the philosophers sits at one place.
    assert.deepStrictEqual(faults({ ...philosophers(3, true), renamings: places<Table[number]>(3) })[0]?.[0], oneName)
  })
})

describe("Canonical forms", () => {
  type Counted = { readonly x: number; readonly y: number; readonly calls: number }
  const counting: Model.Model<Counted, "x" | "y"> = {
    initial: [{ x: 0, y: 0, calls: 0 }],
    moves: () => ["x", "y"],
    next: (state, axis) =>
      state[axis] === 3 ? undefined : { ...state, [axis]: state[axis] + 1, calls: 2 * state.calls + state.x }
  }

  it("What a canonical form leaves out makes no states", () => {
    const left = { ...counting, canonical: ({ x, y }: Counted) => [x, y] }
    assert.strictEqual(Model.check(left).states, 16)
    assert.deepStrictEqual(faults(left), [])
    const text = { ...counting, canonical: ({ x, y }: Counted) => `${x},${y}` }
    assert.strictEqual(Model.check(text).states, 16)
  })

  it("A form that joins states which behave differently is found out", () => {
    const joined = { ...counting, canonical: ({ x, y }: Counted) => x + y }
    const onlyX = { ...joined, always: { "x is not 1": ({ x }: Counted) => x !== 1 } }
    assert.deepStrictEqual(faults(onlyX), [[oneName, 1]])
    // [0, 3] and [1, 2]: one can go up only one way, to the same name; from [3, 0] and on, there is no such difference.
    assert.deepStrictEqual(faults(joined), [])
    const fair = (move: "x" | "y") => move === "x"
    assert.deepStrictEqual(faults({ ...joined, eventually: { top: { goal: () => true, fair } } }), [[oneName, 3]])
    const lossy = { ...counting, canonical: ({ x }: Counted) => x }
    assert.deepStrictEqual(faults(lossy), [[oneName, 3]])
    assert.include(
      Reduction.differences({ ...lossy, sometimes: { top: ({ y }: Counted) => y === 3 } }),
      'full: sometimes "top" is reached'
    )
  })
})

/** Each of `count` workers makes `steps` steps that nobody sees, then says so. */
type Work = { readonly steps: ReadonlyArray<number>; readonly said: ReadonlyArray<number> }
type Act = readonly ["step" | "say", number]
const workers = (count: number, steps: number): Model.Model<Work, Act> => ({
  initial: [{ steps: Array.from({ length: count }, () => 0), said: [] }],
  moves: ({ said, steps: made }) =>
    made.flatMap((done, who): ReadonlyArray<Act> =>
      done < steps ? [["step", who]] : said.includes(who) ? [] : [["say", who]]
    ),
  next: (state, [act, who]) =>
    act === "say"
      ? { ...state, said: [...state.said, who] }
      : { ...state, steps: state.steps.with(who, (state.steps[who] ?? 0) + 1) },
  always: { "nobody says it twice": ({ said }) => new Set(said).size === said.length },
  sometimes: { "the last comes first": ({ said }) => said[0] === count - 1 },
  eventually: { "all say so": { goal: ({ said }) => said.length === count, fair: () => true } }
})
const firstStep = (model: Model.Model<Work, Act>) => (state: Work) => model.moves(state).find(([act]) => act === "step")

describe("Eager moves", () => {
  it("Steps that nobody sees need no interleaving", () => {
    const model = workers(3, 4)
    const reduced = { ...model, eager: firstStep(model) }
    const { levels: _, ...counts } = naive(model)
    assert.deepStrictEqual(Report.counts(Model.check(model)), counts)
    // 12 steps in one order, then every order of saying so: 1 + 3 + 6 + 6 states.
    assert.deepStrictEqual(Report.counts(Model.check(reduced)), {
      states: 28,
      transitions: 27,
      diameter: 15,
      terminal: 6
    })
    assert.deepStrictEqual(Reduction.differences(reduced), [])
    assert.deepStrictEqual(faults(reduced), [])
  })

  it("A path through eager moves can be made again", () => {
    const model = workers(2, 2)
    const always = { "nobody is first": ({ said }: Work) => said.length === 0 }
    const reduced = { ...model, always, eager: firstStep(model) }
    const [violation] = Model.check(reduced).violations
    assert.deepStrictEqual(violation?.path.moves, [
      ["step", 0],
      ["step", 0],
      ["step", 1],
      ["step", 1],
      ["say", 0]
    ])
    assert.strictEqual(Model.replay(reduced, violation?.path.moves ?? [])._tag, "Success")
  })

  it("Eager moves round a circle do not put off the others for ever", () => {
    const spin: Model.Model<{ readonly phase: number; readonly done: boolean }, "turn" | "finish"> = {
      initial: [{ phase: 0, done: false }],
      moves: ({ done }) => (done ? ["turn"] : ["turn", "finish"]),
      next: (state, move) => (move === "turn" ? { ...state, phase: (state.phase + 1) % 3 } : { ...state, done: true }),
      sometimes: { finished: ({ done }) => done },
      eager: () => "turn"
    }
    assert.deepStrictEqual(Report.counts(Model.check(spin)), { states: 6, transitions: 7, diameter: 5, terminal: 0 })
    assert.deepStrictEqual(Reduction.differences(spin), [])
    assert.deepStrictEqual(faults(spin), [])
    const stand: typeof spin = { ...spin, next: (state, move) => (move === "turn" ? state : { ...state, done: true }) }
    assert.deepStrictEqual(Reduction.differences(stand), [])
    assert.strictEqual(Model.check(stand).states, 2)
  })

  it("A move that others can see, stop, or follow otherwise may not go first", () => {
    const model = workers(2, 2)
    const eager = firstStep(model)
    const seen = { ...model, sometimes: { "one is ahead": ({ steps: [a = 0, b = 0] }: Work) => b > a }, eager }
    assert.deepStrictEqual(faults(seen), [[goesFirst, 0]])
    assert.deepStrictEqual(Reduction.differences(seen), [
      'full: sometimes "one is ahead" is reached',
      'reduced: sometimes "one is ahead" fails'
    ])
    const sayFirst = { ...model, eager: (state: Work) => model.moves(state).find(([act]) => act === "say") }
    assert.deepStrictEqual(faults({ ...sayFirst, sometimes: {}, eventually: {} }), [[goesFirst, 2]])
    const unfair = {
      ...model,
      eventually: {
        "all say so": { goal: ({ said }: Work) => said.length === 2, fair: ([act]: Act) => act === "say" }
      },
      eager
    }
    assert.deepStrictEqual(faults(unfair), [[goesFirst, 0]])
    const stillAt = { "no step after a word": ({ said }: Work, [act]: Act) => act === "say" || said.length === 0 }
    assert.deepStrictEqual(faults({ ...model, onStep: stillAt, eager }), [[goesFirst, 0]])
    const allDone = {
      "the first speaks last": ({ steps }: Work, [act, who]: Act) => act === "step" || who > 0 || steps[1] === 2
    }
    const second = (state: Work) => model.moves(state).find(([act, who]) => act === "step" && who === 1)
    assert.deepStrictEqual(faults({ ...model, onStep: allDone, eager: second }), [[goesFirst, 1]])
    assert.deepStrictEqual(faults({ ...model, eager: second }), [])
    const disabled = { ...model, eager: () => ["step", 9] as const }
    assert.deepStrictEqual(faults(disabled), [[goesFirst, 0]])
    const losing = {
      ...abp(2, 2),
      eager: ({ data }: Abp) => (data.length > 0 ? ("lose data" as const) : undefined)
    }
    assert.deepStrictEqual(faults(losing), [[goesFirst, 1]])
  })

  it("A conflict that only comes up later counts too", () => {
    // "b" enables "c", which undoes "a": independent of "a" where "a" is chosen, but not one move later.
    const model: Model.Model<string, "a" | "b" | "c"> = {
      initial: [""],
      moves: (state) => [
        ...(state.includes("a") ? [] : (["a"] as const)),
        ...(state.includes("b") ? [] : (["b"] as const)),
        ...(state.includes("b") && !state.includes("a") && !state.includes("c") ? (["c"] as const) : [])
      ],
      next: (state, move) => [...state, move].toSorted().join(""),
      eager: (state) => (state === "" ? "a" : undefined)
    }
    assert.deepStrictEqual(faults(model), [[goesFirst, 0]])
    assert.strictEqual(Model.check(model).states, 3)
    assert.strictEqual(Model.check(Reduction.full(model)).states, 6)
  })
})
