/**
 * What every state of a known session does, whatever else it is busy with.
 */
import { closed, expiring, handshakeTimeout, type Step } from "./Close.ts"
import type { Arrival, Event } from "./Event.ts"
import { fault } from "./Fault.ts"
import type { Tagged } from "./Machine.ts"
import type { Local } from "./Options.ts"
import { reuse } from "./Reuse.ts"
import * as Session from "./Session.ts"
import type { Living, State } from "./State.ts"

type Case<T extends Event["_tag"]> = Extract<Event, { readonly _tag: T }>

/** What every state without an open connection does besides its own business. */
export const lasting = (options: Local) => ({
  MarkedDown: (): Step => closed,
  Submitted: <S extends Living>(state: S, { message }: Case<"Submitted">): Step => [
    { ...state, progress: Session.enqueue(state.progress, message) } as State,
    []
  ],
  Wanted: <S extends Living>(state: S): Step => [
    { ...state, session: { ...state.session, wanted: true } } as State,
    []
  ],
  Reuse: (state: Living, event: Extract<Arrival, { readonly _tag: "Reuse" }>): Step => reuse(options, state, event),
  Proceed: <S extends State>(state: S): Step => [state, []],
  Superseded: <S extends Living>(state: S, { globalSeq }: Case<"Superseded">): Step => [
    { ...state, session: Session.invite(state.session, globalSeq) } as State,
    []
  ],
  // Nothing can be sent or is to be reported.
  Writable: <S extends State>(state: S): Step => [state, []],
  KeepaliveDue: <S extends State>(state: S): Step => [state, []],
  Drained: <S extends State>(state: S): Step => [state, []],
  ...expiring
})

/** The same, for states that have a socket or are about to. */
export const dialling = (options: Local) => ({
  ...lasting(options),
  Disconnected: (state: Living): Step => fault(options, state),
  Failed: (state: Living): Step => fault(options, state, undefined, true),
  HandshakeTimeout: <S extends Tagged>(state: S, event: Tagged): Step => handshakeTimeout(state, event)
})
