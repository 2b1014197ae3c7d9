import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Visited } from "../src/internal/visited.ts"
import * as Model from "../src/Model.ts"
import * as Report from "../src/Report.ts"
import { abp, type AbpMove, cells, grid, type Grid, naive, philosophers } from "./support/models.ts"

const failures = <S, M>({ violations }: Report.Report<S, M>) =>
  violations.map(({ kind, path, property }) => [kind, property, path.moves.length])

const only = <A>(items: ReadonlyArray<A>): A => {
  assert.strictEqual(items.length, 1)
  return items[0] as A
}

/** A model with nothing but numbered states and the transitions listed. */
type Edge = { readonly from: number; readonly to: number; readonly kind: "fair" | "unfair" }
const graph = (edges: ReadonlyArray<Edge>): Model.Model<number, Edge> => ({
  initial: [0],
  moves: (state) => edges.filter(({ from }) => from === state),
  next: (_, { to }) => to
})
const edge = (from: number, to: number, kind: Edge["kind"] = "fair"): Edge => ({ from, to, kind })

describe("States", () => {
  it("The counts of a grid are those of the formula", () => {
    for (const size of [0, 1, 2, 10]) {
      assert.deepStrictEqual(Report.counts(Model.check(grid(size))), {
        states: (size + 1) ** 2,
        transitions: 2 * size * (size + 1),
        diameter: 2 * size,
        terminal: 1
      })
    }
    assert.deepStrictEqual(Model.check(grid(3)).levels, [1, 2, 3, 4, 3, 2, 1])
  })

  it("A hundred thousand states fill the tables many times over, and none is lost", () => {
    const { states, transitions } = Model.check(grid(316))
    assert.deepStrictEqual({ states, transitions }, { states: 317 ** 2, transitions: 2 * 316 * 317 })
  })

  it("The counts of protocols are those of an exploration by JSON text", () => {
    const count = <S, M>(model: Model.Model<S, M>) => {
      const report = Model.check(model, { all: true })
      return { ...Report.counts(report), levels: report.levels }
    }
    assert.deepStrictEqual(count(abp(4, 2)), naive(abp(4, 2)))
    assert.deepStrictEqual(count(abp(3, 3)), naive(abp(3, 3)))
    assert.deepStrictEqual(count(philosophers(4, true)), naive(philosophers(4, true)))
    assert.deepStrictEqual(count(cells(4, 3)), naive(cells(4, 3)))
  })

  it("A fingerprint is found again by both of its halves, wherever it landed", () => {
    const visited = new Visited()
    const prints = Array.from({ length: 20_000 }, (_, i) => [(i % 3) - 1, Math.floor(i / 3) << 12] as const)
    for (const [i, [hi, lo]] of prints.entries()) {
      assert.strictEqual(visited.find(hi, lo), -1)
      assert.strictEqual(visited.add(hi, lo, i - 1, i % 7), i)
    }
    for (const [i, [hi, lo]] of prints.entries()) assert.strictEqual(visited.find(hi, lo), i)
    assert.strictEqual(visited.find(2, 0), -1)
    assert.deepStrictEqual(visited.trail(8), [0, 1, 2, 3, 4, 5, 6, 0, 1])
  })

  it("Several starts count once each, however often they are listed", () => {
    const [start = { x: 0, y: 0 }] = grid(2).initial
    const initial = [{ x: 2, y: 0 }, start, { x: 2, y: 0 }]
    const always = { "y is low": ({ y }: typeof start) => y < 2 }
    const { levels, violations } = Model.check({ ...grid(2), always, initial }, { all: true })
    assert.deepStrictEqual(levels, [2, 3, 3, 1])
    const { path } = only(violations)
    assert.deepStrictEqual(path.states, [
      { x: 2, y: 0 },
      { x: 2, y: 1 },
      { x: 2, y: 2 }
    ])
    assert.deepStrictEqual(Model.replay({ ...grid(2), initial }, path.moves, 0), Result.succeed(path.states))
    const refused = Result.getFailure(Model.replay(grid(2), ["x"], 1))
    assert.deepInclude(refused, { _tag: "Some" })
  })

  it("Limits stop the exploration, and what they leave open is said", () => {
    const model = { ...abp(3, 2), noLoop: { "sending ends": { moves: (move: AbpMove) => move === "send" } } }
    const all = Model.check(model)
    assert.deepStrictEqual([failures(all), all.undecided, all.truncated], [[], [], false])
    const open = [
      'always "items arrive once and in order"',
      'always "nothing is settled before it arrives"',
      'onStep "what arrived stays"',
      'sometimes "everything is settled"',
      'eventually "everything is settled"',
      'noLoop "sending ends"'
    ]
    for (const limits of [{ maxStates: 50 }, { maxDepth: 4 }]) {
      const some = Model.check(model, limits)
      assert.deepStrictEqual([failures(some), some.undecided, some.truncated], [[], open, true])
    }
    assert.strictEqual(Model.check(model, { maxStates: 50 }).states, 50)
    assert.strictEqual(Model.check(model, { maxStates: 1 }).terminal, 0)
    assert.deepStrictEqual(Model.check(model, { maxDepth: 4 }).levels, all.levels.slice(0, 5))
    assert.isFalse(Model.check(model, { maxStates: all.states }).truncated)
    assert.isTrue(Model.check(model, { maxStates: all.states - 1 }).truncated)
  })

  it("Progress is told once for each depth", () => {
    const told: Array<number> = []
    Model.check(grid(2), { onLevel: ({ states }) => told.push(states) })
    assert.deepStrictEqual(told, [3, 6, 8, 9, 9])
  })

  it("A model that is not a function of its state is found out", () => {
    let calls = 0
    const model = {
      ...grid(3),
      next: () => ({ x: calls++, y: 0 }),
      always: { "x is low": ({ x }: { x: number }) => x < 3 }
    }
    assert.throws(() => Model.check(model), /not pure/)
  })
})

