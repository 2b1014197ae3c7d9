/**
 * The ways a connection ends, as transitions.
 */
import type { Action } from "./Action.ts"
import type { Tagged, Transition } from "./Machine.ts"
import { ProtocolError, type Reason } from "./ProtocolError.ts"
import type { State } from "./State.ts"

export type Step = Transition<State, Action>

/** The peer broke a rule: hang up after `parting` frames. */
export const violation = (
  state: Tagged,
  input: Tagged,
  reason: Reason,
  expected: string,
  parting: ReadonlyArray<Action> = []
): Step => {
  const error = new ProtocolError({ reason, state: state._tag, received: input._tag, expected })
  return [{ _tag: "Closed", error }, [...parting, { _tag: "Hangup", error }]]
}

/** Somebody closed the connection on purpose, or the socket went away. */
export const closed: Step = [{ _tag: "Closed", error: undefined }, [{ _tag: "Hangup", error: undefined }]]

/** What every state that is not over does with these. */
export const closing = {
  Disconnected: (): Step => closed,
  MarkedDown: (): Step => closed
}

const timeout = (state: Tagged, input: Tagged): Step =>
  violation(state, input, "HandshakeTimeout", "the peer to complete the handshake in time")

/** What every state of a handshake does besides its own business. */
export const handshaking = {
  ...closing,
  HandshakeTimeout: timeout,
  // Nothing to report before there is a session.
  Drained: <S extends State>(state: S): Step => [state, []]
}
