import { assert, describe, it } from "@effect/vitest"
import { Bytes, Codec, ControlFrame, Envelope } from "@msgr2/wire"
import { Arbitrary, Effect, Schema } from "effect"
import { Fuzz } from "../src/index.ts"

const healthy = Codec.struct("Healthy", { a: Codec.u16, b: Codec.bytes })

const unsurvived = "the value did not survive its bytes"
const reads = "reads another order of bytes than it writes"

/** Codecs with one mistake each: the check must find every one, or it proves nothing. */
const mutants: { readonly [mistake: string]: Codec.Any } = {
  [reads]: {
    ...Codec.u32,
    read: (reader) => reader.view.getUint32(reader.take(4, "u32"))
  },
  "promises one byte too few": { ...healthy, size: (value) => healthy.size(value) - 1, write: () => undefined },
  "promises one byte too many": { ...healthy, size: (value) => healthy.size(value) + 1 },
  "forgets the last byte of a string of bytes": {
    ...Codec.bytes,
    read: (reader) => {
      const value = Codec.bytes.read(reader)
      return value.length > 0 ? Uint8Array.from(value).fill(0, value.length - 1) : value
    }
  },
  "accepts a value that is cut short": {
    ...Codec.u32,
    read: (reader) => {
      const size = Math.min(4, reader.remaining)
      let value = 0
      for (let i = 0; i < size; i++) value += reader.bytes[reader.offset + i]! * 256 ** i
      reader.offset += size
      return value
    }
  },
  "claims that its shortest value is longer": { ...Codec.bytes, min: 1000 }
}

describe("Fuzz.check", () => {
  for (const codec of [healthy, Codec.string, Envelope.envelope(1, 1, healthy), ...ControlFrame.all]) {
    it.effect(`finds nothing wrong with ${codec.name}`, () =>
      Effect.map(Fuzz.check<unknown>(codec as Codec.Any), ({ _tag }) => assert.strictEqual(_tag, "Passed"))
    )
  }
  for (const [mistake, codec] of Object.entries(mutants)) {
    it.effect(`finds a codec that ${mistake}`, () =>
      Effect.map(Fuzz.check<unknown>(codec, { runs: 300 }), ({ _tag }) => assert.strictEqual(_tag, "Falsified"))
    )
  }
  it("takes anything that is thrown for a fault, but a WireError of read", () => {
    const thrown = (change: Partial<Codec.Codec<number>>) => Fuzz.fault({ ...Codec.u8, ...change }, 1, [])
    const bad = () => {
      throw new RangeError("offset")
    }
    assert.strictEqual(thrown({ read: bad }), "read threw RangeError: offset")
    assert.strictEqual(thrown({ size: bad }), "size threw RangeError: offset")
    assert.strictEqual(thrown({ write: bad }), "write threw RangeError: offset")
    assert.strictEqual(thrown({ read: (reader) => reader.fail("u8", "OutOfRange", "luck") }), unsurvived)
  })
  it.effect("says what is wrong where the failure is formatted", () =>
    Effect.map(Fuzz.check({ ...Codec.u32, read: mutants[reads]!.read }, { runs: 300, seed: 1 }), (result) =>
      assert.match(Arbitrary.formatCheckFailure(result) ?? "", new RegExp(`^Failure: "${unsurvived}"$`, "m"))
    )
  )
})

const text = Schema.Uint8Array.check(Schema.isMaxLength(64))

describe("Fuzz.mutate", () => {
  it.prop("never touches its input", [text, Fuzz.Edits], ([bytes, edits]) => {
    const before = Bytes.toHex(bytes)
    Fuzz.mutate(bytes, edits)
    assert.strictEqual(Bytes.toHex(bytes), before)
  })
  it("does what each edit says", () => {
    const bytes = Uint8Array.of(1, 2, 3, 4)
    const edit = (kind: Fuzz.Edit["kind"]) => [...Fuzz.mutate(bytes, [{ kind, at: 5, to: 2, byte: 9 }])]
    assert.deepStrictEqual(edit("Set"), [1, 9, 3, 4])
    assert.deepStrictEqual(edit("Flip"), [1, 0, 3, 4])
    assert.deepStrictEqual(edit("Cut"), [1])
    assert.deepStrictEqual(edit("Insert"), [1, 9, 2, 3, 4])
    assert.deepStrictEqual(edit("Remove"), [1, 3, 4])
    assert.deepStrictEqual(edit("Copy"), [1, 2, 2, 3])
  })
})

describe("Fuzz.rechunk", () => {
  it.prop("keeps every byte in its place", [Schema.Uint8Array, Fuzz.Cuts], ([bytes, cuts]) => {
    assert.isTrue(Bytes.equals(Bytes.concat(Fuzz.rechunk(bytes, cuts)), bytes))
  })
})
