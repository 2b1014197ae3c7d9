/**
 * The first bytes of a connection, sent by both ends at once.
 *
 * **Source** msgr2, "Banner"
 */
import * as Result from "effect/Result"
import * as Codec from "./Codec.ts"
import { WireError } from "./WireError.ts"

/**
 * What an end can do (`supported`) and insists on (`required`), as bits of `Features.Msgr2`.
 *
 * **Shape** `"ceph v2\n" length:le16 supported:le64 required:le64`, 26 bytes; a longer payload is accepted.
 */
export const Payload = Codec.struct("Banner", { supported: Codec.u64, required: Codec.u64 })
export type Banner = Codec.Type<typeof Payload>

const prefix = new TextEncoder().encode("ceph v2\n")
const legacyPrefix = new TextEncoder().encode("ceph v0")

export const encode = (banner: Banner): Uint8Array => {
  const bytes = new Uint8Array(prefix.length + 2 + 16)
  bytes.set(prefix)
  new DataView(bytes.buffer).setUint16(prefix.length, 16, true)
  bytes.set(Codec.encode(Payload, banner), prefix.length + 2)
  return bytes
}

const fail = (reason: WireError["reason"], offset: number, expected: string): Result.Result<never, WireError> =>
  Result.fail(new WireError({ type: "Banner", reason, offset, expected }))

/** Where `input` first differs from `prefix`, or -1 as far as both go. */
const mismatch = (input: Uint8Array, prefix: Uint8Array): number => {
  for (let i = 0; i < Math.min(input.length, prefix.length); i++) if (input[i] !== prefix[i]) return i
  return -1
}

/**
 * The banner that `input` begins with and its length in bytes, or `undefined` while more bytes are needed. A wrong
 * byte is refused at once, not when ten have come: a port that is not Ceph's may never send so many.
 *
 * **Errors** `Unsupported` for a msgr1 banner, `Malformed` for anything else that is no banner.
 */
export const decode = (
  input: Uint8Array
): Result.Result<{ readonly banner: Banner; readonly size: number } | undefined, WireError> => {
  const wrong = mismatch(input, prefix)
  if (wrong >= 0) {
    return mismatch(input, legacyPrefix) === -1 && input.length >= legacyPrefix.length
      ? fail("Unsupported", wrong, "the banner of msgr2, got that of msgr1 (a v1 port)")
      : fail("Malformed", wrong, 'the banner "ceph v2\\n"')
  }
  if (input.length < prefix.length + 2) return Result.succeed(undefined)
  const length = input[prefix.length]! | (input[prefix.length + 1]! << 8)
  if (length < 16) return fail("Malformed", prefix.length, `a payload of at least 16 bytes, got ${length}`)
  const size = prefix.length + 2 + length
  if (input.length < size) return Result.succeed(undefined)
  return Result.map(Codec.decodePrefix(Payload, input.subarray(prefix.length + 2, size)), (banner) => ({
    banner,
    size
  }))
}
