import { assert, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Bytes, Codec, WireError } from "@msgr2/wire"

const fromHex = (text: string): Uint8Array => {
  const bytes = Bytes.fromHex(text.replaceAll(/\s/g, ""))
  if (bytes === undefined) throw new Error(`not hex: ${text}`)
  return bytes
}

/** These bytes are read to the last one, and what was read is written as the same bytes. */
export const survives = <A>(codec: Codec.Codec<A>, hex: string): A => {
  const bytes = fromHex(hex)
  const value = Result.getOrThrow(Codec.decode(codec, bytes))
  assert.isTrue(Schema.is(codec.schema)(value), "the value fits its Schema")
  assert.strictEqual(Bytes.toHex(Codec.encode(codec, value)), Bytes.toHex(bytes))
  return value
}

/** What holds for these bytes and all others near them. */
export const damaged = <A>(codec: Codec.Codec<A>, hex: string, title: string): void => {
  const bytes = fromHex(hex)

  it(`${title} cut short anywhere is refused with WireError`, () => {
    for (let size = 0; size < bytes.length; size++) {
      assert.instanceOf(failure(Codec.decode(codec, bytes.subarray(0, size))), WireError.WireError, `${size} bytes`)
    }
  })

  it(`${title} with any byte changed is a value or a WireError`, () => {
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        assert.isTrue(isJudged(codec, bytes.with(at, bytes[at]! ^ mask)), `byte ${at} ^ ${mask}`)
      }
    }
  })
}

/** These bytes are a value that fits the Schema, or they are refused with WireError. */
const isJudged = <A>(codec: Codec.Codec<A>, bytes: Uint8Array): boolean => {
  const result = Codec.decode(codec, bytes)
  return Result.isFailure(result)
    ? result.failure instanceof WireError.WireError
    : Schema.is(codec.schema)(result.success)
}

/** What holds for every codec. `emptyIsWhole` is true for one that reads no bytes at all as a value too. */
export const laws = <A>(codec: Codec.Codec<A>, emptyIsWhole = false): void => {
  it.prop(`Every ${codec.name} survives its bytes`, [codec.schema], ([value]) => {
    const bytes = Codec.encode(codec, value)
    assert.isAtLeast(bytes.length, codec.min)
    assert.deepStrictEqual(Codec.decode(codec, bytes), Result.succeed(value))
  })

  it.prop(`A ${codec.name} cut short is refused with WireError`, [codec.schema, Cut], ([value, at]) => {
    const bytes = Codec.encode(codec, value)
    if (bytes.length === 0) return
    const cut = bytes.subarray(0, at % bytes.length)
    if (emptyIsWhole && cut.length === 0) return
    assert.instanceOf(failure(Codec.decode(codec, cut)), WireError.WireError)
  })

  it.prop(
    `A ${codec.name} with one byte changed is a value or a WireError`,
    [codec.schema, Cut, Mask],
    ([value, at, mask]) => {
      const bytes = Codec.encode(codec, value)
      if (bytes.length === 0) return
      const place = at % bytes.length
      assert.isTrue(isJudged(codec, bytes.with(place, bytes[place]! ^ mask)))
    }
  )
}

export const failure = <A, E>(result: Result.Result<A, E>): E => {
  if (Result.isSuccess(result)) throw new Error(`expected a failure, got ${JSON.stringify(result.success)}`)
  return result.failure
}

const Cut = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))
const Mask = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 255 }))
