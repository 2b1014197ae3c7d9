/**
 * AES-128-CBC as CephX uses it: one initialisation vector for ever, PKCS#7 padding, no authentication.
 *
 * **Source** Ceph `src/auth/Crypto.cc`, `CEPH_AES_IV`
 */
import { createCipheriv, createDecipheriv } from "node:crypto"

const BLOCK = 16
const iv = new TextEncoder().encode("cephsageyudagreg")

/** Padding is always added: a whole block of it when `plain` ends on a block boundary. */
export const encrypt = (key: Uint8Array, plain: Uint8Array): Uint8Array => {
  const cipher = createCipheriv("aes-128-cbc", key, iv)
  const head = cipher.update(plain)
  return new Uint8Array(Buffer.concat([head, cipher.final()]))
}

/** `undefined` when `sealed` is no whole number of blocks or does not end in padding: a wrong key, most often. */
export const decrypt = (key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined => {
  if (sealed.length === 0 || sealed.length % BLOCK !== 0) return undefined
  const decipher = createDecipheriv("aes-128-cbc", key, iv).setAutoPadding(false)
  const padded = decipher.update(sealed)
  decipher.final()
  const padding = padded[padded.length - 1] ?? 0
  if (padding < 1 || padding > BLOCK) return undefined
  for (const byte of padded.subarray(padded.length - padding)) if (byte !== padding) return undefined
  return new Uint8Array(padded.subarray(0, padded.length - padding))
}
