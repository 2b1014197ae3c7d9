/**
 * Byte layouts that carry their own Schema.
 *
 * A `Codec<A>` is built once from small parts and answers four questions: which values exist (`schema`), how
 * many bytes one takes (`size`), which bytes they are (`write`) and what bytes mean (`read`). Generators and
 * the JSON view follow from the Schema. Integers are little-endian unless a name says otherwise.
 *
 * Nothing here reflects on a Schema, opens a socket or allocates from a length it has not compared with the
 * bytes at hand.
 *
 * **Source** Ceph `src/include/encoding.h`, `src/include/denc.h`
 */
import type * as Brand from "effect/Brand"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { u32 } from "./Primitive.ts"
import { Reader } from "./Reader.ts"
import { WireError } from "./WireError.ts"
import { Writer } from "./Writer.ts"

export * from "./Primitive.ts"

/**
 * One layout of bytes for values of type `A`.
 *
 * **Units** `min` is the fewest bytes any value takes; counts are checked against it before anything is allocated.
 *
 * **Errors** `read` throws `WireError`; `write` trusts that the value fits `schema` (see `encodeUnknown`).
 */
export interface Codec<A> {
  readonly name: string
  readonly schema: Schema.Codec<A>
  readonly min: number
  readonly size: (value: A) => number
  readonly write: (writer: Writer, value: A) => void
  readonly read: (reader: Reader) => A
}

export type Any = Codec<any>
export type Type<C> = C extends Codec<infer A> ? A : never

const within = <A>(step: string, read: () => A): A => {
  try {
    return read()
  } catch (error) {
    if (error instanceof WireError) {
      const type = error.type.startsWith(".") || error.type.startsWith("[") ? step + error.type : step
      throw new WireError({ type, reason: error.reason, offset: error.offset, expected: error.expected })
    }
    throw error
  }
}

const counted = (reader: Reader, name: string, min: number): number => {
  const at = reader.offset
  const count = u32.read(reader)
  if (count * Math.max(min, 1) > reader.remaining) {
    reader.fail(name, "Truncated", `room for ${count} items in ${reader.remaining} bytes`, at)
  }
  return count
}

/**
 * A u32 count and that many items.
 *
 * **Errors** `Truncated` when the bytes at hand cannot hold `count` items; nothing is allocated before that check.
 */
export const list = <A>(item: Codec<A>): Codec<ReadonlyArray<A>> => ({
  name: `list(${item.name})`,
  schema: Schema.Array(item.schema),
  min: 4,
  size: (values) => values.reduce((total, value) => total + item.size(value), 4),
  write: (writer, values) => {
    u32.write(writer, values.length)
    for (const value of values) item.write(writer, value)
  },
  read: (reader) => {
    const count = counted(reader, `list(${item.name})`, item.min)
    const values: Array<A> = []
    for (let i = 0; i < count; i++) values.push(within(`[${i}]`, () => item.read(reader)))
    return values
  }
})

/** A u32 count and that many key-value pairs, kept in wire order (`map`; Ceph writes keys in ascending order). */
export const map = <K, V>(key: Codec<K>, value: Codec<V>): Codec<ReadonlyArray<readonly [K, V]>> =>
  list(pair(key, value))

/** Two values one after the other (`pair`). */
export const pair = <A, B>(first: Codec<A>, second: Codec<B>): Codec<readonly [A, B]> => ({
  name: `pair(${first.name}, ${second.name})`,
  schema: Schema.Tuple([first.schema, second.schema]),
  min: first.min + second.min,
  size: ([a, b]) => first.size(a) + second.size(b),
  write: (writer, [a, b]) => {
    first.write(writer, a)
    second.write(writer, b)
  },
  read: (reader) => [first.read(reader), second.read(reader)]
})

export type Fields = { readonly [name: string]: Any }
export type Struct<F extends Fields> = { readonly [K in keyof F]: Type<F[K]> }
type Simplify<A> = { [K in keyof A]: A[K] } & {}

/** The fields of `shape` one after the other, in the order written. */
export const struct = <const F extends Fields>(name: string, shape: F): Codec<Simplify<Struct<F>>> =>
  layout(name, shape, Schema.Struct(schemas(shape)), {})

/** A `struct` whose values carry `_tag: name`; the tag takes no bytes. */
export const tagged = <const Name extends string, const F extends Fields>(
  name: Name,
  shape: F
): Codec<Simplify<{ readonly _tag: Name } & Struct<F>>> =>
  layout(name, shape, Schema.TaggedStruct(name, schemas(shape)), { _tag: name })

const schemas = (shape: Fields): { readonly [name: string]: Schema.Codec<any> } =>
  Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, field.schema]))

const layout = (name: string, shape: Fields, schema: Schema.Top, seed: object): Any => {
  const entries = Object.entries(shape)
  return {
    name,
    schema: schema as Schema.Codec<any>,
    min: entries.reduce((total, [, field]) => total + field.min, 0),
    size: (value) => {
      let total = 0
      for (const [key, field] of entries) total += field.size(value[key])
      return total
    },
    write: (writer, value) => {
      for (const [key, field] of entries) field.write(writer, value[key])
    },
    read: (reader) => {
      const value: Record<string, unknown> = { ...seed }
      let key = ""
      try {
        for (const entry of entries) {
          key = entry[0]
          value[key] = entry[1].read(reader)
        }
      } catch (error) {
        return within(`.${key}`, () => {
          throw error
        })
      }
      return value
    }
  }
}

