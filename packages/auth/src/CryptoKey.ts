/**
 * A key of CephX and its two forms: bytes on the wire, base64 in keyrings.
 *
 * **Source** Ceph `src/auth/Crypto.cc`, `CryptoKey::encode`
 */
import { Bytes } from "@msgr2/wire/Bytes"
import * as Codec from "@msgr2/wire/Codec"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as AuthError from "./AuthError.ts"
import type { Entropy } from "./Entropy.ts"
import { fromBase64, toBase64 } from "./internal/base64.ts"
import * as UTime from "@msgr2/wire/UTime"

/** `CEPH_CRYPTO_*`. Aes256k is `CEPH_CRYPTO_AES256KRB5`. */
export const CryptoType = { None: 0, Aes: 1, Aes256k: 2 } as const

/** The one length a secret of each known type has, in bytes. */
const secretSizes: ReadonlyArray<readonly [type: number, size: number]> = [
  [CryptoType.None, 0],
  [CryptoType.Aes, 16],
  [CryptoType.Aes256k, 32]
]

const sizeOf = (type: number): number | undefined => secretSizes.find(([known]) => known === type)?.[1]

/** Bytes that print as `<redacted>`, also in JSON, from where they cannot come back. */
const secretOf = (size: number) => {
  const bytes = Bytes.check(Schema.isMinLength(size), Schema.isMaxLength(size))
  return Schema.Redacted(bytes).annotate({
    toCodecJson: () =>
      Schema.link<Redacted.Redacted<Uint8Array>>()(Schema.String, {
        decode: SchemaGetter.forbidden(() => "a secret cannot be read from JSON"),
        encode: SchemaGetter.transform(String)
      }),
    toCodecArbitrary: () =>
      Schema.link<Redacted.Redacted<Uint8Array>>()(Schema.toType(bytes), {
        decode: SchemaGetter.transform((secret) => Redacted.make(secret)),
        encode: SchemaGetter.transform(Redacted.value)
      })
  })
}

const secret: Codec.Codec<Redacted.Redacted<Uint8Array>> = {
  name: "secret",
  // It encodes to bare bytes, where a codec's Schema encodes to the value itself; only its decoded side is used.
  schema: secretOf(16) as never,
  min: 2,
  size: (value) => 2 + Redacted.value(value).length,
  write: (writer, value) => {
    const bytes = Redacted.value(value)
    Codec.u16.write(writer, bytes.length)
    writer.put(bytes)
  },
  read: (reader) => {
    const at = reader.take(Codec.u16.read(reader), "secret")
    // A copy: the input may be a receive buffer, and a key outlives it.
    return Redacted.make(reader.bytes.slice(at, reader.offset))
  }
}

const fields = Codec.struct("CryptoKey", { type: Codec.u16, created: UTime.UTime, secret })

/**
 * **Shape** `type:le16 created:utime length:le16 secret`; 28 bytes for AES, 44 for AES256K.
 *
 * **Errors** `Unsupported` for a type nobody has named, `Malformed` when the secret has not the length of its type.
 */
export const CryptoKey: Codec.Codec<CryptoKey> = {
  ...fields,
  schema: Schema.Union(
    secretSizes.map(([type, size]) =>
      Schema.Struct({ type: Schema.Literal(type), created: UTime.UTime.schema, secret: secretOf(size) })
    )
  ) as unknown as Schema.Codec<CryptoKey>,
  read: (reader) => {
    const at = reader.offset
    const key = fields.read(reader)
    const size = sizeOf(key.type)
    if (size === undefined) reader.fail("CryptoKey.type", "Unsupported", "0 (none), 1 (aes) or 2 (aes256k)", at)
    const actual = Redacted.value(key.secret).length
    if (actual !== size) reader.fail("CryptoKey.secret", "Malformed", `${size} bytes, found ${actual}`, at)
    return key
  }
}
export type CryptoKey = Codec.Type<typeof fields>

export const none: CryptoKey = { type: CryptoType.None, created: UTime.zero, secret: Redacted.make(new Uint8Array(0)) }

/** The bytes of the secret themselves: 16 for AES, 32 for AES256K. */
export const secretBytes = (key: CryptoKey): Uint8Array => Redacted.value(key.secret)

/**
 * A fresh key.
 *
 * **Units** `now` in milliseconds since 1970.
 */
export const generate = (entropy: Entropy, now: number, type: number = CryptoType.Aes): CryptoKey => ({
  type,
  created: UTime.fromMillis(now),
  secret: Redacted.make(entropy(sizeOf(type) ?? 0))
})

/**
 * Reads the base64 form, `AQ...==`; blanks around it do not matter.
 *
 * **Errors** `BadKey`, which never repeats the text.
 */
export const parse = (text: string): Result.Result<CryptoKey, AuthError.AuthError> => {
  const bytes = fromBase64(text.trim())
  return bytes === undefined || bytes.length === 0
    ? Result.fail(AuthError.local("BadKey", "base64 such as ceph-authtool prints: AQ and 38 more characters"))
    : Result.mapError(Codec.decode(CryptoKey, bytes), (error) => AuthError.local("BadKey", error.message))
}

/** The base64 form, as a keyring holds it. */
export const format = (key: CryptoKey): Redacted.Redacted<string> =>
  Redacted.make(toBase64(Codec.encode(CryptoKey, key)))
