/**
 * Time that passes only when there is nothing else to do.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** Where every simulation begins. **Units** milliseconds since 1970. */
const EPOCH = 1_790_000_000_000

/**
 * Something that is to happen. **Units** `due` in milliseconds since the beginning, which it will be to the last bit
 */
export interface Timer {
  readonly due: number
  readonly run: () => void
}

interface Entry extends Timer {
  readonly micros: number
  wanted: boolean
}

/** **Units** the methods count in milliseconds; inside, whole microseconds. */
export class SimClock {
  private micros = 0
  /** By time, the latest first: the next one is the last. */
  private readonly timers: Array<Entry> = []

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.micros / 1000
  }

  /** Timers that wait. */
  get pending(): number {
    return this.timers.length
  }

  /** Calls `run` when so much time has passed, unless it is taken back. */
  after(millis: number, run: () => void): Timer {
    return this.at(this.now + Math.max(0, millis), run)
  }

  /** Calls `run` at this time, or at once when it is over. */
  at(millis: number, run: () => void): Timer {
    const micros = Math.max(this.micros, Math.ceil(millis * 1000))
    const timer: Entry = {
      due: micros / 1000,
      micros,
      run: () => {
        if (timer.wanted) run()
      },
      wanted: true
    }
    let at = this.timers.length
    while (at > 0 && this.timers[at - 1]!.micros <= micros) at--
    this.timers.splice(at, 0, timer)
    return timer
  }

  /** Takes a timer back, even when its time has come and it waits for its turn. */
  cancel(timer: Timer): void {
    const at = this.timers.findLastIndex((other) => other === timer)
    if (at >= 0) this.timers.splice(at, 1)
    ;(timer as Entry).wanted = false
  }

  /** Goes on to the next moment at which something happens, and says what does: nothing when nobody waits. */
  advance(): ReadonlyArray<Timer> {
    const { timers } = this
    const next = timers.at(-1)
    if (next === undefined) return []
    this.micros = next.micros
    let first = timers.length
    while (first > 0 && timers[first - 1]!.micros === next.micros) first--
    return timers.splice(first).toReversed()
  }

  /** A clock on this time, with a wall clock of its own: what a program is given. */
  view(): HostClock {
    return new HostClock(this)
  }
}

/** The clock of one host. Its wall clock may jump; sleeps and monotonic time do not care. */
export class HostClock implements Clock.Clock {
  private readonly clock: SimClock
  /** How far the wall clock is wrong. */
  private skew = 0

  constructor(clock: SimClock) {
    this.clock = clock
  }

  /** Sets the wall clock forward, or back. */
  jump(millis: number): void {
    this.skew += millis
  }

  currentTimeMillisUnsafe(): number {
    return EPOCH + Math.floor(this.clock.now + this.skew)
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(EPOCH) * 1_000_000n + BigInt(Math.round((this.clock.now + this.skew) * 1000)) * 1000n
  }

  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.clock.now * 1000)) * 1000n
  }

  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback<void>((resume) => {
      const timer = this.clock.after(millis, () => resume(Effect.void))
      return Effect.sync(() => {
        this.clock.cancel(timer)
      })
    })
  }
}
