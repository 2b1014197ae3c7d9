import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Fifo } from "../src/index.ts"

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const op = Schema.Struct({ kind: Schema.Literals(["push", "pop", "dropWhile", "prepend"]), by: small(6) })
const ops = Schema.Array(op).check(Schema.isMinLength(10), Schema.isMaxLength(60))
type Op = typeof op.Type

const queueOf = (values: ReadonlyArray<number>): Fifo.Fifo<number> =>
  values.reduce<Fifo.Fifo<number>>(Fifo.push, Fifo.empty)

/** The same operation on a queue and on an array; `next` numbers what is new. */
const apply = ({ by, kind }: Op, next: number, queue: Fifo.Fifo<number>, list: ReadonlyArray<number>) => {
  switch (kind) {
    case "push":
      return [Fifo.push(queue, next), [...list, next]] as const
    case "pop":
      return [Fifo.pop(queue), list.slice(1)] as const
    case "dropWhile": {
      const limit = (list[0] ?? 0) + by
      const kept = list.findIndex((value) => value >= limit)
      return [Fifo.dropWhile(queue, (value) => value < limit), kept < 0 ? [] : list.slice(kept)] as const
    }
    case "prepend": {
      // Popped once, so that both halves of the older queue are in use.
      const older = Array.from({ length: by + 1 }, (_, i) => -next * 10 - i)
      return [Fifo.prepend(queue, Fifo.pop(queueOf(older))), [...older.slice(1), ...list]] as const
    }
  }
}

/** How long a chain is. */
const cells = (cell: Fifo.Cell<unknown>): number => {
  let count = 0
  for (let rest = cell; rest !== undefined; rest = rest.tail) count++
  return count
}

describe("Fifo", () => {
  it.prop("behaves as an array, in every version that ever was", [ops], ([ops]) => {
    let queue: Fifo.Fifo<number> = Fifo.empty
    let list: ReadonlyArray<number> = []
    const versions: Array<readonly [Fifo.Fifo<number>, ReadonlyArray<number>]> = []
    for (const [i, op] of ops.entries()) {
      ;[queue, list] = apply(op, i + 1, queue, list)
      versions.push([queue, list])
    }
    for (const [version, expected] of versions) {
      assert.deepStrictEqual(Fifo.toArray(version), expected)
      assert.strictEqual(version.size, expected.length)
      assert.strictEqual(Fifo.head(version), expected[0])
    }
  })
  it.prop("two futures of one version do not disturb each other", [ops, ops, ops], ([past, left, right]) => {
    const run = (ops: ReadonlyArray<Op>, start: readonly [Fifo.Fifo<number>, ReadonlyArray<number>], from: number) =>
      ops.reduce((now, op, i) => apply(op, from + i, now[0], now[1]), start)
    const fork = run(past, [Fifo.empty, []], 1)
    for (const [queue, list] of [run(left, fork, 1000), run(right, fork, 2000), fork]) {
      assert.deepStrictEqual(Fifo.toArray(queue), list)
    }
  })
  it("an empty queue has no head, and nothing to pop or drop", () => {
    assert.isUndefined(Fifo.head(Fifo.empty))
    assert.strictEqual(Fifo.pop(Fifo.empty).size, 0)
    assert.strictEqual(Fifo.dropWhile(Fifo.empty, () => true).size, 0)
  })
  it("dropWhile that drops nothing, and prepend of or to nothing, give the same queue", () => {
    const queue = queueOf([1, 2, 3])
    assert.strictEqual(
      Fifo.dropWhile(queue, (value) => value > 1),
      queue
    )
    assert.strictEqual(Fifo.prepend(Fifo.empty, queue), queue)
    assert.deepStrictEqual(Fifo.toArray(Fifo.prepend(queue, Fifo.empty)), [1, 2, 3])
  })
  it("undefined is a value like others", () => {
    const queue = [undefined, 1, undefined].reduce<Fifo.Fifo<number | undefined>>(Fifo.push, Fifo.empty)
    assert.deepStrictEqual(Fifo.toArray(Fifo.pop(queue)), [1, undefined])
    assert.strictEqual(Fifo.dropWhile(queue, (value) => value === undefined).size, 2)
  })
  it("a value is moved from back to front at most once, however long the queue", () => {
    const n = 10_000
    let queue = queueOf(Array.from({ length: n }, (_, i) => i))
    let moved = 0
    while (queue.size > 0) {
      const popped = Fifo.pop(queue)
      // A front that is not the tail of the one before was built by this pop.
      if (popped.front !== queue.front?.tail) moved += cells(popped.front)
      queue = popped
    }
    assert.isAtLeast(moved, n / 2)
    assert.isAtMost(moved, n)
  })
})
