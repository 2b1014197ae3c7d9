/**
 * Messages that have arrived and wait for the application.
 */
import type { Message } from "@msgr2/wire/Message"
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import type { ConnectionError } from "../ConnectionError.ts"
import { Gate } from "../Gate.ts"

type Batch = Arr.NonEmptyReadonlyArray<Message>
const isBatch = (messages: ReadonlyArray<Message>): messages is Batch => messages.length > 0

/** What a message counts for besides its payload, so that empty ones are bounded too. */
const OVERHEAD = 256

export class Inbox {
  private messages: Array<Message> = []
  private size = 0
  private ended: Exit.Exit<void, ConnectionError> | undefined
  private readonly gate = new Gate()
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  push(message: Message): void {
    this.messages.push(message)
    this.size += OVERHEAD + message.front.length + message.middle.length + message.data.length
  }

  /** After a batch of pushes: lets the application have them. */
  flush(): void {
    if (this.messages.length > 0) this.gate.check()
  }

  /** Forgets what has come and was not taken. */
  clear(): void {
    this.messages = []
    this.size = 0
    this.gate.check()
  }

  /** No more will come. What has come is still read. */
  end(exit: Exit.Exit<void, ConnectionError>): void {
    this.ended = exit
    this.gate.check()
  }

  /** Waits until the application has taken enough for more to be read. */
  readonly room: Effect.Effect<void> = this.gate.when(() => this.size < this.limit || this.ended !== undefined)

  get full(): boolean {
    return this.size >= this.limit && this.ended === undefined
  }

  /** Everything that waits; waits for the first. */
  readonly pull: Pull.Pull<Batch, ConnectionError> = Effect.suspend(() => {
    const ready = this.take()
    return (
      ready ??
      Effect.flatMap(
        this.gate.when(() => this.messages.length > 0 || this.ended !== undefined),
        () => this.pull
      )
    )
  })

  private take(): Pull.Pull<Batch, ConnectionError> | undefined {
    const { messages } = this
    if (isBatch(messages)) {
      this.messages = []
      this.size = 0
      this.gate.check()
      return Effect.succeed(messages)
    }
    const { ended } = this
    if (ended === undefined) return undefined
    return Exit.isSuccess(ended) ? Cause.done() : Effect.failCause(ended.cause)
  }
}
