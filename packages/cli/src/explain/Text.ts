/**
 * A capture for reading: connection after connection, a row for each frame.
 */
import * as Detail from "./Detail.ts"
import { type Entry, nameOf } from "./Entry.ts"
import { about } from "./Summary.ts"
import type { Conversation, Found, Totals } from "./Trace.ts"

/** What a part of a row is. */
export type Part = "heading" | "muted" | "client" | "server" | "tag" | "error" | "note"

/** Dresses words for a terminal, or leaves them as they are. */
export type Paint = (part: Part, text: string) => string

export const bare: Paint = (_, text) => text

interface Row {
  readonly time: number
  readonly entry: Pick<Entry, "direction" | "offset" | "size"> & { readonly isError: boolean }
  readonly name: string
  readonly detail: string
}

/** The longest name of a tag, and room for a broken one. */
const TAG = 22

export class Text {
  readonly #rows = new Map<Conversation, { readonly rows: Array<Row>; readonly notes: Array<string> }>()

  add(found: Found): void {
    const said = this.#rows.get(found.conversation) ?? { rows: [], notes: [] }
    this.#rows.set(found.conversation, said)
    if (found._tag === "Note") {
      const { direction, text } = found.note
      said.notes.push(direction === undefined ? text : `${direction}: ${text}`)
      return
    }
    const { direction, error, offset, size, time } = found.entry
    const entry = { direction, offset, size, isError: error !== undefined }
    said.rows.push({ time, entry, name: nameOf(found.entry), detail: Detail.of(found.entry) })
  }

  /** The text in pieces, one for each connection. */
  *pieces({ began }: Totals, paint: Paint): Generator<string> {
    const all = [...this.#rows].toSorted(([left], [right]) => left.index - right.index)
    let gap = ""
    for (const [conversation, { notes, rows }] of all) {
      const { client, closed, index, server } = conversation
      const heading = `conn ${index}  ${client} -> ${server}`
      const end = closed === undefined ? "" : `, ${closed}`
      const [offsets, sizes] = [width(rows, "offset"), width(rows, "size")]
      const lines = rows.map(({ detail, entry, name, time }) => {
        const { direction, isError, offset, size } = entry
        const seconds = ((time - began) / 1_000_000).toFixed(6).padStart(12)
        const arrow = direction === "c2s" ? paint("client", "-> c2s") : paint("server", "<- s2c")
        const place = `${`@${offset}`.padEnd(offsets + 1)} ${(isError && size === 0 ? "?" : String(size)).padStart(sizes)}`
        const words = isError ? paint("error", detail) : detail
        return `${paint("muted", seconds)}  ${arrow}  ${paint("muted", place)}  ${paint(isError ? "error" : "tag", name.padEnd(TAG))} ${words}`.trimEnd()
      })
      const remarks = notes.map((note) => paint("note", `        note: ${note}`))
      yield `${gap}${paint("heading", heading)}  ${about(conversation)}${end}\n${[...lines, ...remarks].join("\n")}\n`
      gap = "\n"
    }
  }
}

const width = (rows: ReadonlyArray<Row>, name: "offset" | "size"): number =>
  rows.reduce((longest, { entry }) => Math.max(longest, String(entry[name]).length), 1)
