/**
 * Values of every layout, and bytes that are almost right.
 *
 * A codec carries its Schema, so a generator for its values comes for free; damage is described by data, so that a
 * failing case shrinks and can be kept.
 */
import * as Bytes from "@msgr2/wire/Bytes"
import * as Codec from "@msgr2/wire/Codec"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as Message from "@msgr2/wire/Message"
import { WireError } from "@msgr2/wire/WireError"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const int = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/**
 * One thing that can happen to bytes.
 *
 * **Shape** `at` and `to` count from the start and wrap around at the end, so that every edit fits every input. `Set`
 * writes `byte`, `Flip` inverts its bit `byte mod 8`, `Cut` drops the rest, `Insert` adds `byte`, `Remove` drops one
 * byte, `Copy` writes what stands at `at` again at `to`.
 */
export const Edit = Schema.Struct({
  kind: Schema.Literals(["Set", "Flip", "Cut", "Insert", "Remove", "Copy"]),
  at: int(0xfffff),
  to: int(0xfffff),
  byte: int(0xff)
})
export type Edit = typeof Edit.Type

/** One to four edits. */
export const Edits = Schema.Array(Edit).check(Schema.isMinLength(1), Schema.isMaxLength(4))

const apply = (bytes: Uint8Array, { at, byte, kind, to }: Edit): Uint8Array => {
  const size = bytes.length
  const place = size === 0 ? 0 : at % size
  switch (kind) {
    case "Cut":
      return bytes.slice(0, place)
    case "Insert":
      return Bytes.concat([bytes.subarray(0, place), Uint8Array.of(byte), bytes.subarray(place)])
    case "Remove":
      return Bytes.concat([bytes.subarray(0, place), bytes.subarray(place + 1)])
    case "Copy":
      return size === 0 ? bytes : Uint8Array.from(bytes).copyWithin(to % size, place, place + 8)
    case "Set":
    case "Flip": {
      const changed = bytes.slice()
      if (size > 0) changed[place] = kind === "Set" ? byte : (bytes[place] ?? 0) ^ (1 << (byte & 7))
      return changed
    }
  }
}

/** `bytes` after all of `edits`; the input stays as it is. */
export const mutate = (bytes: Uint8Array, edits: ReadonlyArray<Edit>): Uint8Array => edits.reduce(apply, bytes)

/** Where to cut a stream: sizes that are taken in turn, for ever. */
export const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 }))).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(8)
)

/** `bytes` in chunks of these sizes, in turn. The chunks are copies, as reads from a socket are. */
export const rechunk = (bytes: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? bytes.length)
    chunks.push(bytes.slice(at, at + size))
    at += size
  }
  return chunks
}

/** Values of a codec's type. */
export const values = <A>(codec: Codec.Codec<A>): Arbitrary.Arbitrary<A> => Arbitrary.schema(codec.schema)

/** Any control frame or message. */
export const frames: Arbitrary.Arbitrary<ControlFrame.ControlFrame | Message.Message> = Arbitrary.schema(
  Schema.Union([ControlFrame.schema, Message.schema])
)

/** A function of a codec has thrown what it may not. */
class Thrown extends Error {
  constructor(name: string, cause: unknown) {
    super(`${name} threw ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}`, { cause })
  }
}

const attempt = <A>(name: string, isAllowed: (error: unknown) => boolean, body: () => A): A => {
  try {
    return body()
  } catch (error) {
    if (isAllowed(error)) throw error
    throw new Thrown(name, error)
  }
}

/** `codec`, with a name for what its functions throw; a `WireError` of `read` stays as it is. */
const named = <A>(codec: Codec.Codec<A>): Codec.Codec<A> => ({
  ...codec,
  size: (value) => attempt("size", never, () => codec.size(value)),
  write: (writer, value) => attempt("write", never, () => codec.write(writer, value)),
  read: (reader) => attempt("read", isWireError, () => codec.read(reader))
})
const never = () => false
const isWireError = (error: unknown) => error instanceof WireError

/**
 * What is wrong with `codec` at `value` after `edits`, in words, or `undefined`.
 *
 * The value must survive its bytes, every strict prefix of them must be refused, and damaged bytes must end in a value
 * that survives its own bytes, or in a `WireError`. Nothing else may be thrown.
 */
export const fault = <A>(codec: Codec.Codec<A>, value: A, edits: ReadonlyArray<Edit>): string | undefined => {
  try {
    return broken(named(codec), value, edits)
  } catch (error) {
    if (error instanceof Thrown) return error.message
    throw error
  }
}

const broken = <A>(codec: Codec.Codec<A>, value: A, edits: ReadonlyArray<Edit>): string | undefined => {
  const bytes = Codec.encode(codec, value)
  if (bytes.length !== codec.size(value)) return `${bytes.length} bytes were written, ${codec.size(value)} promised`
  if (bytes.length < codec.min) return `${bytes.length} bytes are fewer than the ${codec.min} of any value`
  if (!survives(codec, value)) return "the value did not survive its bytes"
  for (let end = 0; end < bytes.length; end++) {
    if (Result.isSuccess(Codec.decode(codec, bytes.subarray(0, end)))) return `the first ${end} bytes were accepted`
  }
  const decoded = Codec.decode(codec, mutate(bytes, edits))
  if (Result.isFailure(decoded)) return undefined
  return survives(codec, decoded.success) ? undefined : "damaged bytes became a value that does not survive its bytes"
}

/** True when `value` comes back from its own bytes, which are as many as the codec promises. */
export const survives = <A>(codec: Codec.Codec<A>, value: A): boolean => {
  const bytes = Codec.encode(codec, value)
  const decoded = Codec.decode(codec, bytes)
  return bytes.length === codec.size(value) && Result.isSuccess(decoded) && Equal.equals(decoded.success, value)
}

/**
 * Looks for a fault of `codec`. A failure comes shrunk, with the words of `fault` and with what is needed to replay it.
 */
export const check = <A>(
  codec: Codec.Codec<A>,
  options?: Arbitrary.CheckOptions
): Effect.Effect<Arbitrary.CheckResult<readonly [A, ReadonlyArray<Edit>], string>> =>
  Arbitrary.checkEffect(
    Arbitrary.all([values(codec), Arbitrary.schema(Edits)]),
    ([value, edits]) => {
      const text = fault(codec, value, edits)
      return text === undefined ? true : Effect.fail(text)
    },
    options
  )
