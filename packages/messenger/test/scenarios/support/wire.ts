/** One socket that meets breakpoints: its bytes pass part by part. */
import { EntityAddr } from "@msgr2/wire"
import { type Array as Arr, Effect } from "effect"
import { type Transport, TransportError } from "../../../src/index.ts"
import { Gate } from "../../../src/Gate.ts"
import type { Kind, Point } from "./breakpoints.ts"
import { type Piece, Scanner } from "./scanner.ts"

/** Whoever knows where the breakpoints are. */
export interface Guard {
  /** A part has got to its point: what is to happen to it, if anything. */
  readonly arrive: (point: Point) => Kind | undefined
  /** Calls `then` when everything that is held is let go. */
  readonly hold: (then: () => void) => void
}

export const reset = (address: EntityAddr.EntityAddr) =>
  new TransportError.TransportError({ reason: "Reset", address: EntityAddr.format(address), detail: "breakpoint" })

type Chunks = Arr.NonEmptyReadonlyArray<Uint8Array>
const isFull = (chunks: ReadonlyArray<Uint8Array>): chunks is Chunks => chunks.length > 0

export class Wire {
  private readonly pipe: Transport.Pipe
  private readonly guard: Guard
  private readonly changed = new Gate()
  private readonly written = new Scanner(false)
  private readonly read = new Scanner(true)
  /** Parts that wait for their turn, behind one that is held. */
  private outgoing: Array<Piece> = []
  private incoming: Array<Piece> = []
  private isWritingHeld = false
  private isReadingHeld = false
  /** The peer sees the end of it, and this end as soon as it reads. */
  private isDead = false
  private isEnded = false
  /** What has been let go, to be read before everything else. */
  private released: ReadonlyArray<Uint8Array> = []

  constructor(pipe: Transport.Pipe, guard: Guard) {
    this.pipe = pipe
    this.guard = guard
  }

  private die(): void {
    this.isDead = true
    this.pipe.end()
  }

  private stall(part: ReadonlyArray<Uint8Array>): void {
    this.die()
    this.holdReading(part)
  }

  private holdReading(part: ReadonlyArray<Uint8Array>): void {
    this.isReadingHeld = true
    this.guard.hold(() => {
      this.isReadingHeld = false
      this.released = part
      this.changed.check()
    })
  }

  private holdWriting(part: Uint8Array): void {
    this.isWritingHeld = true
    this.guard.hold(() => {
      this.isWritingHeld = false
      if (!this.isDead) this.pipe.write([part])
      this.flush()
    })
  }

  /** Writes what may be written. */
  private flush(): void {
    while (!this.isDead && !this.isWritingHeld) {
      const piece = this.outgoing.shift()
      if (piece === undefined) break
      const kind = this.guard.arrive(`${piece.step} W`)
      if (kind === "fault") this.die()
      else if (kind === "block") this.holdWriting(piece.bytes)
      else {
        this.pipe.write([piece.bytes])
        if (kind === "stall") this.stall([])
      }
    }
    if (this.isDead) this.outgoing = []
    else if (this.isEnded && !this.isWritingHeld) this.pipe.end()
    this.changed.check()
  }

  /** What may be read now. */
  private readable(): ReadonlyArray<Uint8Array> {
    const chunks: Array<Uint8Array> = [...this.released]
    this.released = []
    while (!this.isDead && !this.isReadingHeld) {
      const piece = this.incoming.shift()
      if (piece === undefined) break
      const kind = this.guard.arrive(`${piece.step} R`)
      if (kind === "fault") this.die()
      else if (kind === "block") this.holdReading([piece.bytes])
      else if (kind === "stall") this.stall([piece.bytes])
      else chunks.push(piece.bytes)
    }
    return chunks
  }

  private readonly more = Effect.suspend(() =>
    Effect.map(this.pipe.read, (chunks) => {
      for (const chunk of chunks) this.incoming.push(...this.read.push(chunk))
    })
  )

  private readonly next: Transport.Pipe["read"] = Effect.suspend(() => {
    const chunks = this.readable()
    if (isFull(chunks)) return Effect.succeed(chunks)
    if (this.isReadingHeld) {
      return Effect.andThen(
        this.changed.when(() => !this.isReadingHeld),
        this.next
      )
    }
    if (this.isDead) return Effect.fail(reset(this.pipe.remote))
    const broken = this.changed.when(() => this.isDead)
    return Effect.andThen(Effect.raceFirst(this.more, broken), this.next)
  })

  /** The end that meets the breakpoints. */
  get exposed(): Transport.Pipe {
    const { pipe } = this
    return {
      ...pipe,
      read: this.next,
      write: (chunks, done) => {
        for (const chunk of chunks) this.outgoing.push(...this.written.push(chunk))
        this.flush()
        done?.()
      },
      backlog: () => pipe.backlog() + this.outgoing.reduce((sum, { bytes }) => sum + bytes.length, 0),
      drained: Effect.andThen(
        this.changed.when(() => this.isDead || this.outgoing.length === 0),
        Effect.suspend(() => (this.isDead ? Effect.void : pipe.drained))
      ),
      end: () => {
        this.isEnded = true
        this.flush()
      }
    }
  }
}
