/**
 * The sending side of a session: what may be taken, what leaves when, and who waits for either.
 */
import * as Outbox from "@msgr2/session/Outbox"
import type { Message } from "@msgr2/wire/Message"
import * as Effect from "effect/Effect"
import type { Delivery } from "../Connection.ts"
import type { ConnectionError } from "../ConnectionError.ts"
import type { MessengerConfig } from "../MessengerConfig.ts"
import type { Driver } from "./Driver.ts"
import { Gate } from "../Gate.ts"
import { Receipts } from "./Receipts.ts"

/** Messages that one turn of the pump sends. */
const BATCH = 64

export class Sender {
  private readonly driver: Driver
  private readonly config: MessengerConfig
  private readonly receipts = new Receipts()
  private readonly roomy = new Gate()

  constructor(driver: Driver, config: MessengerConfig) {
    this.driver = driver
    this.config = config
  }

  /** `message` has left with the number `seq`. */
  sent(message: Message, seq: number): void {
    if (this.receipts.size > 0) this.receipts.sent(message, seq)
  }

  /** What was taken is lost to this session. The result tells those who want to know. */
  lost(): () => void {
    return this.receipts.lost()
  }

  /** Lets messages leave that wait, as far as there is room. */
  pump(): void {
    const { link } = this.driver
    if (link !== undefined) {
      while (this.driver.state._tag === "Ready" && Outbox.hasPending(this.driver.state.progress.outbox)) {
        if (link.crowded) return link.stall()
        this.driver.dispatch({ _tag: "Writable", count: BATCH })
      }
    }
    this.roomy.check()
  }

  /** Acks may have come: what waits for them may go on. */
  settle(): void {
    if (this.receipts.size > 0 && "progress" in this.driver.state) {
      const { outSeq, outbox } = this.driver.state.progress
      this.receipts.delivered(
        this.driver.state._tag === "Ready" && !this.driver.state.session.lossy ? outSeq - outbox.sent.size : 0
      )
    }
    this.roomy.check()
  }

  /** Whether one more message may be taken. */
  private get hasRoom(): boolean {
    const { link, state } = this.driver
    if (!("progress" in state)) return true
    const { config } = this
    const { outbox } = state.progress
    if (!state.session.lossy && (outbox.size >= config.outboxMessages || outbox.bytes >= config.outboxBytes)) {
      return false
    }
    return link === undefined || state._tag !== "Ready"
      ? true
      : link.outgoing.waiting + outbox.queued < config.sendBuffer
  }

  private submit(message: Message): void {
    if (this.receipts.size > 0) this.receipts.take(message)
    const hold = this.driver.link?.crowded ?? false
    this.driver.dispatch(hold ? { _tag: "Submitted", message, hold } : { _tag: "Submitted", message })
    if (hold) this.driver.link?.stall()
  }

  /** Sends when there is room; what has been taken leaves in this order, within one priority. */
  readonly send = (message: Message): Effect.Effect<void, ConnectionError> =>
    Effect.suspend(() => {
      if (this.driver.over !== undefined) return this.driver.gone
      if (!this.hasRoom) return Effect.andThen(this.room, this.send(message))
      this.submit(message)
      return this.driver.over === undefined ? Effect.void : this.driver.gone
    })

  readonly sendAll = (messages: ReadonlyArray<Message>): Effect.Effect<void, ConnectionError> =>
    Effect.suspend(() => {
      let next = 0
      const some: Effect.Effect<void, ConnectionError> = Effect.suspend(() => {
        while (next < messages.length) {
          if (this.driver.over !== undefined) return this.driver.gone
          if (!this.hasRoom) return Effect.andThen(this.room, some)
          const message = messages[next++]
          if (message !== undefined) this.submit(message)
        }
        return this.driver.over === undefined ? Effect.void : this.driver.gone
      })
      return some
    })

  readonly deliver = (message: Message): Effect.Effect<Delivery, ConnectionError> =>
    Effect.suspend(() => {
      // The same value may be sent more than once; each time it is another message.
      const own = { ...message }
      return this.receipts.for(own, this.send(own))
    })

  private readonly room: Effect.Effect<void> = Effect.suspend(() =>
    this.roomy.when(() => {
      if (this.driver.over !== undefined || this.hasRoom) return true
      // Each time: somebody else may have taken the room that there was, and the relief with it.
      const { link, state } = this.driver
      if (link !== undefined && state._tag === "Ready") {
        if (link.outgoing.waiting + state.progress.outbox.queued > 0) link.stall()
      }
      return false
    })
  )

  /** Waits until the system has taken everything sent so far, or the session is over. */
  readonly drained: Effect.Effect<void> = Effect.suspend(() => {
    if (this.driver.over !== undefined) return Effect.void
    const { link, state } = this.driver
    if (link === undefined || state._tag !== "Ready" || Outbox.hasPending(state.progress.outbox)) {
      const settled = () =>
        this.driver.over !== undefined ||
        (this.driver.state._tag === "Ready" && !Outbox.hasPending(this.driver.state.progress.outbox))
      return Effect.andThen(this.roomy.when(settled), this.drained)
    }
    // Of a socket that was lost with what it had, nothing more is known.
    const rest = Effect.suspend(() => (link === this.driver.link ? Effect.void : this.drained))
    return Effect.andThen(Effect.raceFirst(link.outgoing.drained, this.driver.closed), rest)
  })
}
