/**
 * What has become of the messages from one end to another, as their owners see it.
 */
import type { Tally } from "./World.ts"
import type { Draft } from "./WorldDraft.ts"

/** Properties that these rules hold the machines to. */
export const Promises = {
  once: "a message is delivered at most once in a session",
  order: "messages of one priority are delivered in the order in which they were accepted",
  complete: "no message is skipped",
  same: "what is delivered is what was sent",
  urgent: "what is more urgent leaves first, and what was sent before leaves before that",
  reset: "a session is reset only after one of its ends was lost",
  ending: "a lossless session ends only when an owner says so or the peer was lost"
} as const

export const empty: Tally = { priorities: [], sent: 0, delivered: 0, excused: 0, lost: false }

const all = ({ priorities }: Tally): number => (1 << priorities.length) - 1

/** Messages that have to arrive, and have not. */
export const owed = (tally: Tally): number => all(tally) & ~(tally.delivered | tally.excused)

/** Numbers of the messages below `number`, or above it, of the same priority. */
const peers = ({ priorities }: Tally, number: number, isAbove: boolean): number =>
  priorities.reduce(
    (mask, priority, i) =>
      priority === priorities[number] && (isAbove ? i > number : i < number) ? mask | (1 << i) : mask,
    0
  )

/** The number of a message that `from` accepts for `to`. */
export const accept = (draft: Draft, from: number, to: number, priority: number): number => {
  const tally = draft.tally(from, to)
  draft.setTally(from, to, { ...tally, priorities: [...tally.priorities, priority] })
  return tally.priorities.length
}

/** A message leaves. */
export const send = (draft: Draft, from: number, to: number, number: number): void => {
  const tally = draft.tally(from, to)
  const { excused, priorities, sent } = tally
  if ((sent & (1 << number)) !== 0) return
  const own = priorities[number] ?? 0
  const isLate = priorities.some(
    (priority, i) => ((sent | excused) & (1 << i)) === 0 && (priority > own || (priority === own && i < number))
  )
  if (isLate) draft.blame(Promises.urgent)
  draft.setTally(from, to, { ...tally, sent: sent | (1 << number) })
}

/** A message that arrives, as the receiver sees it. */
export interface Arrived {
  readonly number: number
  readonly priority: number
  /** Its session keeps no order with others of the same ends: there may be several of them at a time. */
  readonly lossy: boolean
  /** Its session is with a process that is no more. */
  readonly late: boolean
}

/** A message arrives at its owner. */
export const deliver = (draft: Draft, from: number, to: number, message: Arrived): void => {
  const { late, lossy, number, priority } = message
  const tally = draft.tally(from, to)
  const { delivered, excused, priorities } = tally
  const bit = 1 << number
  if (priorities[number] !== priority) return draft.blame(Promises.same)
  if ((delivered & bit) !== 0) return draft.blame(Promises.once)
  if (!lossy && !(late && (excused & bit) !== 0)) {
    if ((delivered & peers(tally, number, true)) !== 0) draft.blame(Promises.order)
    if ((~(delivered | excused) & peers(tally, number, false)) !== 0) draft.blame(Promises.complete)
  }
  draft.setTally(from, to, { ...tally, delivered: delivered | bit, excused: excused & ~bit })
}

/** What `from` has accepted for `to` until now need not arrive any more. */
export const excuse = (draft: Draft, from: number, to: number): void => {
  const tally = draft.tally(from, to)
  draft.setTally(from, to, { ...tally, excused: all(tally) & ~tally.delivered })
}

/** What was delivered in a session that is over may come once again in another. */
const forget = (tally: Tally): Tally => ({ ...tally, excused: tally.excused | tally.delivered, delivered: 0 })

/** `end` has lost its half of the session with `peer`, or its owner wants it no more. */
export const lose = (draft: Draft, end: number, peer: number): void => {
  excuse(draft, end, peer)
  excuse(draft, peer, end)
  draft.setTally(end, peer, { ...draft.tally(end, peer), lost: true })
  draft.setTally(peer, end, { ...forget(draft.tally(peer, end)), lost: true })
}

/** The machine of `end` says that `peer` has lost the session, and drops what it had for it: now both have. */
export const reset = (draft: Draft, end: number, peer: number): void => {
  if (!draft.tally(end, peer).lost) draft.blame(Promises.reset)
  excuse(draft, end, peer)
  draft.setTally(peer, end, forget(draft.tally(peer, end)))
}