/** `self` or nothing at all: `undefined` takes no bytes. `read` has to know from elsewhere which it is. */
export const optional = <A>(self: Codec<A>, read: Codec<A | undefined>["read"]): Codec<A | undefined> => ({
  name: self.name,
  schema: Schema.UndefinedOr(self.schema),
  min: 0,
  size: (value) => (value === undefined ? 0 : self.size(value)),
  write: (writer, value) => {
    if (value !== undefined) self.write(writer, value)
  },
  read
})

/** Same bytes, `A` told apart from other values of its kind by the compiler. */
export const brand =
  <const B extends string>(name: B) =>
  <A>(self: Codec<A>): Codec<A & Brand.Brand<B>> =>
    ({ ...self, name }) as Codec<A & Brand.Brand<B>>

/**
 * Another view of the same bytes.
 *
 * **Errors** `decode` may refuse with the words of what it expected; that becomes `Malformed`.
 */
export const transform =
  <A, B>(options: {
    readonly name: string
    readonly schema: Schema.Codec<B>
    readonly decode: (value: A) => Result.Result<B, string>
    readonly encode: (value: B) => A
  }) =>
  (self: Codec<A>): Codec<B> => ({
    name: options.name,
    schema: options.schema,
    min: self.min,
    size: (value) => self.size(options.encode(value)),
    write: (writer, value) => self.write(writer, options.encode(value)),
    read: (reader) => {
      const at = reader.offset
      const decoded = options.decode(self.read(reader))
      return Result.isSuccess(decoded) ? decoded.success : reader.fail(options.name, "Malformed", decoded.failure, at)
    }
  })

/** `self` inside a u32 length (`bufferlist` holding an encoded value); bytes left over inside are skipped. */
export const sized = <A>(self: Codec<A>): Codec<A> => ({
  name: self.name,
  schema: self.schema,
  min: 4 + self.min,
  size: (value) => 4 + self.size(value),
  write: (writer, value) => {
    u32.write(writer, self.size(value))
    self.write(writer, value)
  },
  read: (reader) => {
    const size = u32.read(reader)
    return bounded(reader, size, self.name, () => self.read(reader))
  }
})

/** Runs `read` with the input cut off after `size` bytes, and continues behind them whatever it consumed. */
export const bounded = <A>(reader: Reader, size: number, name: string, read: () => A): A => {
  const outer = reader.end
  const at = reader.take(size, name)
  reader.offset = at
  reader.end = at + size
  const value = read()
  reader.offset = at + size
  reader.end = outer
  return value
}

/** The bytes of `value`, which must fit the codec's type. */
export const encode = <A>(codec: Codec<A>, value: A): Uint8Array => {
  const writer = new Writer(new Uint8Array(codec.size(value)))
  codec.write(writer, value)
  return writer.bytes
}

/**
 * The bytes of a value from outside the type system (JSON, a fuzzer, a user).
 *
 * **Errors** `OutOfRange` when the value does not fit the codec's Schema.
 */
export const encodeUnknown = <A>(codec: Codec<A>, value: unknown): Result.Result<Uint8Array, WireError> => {
  const checked = Schema.decodeUnknownResult(Schema.toType(codec.schema))(value)
  return Result.isSuccess(checked)
    ? Result.succeed(encode(codec, checked.success))
    : Result.fail(
        new WireError({ type: codec.name, reason: "OutOfRange", offset: 0, expected: String(checked.failure) })
      )
}

/**
 * The value these bytes are, all of them.
 *
 * **Errors** `WireError`; `TrailingBytes` when the value ends before the bytes do.
 */
export const decode = <A>(codec: Codec<A>, input: Uint8Array): Result.Result<A, WireError> =>
  run(codec, input, (reader) => {
    if (reader.remaining > 0) {
      reader.fail(codec.name, "TrailingBytes", `the end, found ${reader.remaining} more bytes`)
    }
  })

/** The value these bytes begin with. Later versions of a structure append fields; those are skipped. */
export const decodePrefix = <A>(codec: Codec<A>, input: Uint8Array): Result.Result<A, WireError> =>
  run(codec, input, () => undefined)

const run = <A>(codec: Codec<A>, input: Uint8Array, atEnd: (reader: Reader) => void): Result.Result<A, WireError> => {
  const reader = new Reader(input)
  try {
    const value = codec.read(reader)
    atEnd(reader)
    return Result.succeed(value)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    const type = error.type.startsWith(".") || error.type.startsWith("[") ? codec.name + error.type : error.type
    return Result.fail(new WireError({ ...error, type }))
  }
}

/** The value as JSON would print it: hex for bytes, decimal text for 64-bit integers. */
export const toJson = <A>(codec: Codec<A>): ((value: A) => Schema.Json) => {
  const encodeJson = Schema.encodeSync(Schema.toCodecJson(codec.schema))
  return (value) => encodeJson(value) as Schema.Json
}
