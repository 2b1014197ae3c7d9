/**
 * One direction of a TCP connection put back in order: what came twice is dropped, what came early waits.
 *
 * **Source** RFC 9293, "Sequence Numbers"
 */

/** Nothing within one window can be further away: RFC 7323 allows windows of 2^30 bytes. */
const WINDOW = 2 ** 30

/** Segments to look through for the start of a stream whose SYN was not captured. */
const PATIENCE = 4096

/** A segment that came before its turn. */
interface Early {
  readonly offset: number
  readonly order: number
  readonly payload: Uint8Array
}

/**
 * What is missing in a stream.
 *
 * **Units** bytes: `offset` of the first that is missing, `size` of the hole, `lost` of what was captured behind it.
 */
export interface Gap {
  readonly offset: number
  readonly size: number
  readonly lost: number
}

/** The payloads are kept as they are, as views: memory stays in proportion to what was captured. */
export class Reassembly {
  /** Bytes handed out so far. */
  offset = 0
  /** Sequence number of the next byte; `undefined` until the start is known. */
  #next: number | undefined
  #order = 0
  readonly #early = new Heap()
  /** Segments before the start is known, for as long as it may still come. */
  #unplaced: Array<readonly [seq: number, payload: Uint8Array]> | undefined = []
  readonly #begins: (payload: Uint8Array) => boolean

  /** `begins` recognises the first segment of a stream whose SYN is not in the capture. */
  constructor(begins: (payload: Uint8Array) => boolean) {
    this.#begins = begins
  }

  /** The stream begins at `seq`. Whatever is known already stays. */
  start(seq: number): void {
    if (this.#next !== undefined) return
    this.#next = seq
    const waiting = this.#unplaced ?? []
    this.#unplaced = undefined
    for (const [at, payload] of waiting) this.#hold(at, payload)
  }

  /** Takes a segment and returns what is in order now. */
  push(seq: number, payload: Uint8Array): ReadonlyArray<Uint8Array> {
    if (payload.length === 0 && this.#early.size === 0) return []
    if (this.#next === undefined) {
      if (!this.#begins(payload)) {
        this.#unplaced?.push([seq, payload])
        if (this.#unplaced !== undefined && this.#unplaced.length > PATIENCE) this.#unplaced = undefined
        return []
      }
      this.start(seq)
    }
    this.#hold(seq, payload)
    return this.#drain()
  }

  /** What is still waited for, once nothing more comes. */
  gap(): Gap | undefined {
    const first = this.#early.first
    if (first === undefined) return undefined
    return { offset: this.offset, size: first.offset - this.offset, lost: this.#early.bytes }
  }

  #hold(seq: number, payload: Uint8Array): void {
    // The difference as a signed number: sequence numbers go round at 2^32.
    const distance = (seq - this.#next!) | 0
    if (distance > WINDOW || distance + payload.length <= 0) return
    this.#early.push({ offset: this.offset + distance, order: this.#order++, payload })
  }

  #drain(): ReadonlyArray<Uint8Array> {
    const ready: Array<Uint8Array> = []
    for (let first = this.#early.first; first !== undefined && first.offset <= this.offset;) {
      this.#early.shift()
      const fresh = first.payload.subarray(Math.min(this.offset - first.offset, first.payload.length))
      if (fresh.length > 0) {
        ready.push(fresh)
        this.offset += fresh.length
        this.#next = (this.#next! + fresh.length) >>> 0
      }
      first = this.#early.first
    }
    return ready
  }
}

/** Early segments, the next one first. A heap: nobody can make it slow by the order in which segments come. */
class Heap {
  bytes = 0
  readonly #items: Array<Early> = []

  get size(): number {
    return this.#items.length
  }

  get first(): Early | undefined {
    return this.#items[0]
  }

  push(item: Early): void {
    const items = this.#items
    this.bytes += item.payload.length
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(item, items[parent]!)) break
      items[at] = items[parent]!
      at = parent
    }
    items[at] = item
  }

  shift(): void {
    const items = this.#items
    this.bytes -= items[0]?.payload.length ?? 0
    const last = items.pop()
    if (last === undefined || items.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child++
      if (!before(items[child]!, last)) break
      items[at] = items[child]!
      at = child
    }
    items[at] = last
  }
}

const before = (left: Early, right: Early): boolean =>
  left.offset < right.offset || (left.offset === right.offset && left.order < right.order)
