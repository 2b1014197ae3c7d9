/** Conversations as segments, and captures read to their ends. */
import type { FrameDecoder } from "@msgr2/frame"
import { Compressors } from "@msgr2/frame"
import { Bytes } from "@msgr2/wire"
import { Result } from "effect"
import { readFileSync } from "node:fs"
import { type Entry, nameOf, type Note } from "../../src/explain/Entry.ts"
import * as Keys from "../../src/explain/Keys.ts"
import * as Trace from "../../src/explain/Trace.ts"
import { Flag, type Segment } from "./packets.ts"

export type Frame = FrameDecoder.Frame

/** A piece of a stream: who says it. */
export interface Saying {
  readonly direction: "c2s" | "s2c"
  readonly bytes: Uint8Array
}

export interface Shape {
  readonly client?: string
  readonly server?: string
  /** First sequence number of each end. */
  readonly numbers?: readonly [client: number, server: number]
  readonly handshake?: boolean
  readonly close?: boolean
}

/** The segments of a connection on which this is said, with the handshake and the end of TCP around it. */
export const segments = (sayings: ReadonlyArray<Saying>, shape: Shape = {}): ReadonlyArray<Segment> => {
  const { client = "127.0.0.1:50000", close = true, handshake = true, numbers = [1000, 9000] } = shape
  const { server = "127.0.0.1:3300" } = shape
  let [c2s, s2c] = [numbers[0] + 1, numbers[1] + 1]
  const out: Array<Segment> = []
  if (handshake) {
    out.push({ from: client, to: server, seq: numbers[0], flags: Flag.Syn })
    out.push({ from: server, to: client, seq: numbers[1], ack: c2s, flags: Flag.Syn | Flag.Ack })
    out.push({ from: client, to: server, seq: c2s, ack: s2c })
  }
  for (const { bytes: payload, direction } of sayings) {
    if (direction === "c2s") {
      out.push({ from: client, to: server, seq: c2s, ack: s2c, payload })
      c2s += payload.length
    } else {
      out.push({ from: server, to: client, seq: s2c, ack: c2s, payload })
      s2c += payload.length
    }
  }
  if (close) {
    out.push({ from: client, to: server, seq: c2s, ack: s2c, flags: Flag.Fin | Flag.Ack })
    out.push({ from: server, to: client, seq: s2c, ack: c2s + 1, flags: Flag.Fin | Flag.Ack })
  }
  return out
}

/** Both streams in pieces of at most `size` bytes, taking turns. */
export const turns = (c2s: Uint8Array, s2c: Uint8Array, size = 1400): ReadonlyArray<Saying> => {
  const out: Array<Saying> = []
  for (let at = 0; at < Math.max(c2s.length, s2c.length); at += size) {
    if (at < c2s.length) out.push({ direction: "c2s", bytes: c2s.subarray(at, at + size) })
    if (at < s2c.length) out.push({ direction: "s2c", bytes: s2c.subarray(at, at + size) })
  }
  return out
}

export interface Found {
  readonly index: number
  readonly conversation: Trace.Conversation
  readonly entries: Array<Entry>
  readonly notes: Array<Note>
}

export interface Whole {
  readonly conversations: ReadonlyArray<Found>
  readonly totals: Trace.Totals
  readonly errors: ReadonlyArray<string>
}

/** Everything that is in a capture. */
export const explain = (file: Uint8Array, keys: Keys.Keys = Keys.none): Whole => {
  const trace = Result.getOrThrow(Trace.read(file, { keys, compressors: Compressors.installed }))
  const conversations = new Map<number, Found>()
  const errors: Array<string> = []
  for (let next = trace.next(); ; next = trace.next()) {
    if (next.done === true) return { conversations: [...conversations.values()], totals: next.value, errors }
    const { conversation } = next.value
    const { index } = conversation
    const found = conversations.get(index) ?? { index, conversation, entries: [], notes: [] }
    conversations.set(index, found)
    if (next.value._tag === "Note") found.notes.push(next.value.note)
    else {
      found.entries.push(next.value.entry)
      if (next.value.entry.error !== undefined) errors.push(next.value.entry.error.message)
    }
  }
}

/** How many entries there are of each direction and tag, as `sessions.json` counts them. */
export const counts = (entries: ReadonlyArray<Entry>): Readonly<Record<string, number>> => {
  const tally: Record<string, number> = {}
  for (const entry of entries) {
    const key = `${entry.direction} ${nameOf(entry)}`
    tally[key] = (tally[key] ?? 0) + 1
  }
  return tally
}

const fixtures = new URL("../fixtures/captures/", import.meta.url)

export interface Session {
  readonly conn: number
  readonly client: string
  readonly server: string
  readonly session_key: string | null
  readonly connection_secret: string | null
  readonly c2s_bytes: number
  readonly s2c_bytes: number
  readonly frames: Readonly<Record<string, number>>
}

/** A capture that tcpdump has written; `fixtures/captures/README.md` says of what. */
export const recorded = (name: string) => {
  const log = readFileSync(new URL(`${name}.sessions.json`, fixtures), "utf8")
  const path = new URL(`${name}.pcap`, fixtures).pathname
  return {
    path,
    logPath: new URL(`${name}.sessions.json`, fixtures).pathname,
    keyringPath: new URL(`${name}.keyring`, fixtures).pathname,
    file: new Uint8Array(readFileSync(path)),
    log,
    sessions: JSON.parse(log) as ReadonlyArray<Session>
  }
}

export const recordings = [
  "c-cephx-secure-r18",
  "g-msgr20-none-crc-r16",
  "g-msgr20-cephx-crc-r16",
  "g-msgr20-cephx-secure-r16"
]

/** A key log of one entry. */
export const logOf = (client: string, server: string, secret: Uint8Array | null): Keys.Keys =>
  Result.getOrThrow(
    Keys.parseLog(JSON.stringify([{ client, server, connection_secret: secret === null ? null : Bytes.toHex(secret) }]))
  )
