/**
 * UUIDs: 16 bytes on the wire, `00010203-0405-0607-0809-0a0b0c0d0e0f` everywhere else.
 *
 * **Source** RFC 9562, section 4; Ceph `src/include/uuid.h`
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Bytes from "@msgr2/wire/Bytes"
import * as Codec from "@msgr2/wire/Codec"

const LENGTH = 16

/** The text form: lower-case hex in groups of 8, 4, 4, 4 and 12. Any version and variant. */
export const UuidText = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
)
export type Uuid = string

/** The id of nobody. */
export const nil: Uuid = "00000000-0000-0000-0000-000000000000"

/** **Shape** `bytes` are 16. */
export const fromBytes = (bytes: Uint8Array): Uuid => {
  const hex = Bytes.toHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}

/** **Shape** 16 bytes in the order of the text. */
export const toBytes = (uuid: Uuid): Uint8Array => Bytes.fromHex(uuid.replaceAll("-", "")) ?? new Uint8Array(LENGTH)

/**
 * Reads what a person typed; capitals are fine.
 *
 * **Errors** the words of what was expected.
 */
export const parse = (text: string): Result.Result<Uuid, string> => {
  const uuid = text.trim().toLowerCase()
  return Schema.is(UuidText)(uuid)
    ? Result.succeed(uuid)
    : Result.fail(`a UUID such as 00010203-0405-0607-0809-0a0b0c0d0e0f, got ${JSON.stringify(text)}`)
}

/**
 * A UUID as its text.
 *
 * **Shape** 16 bytes without a length, in the order of the text (`uuid_d`).
 */
export const Uuid: Codec.Codec<Uuid> = Codec.transform<Uint8Array, Uuid>({
  name: "Uuid",
  schema: UuidText,
  decode: (bytes) => Result.succeed(fromBytes(bytes)),
  encode: toBytes
})(Codec.fixed(LENGTH))
