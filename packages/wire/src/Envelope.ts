/**
 * Ceph's versioned envelope: the version that wrote a structure, the oldest that can read it, and its length.
 *
 * **Source** Ceph `src/include/encoding.h`, `ENCODE_START` and `DECODE_START`
 */
import * as Schema from "effect/Schema"
import * as Codec from "./Codec.ts"

/** A field that a structure has only from version `since` on; `undefined` in values of older versions. */
export interface Since<A> extends Codec.Codec<A | undefined> {
  readonly since: number
}

/** Marks `self` as present from `version` on. Use it in the `fields` of an envelope, after those without it. */
export const since = <A>(version: number, self: Codec.Codec<A>): Since<A> => ({
  ...Codec.optional(self, self.read),
  since: version
})

const isSince = (codec: Codec.Any): codec is Since<any> => "since" in codec

/**
 * A structure inside an envelope whose version never matters to its reader.
 *
 * **Shape** `version:u8 compat:u8 length:le32 body`; whatever is left inside `length` is skipped.
 *
 * **Errors** `Unsupported` when the writer says that a reader of `version` is too old; `Truncated` when `length`
 * exceeds the bytes at hand or the body exceeds `length`.
 */
export const envelope = <A>(version: number, compat: number, body: Codec.Codec<A>): Codec.Codec<A> => ({
  name: body.name,
  schema: body.schema,
  min: 6 + body.min,
  size: (value) => 6 + body.size(value),
  write: (writer, value) => {
    Codec.u8.write(writer, version)
    Codec.u8.write(writer, compat)
    Codec.u32.write(writer, body.size(value))
    body.write(writer, value)
  },
  read: (reader) => {
    Codec.u8.read(reader)
    const oldest = Codec.u8.read(reader)
    if (oldest > version) {
      reader.fail(body.name, "Unsupported", `a structure that version ${version} can read`, reader.offset - 1)
    }
    return Codec.bounded(reader, Codec.u32.read(reader), body.name, () => body.read(reader))
  }
})

/**
 * A structure whose fields grew with its version. The value keeps `structV`, so old forms re-encode as they came.
 *
 * **Shape** as `envelope`; fields marked `since(n, ...)` are read and written only when `structV >= n`. A newer
 * version than `version` is read as `version`.
 *
 * **Errors** as `envelope`.
 */
export const versioned = <const Name extends string, const F extends Codec.Fields>(
  name: Name,
  options: { readonly version: number; readonly oldest: number; readonly compat: number; readonly fields: F }
): Codec.Codec<{ readonly structV: number } & Codec.Struct<F>> => {
  const entries = Object.entries(options.fields)
  const present = (structV: number) => entries.filter(([, field]) => !isSince(field) || field.since <= structV)
  const body = (structV: number): Codec.Any => Codec.struct(name, Object.fromEntries(present(structV)))
  const bodies = Array.from({ length: options.version + 1 }, (_, structV) => body(structV))
  // One variant per version, so that generators never invent a field that its version lacks.
  const variant = (structV: number) =>
    Schema.Struct({
      structV: Schema.Literal(structV),
      ...Object.fromEntries(
        entries.map(([key, field]) => [
          key,
          !isSince(field) ? field.schema : field.since <= structV ? definite(field) : Schema.Undefined
        ])
      )
    })
  const versions = Array.from({ length: options.version - options.oldest + 1 }, (_, i) => options.oldest + i)
  return {
    name,
    schema: Schema.Union(versions.map(variant)) as unknown as Schema.Codec<any>,
    min: 6 + body(options.oldest).min,
    size: (value: any) => 6 + bodies[value.structV]!.size(value),
    write: (writer, value: any) => {
      const codec = bodies[value.structV]!
      Codec.u8.write(writer, value.structV)
      Codec.u8.write(writer, options.compat)
      Codec.u32.write(writer, codec.size(value))
      codec.write(writer, value)
    },
    read: (reader) => {
      const at = reader.offset
      const writtenBy = Codec.u8.read(reader)
      const compat = Codec.u8.read(reader)
      if (compat > options.version || writtenBy < options.oldest) {
        reader.fail(name, "Unsupported", `version ${options.oldest} to ${options.version}`, at)
      }
      const structV = Math.min(writtenBy, options.version)
      const absent = Object.fromEntries(entries.filter(([, f]) => isSince(f)).map(([key]) => [key, undefined]))
      return Codec.bounded(reader, Codec.u32.read(reader), name, () => ({
        structV,
        ...absent,
        ...bodies[structV]!.read(reader)
      }))
    }
  }
}

const definite = (field: Since<any>): Schema.Codec<any> =>
  (field.schema as unknown as Schema.UndefinedOr<Schema.Codec<any>>).members[0]
