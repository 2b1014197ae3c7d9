import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Shrink } from "../src/index.ts"

const numbers: ReadonlyArray<number> = Array.from({ length: 100 }, (_, i) => i)

describe("Shrink", () => {
  it("leaves of a list only what it takes to fail", () => {
    const { tries, value } = Shrink.shrink<ReadonlyArray<number>>(numbers, {
      simpler: Shrink.fewer,
      fails: (items) => items.includes(17) && items.includes(83),
      tries: 10_000
    })
    assert.deepStrictEqual(value, [17, 83])
    assert.isBelow(tries, 1000)
  })

  it("keeps what fails as it is where nothing simpler does", () => {
    const shrunk = Shrink.shrink(numbers, { simpler: (items) => Shrink.fewer(items), fails: () => false, tries: 1000 })
    assert.strictEqual(shrunk.value, numbers)
    assert.strictEqual(shrunk.steps, 0)
  })

  it("tries no more than it may", () => {
    let tried = 0
    const fails = () => ++tried > 0
    const { tries } = Shrink.shrink(1_000_000, { simpler: (n) => [n - 1], fails, tries: 50 })
    assert.deepStrictEqual([tries, tried], [50, 50])
  })

  const int = Schema.Int.check(Schema.isBetween({ minimum: -100_000, maximum: 100_000 }))
  it.prop("finds the smallest number that fails, in few tries", [int, int], ([one, other]) => {
    const [least, start] = [Math.min(one, other), Math.max(one, other)]
    const { tries, value } = Shrink.shrink(start, {
      simpler: (n) => Shrink.smaller(n, -100_000),
      fails: (n) => n >= least,
      tries: 10_000
    })
    assert.strictEqual(value, least)
    assert.isBelow(tries, 400)
  })

  it("offers fields as they are in something plain, one by one", () => {
    const plain = { a: 0, b: [0], c: 0 }
    assert.deepStrictEqual(
      [...Shrink.plainer({ a: 1, b: [1], c: 0 }, plain)],
      [
        { a: 0, b: [1], c: 0 },
        { a: 1, b: [0], c: 0 }
      ]
    )
  })
})
