/**
 * Everything that happens to a connection by the clock.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { MessengerConfig } from "../MessengerConfig.ts"

export interface Timed {
  readonly config: Pick<MessengerConfig, "handshakeTimeout" | "idleTimeout" | "keepaliveInterval">
  /** Waits for the end of the handshake. */
  readonly open: Effect.Effect<void>
  readonly over: Effect.Effect<void>
  /** Grows with every frame that passes. */
  readonly activity: () => number
  readonly onHandshakeTimeout: () => void
  readonly onIdle: () => void
  /** **Units** `now` in nanoseconds. */
  readonly onBeat: (now: bigint) => void
}

/** Runs the timers for as long as the connection lasts. */
export const run = (timed: Timed): Effect.Effect<void> =>
  Effect.raceFirst(Effect.all([watch(timed), beats(timed)], { concurrency: 2, discard: true }), timed.over)

/** Ends a handshake that takes too long, and an open connection on which nothing happens. */
const watch = Effect.fnUntraced(function* ({ activity, config, onHandshakeTimeout, onIdle }: Timed) {
  yield* Effect.sleep(config.handshakeTimeout)
  onHandshakeTimeout()
  for (;;) {
    const before = activity()
    yield* Effect.sleep(config.idleTimeout)
    if (before === activity()) onIdle()
  }
})

/** Sends keepalives of its own accord. */
const beats = Effect.fnUntraced(function* ({ config, onBeat, open }: Timed) {
  if (config.keepaliveInterval === undefined) return
  yield* open
  for (;;) {
    onBeat(yield* Clock.currentTimeNanos)
    yield* Effect.sleep(config.keepaliveInterval)
  }
})
