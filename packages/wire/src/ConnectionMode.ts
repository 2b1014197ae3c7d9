/**
 * How the frames after authentication are protected.
 *
 * **Source** Ceph `src/include/ceph_fs.h`, `CEPH_CON_MODE_*`
 */
import * as Result from "effect/Result"

export const ConnectionMode = { Crc: 1, Secure: 2 } as const

/** `crc`, `secure`, or `mode(7)` for a number nobody has named. */
export const format = (mode: number): string =>
  mode === ConnectionMode.Crc ? "crc" : mode === ConnectionMode.Secure ? "secure" : `mode(${mode})`

/**
 * Reads a preference such as `secure crc` (most wanted first), separated by spaces or commas.
 *
 * **Errors** the words of what was expected.
 */
export const parseList = (text: string): Result.Result<ReadonlyArray<number>, string> => {
  const modes: Array<number> = []
  for (const word of text.split(/[\s,]+/).filter((word) => word !== "")) {
    const mode = word === "crc" ? ConnectionMode.Crc : word === "secure" ? ConnectionMode.Secure : undefined
    if (mode === undefined)
      return Result.fail(`crc, secure, or both in order of preference, got ${JSON.stringify(word)}`)
    if (!modes.includes(mode)) modes.push(mode)
  }
  return modes.length > 0
    ? Result.succeed(modes)
    : Result.fail("crc, secure, or both in order of preference, got nothing")
}
