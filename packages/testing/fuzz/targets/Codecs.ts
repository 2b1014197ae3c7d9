/**
 * Every layout that a package declares, found by looking at what the package exports.
 */
import * as Auth from "@msgr2/auth"
import * as Mon from "@msgr2/mon"
import * as Wire from "@msgr2/wire"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { Fuzz } from "../../src/index.ts"
import { must, type Target } from "../Target.ts"

const { Bytes, Codec, WireError } = Wire

const functions = ["size", "write", "read"] as const
const isCodec = (value: unknown): value is Wire.Codec.Any =>
  typeof value === "object" &&
  value !== null &&
  functions.every((name) => typeof (value as { readonly [name: string]: unknown })[name] === "function") &&
  "schema" in value

/** A codec under the name by which it is exported. */
export interface Named {
  readonly name: string
  readonly codec: Wire.Codec.Any
}

/** The codecs that the modules of a barrel export, each once. */
export const exported = (barrel: object): ReadonlyArray<Named> => {
  const found = new Map<Wire.Codec.Any, string>()
  for (const [module, members] of Object.entries(barrel)) {
    for (const [member, value] of Object.entries(members as object)) {
      if (isCodec(value) && !found.has(value)) found.set(value, `${module}.${member}`)
    }
  }
  return [...found].map(([codec, name]) => ({ name, codec }))
}

/** 16 bits that depend on nothing but the name: a codec keeps its inputs when others are added. */
const hash = (name: string): number => {
  let value = 0x811c_9dc5
  for (const letter of name) value = Math.imul(value ^ letter.charCodeAt(0), 0x0100_0193)
  return (value ^ (value >>> 16)) & 0xffff
}

/**
 * The codecs of one list.
 *
 * **Shape** `codec:le16 bytes`: the codec is the one whose hash is nearest from above.
 */
export const target = (name: string, codecs: ReadonlyArray<Named>): Target => {
  const sorted = codecs
    .map((named) => ({ ...named, at: hash(named.name), fits: Schema.is(named.codec.schema) }))
    .toSorted((left, right) => left.at - right.at)
  return {
    name,
    seeds: () =>
      sorted.flatMap(({ at, codec }) =>
        examples(codec).map((bytes) => Bytes.concat([Uint8Array.of(at & 0xff, at >>> 8), bytes]))
      ),
    run: (input) => {
      const at = (input[0] ?? 0) | ((input[1] ?? 0) << 8)
      const chosen = sorted.find((named) => named.at >= at) ?? sorted[0]!
      return `${chosen.name} ${judge(chosen.codec, chosen.fits, input.slice(2))}`
    }
  }
}

const judge = (codec: Wire.Codec.Any, fits: (value: unknown) => boolean, bytes: Uint8Array): string => {
  const decoded = Codec.decode(codec, bytes)
  const prefix = Codec.decodePrefix(codec, bytes)
  if (Result.isFailure(decoded)) {
    const { failure } = decoded
    must(failure instanceof WireError.WireError, "bytes are refused with a WireError")
    const { reason, type } = failure
    must(Result.isSuccess(prefix) === (reason === "TrailingBytes"), "only bytes behind a value are skipped in a prefix")
    must(failure.offset >= 0 && failure.offset <= bytes.length, "an error lies within the bytes")
    const depth = type.split(/[.[]/).length
    return `${reason}/${Math.min(depth, 4)}`
  }
  const value: unknown = decoded.success
  must(Result.isSuccess(prefix), "a value is a prefix of itself")
  must(bytes.length >= codec.min, "a value has at least the promised bytes")
  must(fits(value), "a value that was read fits its Schema")
  must(Fuzz.survives(codec, value), "a value survives its bytes")
  return "value"
}

/** A few values of each kind. */
const examples = (codec: Wire.Codec.Any): ReadonlyArray<Uint8Array> =>
  Effect.runSync(
    Effect.orElseSucceed(
      Arbitrary.sampleEffect(Fuzz.values<unknown>(codec), { count: 4, size: 6, seed: 1 }),
      (): ReadonlyArray<unknown> => []
    )
  ).map((value) => Codec.encode(codec, value))

export const targets: ReadonlyArray<Target> = [
  target("codec-wire", exported(Wire)),
  target("codec-auth", exported(Auth)),
  target("codec-mon", exported(Mon))
]
