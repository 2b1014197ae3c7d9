/**
 * A place to wait until a condition holds, for what changes synchronously and is waited for by fibers: room in a buffer,
 * the end of a pipe. Conditions are looked at when somebody says that things have changed, and only then.
 */
import * as Effect from "effect/Effect"

export class Gate {
  private readonly waiters = new Set<() => void>()

  /** Lets those through whose condition holds now, first come first. They run before this returns. */
  check(): void {
    for (const waiter of this.waiters) waiter()
  }

  /** Waits until `open()` is true. */
  when(open: () => boolean): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const waiter = () => {
        if (!open()) return
        this.waiters.delete(waiter)
        resume(Effect.void)
      }
      // Before the first look: that may be what brings about the next check.
      this.waiters.add(waiter)
      waiter()
      return Effect.sync(() => {
        this.waiters.delete(waiter)
      })
    })
  }
}
