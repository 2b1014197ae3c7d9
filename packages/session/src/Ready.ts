/**
 * An open session: messages, acks and keepalives.
 *
 * **Source** msgr2, "Message exchange"; Ceph `src/msg/async/ProtocolV2.cc` (`handle_message`)
 */
import { msgSeq } from "@msgr2/wire/Ids"
import type { Action } from "./Action.ts"
import { closing, type Step, violation } from "./Close.ts"
import type { Event } from "./Event.ts"
import type { Table } from "./Machine.ts"
import * as Session from "./Session.ts"
import type { State } from "./State.ts"

type Ready = Extract<State, { readonly _tag: "Ready" }>

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
    sent: acknowledged.sent
  }
  const deliver: Action = { _tag: "Deliver", message }
  return [at(state, accepted), seq === next ? [deliver] : [{ _tag: "Gap", expected: next, received: seq }, deliver]]
}

export const table: Table<State, Event, Action> = {
  Ready: {
    ...closing,
    Submitted: (state, { message }) => {
      const { inSeq } = state.progress
      const progress = Session.submit(state.progress, state.session.lossy, message)
      return [at(state, progress), [{ _tag: "SendMessage", message, seq: progress.outSeq, ackSeq: inSeq }]]
    },
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
}
