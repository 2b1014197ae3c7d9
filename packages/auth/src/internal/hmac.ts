import { createHmac, timingSafeEqual } from "node:crypto"

/** HMAC-SHA256 over `chunks` as if they were one; 32 bytes. */
export const hmacSha256 = (key: Uint8Array, chunks: Iterable<Uint8Array>): Uint8Array => {
  const hmac = createHmac("sha256", key)
  for (const chunk of chunks) hmac.update(chunk)
  return new Uint8Array(hmac.digest())
}

/** Compares without telling by its duration where the difference is. Lengths are no secret. */
export const equalsInConstantTime = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && timingSafeEqual(left, right)

/** The same for two numbers of 64 bits. */
export const sameInConstantTime = (left: bigint, right: bigint): boolean =>
  timingSafeEqual(BigUint64Array.of(left), BigUint64Array.of(right))
