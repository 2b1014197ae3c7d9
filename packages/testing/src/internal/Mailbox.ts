/**
 * What has arrived at one end of a link and waits to be read.
 */
import { Gate } from "@msgr2/messenger/Gate"
import type { TransportError } from "@msgr2/messenger/TransportError"
import * as Bytes from "@msgr2/wire/Bytes"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"

type Batch = Arr.NonEmptyReadonlyArray<Uint8Array>
const isBatch = (chunks: ReadonlyArray<Uint8Array>): chunks is Batch => chunks.length > 0

export class Mailbox {
  /** Bytes that wait. */
  size = 0
  private chunks: Array<Uint8Array> = []
  private failure: TransportError | undefined
  private readonly gate = new Gate()
  private readonly onRoom: () => void

  /** `onRoom` is called when a reader has taken something. */
  constructor(onRoom: () => void) {
    this.onRoom = onRoom
  }

  get over(): boolean {
    return this.failure !== undefined
  }

  /** Takes a chunk in; `merge` joins it to the one before. */
  push(chunk: Uint8Array, merge: boolean): void {
    if (this.failure !== undefined) return
    const last = this.chunks.at(-1)
    if (merge && last !== undefined) this.chunks[this.chunks.length - 1] = Bytes.concat([last, chunk])
    else this.chunks.push(chunk)
    this.size += chunk.length
    this.gate.check()
  }

  /** The end. What has arrived is still read, unless it is lost too. */
  fail(error: TransportError, losing = false): void {
    if (losing) {
      this.chunks = []
      this.size = 0
    }
    this.failure ??= error
    this.gate.check()
  }

  readonly read: Effect.Effect<Batch, TransportError> = Effect.suspend(() => {
    const { chunks, failure } = this
    if (isBatch(chunks)) {
      this.chunks = []
      this.size = 0
      this.onRoom()
      return Effect.succeed(chunks)
    }
    if (failure !== undefined) return Effect.fail(failure)
    return Effect.flatMap(
      this.gate.when(() => this.size > 0 || this.failure !== undefined),
      () => this.read
    )
  })
}
