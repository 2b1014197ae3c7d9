import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Model from "../src/Model.ts"
import { abp, grid, type Grid, philosophers } from "./support/models.ts"

describe("Walk", () => {
  it("The same seed takes the same ways, another seed takes others", () => {
    const ways = (seed: number) => {
      const seen: Array<string> = []
      const sometimes = { never: (state: unknown) => seen.push(JSON.stringify(state)) < 0 }
      Model.walk({ ...abp(4, 2), sometimes }, { seed, steps: 500 })
      return seen
    }
    assert.deepStrictEqual(ways(1), ways(1))
    assert.notDeepEqual(ways(1), ways(2))
    assert.isAbove(new Set(ways(1)).size, 20)
  })

  it("Steps, walks and ends are counted", () => {
    // Every walk of this grid has six moves, wherever it goes.
    const report = Model.walk(grid(3), { seed: 5, steps: 60 })
    assert.deepStrictEqual(report, {
      steps: 60,
      walks: 10,
      ended: 9,
      violation: undefined,
      foundAfter: 0,
      unreached: []
    })
    assert.strictEqual(Model.walk(grid(3), { seed: 5, steps: 60, length: 2 }).walks, 30)
    assert.strictEqual(Model.walk(grid(0), { seed: 5, steps: 60 }).ended, 60)
  })

  it("What is found is made shorter: no move of it can be left out, and it can be made again", () => {
    const model = abp(3, 2, "deaf to the bit")
    for (const seed of [1, 2, 3, 4, 5]) {
      const { foundAfter, violation } = Model.walk(model, { seed, steps: 10_000 })
      if (violation === undefined) return assert.fail("nothing found")
      const { moves, states } = violation.path
      assert.strictEqual(violation.property, "items arrive once and in order")
      assert.deepStrictEqual(moves.toSorted(), ["send", "send", "take", "take"])
      assert.isAtLeast(foundAfter, moves.length)
      assert.deepStrictEqual(Model.replay(model, moves), Result.succeed(states))
    }
  })

  it("What is made shorter shows the same property, by moves that are allowed", () => {
    const model: Model.Model<string, "a" | "b" | "last"> = {
      initial: [""],
      moves: (said) => (said.length < 4 ? ["a", "b"] : ["last"]),
      next: (said, move) => said + move,
      always: {
        "b comes after a": (said) => !said.startsWith("b"),
        "b comes once": (said) => said.indexOf("b") === said.lastIndexOf("b"),
        "nothing is last": (said) => !said.includes("last")
      }
    }
    const shortest = new Map<string, ReadonlyArray<"a" | "b" | "last">>([
      ["b comes after a", ["b"]],
      ["b comes once", ["a", "b", "b"]],
      ["nothing is last", ["a", "a", "a", "a", "last"]]
    ])
    const found = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const { violation } = Model.walk(model, { seed, steps: 100 })
      if (violation === undefined) return assert.fail("nothing found")
      const { path, property } = violation
      found.add(property)
      if (property !== "nothing is last") assert.deepStrictEqual(path.moves, shortest.get(property))
      assert.isFalse(model.always?.[property]?.(path.states.at(-1) ?? ""))
      assert.deepStrictEqual(Model.replay(model, path.moves), Result.succeed(path.states))
    }
    assert.sameMembers([...found], [...shortest.keys()])
  })

  it("A deadlock is found, and made as short as it can be", () => {
    const { violation } = Model.walk(philosophers(3, false), { seed: 1, steps: 10_000 })
    assert.deepStrictEqual([violation?.kind, violation?.path.moves.length], ["atEnd", 3])
  })

  it("An exception and a step that may not be are found as well", () => {
    const never = (): never => {
      throw new Error("no")
    }
    const broken = {
      ...grid(3),
      next: (state: { x: number; y: number }, move: "x" | "y") => (state.x === 2 ? never() : grid(3).next(state, move))
    }
    const thrown = Model.walk(broken, { seed: 1, steps: 1000 }).violation
    assert.deepStrictEqual([thrown?.kind, thrown?.property, thrown?.path.moves.length], ["throws", "Error: no", 3])
    assert.strictEqual(thrown?.path.states.length, 3)
    const onStep = { "x stays": (before: { x: number }, _: unknown, after: { x: number }) => before.x === after.x }
    const stepped = Model.walk(
      { ...grid(9), onStep },
      { seed: 1, steps: 1000, weight: (move) => (move === "y" ? 9 : 1) }
    )
    assert.deepStrictEqual([stepped.violation?.kind, stepped.violation?.path.moves], ["onStep", ["x"]])
  })

  it("A move of no weight is not made, a heavy one more often", () => {
    let made = { x: 0, y: 0 }
    const onStep = { counted: (_: unknown, move: "x" | "y") => ++made[move] > 0 }
    Model.walk(
      { ...grid(1e6), onStep },
      { seed: 1, steps: 10_000, length: 10_000, weight: (move) => (move === "x" ? 3 : 1) }
    )
    assert.approximately(made.x, 7500, 200)
    made = { x: 0, y: 0 }
    Model.walk({ ...grid(1e6), onStep }, { seed: 1, steps: 100, weight: (move) => (move === "x" ? 0 : 1) })
    assert.deepStrictEqual(made, { x: 0, y: 100 })
  })

  it("What no walk came to is named", () => {
    const sometimes = {
      start: ({ x, y }: Grid) => x + y === 0,
      near: ({ x }: Grid) => x > 3,
      far: ({ x }: Grid) => x > 300
    }
    assert.deepStrictEqual(Model.walk({ ...grid(1000), sometimes }, { seed: 1, steps: 1000 }).unreached, ["far"])
  })
})
