/**
 * What is looked at in every single step of a machine.
 */
import type { Action } from "@msgr2/session/Action"
import type { Event } from "@msgr2/session/Event"
import type { ProtocolError, Reason } from "@msgr2/session/ProtocolError"
import type { Progress } from "@msgr2/session/Session"
import type { Living, State } from "@msgr2/session/State"
import type { Draft } from "./WorldDraft.ts"

export const Watched = {
  legal: "no frame is illegal in its state",
  rounds: "no handshake goes round and round",
  numbers: "between honest ends no number is skipped and none comes twice",
  acks: "nobody acknowledges what was never sent",
  grows: "counters of a session only grow",
  told: "who is told a number comes back with a higher one"
} as const

const looping: ReadonlyArray<Reason> = ["AuthRounds", "SessionRounds", "SequenceExhausted"]
/** Errors that two honest ends may well cause. */
const natural: ReadonlyArray<Reason> = [
  "AskedToWait",
  "HandshakeTimeout",
  "IdleTimeout",
  "StaleConnection",
  "SessionDisplaced",
  "SessionExpired"
]

const judge = (draft: Draft, error: ProtocolError | undefined): void => {
  if (error === undefined || natural.includes(error.reason)) return
  draft.blame(looping.includes(error.reason) ? Watched.rounds : Watched.legal)
}

/** The highest number that was ever given to a message of the session. */
const reached = ({ outSeq, outbox }: Progress): number => outSeq + outbox.replay.size

/** What the peer says that it has received. */
const acknowledged = (state: Living, event: Event): number | undefined => {
  switch (event._tag) {
    case "Message":
      return event.header.ackSeq
    case "Ack":
    case "ReconnectOk":
      return event.msgSeq
    case "Reuse":
      return event.request._tag === "Reconnect" && event.request.serverCookie === state.session.serverCookie
        ? event.request.msgSeq
        : undefined
    default:
      return undefined
  }
}

export const arriving = (draft: Draft, state: State, event: Event): void => {
  if (!("session" in state)) return
  const seq = acknowledged(state, event)
  if (seq !== undefined && seq > reached(state.progress)) draft.blame(Watched.acks)
}

/** RETRY and RETRY_GLOBAL say what was too low. */
const heeds = (event: Event, after: State, actions: ReadonlyArray<Action>): boolean => {
  if (event._tag === "RetrySession") return !("session" in after) || after.session.connectSeq > event.connectSeq
  if (event._tag !== "RetryGlobal") return true
  return actions.some((action) => action._tag === "TakeGlobalSeq" && action.above >= event.globalSeq)
}

const shrinks = (before: Living, after: Living): boolean => {
  const [left, right] = [before.session, after.session]
  if (right.globalSeq < left.globalSeq) return true
  const isSame = left.clientCookie === right.clientCookie && left.serverCookie === right.serverCookie
  if (!isSame || left.serverCookie === 0n) return false
  return (
    right.connectSeq < left.connectSeq ||
    right.peerGlobalSeq < left.peerGlobalSeq ||
    after.progress.inSeq < before.progress.inSeq ||
    reached(after.progress) < reached(before.progress)
  )
}

export const stepped = (
  draft: Draft,
  before: State,
  event: Event,
  [after, actions]: readonly [State, ReadonlyArray<Action>]
): void => {
  for (const action of actions) {
    if (action._tag === "Disconnect" || action._tag === "Hangup") judge(draft, action.error)
    else if (action._tag === "Gap" || action._tag === "Duplicate") draft.blame(Watched.numbers)
  }
  if (before === after || !("session" in before)) return
  if (before._tag === "SessionReconnecting" && !heeds(event, after, actions)) draft.blame(Watched.told)
  if ("session" in after && shrinks(before, after)) draft.blame(Watched.grows)
}
