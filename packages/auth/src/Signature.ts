/**
 * The signature with which each side of a connection proves that nobody changed the handshake.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/msg/async/ProtocolV2.cc`, `AUTH_SIGNATURE`
 */
import * as Redacted from "effect/Redacted"
import { equalsInConstantTime, hmacSha256 } from "./internal/hmac.ts"

/**
 * The signature over everything received before authentication ended.
 *
 * **Shape** 32 bytes of HMAC-SHA256, all zero when there is no session key (authentication method none). The chunks
 * are the raw bytes in order, from the peer's banner on; how they are cut does not matter.
 */
export const sign = (sessionKey: Redacted.Redacted<Uint8Array>, received: Iterable<Uint8Array>): Uint8Array => {
  const key = Redacted.value(sessionKey)
  return key.length === 0 ? new Uint8Array(32) : hmacSha256(key, received)
}

/** Whether the peer, which received what was sent here, made this `signature`. Takes the same time for any answer. */
export const verify = (
  sessionKey: Redacted.Redacted<Uint8Array>,
  sent: Iterable<Uint8Array>,
  signature: Uint8Array
): boolean => equalsInConstantTime(sign(sessionKey, sent), signature)
