/**
 * Who wants to know what became of a message.
 *
 * Nobody asks for most messages, and then nothing is done for them.
 */
import type { Message } from "@msgr2/wire/Message"
import * as Effect from "effect/Effect"
import type { Delivery } from "../Connection.ts"

interface Receipt {
  /** The number it was last sent with, once it was. */
  seq: number | undefined
  /** Whether the session has it, so that it goes with the session. */
  taken: boolean
  readonly settle: (delivery: Delivery) => void
}

export class Receipts {
  private readonly open = new Map<Message, Receipt>()

  get size(): number {
    return this.open.size
  }

  /** Calls `submit` and waits for what becomes of `message`. */
  readonly for = <E>(message: Message, submit: Effect.Effect<void, E>): Effect.Effect<Delivery, E> =>
    Effect.suspend(() => {
      let delivery: Delivery | undefined
      let wake: (() => void) | undefined
      const receipt: Receipt = {
        seq: undefined,
        taken: false,
        settle: (settled) => {
          delivery = settled
          wake?.()
        }
      }
      this.open.set(message, receipt)
      const settled = Effect.callback<void>((resume) => {
        wake = () => resume(Effect.void)
        if (delivery !== undefined) wake()
      })
      return submit.pipe(
        Effect.andThen(settled),
        Effect.map(() => delivery ?? "Unknown"),
        Effect.ensuring(Effect.sync(() => this.open.delete(message)))
      )
    })

  take(message: Message): void {
    const receipt = this.open.get(message)
    if (receipt !== undefined) receipt.taken = true
  }

  sent(message: Message, seq: number): void {
    const receipt = this.open.get(message)
    if (receipt !== undefined) receipt.seq = seq
  }

  /** The peer has everything up to number `seq`. */
  delivered(seq: number): void {
    for (const receipt of this.open.values()) {
      if (receipt.seq !== undefined && receipt.seq <= seq) receipt.settle("Delivered")
    }
  }

  /** Nothing more will be heard of what was sent, and what was not will never be: the result says so to those who ask. */
  lost(): () => void {
    const gone = [...this.open].filter(([, { taken }]) => taken)
    for (const [message] of gone) this.open.delete(message)
    return () => {
      for (const [, { seq, settle }] of gone) settle(seq === undefined ? "NotSent" : "Unknown")
    }
  }
}
