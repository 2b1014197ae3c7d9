/**
 * Where random bytes come from: a function, so that pure code takes it as an argument and a test can script it.
 */
import * as Context from "effect/Context"
import { randomBytes } from "./internal/random.ts"

/** `size` bytes that nobody can guess. */
export type Entropy = (size: number) => Uint8Array

/** The source that the services of this package draw from; the operating system's unless a test provides another. */
export const Entropy: Context.Reference<Entropy> = Context.Reference("@msgr2/auth/Entropy", {
  defaultValue: (): Entropy => randomBytes
})

/** A random 64-bit number that is not zero: CephX uses zero for "no challenge". */
export const challenge = (entropy: Entropy): bigint => {
  const bytes = entropy(8)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true) || 1n
}
