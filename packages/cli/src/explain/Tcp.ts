/**
 * Segments into connections, and the bytes of both directions of each in order.
 *
 * **Source** RFC 9293
 */
import { type Gap, Reassembly } from "./Reassembly.ts"
import { Flags, type Segment } from "./Segment.ts"

/** Which of the two ends of a connection sent something: the place in `Connection.ends`. */
export type End = 0 | 1

/**
 * One TCP connection.
 *
 * **Shape** `index` counts connections in the order of their first packet. `client` is `undefined` when neither SYN was
 * captured. `closed` says how it ended, as far as the capture goes.
 */
export interface Connection {
  readonly index: number
  readonly ends: readonly [string, string]
  readonly client: End | undefined
  readonly closed: "closed" | "reset" | undefined
  readonly gap: (end: End) => Gap | undefined
}

/** What matters of a SYN. */
type Opening = Pick<Segment, "seq" | "ack" | "flags">

class Tracked implements Connection {
  client: End | undefined
  closed: "closed" | "reset" | undefined
  readonly index: number
  readonly ends: readonly [string, string]
  /** Made when there is something to put in order: a capture may have a million connections that never came to be. */
  readonly #streams: [Reassembly | undefined, Reassembly | undefined] = [undefined, undefined]
  readonly #begins: (payload: Uint8Array) => boolean
  /** The SYN of each end. */
  readonly #opening: [Opening | undefined, Opening | undefined] = [undefined, undefined]

  constructor(index: number, ends: readonly [string, string], begins: (payload: Uint8Array) => boolean) {
    this.index = index
    this.ends = ends
    this.#begins = begins
  }

  gap(end: End): Gap | undefined {
    return this.#streams[end]?.gap()
  }

  /** Whether this SYN opens another connection between the same ends. */
  isOver(end: End, syn: Opening): boolean {
    const [mine, other] = end === 0 ? this.#opening : [this.#opening[1], this.#opening[0]]
    if (mine !== undefined) return mine.seq !== syn.seq
    return other === undefined || !(answers(syn, other) || answers(other, syn))
  }

  open(end: End, { ack, flags, seq }: Opening): void {
    if (this.#opening[end] !== undefined) return
    this.#opening[end] = { ack, flags, seq }
    this.client ??= (flags & Flags.Ack) === 0 ? end : end === 0 ? 1 : 0
    this.#streams[end]?.start((seq + 1) >>> 0)
  }

  /** Takes bytes of one end and returns what is in order now. */
  push(end: End, seq: number, payload: Uint8Array): ReadonlyArray<Uint8Array> {
    let stream = this.#streams[end]
    if (stream === undefined) {
      if (payload.length === 0) return nothing
      stream = new Reassembly(this.#begins)
      this.#streams[end] = stream
      const opening = this.#opening[end]
      if (opening !== undefined) stream.start((opening.seq + 1) >>> 0)
    }
    return stream.push(seq, payload)
  }
}

const nothing: ReadonlyArray<Uint8Array> = []

const answers = (answer: Opening, syn: Opening): boolean =>
  (answer.flags & Flags.Ack) !== 0 && answer.ack === (syn.seq + 1) >>> 0

/** What a segment comes to: bytes that are in order now, sent by `end`. */
export interface Delivery {
  readonly connection: Connection
  readonly end: End
  readonly chunks: ReadonlyArray<Uint8Array>
}

/** All connections of a capture. */
export class Table {
  readonly connections: Array<Connection> = []
  readonly #latest = new Map<string, Tracked>()
  readonly #begins: (payload: Uint8Array) => boolean

  /** `begins` recognises the first bytes of a stream that is worth following though its SYN is missing. */
  constructor(begins: (payload: Uint8Array) => boolean) {
    this.#begins = begins
  }

  push(segment: Segment): Delivery {
    const { flags, from, payload, to } = segment
    const key = from < to ? `${from} ${to}` : `${to} ${from}`
    const isSyn = (flags & Flags.Syn) !== 0
    let connection = this.#latest.get(key)
    let end: End = connection === undefined || connection.ends[0] === from ? 0 : 1
    if (connection === undefined || (isSyn && connection.isOver(end, segment))) {
      end = 0
      connection = new Tracked(this.connections.length, [from, to], this.#begins)
      this.connections.push(connection)
      this.#latest.set(key, connection)
    }
    if (isSyn) connection.open(end, segment)
    if ((flags & Flags.Reset) !== 0) connection.closed = "reset"
    else if ((flags & Flags.Fin) !== 0) connection.closed ??= "closed"
    // A SYN takes a number of its own, before the first byte.
    const seq = isSyn ? (segment.seq + 1) >>> 0 : segment.seq
    return { connection, end, chunks: connection.push(end, seq, payload) }
  }
}