describe("Safety", () => {
  it("Philosophers who all reach to the same side get stuck, as soon as each holds one fork", () => {
    for (const count of [2, 3, 4]) {
      const report = Model.check(philosophers(count, false))
      assert.deepStrictEqual(failures(report), [["atEnd", "somebody can move", count]])
      assert.deepStrictEqual(
        only(report.violations).path.states.at(-1),
        Array.from({ length: count }, () => "waits")
      )
    }
    assert.deepStrictEqual(failures(Model.check(philosophers(4, true))), [])
  })

  it("A receiver that is deaf to the bit takes the same item twice, after four moves", () => {
    const report = Model.check(abp(2, 2, "deaf to the bit"))
    assert.deepStrictEqual(failures(report), [["always", "items arrive once and in order", 4]])
    const { path } = only(report.violations)
    assert.deepStrictEqual(path.moves, ["send", "send", "take", "take"])
    assert.deepStrictEqual(path.states.at(-1)?.taken, [0, 0])
  })

  it("A property of transitions is held against all of them, those to known states too", () => {
    const ring = graph([edge(0, 1), edge(1, 2), edge(2, 0)])
    const onStep = { "numbers grow": (before: number, _: Edge, after: number) => after > before }
    const { path } = only(Model.check({ ...ring, onStep }).violations)
    assert.deepStrictEqual(path.states, [0, 1, 2, 0])
  })

  it("An exception of the machine is a violation, with the move that made it", () => {
    const model: Model.Model<{ readonly x: number; readonly y: number }, "x" | "y"> = {
      ...grid(2),
      next: (state, move) => {
        if (state.x === 1 && move === "y") throw new RangeError("no such corner")
        return grid(2).next(state, move)
      }
    }
    const { kind, path, property } = only(Model.check(model).violations)
    assert.deepStrictEqual([kind, property], ["throws", "RangeError: no such corner"])
    assert.deepStrictEqual(path, {
      moves: ["x", "y"],
      states: [
        { x: 0, y: 0 },
        { x: 1, y: 0 }
      ]
    })
    assert.deepStrictEqual(failures(Model.check(model, { all: true })), [["throws", "RangeError: no such corner", 2]])
  })

  it("With `all`, each property is judged by itself and with its own shortest path", () => {
    const always = {
      "x is low": ({ x }: { x: number }) => x < 2,
      "sum is low": (s: { x: number; y: number }) => s.x + s.y < 3
    }
    const onStep = { "y stays": (before: { y: number }, _: unknown, after: { y: number }) => before.y === after.y }
    const sometimes = { "x is 3": ({ x }: { x: number }) => x === 3, "x is 9": ({ x }: { x: number }) => x === 9 }
    const model = { ...grid(3), always, onStep, sometimes }
    const report = Model.check(model, { all: true })
    assert.deepStrictEqual(failures(report), [
      ["onStep", "y stays", 1],
      ["always", "x is low", 2],
      ["always", "sum is low", 3],
      ["sometimes", "x is 9", 0]
    ])
    assert.strictEqual(report.states, 16)
    assert.deepStrictEqual(report.witnesses["x is 3"]?.moves, ["x", "x", "x"])
    const first = Model.check(model)
    assert.deepStrictEqual(failures(first), [["onStep", "y stays", 1]])
    assert.includeMembers([...first.undecided], ['always "x is low"', 'sometimes "x is 9"'])
  })

  it("Paths are moves that can be made again, one by one", () => {
    const model = abp(2, 2, "deaf to the bit")
    const { path } = only(Model.check(model).violations)
    const written = JSON.parse(JSON.stringify(path.moves))
    assert.deepStrictEqual(Model.replay(model, written), Result.succeed(path.states))
    const fault = (moves: ReadonlyArray<"send" | "take">) => {
      const replayed = Model.replay(model, moves)
      return Result.isFailure(replayed) ? [replayed.failure.reason, replayed.failure.step] : []
    }
    assert.deepStrictEqual(fault(["send", "take", "take"]), ["NotEnabled", 2])
    assert.deepStrictEqual(fault(["send", "send", "send"]), ["NoEffect", 2])
  })
})

