/**
 * The two moves that snappy and LZ4 blocks consist of: new bytes, and bytes that have been there before.
 *
 * Short runs by hand: a call costs more than thirty of their bytes. Whoever calls has checked that everything fits.
 */
const SHORT = 32

/** Writes `length` bytes of `input` from `from` on to `at`. */
export const copyIn = (out: Uint8Array, at: number, input: Uint8Array, from: number, length: number): void => {
  if (length >= SHORT) {
    out.set(input.subarray(from, from + length), at)
    return
  }
  for (let i = 0; i < length; i++) out[at + i] = input[from + i]!
}

/** Writes to `at` the `length` bytes that begin `offset` before it; those past `at` repeat what this call has written. */
export const copyBack = (out: Uint8Array, at: number, offset: number, length: number): void => {
  const from = at - offset
  if (length < SHORT) {
    for (let i = 0; i < length; i++) out[at + i] = out[from + i]!
    return
  }
  // Each round has twice as much to copy from as the one before.
  for (let done = 0; done < length;) {
    const size = Math.min(offset + done, length - done)
    out.copyWithin(at + done, from, from + size)
    done += size
  }
}
