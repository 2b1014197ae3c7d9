/**
 * The receiving half of a pipe: chunks that have arrived, and at most one reader waiting for them.
 */
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type { TransportError } from "../TransportError.ts"

type Batch = Arr.NonEmptyReadonlyArray<Uint8Array>
const isBatch = (chunks: ReadonlyArray<Uint8Array>): chunks is Batch => chunks.length > 0

export class Arrivals {
  private chunks: Array<Uint8Array> = []
  private size = 0
  /** The end, once it has come. */
  failure: TransportError | undefined
  private waiter: ((effect: Effect.Effect<Batch, TransportError>) => void) | undefined
  private readonly limit: number
  private readonly onRoom: () => void

  /** `limit` in bytes; `onRoom` is called when a reader has emptied what had reached it. */
  constructor(limit: number, onRoom: () => void) {
    this.limit = limit
    this.onRoom = onRoom
  }

  get full(): boolean {
    return this.size >= this.limit
  }

  push(chunk: Uint8Array): void {
    if (this.failure !== undefined || chunk.length === 0) return
    this.chunks.push(chunk)
    this.size += chunk.length
    this.wake()
  }

  /** The end: what has arrived is still read. */
  fail(error: TransportError): void {
    if (this.failure !== undefined) return
    this.failure = error
    this.wake()
  }

  /** Nobody will read any more: what has arrived is forgotten, and so is what still comes. */
  discard(error: TransportError): void {
    this.chunks = []
    this.size = 0
    this.fail(error)
  }

  readonly read: Effect.Effect<Batch, TransportError> = Effect.suspend(() => {
    const ready = this.take()
    if (ready !== undefined) return ready
    return Effect.callback<Batch, TransportError>((resume) => {
      // Others may have had their turn since.
      const arrived = this.take()
      if (arrived !== undefined) return resume(arrived)
      this.waiter = resume
      return Effect.sync(() => {
        this.waiter = undefined
      })
    })
  })

  private take(): Effect.Effect<Batch, TransportError> | undefined {
    const { chunks } = this
    if (isBatch(chunks)) {
      const wasFull = this.full
      this.chunks = []
      this.size = 0
      if (wasFull) this.onRoom()
      return Effect.succeed(chunks)
    }
    return this.failure === undefined ? undefined : Effect.fail(this.failure)
  }

  private wake(): void {
    const { waiter } = this
    if (waiter === undefined) return
    const ready = this.take()
    if (ready === undefined) return
    this.waiter = undefined
    waiter(ready)
  }
}
