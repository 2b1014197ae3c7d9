/**
 * An open connection, as an application sees it.
 */
import type { Peer } from "@msgr2/session/State"
import type { Message } from "@msgr2/wire/Message"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ConnectionError } from "./ConnectionError.ts"
import type { Driver, Stats } from "./internal/Driver.ts"

export type { Stats }

export interface Connection {
  /** Number of the connection in this process, as observers see it. */
  readonly id: number
  readonly peer: Peer
  /**
   * Messages in the order of their numbers. Nothing more is read from the peer while too many wait here. One consumer,
   * and one run: messages come in batches, and what a run has taken of a batch and not used is gone with it.
   *
   * The parts of a message are views into what was received: keep them as long as you like, but a small message kept
   * for long keeps its neighbours' memory too, so copy what you mean to store.
   *
   * **Errors** `ConnectionError` when the peer goes away; ends when this end closes the connection.
   */
  readonly messages: Stream.Stream<Message, ConnectionError>
  /**
   * Takes a message to send; suspends while too much waits for a slow peer. Those that one fiber sends keep their
   * order. The bytes of the message must not change any more; where the session is lossy, they may once `drained` has
   * returned.
   */
  readonly send: (message: Message) => Effect.Effect<void, ConnectionError>
  /** Many messages in one step. */
  readonly sendAll: (messages: ReadonlyArray<Message>) => Effect.Effect<void, ConnectionError>
  /** Waits until the system has taken everything sent so far, or the connection is over. */
  readonly drained: Effect.Effect<void>
  /** Asks the peer for a sign of life and says how long it took. */
  readonly keepalive: Effect.Effect<Duration.Duration, ConnectionError>
  readonly stats: Effect.Effect<Stats>
  /** Says goodbye. What was sent still leaves, as long as the peer goes on taking it. */
  readonly close: Effect.Effect<void>
  /** Waits for the end; fails when the end was not wanted by this side. */
  readonly closed: Effect.Effect<void, ConnectionError>
}

export const fromDriver = (driver: Driver, id: number, peer: Peer): Connection => ({
  id,
  peer,
  messages: Stream.fromPull(Effect.succeed(driver.inbox.pull)),
  send: driver.send,
  sendAll: driver.sendAll,
  drained: driver.drained,
  keepalive: driver.keepalive,
  stats: Effect.sync(() => driver.stats),
  close: Effect.sync(() => driver.markDown()),
  closed: Effect.flatMap(driver.closed, () => driver.over ?? Effect.void)
})
