/**
 * The first cipher of CephX: AES-128-CBC without authentication.
 *
 * **Source** Ceph `src/auth/Crypto.cc`, `CryptoAES`; `src/auth/cephx/CephxProtocol.cc`,
 * `cephx_calc_client_server_challenge`
 */
import type { Cipher } from "./Cipher.ts"
import { CryptoType } from "./CryptoKey.ts"
import { decrypt, encrypt } from "./internal/aesCbc.ts"
import { wrap } from "./internal/magic.ts"

/**
 * The proof of a key is the XOR of all whole 64-bit words of `length:le32 ciphertext`, so the last four bytes of the
 * ciphertext do not count.
 */
const fold = (ciphertext: Uint8Array): bigint => {
  const text = new DataView(new ArrayBuffer(4 + ciphertext.length))
  text.setUint32(0, ciphertext.length, true)
  new Uint8Array(text.buffer).set(ciphertext, 4)
  let folded = 0n
  for (let at = 0; at + 8 <= text.byteLength; at += 8) folded ^= text.getBigUint64(at, true)
  return folded
}

export const cipher: Cipher = {
  type: CryptoType.Aes,
  seal: (secret, _usage, plain) => encrypt(secret, plain),
  open: (secret, _usage, sealed) => decrypt(secret, sealed),
  proof: (secret, challenges) => fold(encrypt(secret, wrap(challenges)))
}
