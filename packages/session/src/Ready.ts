/**
 * An open session: messages, acks and keepalives.
 *
 * **Source** msgr2, "Message exchange"; Ceph `src/msg/async/ProtocolV2.cc` (`handle_message`)
 */
import { msgSeq } from "@msgr2/wire/Ids"
import type { Message } from "@msgr2/wire/Message"
import type { Action } from "./Action.ts"
import { closed, expiring, type Step, violation } from "./Close.ts"
import type { Event } from "./Event.ts"
import { fault } from "./Fault.ts"
import type { Table } from "./Machine.ts"
import type { Local } from "./Options.ts"
import * as Outbox from "./Outbox.ts"
import { reuse } from "./Reuse.ts"
import * as Session from "./Session.ts"
import type { Ready, State } from "./State.ts"

const at = (state: Ready, progress: Session.Progress): Ready =>
  progress === state.progress ? state : { _tag: "Ready", peer: state.peer, session: state.session, progress }

const received = (state: Ready, message: Extract<Event, { readonly _tag: "Message" }>): Step => {
  const { progress, session } = state
  const { seq, ackSeq } = message.header
  const acknowledged = session.lossy ? progress : Session.acknowledge(progress, ackSeq)
  const next = progress.inSeq + 1
  // A replay that crossed an ack. Dropped, and reading goes on.
  if (seq < next) return [at(state, acknowledged), [{ _tag: "Duplicate", seq }]]
  const accepted: Session.Progress = {
    inSeq: seq,
    outSeq: acknowledged.outSeq,
    unreported: session.lossy ? 0 : acknowledged.unreported + 1,
    outbox: acknowledged.outbox
  }
  const deliver: Action = { _tag: "Deliver", message }
  return [at(state, accepted), seq === next ? [deliver] : [{ _tag: "Gap", expected: next, received: seq }, deliver]]
}

const submitted = (state: Ready, message: Message, hold: boolean): Step => {
  // Its turn comes after those that wait.
  if (hold || Outbox.hasPending(state.progress.outbox)) return [at(state, Session.enqueue(state.progress, message)), []]
  const { inSeq } = state.progress
  const progress = Session.submit(state.progress, state.session.lossy, message)
  return [at(state, progress), [{ _tag: "SendMessage", message, seq: progress.outSeq, ackSeq: inSeq }]]
}

/** Sends up to `count` of the messages that wait. */
const writable = (state: Ready, count: number): Step => {
  const actions: Array<Action> = []
  let { progress } = state
  const { inSeq } = progress
  for (let turn = Outbox.next(progress.outbox); turn !== undefined; turn = Outbox.next(progress.outbox)) {
    if (actions.length >= count) break
    progress = Session.submit({ ...progress, outbox: turn.rest }, state.session.lossy, turn.message)
    actions.push({ _tag: "SendMessage", message: turn.message, seq: progress.outSeq, ackSeq: inSeq })
  }
  return [at(state, progress), actions]
}

export const table = (options: Local): Table<State, Event, Action> => ({
  Ready: {
    Disconnected: (state) => fault(options, state),
    Failed: (state) => fault(options, state),
    // What waits for room has been taken, and leaves with the rest.
    MarkedDown: (state) => {
      const [next, parting] = closed
      return [next, [...writable(state, Number.POSITIVE_INFINITY)[1], ...parting]]
    },
    Reuse: (state, event) => reuse(options, state, event),
    // There is nothing to get on with: the connection is open.
    Proceed: (state) => [state, []],
    Superseded: (state) => [state, []],
    Wanted: (state) => [state, []],
    ...expiring,
    Submitted: (state, { hold = false, message }) => submitted(state, message, hold),
    Writable: (state, { count }) => writable(state, count),
    Message: received,
    // A number beyond anything sent is harmless, as it is to Ceph.
    Ack: (state, { msgSeq }) => [
      state.session.lossy ? state : at(state, Session.acknowledge(state.progress, msgSeq)),
      []
    ],
    Drained: (state) =>
      state.progress.unreported === 0
        ? [state, []]
        : [
            at(state, { ...state.progress, unreported: 0 }),
            [{ _tag: "Send", frame: { _tag: "Ack", msgSeq: msgSeq(state.progress.inSeq) } }]
          ],
    KeepaliveDue: (state, { sec, nsec }) => [state, [{ _tag: "Send", frame: { _tag: "Keepalive2", sec, nsec } }]],
    Keepalive2: (state, { sec, nsec }) => [state, [{ _tag: "Send", frame: { _tag: "Keepalive2Ack", sec, nsec } }]],
    Keepalive2Ack: (state, { sec, nsec }) => [state, [{ _tag: "KeepaliveAcked", sec, nsec }]],
    // The timer and the last frame of the handshake crossed.
    HandshakeTimeout: (state) => [state, []],
    IdleTimeout: (state, event) => violation(state, event, "IdleTimeout", "a frame now and then")
  }
})
