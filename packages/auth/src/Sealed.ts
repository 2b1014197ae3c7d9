/**
 * Values under a key: what CephX calls encode_encrypt.
 *
 * **Shape** the cipher's form of `structV:u8 magic:le64 value`, without a length in front.
 *
 * **Source** Ceph `src/auth/cephx/CephxProtocol.h`, `encode_encrypt_enc_bl`, `decode_decrypt_enc_bl`
 */
import * as Codec from "@msgr2/wire/Codec"
import * as Result from "effect/Result"
import * as AuthError from "./AuthError.ts"
import * as Cipher from "./Cipher.ts"
import { type CryptoKey, secretBytes } from "./CryptoKey.ts"
import type { Entropy } from "./Entropy.ts"
import { decodePrefix } from "./internal/decode.ts"
import { unwrap, wrap } from "./internal/magic.ts"

/**
 * Encrypts `value`.
 *
 * **Errors** `UnsupportedCipher`.
 */
export const seal = <A>(
  key: CryptoKey,
  usage: number,
  codec: Codec.Codec<A>,
  value: A,
  entropy: Entropy
): Result.Result<Uint8Array, AuthError.AuthError> =>
  Result.map(Cipher.of(key), (cipher) =>
    cipher.seal(secretBytes(key), usage, wrap(Codec.encode(codec, value)), entropy)
  )

/**
 * Decrypts a value. Bytes behind it are skipped, as Ceph does.
 *
 * **Errors** `UnsupportedCipher`, `BadCiphertext`, `BadMagic` (the only integrity check AES has), `BadPayload`.
 */
export const open = <A>(
  key: CryptoKey,
  usage: number,
  codec: Codec.Codec<A>,
  sealed: Uint8Array
): Result.Result<A, AuthError.AuthError> =>
  Result.gen(function* () {
    const cipher = yield* Cipher.of(key)
    const plain = cipher.open(secretBytes(key), usage, sealed)
    if (plain === undefined) {
      return yield* Result.fail(AuthError.local("BadCiphertext", `${codec.name} sealed with the same key`))
    }
    const payload = unwrap(plain)
    if (payload === undefined) {
      return yield* Result.fail(AuthError.local("BadMagic", `${codec.name} sealed with the same key`))
    }
    return yield* decodePrefix(codec, payload)
  })
