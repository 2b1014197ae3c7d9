import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import * as Fingerprint from "../src/Fingerprint.ts"

const { hex } = Fingerprint

/** Values of every kind, few enough of each that equal ones come up. */
const Leaf = Schema.Union([
  Schema.Int,
  Schema.Finite,
  Schema.BigInt,
  Schema.String,
  Schema.Boolean,
  Schema.Null,
  Schema.Undefined,
  Schema.Literals([0, 1, 255, "0", "1", "a", "b"]),
  Schema.Uint8Array
])
const Tree = Schema.Union([
  Leaf,
  Schema.Array(Leaf),
  Schema.Record(Schema.Literals(["a", "b", "c"]), Leaf),
  Schema.Array(Schema.Union([Leaf, Schema.Array(Leaf)]))
])

/** Text that tells values apart as the fingerprint should, by other means. */
const text = (value: unknown): string => {
  if (Object.is(value, -0)) return "-0"
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "string") return JSON.stringify(value)
  if (value instanceof Uint8Array) return `<${value.join()}>`
  if (Array.isArray(value)) return `[${value.map(text).join()}]`
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, field]) => `${name}:${text(field)}`)
    return `{${fields.toSorted().join()}}`
  }
  return String(value)
}

describe("Fingerprint", () => {
  it.prop("Two values have one fingerprint exactly when they are equal", [Tree, Tree], ([left, right]) => {
    assert.strictEqual(hex(left) === hex(right), text(left) === text(right), `${text(left)} ${text(right)}`)
    assert.strictEqual(hex(left), hex(structuredClone(left)))
  })

  it.prop("What was named before does not matter", [Schema.Array(Tree)], ([values]) => {
    const experienced = new Fingerprint.Fingerprinter()
    for (const value of [...values, ...values]) {
      experienced.update({ value, again: [value] })
      const { hi, lo } = Fingerprint.of({ value, again: [value] })
      assert.deepStrictEqual([experienced.hi, experienced.lo], [hi, lo])
    }
  })

  it("The same values have the same fingerprints on every machine", () => {
    // Ours: nothing but this implementation defines them. They change with it, and no count of states may.
    const golden = [
      [0, "aa6b5f8c453808e2"],
      ["", "1ba0052b31a058c0"],
      [{ a: [1n, Uint8Array.of(2)] }, "5c02be3ab5cf64ca"]
    ] as const
    for (const [value, expected] of golden) assert.strictEqual(hex(value), expected)
  })

  it("Values that look alike differ", () => {
    const groups: ReadonlyArray<ReadonlyArray<unknown>> = [
      [0, -0, 1, 1.5, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53],
      [0n, 1n, -1n, 2n ** 32n, 2n ** 63n, -(2n ** 63n), 2n ** 64n - 1n, 2n ** 64n, -(2n ** 64n)],
      ["", "0", "1", "n", "a", "b", "ab", "ba", "true", "null", "undefined", "\0"],
      [true, false, null, undefined],
      [[], [[]], [[], []], [0], [0, 0], [[0], 0], [0, [0]], [undefined], [null], ["a", "b"], ["ab"], ["b", "a"]],
      [{}, { a: undefined }, { a: {} }, { a: [] }, { a: "b" }, { b: "a" }, { a: "b", b: "a" }, { a: "a", b: "b" }],
      [{ a: 1, b: 2 }, { a: 2, b: 1 }, { a: { b: 1 } }, { b: { a: 1 } }, { 0: 0 }, { "": 0 }],
      [Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(0, 0), Uint8Array.of(1)]
    ]
    const values = groups.flat()
    const names = values.map(hex)
    for (const [i, name] of names.entries()) assert.strictEqual(names.indexOf(name), i, text(values[i]))
  })

  it("The order of keys does not matter, that of a list does", () => {
    assert.strictEqual(hex({ a: 1, b: { c: 2, d: 3 } }), hex({ b: { d: 3, c: 2 }, a: 1 }))
    assert.notStrictEqual(hex([1, 2]), hex([2, 1]))
  })

  it("A Buffer is the bytes it holds", () => {
    assert.strictEqual(hex(Buffer.from([1, 2])), hex(Uint8Array.of(1, 2)))
  })

  it("An instance counts by its class and its fields", () => {
    class Point {
      x = 1
    }
    class Place {
      x = 1
    }
    const names = [new Point(), new Place(), { x: 1 }, Object.assign(new Point(), { x: 2 })].map(hex)
    assert.strictEqual(new Set(names).size, 4)
    assert.strictEqual(hex(new Point()), names[0])
  })

  it("What cannot be looked into is refused", () => {
    const values = [
      new Map([[1, 2]]),
      new Set(),
      new Date(0),
      () => 1,
      Symbol("s"),
      Redacted.make("s"),
      /x/,
      Promise.resolve()
    ]
    for (const value of values) assert.throws(() => hex({ value }), /plain data/)
  })

  it("A quarter of a million small states differ, and in each half hardly less than chance would have it", () => {
    // Among n values of 32 random bits, n² / 2^33 collide: 7 here. Of the 53 bits that a number holds, none would.
    const prints = new Fingerprint.Fingerprinter()
    const halves = [new Set<number>(), new Set<number>(), new Set<number>()] as const
    const size = 250_000
    for (let i = 0; i < size; i++) {
      const state = {
        left: { n: i % 100, up: i % 7 === 0 },
        right: [Math.floor(i / 100) % 100, Math.floor(i / 10_000)]
      }
      prints.update(state)
      halves[0].add(prints.hi)
      halves[1].add(prints.lo)
      halves[2].add((prints.hi >>> 0) * 2 ** 21 + (prints.lo >>> 11))
    }
    const [hi = 0, lo = 0, both] = halves.map((half) => size - half.size)
    assert.strictEqual(both, 0)
    assert.isBelow(Math.max(hi, lo), 20)
  })
})
