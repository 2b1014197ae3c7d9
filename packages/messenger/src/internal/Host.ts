/**
 * What a session needs of the messenger it belongs to.
 */
import type { SessionRequest } from "@msgr2/session/Arbiter"
import type { State } from "@msgr2/session/State"
import type { EntityAddr } from "@msgr2/wire/EntityAddr"
import type * as Effect from "effect/Effect"
import type { Driver } from "./Driver.ts"
import type { Link } from "./Link.ts"

/** Something under way that brings an event when it is done. */
export interface Job {
  /** Nobody wants its outcome any more. */
  cancelled: boolean
  readonly cancel: () => void
}

/** What a session asks of the messenger it belongs to. */
export interface Host {
  /** Connects a socket, and brings `Connected` or `Disconnected`. */
  readonly dial: (driver: Driver, target: EntityAddr) => Job
  /** Brings `BackoffOver`. **Units** milliseconds. */
  readonly backoff: (driver: Driver, after: number) => Job
  /** Closes a link that nobody needs. */
  readonly discard: (driver: Driver, link: Link) => void
  /** Brings the answer to `Arbitrate`. */
  readonly arbitrate: (driver: Driver, link: Link, request: SessionRequest) => Effect.Effect<void>
  /** `event` has led to another node of the digraph, or to another socket. */
  readonly moved: (driver: Driver, from: State, event: string) => void
}
