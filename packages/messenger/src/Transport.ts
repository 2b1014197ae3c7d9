/**
 * Pipes of bytes between addresses: what the protocol needs of TCP, and nothing more.
 *
 * Nothing here knows a frame. `NodeTransport` is the real one, `MemoryTransport` the one for tests.
 */
import type { EntityAddr } from "@msgr2/wire/EntityAddr"
import type * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { TransportError } from "./TransportError.ts"

/**
 * One connection, both directions. It is gone when its scope closes: after `end`, what was written still gets the time
 * to leave; without it, the connection is cut.
 */
export interface Pipe {
  readonly local: EntityAddr
  readonly remote: EntityAddr
  /**
   * The chunks that have arrived since the last read; waits for the first. Their bytes belong to the reader from then
   * on and never change.
   *
   * **Errors** `EndOfStream` once the peer has finished and everything was read; `Reset` or `Failed` at once.
   */
  readonly read: Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, TransportError>
  /**
   * Sends `chunks` in this order, by reference: they must not change before `done` is called, if it ever is. Never
   * waits; see `backlog`.
   */
  readonly write: (chunks: ReadonlyArray<Uint8Array>, done?: () => void) => void
  /** Bytes written that the system has not taken yet. */
  readonly backlog: () => number
  /** Waits until the backlog is gone, or the pipe. */
  readonly drained: Effect.Effect<void>
  /** Says that no more will be written. What was written still leaves, as long as the peer goes on taking it. */
  readonly end: () => void
}

/** A place where pipes arrive. It stops listening when its scope closes. */
export interface Listener {
  /** The address bound, with the port that was found for 0. */
  readonly address: EntityAddr
  /**
   * The next visitor. The pipe lives until the given scope closes.
   *
   * **Errors** what the system said of one visitor, or of itself: the next call may succeed again.
   */
  readonly accept: Effect.Effect<Pipe, TransportError, Scope.Scope>
}

export class Transport extends Context.Service<
  Transport,
  {
    readonly connect: (address: EntityAddr) => Effect.Effect<Pipe, TransportError, Scope.Scope>
    readonly listen: (address: EntityAddr) => Effect.Effect<Listener, TransportError, Scope.Scope>
  }
>()("@msgr2/messenger/Transport") {
  /**
   * The transport below with other ways to some addresses: a forwarded port, a proxy. Both ends go on talking of the
   * address itself, as they must: it is part of the protocol.
   */
  static readonly layerRedirected = (
    where: (address: EntityAddr) => EntityAddr
  ): Layer.Layer<Transport, never, Transport> =>
    Layer.effect(
      Transport,
      Effect.map(Transport, ({ connect, listen }) => ({ connect: (address) => connect(where(address)), listen }))
    )
}
