/**
 * One direction of a link: a socket's send buffer, the way, and the buffer at the other end.
 */
import { Gate } from "@msgr2/messenger/Gate"
import type { TransportError } from "@msgr2/messenger/TransportError"
import type { Chance } from "../Chance.ts"
import type { Weather } from "../Weather.ts"
import { Mailbox } from "./Mailbox.ts"
import type { Wires } from "./Wires.ts"

interface Write {
  readonly chunks: ReadonlyArray<Uint8Array>
  readonly done: (() => void) | undefined
  next: number
  offset: number
}

/** **Units** `due` in milliseconds of the simulation. */
interface Flying {
  readonly due: number
  readonly bytes: Uint8Array | undefined
  readonly end: TransportError | undefined
}

/** Something to do when so many bytes have arrived, before any other byte does. */
interface Mark {
  readonly byte: number
  readonly run: () => void
}

export class Lane {
  /** Bytes written that the system has not taken. */
  backlog = 0
  /** Bytes that have arrived at the other end. */
  arrived = 0
  readonly mailbox: Mailbox
  private readonly gate = new Gate()
  private readonly wires: Wires
  private readonly weather: Weather
  private readonly chance: Chance
  private writes: Array<Write> = []
  private flying: Array<Flying> = []
  /** Bytes that have left, and those of them that are still on their way. */
  private left = 0
  private onWay = 0
  private lastDue = 0
  private heldUntil = 0
  private marks: ReadonlyArray<Mark> = []
  private finish: TransportError | undefined
  private state: "open" | "finished" | "lost" | "shut" = "open"
  /** Called, once the lane is lost, when somebody waits for an answer that cannot come. */
  private onVoid: (() => void) | undefined

  constructor(wires: Wires, weather: Weather, chance: Chance) {
    this.wires = wires
    this.weather = weather
    this.chance = chance
    this.mailbox = new Mailbox(() => this.pump())
  }

  /** Calls `run` when exactly `byte` bytes have arrived; never when more have. */
  mark(byte: number, run: () => void): void {
    if (byte < this.left) return
    this.marks = [...this.marks, { byte, run }].toSorted((one, other) => one.byte - other.byte)
    if (byte === 0) this.wires.soon(() => this.arrive())
  }

  clearMarks(): void {
    this.marks = []
  }

  write(chunks: ReadonlyArray<Uint8Array>, done: (() => void) | undefined): void {
    if (this.state === "shut" || this.finish !== undefined) return
    let size = 0
    for (const chunk of chunks) size += chunk.length
    this.writes.push({ chunks, done, next: 0, offset: 0 })
    this.backlog += size
    // The system may look at the bytes at once or in a while: until `done` they must not change.
    if (this.chance.odds(1 / 2)) this.pump()
    else this.wires.soon(() => this.pump())
  }

  /** Nothing more will be written; `error` is what the reader finds after the last byte. */
  close(error: TransportError): void {
    if (this.state === "shut") return
    this.finish ??= error
    this.pump()
  }

  /** The writer is gone: what waits is lost, of what is on its way chance decides, then the reader finds `error`. */
  abandon(error: TransportError): void {
    if (this.state === "shut" || this.state === "finished") return
    if (this.state === "lost") return this.shut()
    this.writes = []
    this.backlog = 0
    const kept = this.chance.odds(1 / 2) ? this.flying.length : this.chance.below(this.flying.length + 1)
    for (const { bytes } of this.flying.splice(kept)) this.onWay -= bytes?.length ?? 0
    this.finish = error
    this.pump()
    this.gate.check()
  }

  /** The way is gone, and nobody has noticed: what is on it never arrives. */
  lose(onVoid: () => void): void {
    if (this.state === "shut") return
    this.flying = []
    this.marks = []
    this.state = "lost"
    this.onVoid = onVoid
    this.pump()
    if (this.onWay > 0 || this.finish !== undefined) onVoid()
  }

