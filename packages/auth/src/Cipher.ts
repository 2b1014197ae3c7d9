/**
 * What CephX asks of a cipher, and which cipher a key is for.
 *
 * **Source** Ceph `src/auth/Crypto.h`, `CryptoHandler`
 */
import * as Result from "effect/Result"
import * as Aes from "./Aes.ts"
import * as AuthError from "./AuthError.ts"
import { type CryptoKey, CryptoType } from "./CryptoKey.ts"
import type { Entropy } from "./Entropy.ts"

/** What is being encrypted. AES ignores it; AES256K derives other keys for each. */
export const Usage = {
  Default: 0x00,
  ConnectionSecret: 0x03,
  TicketSessionKey: 0x04,
  TicketBlob: 0x05,
  Authorize: 0x10,
  AuthorizeChallenge: 0x11,
  AuthorizeReply: 0x12,
  RotatingSecret: 0x20,
  TicketInfo: 0x30
} as const

/**
 * One way to encrypt. All functions are pure but for the entropy they are given.
 *
 * **Shape** `secret` has the length that `CryptoKey` demands of `type`; `challenges` of `proof` is the server's and
 * the client's challenge, 8 bytes each.
 *
 * **Errors** `open` returns `undefined` for what this secret cannot have sealed.
 */
export interface Cipher {
  readonly type: number
  readonly seal: (secret: Uint8Array, usage: number, plain: Uint8Array, entropy: Entropy) => Uint8Array
  readonly open: (secret: Uint8Array, usage: number, sealed: Uint8Array) => Uint8Array | undefined
  readonly proof: (secret: Uint8Array, challenges: Uint8Array) => bigint
}

const ciphers: ReadonlyArray<Cipher> = [Aes.cipher]

/**
 * The cipher that `key` is for.
 *
 * **Errors** `UnsupportedCipher`.
 */
export const of = (key: CryptoKey): Result.Result<Cipher, AuthError.AuthError> => {
  const cipher = ciphers.find(({ type }) => type === key.type)
  return cipher === undefined
    ? Result.fail(
        AuthError.local(
          "UnsupportedCipher",
          `an aes key (type 1), got ${key.type === CryptoType.Aes256k ? "an aes256k key (type 2)" : `type ${key.type}`}`
        )
      )
    : Result.succeed(cipher)
}
