/**
 * AES-128-GCM by node:crypto; no other file of this package imports it.
 *
 * A call into OpenSSL costs one to three microseconds whatever its length, so a record is one `update` unless parts of it
 * are large. The key is a `KeyObject`: parsing raw bytes for every record costs several times the encryption of a small
 * one.
 */
import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto"
import type { Aead } from "../Aead.ts"
import * as Layout from "../Layout.ts"

const ALGORITHM = "aes-128-gcm"
const options = { authTagLength: Layout.TAG }

/** `key` is copied and may be wiped afterwards. */
export const make = (key: Uint8Array): Aead => {
  const secret = createSecretKey(key)
  return {
    seal: (nonce, records, out) => {
      for (const parts of records) {
        const cipher = createCipheriv(ALGORITHM, secret, nonce.bytes, options)
        for (const part of parts) out.put(cipher.update(part))
        cipher.final()
        out.put(cipher.getAuthTag())
        nonce.advance()
      }
    },
    open: (nonce, records) => {
      const opened: Array<Uint8Array> = []
      for (const record of records) {
        const size = record.length - Layout.TAG
        const decipher = createDecipheriv(ALGORITHM, secret, nonce.bytes, options)
        decipher.setAuthTag(record.subarray(size))
        opened.push(decipher.update(record.subarray(0, size)))
        try {
          decipher.final()
        } catch {
          return undefined
        }
        nonce.advance()
      }
      return opened
    },
    peek: (nonce, beginning) => createDecipheriv(ALGORITHM, secret, nonce.bytes, options).update(beginning)
  }
}
