/**
 * Byte strings as the rest of the package sees them: a Schema whose JSON view is hex, and comparisons.
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

/**
 * Any bytes. The JSON view is lower-case hex, as Ceph's own tools and this project's goldens print them.
 *
 * **Shape** a `Uint8Array`; values that come out of a decoder are views into its input.
 */
export const Bytes: Schema.Uint8Array = Schema.Uint8Array.annotate({
  toCodecJson: () =>
    Schema.link<Uint8Array<ArrayBufferLike>>()(Schema.String, {
      decode: SchemaGetter.decodeHex(),
      encode: SchemaGetter.encodeHex()
    })
})

export const empty: Uint8Array = new Uint8Array(0)

/**
 * Compares as C's `memcmp` does: byte by byte, unsigned, the shorter first when one is a prefix of the other.
 *
 * **Shape** negative, zero or positive.
 */
export const compare = (left: Uint8Array, right: Uint8Array): number => {
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i++) {
    const difference = left[i]! - right[i]!
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

export const equals = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && compare(left, right) === 0

/** Joins `parts` into one new array. */
export const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  let size = 0
  for (const part of parts) size += part.length
  const joined = new Uint8Array(size)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** Lower-case hex. */
export const toHex = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0")
  return text
}

/** `undefined` when `text` is not an even number of hex digits. */
export const fromHex = (text: string): Uint8Array | undefined =>
  text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text)
    ? Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
    : undefined
