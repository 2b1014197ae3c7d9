/**
 * An open connection, as an application sees it.
 */
import type { Peer } from "@msgr2/session/Peer"
import type { Message } from "@msgr2/wire/Message"
import type * as Duration from "effect/Duration"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ConnectionError, Reason } from "./ConnectionError.ts"
import type { Driver, Stats } from "./internal/Driver.ts"

export type { Stats }

/** What befalls a session besides messages. */
export type SessionEvent =
  /** There is a connection: a first or a new one, or, `resumed`, the session goes on where it was. */
  | { readonly _tag: "Connected"; readonly resumed: boolean }
  /** The connection is lost, and the session outlives it. */
  | { readonly _tag: "Disconnected"; readonly reason: Reason | undefined }
  /**
   * The peer has lost the session: what had been received and not taken, and what was to be sent, is gone. What was
   * sent and not acknowledged may or may not have been used by the peer.
   */
  | { readonly _tag: "Reset" }

/**
 * What became of a message: the peer has it; it has never left; or it has left, and whether it has arrived cannot be
 * known any more. The peer has it does not mean that its application has looked at it.
 */
export type Delivery = "Delivered" | "NotSent" | "Unknown"

/**
 * One session with a peer. Where its policy lets it last, it outlives the connections that carry it.
 */
export interface Connection {
  /** Number of the connection in this process, as observers see it. */
  readonly id: number
  /** As it was first met. */
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
  /**
   * Sends and waits for the outcome. In a lossy session nothing is acknowledged, and the outcome comes with its end.
   *
   * **Errors** `ConnectionError` when the session was over before.
   */
  readonly deliver: (message: Message) => Effect.Effect<Delivery, ConnectionError>
  /** What befalls the session from now on; those that nobody takes in time are forgotten, oldest first. */
  readonly events: Stream.Stream<SessionEvent>
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

/** Events that wait for somebody to take them. */
const EVENTS = 64

const listen = (
  driver: Driver,
  queue: Queue.Queue<SessionEvent, Cause.Done>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const listener = (event: SessionEvent) => void Queue.offerUnsafe(queue, event)
    driver.listeners.add(listener)
    yield* Effect.addFinalizer(() => Effect.sync(() => driver.listeners.delete(listener)))
    yield* driver.closed
    Queue.endUnsafe(queue)
  })

export const fromDriver = (driver: Driver, id: number, peer: Peer): Connection => ({
  id,
  peer,
  messages: Stream.fromPull(Effect.succeed(driver.inbox.pull)),
  send: driver.sender.send,
  sendAll: driver.sender.sendAll,
  deliver: driver.sender.deliver,
  events: Stream.callback((queue) => listen(driver, queue), { bufferSize: EVENTS, strategy: "sliding" }),
  drained: driver.sender.drained,
  keepalive: driver.keepalive,
  stats: Effect.sync(() => driver.stats),
  close: Effect.sync(() => driver.markDown()),
  closed: Effect.flatMap(driver.closed, () => driver.over ?? Effect.void)
})
