/**
 * Everything that happens to a connection by the clock.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { MessengerConfig } from "../MessengerConfig.ts"

export interface Timed {
  readonly config: Pick<MessengerConfig, "handshakeTimeout" | "idleTimeout" | "keepaliveInterval" | "keepaliveTimeout">
  /** Waits for the end of the handshake, or of it all. */
  readonly open: Effect.Effect<void>
  readonly over: Effect.Effect<void>
  /** Grows with every frame that passes. */
  readonly activity: () => number
  /** Grows with every frame that comes in. */
  readonly heard: () => number
  /** Whether this end listens: it does not while its application has no room for more. */
  readonly listens: () => boolean
  readonly onHandshakeTimeout: () => void
  readonly onIdle: () => void
  /** The peer has answered nothing. */
  readonly onSilence: () => void
  /** **Units** `now` in nanoseconds. */
  readonly onBeat: (now: bigint) => void
}

/** Runs the timers for as long as the connection lasts. */
export const run = (timed: Timed): Effect.Effect<void> =>
  Effect.raceFirst(Effect.all([watch(timed), beats(timed)], { concurrency: 2, discard: true }), timed.over)

/** Ends a handshake that takes too long, and an open connection on which nothing happens. */
const watch = Effect.fnUntraced(function* ({ activity, config, onHandshakeTimeout, onIdle, open }: Timed) {
  yield* Effect.timeoutOrElse(open, {
    duration: config.handshakeTimeout,
    orElse: () => Effect.sync(onHandshakeTimeout)
  })
  for (;;) {
    const before = activity()
    yield* Effect.sleep(config.idleTimeout)
    if (before === activity()) onIdle()
  }
})

/** Sends keepalives of its own accord, and gives up a peer that answers nothing at all. */
const beats = Effect.fnUntraced(function* ({ config, heard, listens, onBeat, onSilence, open }: Timed) {
  const { keepaliveInterval, keepaliveTimeout } = config
  if (keepaliveInterval === undefined) return
  yield* open
  let before = heard()
  let silence = Duration.zero
  for (;;) {
    onBeat(yield* Clock.currentTimeNanos)
    yield* Effect.sleep(keepaliveInterval)
    silence = before === heard() && listens() ? Duration.sum(silence, keepaliveInterval) : Duration.zero
    before = heard()
    if (keepaliveTimeout !== undefined && Duration.isGreaterThanOrEqualTo(silence, keepaliveTimeout)) onSilence()
  }
})
