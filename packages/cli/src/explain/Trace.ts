/**
 * A capture file from its first byte to the last frame.
 */
import * as Banner from "@msgr2/wire/Banner"
import * as Bytes from "@msgr2/wire/Bytes"
import * as Result from "effect/Result"
import { type Agreed, Dialogue, type Options } from "./Dialogue.ts"
import type { Entry, Note } from "./Entry.ts"
import * as Pcap from "./Pcap.ts"
import * as Segment from "./Segment.ts"
import * as Tcp from "./Tcp.ts"

/**
 * One connection that speaks msgr2. It goes on changing until the trace is over.
 *
 * **Shape** `index` is the place among all TCP connections of the capture, in the order of their first packets; addresses
 * as `127.0.0.1:3300`.
 */
export interface Conversation {
  readonly index: number
  readonly client: string
  readonly server: string
  readonly closed: Tcp.Connection["closed"]
  readonly agreed: Agreed
}

/** Something found, in the order of the capture; notes come last. */
export type Found =
  | { readonly _tag: "Frame"; readonly conversation: Conversation; readonly entry: Entry }
  | { readonly _tag: "Note"; readonly conversation: Conversation; readonly note: Note }

/**
 * What the file was, once it has been read.
 *
 * **Shape** `note` says why it was not read to its end.
 *
 * **Units** `began` in microseconds since 1970: the first packet.
 */
export interface Totals {
  readonly format: Pcap.Format
  readonly began: number
  readonly packets: number
  readonly segments: number
  readonly skipped: ReadonlyMap<Segment.Skipped, number>
  readonly connections: number
  readonly conversations: number
  readonly note: string | undefined
}

const greeting = Banner.encode({ supported: 0n, required: 0n }).subarray(0, 8)
const greets = (payload: Uint8Array): boolean => Bytes.equals(payload.subarray(0, greeting.length), greeting)

/** A connection as it is followed. */
class Followed implements Conversation {
  readonly connection: Tcp.Connection
  readonly dialogue: Dialogue

  constructor(connection: Tcp.Connection, options: Options) {
    this.connection = connection
    this.dialogue = new Dialogue(connection, options)
  }

  get index(): number {
    return this.connection.index
  }

  get closed(): Conversation["closed"] {
    return this.connection.closed
  }

  get client(): string {
    return this.dialogue.client
  }

  get server(): string {
    return this.dialogue.server
  }

  get agreed(): Agreed {
    return this.dialogue.agreed
  }
}

/**
 * Everything that is said in a capture.
 *
 * **Errors** `PcapError` when `file` is none; whatever is wrong in it later is found, or is a note.
 */
export const read = (
  file: Uint8Array,
  options: Options
): Result.Result<Generator<Found, Totals, undefined>, Pcap.PcapError> =>
  Result.map(Pcap.open(file), (capture) => follow(capture, options))

function* follow(capture: Pcap.Capture, options: Options): Generator<Found, Totals, undefined> {
  const table = new Tcp.Table(greets)
  const followed = new Map<number, Followed>()
  const skipped = new Map<Segment.Skipped, number>()
  const packets = capture.packets()
  let [count, segments, began] = [0, 0, 0]
  let next = packets.next()
  for (; next.done !== true; next = packets.next()) {
    const packet = next.value
    if (count++ === 0) began = packet.time
    const segment = Segment.decode(packet)
    if (typeof segment === "string") {
      skipped.set(segment, (skipped.get(segment) ?? 0) + 1)
      continue
    }
    segments++
    const { chunks, connection, end } = table.push(segment)
    if (chunks.length === 0) continue
    const conversation = followed.get(connection.index) ?? new Followed(connection, options)
    followed.set(connection.index, conversation)
    for (const chunk of chunks) {
      for (const entry of conversation.dialogue.push(end, chunk, packet.time)) {
        yield { _tag: "Frame", conversation, entry }
      }
    }
  }
  let conversations = 0
  for (const conversation of [...followed.values()].toSorted((left, right) => left.index - right.index)) {
    const { entries, notes } = conversation.dialogue.end()
    if (!conversation.dialogue.greeted) continue
    conversations++
    for (const entry of entries) yield { _tag: "Frame", conversation, entry }
    for (const note of notes) yield { _tag: "Note", conversation, note }
  }
  const { connections } = table
  const [format, note] = [capture.format, next.value]
  return { format, began, packets: count, segments, skipped, connections: connections.length, conversations, note }
}
