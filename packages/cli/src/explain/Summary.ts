/**
 * A capture in a few lines, for the human at the terminal.
 */
import * as CompressionMethod from "@msgr2/frame/CompressionMethod"
import * as AuthMethod from "@msgr2/wire/AuthMethod"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import { nameOf, type Note } from "./Entry.ts"
import type { Conversation, Found, Totals } from "./Trace.ts"

/** Lines of errors and of notes; there may be one for every connection of a long capture. */
const LINES = 20

/** `1 frame`, `2 frames`. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

/** What was agreed on: `msgr2.1 secure, cephx, lz4`. */
export const about = ({ agreed: { compression, method, mode, revision } }: Conversation): string =>
  [
    `msgr2${revision === undefined ? "" : `.${revision}`}${mode === undefined ? "" : ` ${ConnectionMode.format(mode)}`}`,
    ...(method === undefined ? [] : [AuthMethod.format(method)]),
    ...(compression === 0 ? [] : [CompressionMethod.format(compression)])
  ].join(", ")

/** A note with what it is about. */
export const line = ({ index }: Conversation, { direction, text }: Note): string =>
  `conn ${index}${direction === undefined ? "" : ` ${direction}`}: ${text}`

export class Summary {
  frames = 0
  bytes = 0
  errors = 0
  readonly #tags = new Map<string, number>()
  readonly #complaints: Array<string> = []
  readonly #notes: Array<string> = []
  #notesCount = 0

  add(found: Found): void {
    const { conversation } = found
    if (found._tag === "Note") {
      this.#notesCount++
      if (this.#notes.length < LINES) this.#notes.push(line(conversation, found.note))
      return
    }
    const { entry } = found
    const name = nameOf(entry)
    this.frames++
    this.bytes += entry.size
    this.#tags.set(name, (this.#tags.get(name) ?? 0) + 1)
    if (entry.error === undefined) return
    this.errors++
    if (this.#complaints.length < LINES) {
      this.#complaints.push(line(conversation, { direction: entry.direction, text: entry.error.message }))
    }
  }

  /** The lines, `file` being the name of the capture. */
  lines(file: string, totals: Totals): ReadonlyArray<string> {
    const skipped = [...totals.skipped].map(([why, n]) => `${n} ${why}`)
    const tags = [...this.#tags].map(([name, n]) => `${name} ${n}`)
    const isSilent = totals.conversations === 0
    return [
      `${file}: ${totals.format}, ${count(totals.packets, "packet")}${skipped.length === 0 ? "" : ` (not read: ${skipped.join(", ")})`}`,
      `connections  ${totals.connections}, ${totals.conversations} of them msgr2${isSilent ? ": none begins with the banner" : ""}`,
      ...(isSilent ? [] : [`frames       ${this.frames} in ${this.bytes} bytes: ${tags.join(", ")}`]),
      `errors       ${this.errors}`,
      ...this.#complaints.map((text) => `  ${text}`),
      ...more(this.errors - this.#complaints.length),
      ...(totals.note === undefined ? [] : [`note         ${totals.note}`]),
      ...(this.#notesCount === 0 ? [] : [`notes        ${this.#notesCount}`]),
      ...this.#notes.map((text) => `  ${text}`),
      ...more(this.#notesCount - this.#notes.length)
    ]
  }
}

const more = (n: number): ReadonlyArray<string> => (n > 0 ? [`  and ${n} more`] : [])
