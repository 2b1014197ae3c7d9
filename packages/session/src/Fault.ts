/**
 * What becomes of a session whose connection is lost: given up, left alone, or dialled again.
 *
 * **Source** Ceph `src/msg/async/ProtocolV2.cc` (`_fault`)
 */
import type { Action } from "./Action.ts"
import { end, type Step } from "./Close.ts"
import type { Local } from "./Options.ts"
import * as Outbox from "./Outbox.ts"
import type { ProtocolError, Reason } from "./ProtocolError.ts"
import * as Session from "./Session.ts"
import type { Living, State } from "./State.ts"

/** No further attempt can change these. */
const FINAL: ReadonlyArray<Reason> = [
  "MissingMsgr2Features",
  "MissingFeatures",
  "WrongPeerType",
  "SessionDisplaced",
  "SessionExpired"
]
/** These are nobody's fault. */
const SOFT: ReadonlyArray<Reason> = ["HandshakeTimeout", "AskedToWait"]

export const isFinal = (error: ProtocolError): boolean => FINAL.includes(error.reason)

/**
 * A peer that broke the rules before there was any session is reported at once; one that was away is tried again, and
 * so is one that has only forgotten the session.
 */
const givesUp = (
  { attempts, lossy, peer, remote }: Session.Session,
  error: ProtocolError | undefined,
  failed: boolean
) =>
  attempts >= (remote.retries ?? (lossy ? 0 : Number.POSITIVE_INFINITY)) ||
  (peer === undefined && (failed || (error !== undefined && !SOFT.includes(error.reason))))

/** How long to wait before an attempt after so many in a row that failed. **Units** milliseconds. */
const delay = ({ backoff }: Local, attempts: number, error: ProtocolError | undefined): number =>
  error?.reason === "AskedToWait" ? backoff.max : Math.min(backoff.initial * 2 ** (attempts - 1), backoff.max)

/**
 * The connection of `state` is of no use any more: it broke, or the peer broke a rule (`error`), or what it said could
 * not be understood or was not believed (`failed`).
 */
export const fault = (options: Local, state: Living, error?: ProtocolError, failed = false): Step => {
  const { session } = state
  const { policy, target } = session.remote
  const open = state._tag === "Ready"
  if (open ? session.lossy : givesUp(session, error, failed)) return end(error)
  const progress = open ? Session.requeue(state.progress) : state.progress
  const drop: Action = { _tag: "Disconnect", error }
  const idle = policy.standby && !session.wanted && !Outbox.hasPending(progress.outbox)
  if ((idle && error?.reason !== "AskedToWait") || policy.server || target === undefined) {
    return [{ _tag: "Standby", session, progress }, [drop]]
  }
  const next = Session.again(session)
  if (open) return [{ _tag: "StartConnect", target, session: next, progress }, [drop, { _tag: "Dial", target }]]
  const attempts = session.attempts + 1
  return [
    { _tag: "Wait", target, session: { ...next, attempts }, progress },
    [drop, { _tag: "Backoff", after: delay(options, attempts, error) }]
  ]
}

/** Dials the peer of a session that has no connection, where that is for this end to do. */
export const dial = (state: Living): Step => {
  const { progress, session } = state
  const { policy, target } = session.remote
  return target === undefined || policy.server
    ? [{ _tag: "Standby", session, progress }, []]
    : [{ _tag: "StartConnect", target, session: Session.again(session), progress }, [{ _tag: "Dial", target }]]
}

/** Turns an end that need not be one into the fault it was. */
export const survive = (options: Local, state: State, step: Step): Step => {
  const [next, actions] = step
  if (next._tag !== "Closed" || next.error === undefined || !("session" in state) || isFinal(next.error)) return step
  const [survivor, rest] = fault(options, state, next.error)
  return [survivor, [...actions.filter(({ _tag }) => _tag !== "Hangup"), ...rest]]
}
