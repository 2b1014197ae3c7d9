/**
 * One line of JSON for every banner and frame, in the order of the capture.
 */
import { nameOf } from "./Entry.ts"
import * as Fields from "./Fields.ts"
import type { Found } from "./Trace.ts"

/**
 * The line, or nothing for what is neither.
 *
 * **Shape** `conn` counts TCP connections in the order of their first packets; `fields` are those of `Fields.of`; `error`
 * is there when something does not decode, `compressed` when it was.
 *
 * **Units** `offset` and `bytes` count in the stream of this direction; `bytes` is 0 for a frame whose length is not
 * known. `time` in seconds since 1970.
 */
export const of = (found: Found): string => {
  if (found._tag !== "Frame") return ""
  const { conversation, entry } = found
  const { compressed, direction, error, offset, protection, size, time } = entry
  const { client, index, server } = conversation
  return `${JSON.stringify({
    conn: index,
    dir: direction,
    offset,
    bytes: size,
    tag: nameOf(entry),
    time: time / 1_000_000,
    client,
    server,
    mode: protection,
    ...(compressed ? { compressed } : {}),
    fields: Fields.of(entry),
    ...(error === undefined ? {} : { error: error.message })
  })}\n`
}
