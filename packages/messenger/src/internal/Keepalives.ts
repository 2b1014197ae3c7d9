/**
 * Those who wait for the peer to give a sign of life.
 */
import * as Effect from "effect/Effect"

/** A time as KEEPALIVE2 carries it. */
export interface Stamp {
  readonly sec: number
  readonly nsec: number
}

/** **Units** `now` in nanoseconds since 1970. */
export const stamp = (now: bigint): Stamp => ({
  sec: Number((now / 1_000_000_000n) & 0xffff_ffffn),
  nsec: Number(now % 1_000_000_000n)
})

interface Waiter extends Stamp {
  readonly resume: () => void
}

export class Keepalives {
  private waiters: ReadonlyArray<Waiter> = []

  /** Calls `ask` and waits until the time it carried has come back, or nobody will answer any more. */
  answerTo(asked: Stamp, ask: () => void): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const waiter: Waiter = { ...asked, resume: () => resume(Effect.void) }
      this.waiters = [...this.waiters, waiter]
      ask()
      return Effect.sync(() => {
        this.waiters = this.waiters.filter((other) => other !== waiter)
      })
    })
  }

  /** The peer has repeated this time. */
  answered({ nsec, sec }: Stamp): void {
    this.wake((waiter) => waiter.sec === sec && waiter.nsec === nsec)
  }

  /** Nobody will answer any more. */
  end(): void {
    this.wake(() => true)
  }

  private wake(which: (waiter: Waiter) => boolean): void {
    const woken = this.waiters.filter(which)
    this.waiters = this.waiters.filter((waiter) => !woken.includes(waiter))
    for (const { resume } of woken) resume()
  }
}
