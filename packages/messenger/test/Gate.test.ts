import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Gate } from "../src/index.ts"

describe("A gate", () => {
  it.effect("lets through whoever waits once the condition holds, first come first, and nobody before", () =>
    Effect.gen(function* () {
      const gate = new Gate.Gate()
      const through: Array<string> = []
      let room = 0
      const wait = (name: string) =>
        Effect.andThen(
          gate.when(() => room > 0),
          Effect.sync(() => {
            room--
            through.push(name)
          })
        )
      const fibers = yield* Effect.forEach(["a", "b", "c"], (name) => Effect.forkChild(wait(name)))
      yield* Effect.yieldNow
      gate.check()
      assert.deepStrictEqual(through, [])
      for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
        room = 1
        gate.check()
        assert.deepStrictEqual(through, expected)
      }
      yield* Effect.forEach(fibers, Fiber.join)
    })
  )
  it.effect("looks again at one whose first look has brought the change about", () => {
    const gate = new Gate.Gate()
    let open = false
    const asks = () => {
      if (open) return true
      open = true
      gate.check()
      return false
    }
    return gate.when(asks)
  })
  it.effect("forgets whoever is interrupted", () =>
    Effect.gen(function* () {
      const gate = new Gate.Gate()
      let looks = 0
      const waiting = yield* Effect.forkChild(
        gate.when(() => {
          looks++
          return false
        })
      )
      yield* Effect.yieldNow
      yield* Fiber.interrupt(waiting)
      gate.check()
      assert.strictEqual(looks, 1)
    })
  )
})
