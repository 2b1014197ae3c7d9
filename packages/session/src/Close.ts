/**
 * The ways a connection ends, as transitions.
 */
import type { Action } from "./Action.ts"
import type { Tagged, Transition } from "./Machine.ts"
import { ProtocolError, type Reason } from "./ProtocolError.ts"
import type { State } from "./State.ts"

export type Step = Transition<State, Action>

/** The end: hang up after `parting` frames. */
export const end = (error: ProtocolError | undefined, parting: ReadonlyArray<Action> = []): Step => [
  { _tag: "Closed", error },
  [...parting, { _tag: "Hangup", error }]
]

/** The peer broke a rule. Where a session can survive that, it will: `Fault` decides. */
export const violation = (
  state: Tagged,
  input: Tagged,
  reason: Reason,
  expected: string,
  parting: ReadonlyArray<Action> = []
): Step => end(new ProtocolError({ reason, state: state._tag, received: input._tag, expected }), parting)

/** Somebody closed the connection on purpose, or the socket of a visitor went away. */
export const closed: Step = end(undefined)

export const handshakeTimeout = (state: Tagged, input: Tagged): Step =>
  violation(state, input, "HandshakeTimeout", "the peer to complete the handshake in time")

/** How a session ends that its messenger cannot keep. */
export const expiring = {
  Displaced: (state: Tagged, event: Tagged): Step =>
    violation(state, event, "SessionDisplaced", "no newer connection of the peer"),
  Expired: (state: Tagged, event: Tagged): Step =>
    violation(state, event, "SessionExpired", "the peer to return while there is room for its session")
}
