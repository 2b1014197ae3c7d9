/**
 * Going back to a session: the six answers to RECONNECT, and the times between connections.
 *
 * **Source** msgr2, "Message flow handshake"; Ceph `src/msg/async/ProtocolV2.cc` (`handle_reconnect_ok`,
 * `handle_session_reset`, `handle_session_retry`, `handle_session_retry_global`, `handle_wait`)
 */
import { connectSeq } from "@msgr2/wire/Ids"
import type { Action } from "./Action.ts"
import { type Asking, identify, returnTo, waiting } from "./ClientHandshake.ts"
import { type Step, violation } from "./Close.ts"
import type { Event } from "./Event.ts"
import { dial } from "./Fault.ts"
import { dialling, lasting } from "./Lasting.ts"
import type { Table, Tagged } from "./Machine.ts"
import { opened } from "./Opening.ts"
import { type Local, MAX_ROUNDS, MAX_SEQ } from "./Options.ts"
import * as Session from "./Session.ts"
import type { Living, State } from "./State.ts"

type Reconnecting = Extract<State, { readonly _tag: "SessionReconnecting" }>

/** Counts the answer just taken, and ends a loop. */
const nextRound = (state: Reconnecting, frame: Tagged, next: (asking: Asking) => Step): Step => {
  const { arrangement, progress, session } = state
  const { dial } = arrangement
  return dial.rounds >= MAX_ROUNDS
    ? violation(state, frame, "SessionRounds", `an end after ${MAX_ROUNDS} answers`)
    : next({ arrangement: { ...arrangement, dial: { ...dial, rounds: dial.rounds + 1 } }, progress, session })
}

const exhausted = (state: Reconnecting, frame: Tagged): Step =>
  violation(state, frame, "SequenceExhausted", `a number below ${MAX_SEQ}`)

/** Something to do for a session without a connection. */
const wake = (state: Living): Step => dial({ ...state, session: { ...state.session, wanted: true } })

export const table = (options: Local): Table<State, Event, Action> => ({
  SessionReconnecting: {
    ...dialling(options),
    ReconnectOk: ({ arrangement, progress, session }, frame) => {
      const { compression, dial, globalId, mode, peerType } = arrangement
      const before = session.peer
      return opened(
        session,
        Session.resume(progress, frame.msgSeq),
        {
          addrs: before?.addrs ?? session.remote.addrs,
          entityType: peerType,
          gid: before?.gid ?? -1n,
          features: before?.features ?? options.features,
          mode,
          revision: dial.revision,
          compression,
          globalId,
          authenticatedAs: before?.authenticatedAs
        },
        true
      )
    },
    ResetSession: (state, frame) =>
      nextRound(state, frame, ({ arrangement, progress, session }) => {
        const kept = frame.full ? Session.start : Session.restart(progress)
        const forgotten = Session.forget(session, frame.full)
        const [next, actions] = identify(options, {
          arrangement,
          progress: kept,
          // A peer that keeps the session waits for this end to ask for it, with or without something to send.
          session: frame.full ? forgotten : { ...forgotten, wanted: true }
        })
        return [next, frame.full ? [{ _tag: "RemoteReset" }, ...actions] : actions]
      }),
    RetrySession: (state, frame) =>
      frame.connectSeq >= MAX_SEQ
        ? exhausted(state, frame)
        : nextRound(state, frame, (asking) =>
            returnTo(options, {
              ...asking,
              session: { ...asking.session, connectSeq: connectSeq(frame.connectSeq + 1n) }
            })
          ),
    RetryGlobal: (state, frame) =>
      frame.globalSeq >= MAX_SEQ
        ? exhausted(state, frame)
        : nextRound(state, frame, (asking) => [
            { _tag: "SessionReconnecting", ...asking },
            [{ _tag: "TakeGlobalSeq", above: frame.globalSeq }]
          ]),
    GlobalSeqTaken: ({ arrangement, progress, session }, { globalSeq }) =>
      returnTo(options, { arrangement, progress, session: { ...session, globalSeq } }),
    Wait: (state, frame) => waiting(options, state, frame, "RECONNECT_OK")
  },
  Wait: {
    ...lasting(options),
    BackoffOver: ({ progress, session, target }) => [
      { _tag: "StartConnect", target, session, progress },
      [{ _tag: "Dial", target }]
    ],
    // Told to wait, the peer relies on this end.
    Proceed: ({ progress, session, target }) => [
      { _tag: "StartConnect", target, session, progress },
      [{ _tag: "Dial", target }]
    ],
    // Of the socket that is no more.
    Disconnected: (state) => [state, []],
    Failed: (state) => [state, []]
  },
  Standby: {
    ...lasting(options),
    Submitted: (state, { message }) => dial({ ...state, progress: Session.enqueue(state.progress, message) }),
    Wanted: (state) => wake(state),
    KeepaliveDue: (state) => wake(state),
    // Told to wait, the peer relies on this end.
    Proceed: (state) => wake(state),
    Disconnected: (state) => [state, []],
    Failed: (state) => [state, []]
  }
})