describe("Liveness", () => {
  const goal = (state: number) => state === 9
  const fair = ({ kind }: Edge) => kind === "fair"
  const judge = (edges: ReadonlyArray<Edge>, more: Partial<Model.Model<number, Edge>> = {}) => {
    const { violations } = Model.check({ ...graph(edges), ...more })
    return violations.map(({ lostAt, loopAt, path }) => ({ states: path.states, lostAt, loopAt }))
  }
  const eventually = { "nine comes": { goal, fair } }

  it("A dead end of fair moves is lost, and so is the last state that leads nowhere else", () => {
    const edges = [edge(0, 9), edge(0, 1, "unfair"), edge(1, 2), edge(2, 3), edge(9, 0, "unfair")]
    assert.deepStrictEqual(judge(edges, { eventually }), [{ states: [0, 1, 2, 3], lostAt: 1, loopAt: undefined }])
    assert.deepStrictEqual(judge([...edges, edge(3, 0)], { eventually }), [])
  })

  it("A way that needs an unfair move is none", () => {
    const edges = [edge(0, 1), edge(1, 9, "unfair")]
    assert.deepStrictEqual(judge(edges, { eventually }), [{ states: [0, 1], lostAt: 0, loopAt: undefined }])
  })

  it("A trap without an end is shown by its circle", () => {
    const edges = [edge(0, 9), edge(0, 1), edge(1, 2), edge(2, 3), edge(3, 2)]
    assert.deepStrictEqual(judge(edges, { eventually }), [{ states: [0, 1, 2, 3, 2], lostAt: 1, loopAt: 2 }])
  })

  it("A circle with a way out is no trap, and a loop all the same", () => {
    const edges = [edge(0, 1), edge(1, 2), edge(2, 1), edge(2, 9), edge(9, 9)]
    assert.deepStrictEqual(judge(edges, { eventually }), [])
    const moves = fair
    assert.deepStrictEqual(judge(edges, { noLoop: { "no retry loop": { goal, moves } } }), [
      { states: [0, 1, 2, 1], lostAt: undefined, loopAt: 1 }
    ])
    // The shorter way back is over the goal, and is not taken.
    const past = [edge(0, 1), edge(1, 9), edge(9, 0), edge(1, 2), edge(2, 3), edge(3, 0)]
    assert.deepStrictEqual(judge(past, { noLoop: { "no retry loop": { goal, moves } } }), [
      { states: [0, 1, 2, 3, 0], lostAt: undefined, loopAt: 0 }
    ])
    assert.deepStrictEqual(judge([edge(0, 1), edge(1, 0, "unfair")], { noLoop: { "no loop": { moves } } }), [])
    assert.deepStrictEqual(judge([edge(0, 1), edge(1, 1)], { noLoop: { "no loop": { moves } } }), [
      { states: [0, 1, 1], lostAt: undefined, loopAt: 1 }
    ])
  })

  it("Two ways that meet again are no circle, and of two moves to one state the one that counts is shown", () => {
    const moves = fair
    const diamond = [edge(0, 1), edge(0, 2), edge(1, 3), edge(2, 3), edge(3, 4), edge(0, 4)]
    assert.deepStrictEqual(judge(diamond, { noLoop: { "no loop": { moves } } }), [])
    const twice = [edge(0, 1, "unfair"), edge(0, 1), edge(1, 0, "unfair"), edge(1, 0), edge(1, 0)]
    const through = ({ from }: Edge) => from === 1
    for (const noLoop of [{ "no loop": { moves } }, { "no loop": { moves, through } }]) {
      const [violation] = Model.check({ ...graph(twice), noLoop }).violations
      assert.isTrue(violation?.path.moves.slice(violation.loopAt).every(fair))
    }
    const both = [edge(0, 0, "unfair"), edge(0, 0)]
    const unfair = ({ kind }: Edge) => kind === "unfair"
    const [violation] = Model.check({
      ...graph(both.toReversed()),
      noLoop: { "no loop": { moves: () => true, through: unfair } }
    }).violations
    assert.deepStrictEqual(violation?.path.moves, [edge(0, 0, "unfair")])
  })

  it("With `through`, a circle counts only when such a transition lies on it", () => {
    const edges = [edge(0, 1), edge(1, 0), edge(1, 2), edge(2, 3), edge(3, 2)]
    const looking = (from: number, to: number) => ({
      noLoop: { "no loop": { moves: fair, through: (move: Edge) => move.from === from && move.to === to } }
    })
    assert.deepStrictEqual(judge(edges, looking(1, 2)), [])
    assert.deepStrictEqual(judge(edges, looking(1, 0)), [{ states: [0, 1, 0, 1], lostAt: undefined, loopAt: 1 }])
    assert.deepStrictEqual(judge(edges, looking(3, 2)), [{ states: [0, 1, 2, 3, 2, 3], lostAt: undefined, loopAt: 3 }])
  })

  it("A sender that does not repeat what arrived is stuck when the answer is lost", () => {
    assert.deepStrictEqual(failures(Model.check(abp(3, 2))), [])
    const report = Model.check(abp(2, 2, "does not repeat"))
    const { lostAt, path, property } = only(report.violations)
    assert.deepStrictEqual([property, lostAt], ["everything is settled", 3])
    assert.deepStrictEqual(path.moves.slice(0, lostAt), ["send", "take", "lose ack"])
  })

  it("Without all states, a loop that was seen counts, and a way that was not seen may be there", () => {
    const edges = [edge(0, 1), edge(1, 0), edge(1, 2), edge(2, 3), edge(3, 9)]
    const model = { ...graph(edges), eventually, noLoop: { "no loop": { moves: fair } } }
    const report = Model.check(model, { maxDepth: 2 })
    assert.deepStrictEqual(failures(report), [["noLoop", "no loop", 2]])
    assert.deepStrictEqual(report.undecided, ['eventually "nine comes"'])
  })

  it("More properties than there are bits are refused", () => {
    const one = { goal: ({ x, y }: Grid) => x + y === 4, fair: () => true }
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, one]))
    for (const count of [8, 9, 16, 17, 31]) {
      const last = { goal: ({ x, y }: Grid) => x + y === 4, fair: (move: string) => move === "x" }
      const model = { ...grid(2), eventually: { ...many(count - 1), last } }
      const [violation, ...others] = Model.check(model).violations
      assert.deepStrictEqual([violation?.property, violation?.path.moves.length, others], ["last", 2, []])
    }
    assert.throws(() => Model.check({ ...grid(2), eventually: many(32) }), /32 bits/)
  })

  /** Random graphs of six states; the closure of a matrix decides what the checker decides by search. */
  const size = 6
  const Vertex = Schema.Literals([0, 1, 2, 3, 4, 5])
  const Edges = Schema.Array(
    Schema.Struct({ from: Vertex, to: Vertex, kind: Schema.Literals(["fair", "unfair"]) })
  ).check(Schema.isMinLength(5), Schema.isMaxLength(14))
  const closure = (edges: ReadonlyArray<Edge>) => {
    const reaches = Array.from({ length: size }, () => Array.from({ length: size }, () => false))
    for (const { from, to } of edges) reaches[from]![to] = true
    for (let k = 0; k < size; k++)
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++) reaches[i]![j] ||= reaches[i]![k]! && reaches[k]![j]!
    return (from: number, to: number) => reaches[from]![to]!
  }
  const distances = (edges: ReadonlyArray<Edge>) => {
    const steps = new Map([[0, 0]])
    for (const [state, distance] of steps) {
      for (const { from, to } of edges) if (from === state && !steps.has(to)) steps.set(to, distance + 1)
    }
    return steps
  }

  it.prop(
    "On random graphs, what is lost and what loops is what a closure says",
    [Edges, Vertex, Vertex],
    ([edges, a, b]) => {
      const isGoal = (state: number) => state === a || state === b
      const through = ({ from, to }: Edge) => (from + to) % 2 === 0
      const model = {
        ...graph(edges),
        eventually: { goal: { goal: isGoal, fair } },
        noLoop: {
          plain: { moves: fair },
          "past goals": { moves: fair, goal: isGoal },
          through: { moves: fair, through }
        }
      }
      const near = distances(edges)
      const states = [...near.keys()]
      const fairEdges = edges.filter(fair)
      const reaches = closure(fairEdges)
      const away = fairEdges.filter(({ from, to }) => !isGoal(from) && !isGoal(to))
      const lost = states.filter((state) => !isGoal(state) && !reaches(state, a) && !reaches(state, b))
      const onCircle = (edges: ReadonlyArray<Edge>, isChosen: (edge: Edge) => boolean = () => true) =>
        edges
          .filter(
            (one) => near.has(one.from) && isChosen(one) && (one.from === one.to || closure(edges)(one.to, one.from))
          )
          .map(({ from }) => from)
      const expected = new Map([
        ["goal", lost],
        ["plain", onCircle(fairEdges)],
        ["past goals", onCircle(away)],
        ["through", onCircle(fairEdges, through)]
      ])
      const report = Model.check(model)
      for (const [name, places] of expected) {
        const found = report.violations.find(({ property }) => property === name)
        assert.strictEqual(found === undefined, places.length === 0, name)
        if (found === undefined) continue
        const { lostAt, loopAt, path } = found
        // By a shortest way to the nearest place where it shows, and on by fair moves: to an end, or round.
        const at = lostAt ?? loopAt ?? -1
        assert.strictEqual(at, Math.min(...places.map((state) => near.get(state) ?? Infinity)), name)
        assert.include(places, path.states[at])
        assert.deepStrictEqual(Model.replay(model, path.moves), Result.succeed(path.states))
        assert.isTrue(path.moves.slice(at).every(fair))
        if (loopAt === undefined) assert.isFalse(fairEdges.some(({ from }) => from === path.states.at(-1)))
        else {
          assert.isAbove(path.moves.length, loopAt)
          assert.strictEqual(path.states.at(-1), path.states[loopAt])
        }
        if (name === "past goals") assert.isFalse(path.states.slice(at).some(isGoal))
        if (name === "through") assert.isTrue(through(path.moves[at] as Edge))
      }
    },
    { arbitrary: { runs: 500 } }
  )
})
