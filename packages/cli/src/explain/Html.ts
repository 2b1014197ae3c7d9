/**
 * A capture as one page that needs nothing else: a sequence chart for each connection, and the fields and bytes of each
 * frame at a click.
 */
import { createHash } from "node:crypto"
import * as Detail from "./Detail.ts"
import { type Entry, nameOf } from "./Entry.ts"
import * as Fields from "./Fields.ts"
import { script } from "./HtmlScript.ts"
import { style } from "./HtmlStyle.ts"
import { about, count } from "./Summary.ts"
import type { Conversation, Found, Totals } from "./Trace.ts"

/** Beyond these a browser is no longer quick, so the page leaves out bytes, then frames, and says so. */
const Limit = { bytes: 48 * 1024 * 1024, frames: 200_000 } as const

const parts = ["Header", "Front", "Middle", "Data"]

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

/** JSON that cannot end the element it stands in. */
const json = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c")

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

interface Said {
  /** Rows as JSON, so that a long capture is not kept as objects. */
  readonly rows: Array<string>
  readonly notes: Array<string>
}

export class Html {
  readonly #said = new Map<Conversation, Said>()
  readonly #tags: Array<string> = []
  #bytes = 0
  #frames = 0
  #began: number | undefined

  add(found: Found): void {
    const said = this.#said.get(found.conversation) ?? { rows: [], notes: [] }
    this.#said.set(found.conversation, said)
    if (found._tag === "Note") {
      const { direction, text } = found.note
      said.notes.push(direction === undefined ? text : `${direction}: ${text}`)
    } else if (this.#frames++ < Limit.frames) said.rows.push(json(this.#row(found.entry)))
  }

  /** The page in pieces; `file` is its title. */
  *pieces(file: string, totals: Totals): Generator<string> {
    const notes = [
      ...(totals.note === undefined ? [] : [totals.note]),
      ...(this.#frames > Limit.frames ? [`the page shows the first ${Limit.frames} of ${this.#frames} frames`] : [])
    ]
    const summary = [
      count(totals.packets, "packet"),
      `${totals.conversations} of ${count(totals.connections, "connection")} speak msgr2`,
      count(this.#frames, "frame"),
      ...notes
    ].join(", ")
    const hash = createHash("sha256").update(script).digest("base64")
    yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'">
<title>${escape(file)}</title>
<style>${style}</style>
</head>
<body>
<header><h1>${escape(file)}</h1><span id="totals">${escape(summary)}</span><div id="tags" role="group" aria-label="Tags to show"></div></header>
<nav><input id="search" type="search" placeholder="Find a connection" aria-label="Find a connection"><div id="conversations" class="list" role="listbox" aria-label="Connections" tabindex="0"></div></nav>
<main><div id="ends"><span id="client"></span><span id="about"></span><span id="server"></span></div><ul id="notes"></ul><div id="frames" class="list" role="listbox" aria-label="Frames" tabindex="0"></div></main>
<aside id="details" aria-live="polite"></aside>
<script type="application/json" id="data">{"start":${((this.#began ?? totals.began) - totals.began) / 1_000_000},"tags":${json(this.#tags)},"conversations":[`
    let comma = ""
    for (const [conversation, { notes, rows }] of [...this.#said].toSorted(([a], [b]) => a.index - b.index)) {
      const { client, closed, index, server } = conversation
      const head = json({ index, client, server, about: about(conversation), closed: closed ?? null, notes })
      yield `${comma}${head.slice(0, -1)},"frames":[`
      let before = ""
      for (const row of rows) {
        yield `${before}${row}`
        before = ","
      }
      yield "]}"
      comma = ","
    }
    yield `]}</script>\n<script>${script}</script>\n</body>\n</html>\n`
  }

  /** The order of its parts is known to the script. */
  #row(entry: Entry): ReadonlyArray<unknown> {
    const { compressed, direction, error, offset, protection, segments, size, time, value, wire } = entry
    this.#began ??= time
    const isPlain = protection === "crc" && !compressed
    const needed = wire.length + (isPlain ? 0 : segments.reduce((total, { length }) => total + length, 0))
    const hasRoom = this.#bytes + needed <= Limit.bytes
    if (hasRoom) this.#bytes += needed
    const sizes = value?._tag === "Message" ? [41, value.front.length, value.middle.length, value.data.length] : []
    const plain = segments.flatMap((segment, i) =>
      sizes[i] === 0
        ? []
        : [[value?._tag === "Message" ? parts[i] : "Payload", base64(segment), sizes[i] ?? segment.length]]
    )
    return [
      (time - this.#began) / 1_000_000,
      direction === "c2s" ? 0 : 1,
      offset,
      size,
      this.#tag(nameOf(entry)),
      Detail.of(entry),
      `${protection}${compressed ? ", compressed" : ""}`,
      Fields.of(entry),
      error === undefined ? 0 : error.message,
      hasRoom ? base64(wire) : 0,
      isPlain || !hasRoom ? 0 : plain
    ]
  }

  #tag(name: string): number {
    const at = this.#tags.indexOf(name)
    return at >= 0 ? at : this.#tags.push(name) - 1
  }
}