  /** The writer has noticed that there is no way: whatever it still writes goes nowhere. */
  shut(): void {
    this.state = "shut"
    this.writes = []
    this.backlog = 0
    this.gate.check()
  }

  /** Nothing arrives before then. **Units** milliseconds of the simulation */
  hold(until: number): void {
    this.heldUntil = Math.max(this.heldUntil, this.schedule(until))
  }

  /** Ends every hold. */
  release(): void {
    this.heldUntil = 0
    this.wires.soon(() => this.arrive())
  }

  /** Bytes that were written and have not arrived. */
  get pending(): number {
    return this.backlog + this.onWay
  }

  readonly drained = this.gate.when(() => this.backlog === 0)

  /** Lets leave what may. */
  private pump(): void {
    if (this.state === "shut") return
    for (;;) {
      const size = this.portion()
      if (size === 0) break
      const bytes = this.take(size)
      this.left += size
      this.onWay += size
      if (this.state === "open") this.fly(bytes, undefined)
      else this.onVoid?.()
    }
    if (this.backlog > 0) return
    for (const { done } of this.writes.splice(0)) done?.()
    if (this.finish !== undefined && this.state === "open") {
      this.state = "finished"
      this.fly(undefined, this.finish)
    }
    this.gate.check()
  }

  /** How many bytes leave together. */
  private portion(): number {
    const room = this.weather.window - this.onWay - this.mailbox.size
    const mark = this.marks.find(({ byte }) => byte > this.left)
    const most = Math.min(this.backlog, room, (mark?.byte ?? Number.POSITIVE_INFINITY) - this.left)
    // A system does not bother with a little more room while much waits.
    if (most <= 0 || (room < this.backlog && 2 * room < this.weather.window)) return 0
    return this.chance.odds(this.weather.cutting) ? 1 + this.chance.below(most) : most
  }

  /** The next `size` bytes, copied as a kernel does, whatever writes they come from. */
  private take(size: number): Uint8Array {
    const bytes = new Uint8Array(size)
    let filled = 0
    while (filled < size) {
      const write = this.writes[0]!
      const chunk = write.chunks[write.next]
      if (chunk !== undefined) {
        const some = chunk.subarray(write.offset, write.offset + size - filled)
        bytes.set(some, filled)
        filled += some.length
        write.offset += some.length
        if (write.offset === chunk.length) {
          write.next++
          write.offset = 0
        }
      }
      if (write.next >= write.chunks.length) {
        this.writes.shift()
        write.done?.()
      }
    }
    this.backlog -= size
    return bytes
  }

  /** Nothing overtakes what has left before. */
  private fly(bytes: Uint8Array | undefined, end: TransportError | undefined): void {
    const [least, most] = this.weather.latency
    const due = this.wires.now + least + this.chance.unit() * (most - least)
    this.lastDue = this.schedule(Math.max(this.lastDue, due))
    this.flying.push({ due: this.lastDue, bytes, end })
  }

  private schedule(at: number): number {
    return this.wires.at(at, () => this.arrive())
  }

  /** Everything that has come so far, in its order. */
  private arrive(): void {
    const { now } = this.wires
    while (now >= this.heldUntil) {
      if (this.marks[0]?.byte === this.arrived) {
        const [mark, ...marks] = this.marks
        this.marks = marks
        mark?.run()
        continue
      }
      const next = this.flying[0]
      if (next === undefined || next.due > now) return
      this.flying.shift()
      if (next.bytes !== undefined) this.receive(next.bytes)
      if (next.end !== undefined) this.mailbox.fail(next.end, next.end.reason === "Reset" && this.chance.odds(1 / 4))
    }
  }

  private receive(bytes: Uint8Array): void {
    this.arrived += bytes.length
    this.onWay -= bytes.length
    this.wires.saw(bytes)
    this.mailbox.push(bytes, this.chance.odds(1 / 4))
    // A reader that is gone takes everything, and forgets it.
    if (this.mailbox.over) this.pump()
  }
}
