/**
 * The part of a messenger that the machines rely on, as rules: it brings them events, does what they ask, and looks up
 * sessions for the arbiter.
 *
 * Shorter than the runtime that ships, and held to the same contract: a socket that was dropped brings no more events,
 * a connected socket answers the latest demand only, and a session is given its visitor's socket before it is told.
 */
import { type Action, isQuestion, type Question } from "@msgr2/session/Action"
import type { SessionRequest } from "@msgr2/session/Arbiter"
import type { Event } from "@msgr2/session/Event"
import * as Outbox from "@msgr2/session/Outbox"
import type { State } from "@msgr2/session/State"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import { msgSeq } from "@msgr2/wire/Ids"
import { type Actor, type Side, sideOf } from "./World.ts"
import type { Draft } from "./WorldDraft.ts"
import { answer, bannerEvent } from "./WorldEnds.ts"
import * as Watch from "./WorldWatch.ts"
import * as Tally from "./WorldTally.ts"

/** Drops the socket of an actor, and whatever it is waiting for. */
export const drop = (draft: Draft, end: number, actor: Actor): Actor => {
  const link = actor.link === undefined ? undefined : draft.link(actor.link)
  if (link !== undefined) draft.close(link.id, sideOf(link, end))
  if (actor.handover !== undefined) draft.close(actor.handover.link, "acceptor")
  return { ...actor, link: undefined, dialling: false, waiting: false, handover: undefined }
}

const write = (draft: Draft, end: number, { link: id }: Actor, frame: Event): void => {
  const link = id === undefined ? undefined : draft.link(id)
  if (link !== undefined) draft.write(link.id, sideOf(link, end), frame)
}

const perform = (draft: Draft, end: number, id: number, action: Action): void => {
  const actor = draft.actor(end, id)
  if (actor === undefined) return
  switch (action._tag) {
    case "SendBanner":
      return write(draft, end, actor, bannerEvent)
    case "Send":
      return write(draft, end, actor, action.frame)
    case "SendMessage": {
      const { ackSeq, message, seq } = action
      Tally.send(draft, end, actor.to, Number(message.header.tid))
      const header = { ...message.header, seq: msgSeq(seq), ackSeq: msgSeq(ackSeq) }
      return write(draft, end, actor, { ...message, header })
    }
    case "Deliver": {
      const { priority, tid } = action.message.header
      const lossy = "session" in actor.state && actor.state.session.lossy
      const late = actor.address !== draft.end(actor.to).address
      return Tally.deliver(draft, actor.to, end, { number: Number(tid), priority, lossy, late })
    }
    case "Dial":
      return draft.put(end, { ...actor, dialling: true, waiting: false })
    case "Backoff":
      return draft.put(end, { ...actor, dialling: false, waiting: true })
    case "Disconnect":
    case "Hangup":
      return draft.put(end, { ...drop(draft, end, actor), dialling: actor.dialling, waiting: actor.waiting })
    case "RemoteReset":
      return Tally.reset(draft, end, actor.to)
    case "Opened":
      return flush(draft, end, id)
    default:
      return
  }
}

/** Lets everything that waits leave, where nothing holds it back. */
const flush = (draft: Draft, end: number, id: number): void => {
  const actor = draft.actor(end, id)
  if (draft.ends.setup.writes === "lazy" || actor?.state._tag !== "Ready") return
  if (Outbox.hasPending(actor.state.progress.outbox)) {
    run(draft, end, id, { _tag: "Writable", count: Number.POSITIVE_INFINITY })
  }
}

const answerTo = (draft: Draft, end: number, id: number, question: Question): void => {
  switch (question._tag) {
    case "TakeGlobalSeq":
      return run(draft, end, id, { _tag: "GlobalSeqTaken", globalSeq: draft.takeGlobalSeq(end, question.above) })
    case "Admit":
      return run(draft, end, id, {
        _tag: "Admitted",
        cookie: draft.drawCookie(),
        globalSeq: draft.takeGlobalSeq(end)
      })
    case "Arbitrate":
      return arbitrate(draft, end, id, question.request)
    default: {
      const known = answer(question)
      if (known !== undefined) run(draft, end, id, known)
    }
  }
}

const isUnder = (state: State, addrs: EntityAddr.EntityAddrVec): boolean =>
  "session" in state &&
  state.session.remote.addrs.length === addrs.length &&
  state.session.remote.addrs.every((addr, i) => EntityAddr.equals(addr, addrs[i] ?? EntityAddr.blank))

/** The session under a visitor's addresses says what becomes of the visitor. */
const arbitrate = (draft: Draft, end: number, id: number, request: SessionRequest): void => {
  const { address, actors } = draft.end(end)
  const visitor = draft.actor(end, id)
  if (visitor?.state._tag !== "SessionAccepting") return
  const known = actors.find((actor) => actor.listed && isUnder(actor.state, request.addrs))
  const { arrival, newcomer } = judge(draft, end, visitor.state, address, known, request)
  if (known !== undefined && arrival !== undefined) {
    if (arrival._tag === "Reuse") {
      const link = visitor.link ?? 0
      run(draft, end, id, newcomer)
      draft.remove(end, id)
      const handover = { link, arrival, putOff: false }
      draft.put(end, { ...drop(draft, end, known), handover })
      if (draft.ends.setup.handover === "eager") handOver(draft, end, known.id)
      return
    }
    run(draft, end, known.id, arrival)
  }
  if (newcomer._tag === "PutOff" && known?.handover !== undefined) {
    draft.put(end, { ...known, handover: { ...known.handover, putOff: true } })
  }
  run(draft, end, id, newcomer)
  const admitted = draft.actor(end, id)
  if (newcomer._tag === "Admitted" && admitted !== undefined) draft.put(end, { ...admitted, listed: true })
}

/** Asks the arbiter; a cookie and a number are drawn only when they are used. */
const judge = (
  draft: Draft,
  end: number,
  state: Extract<State, { readonly _tag: "SessionAccepting" }>,
  address: number,
  known: Actor | undefined,
  request: SessionRequest
) => {
  const own = [draft.ends.address(end, address)]
  const question = {
    own,
    policy: state.visitor.policy,
    existing: known?.state,
    replacing: known?.handover !== undefined
  }
  const means = draft.means(end)
  const { existing: arrival, newcomer } = draft.ends.machines.arbitrate(question, state, request, means)
  const isNew = newcomer._tag === "Admitted" || (arrival?._tag === "Reuse" && request._tag === "ClientIdent")
  if (isNew) draft.useMeans(end)
  return { arrival, newcomer }
}

/** The session has the socket now. */
export const handOver = (draft: Draft, end: number, id: number): void => {
  const actor = draft.actor(end, id)
  if (actor?.handover === undefined) return
  const { arrival, link } = actor.handover
  draft.put(end, { ...actor, link, handover: undefined, dialling: false, waiting: false })
  run(draft, end, id, arrival)
}

/** The session, or the visit, is over. */
const bury = (draft: Draft, end: number, actor: Actor, before: State, event: Event): void => {
  if (event._tag === "HandedOver") return
  drop(draft, end, actor)
  draft.remove(end, actor.id)
  if (!("session" in before)) return
  const { lossy, peer } = before.session
  const byOwner = event._tag === "MarkedDown" || event._tag === "Expired"
  // A lossy one that has heard no answer cannot know what the peer has made of its request.
  if (byOwner || (lossy && peer === undefined)) return Tally.lose(draft, end, actor.to)
  if (!lossy && !draft.tally(end, actor.to).lost) draft.blame(Tally.Promises.ending)
  Tally.excuse(draft, end, actor.to)
}

/** Brings `event` to a machine, and does what comes of it. */
export const run = (draft: Draft, end: number, id: number, event: Event): void => {
  const actor = draft.actor(end, id)
  if (actor === undefined) return
  const before = actor.state
  Watch.arriving(draft, before, event)
  const [state, actions] = draft.ends.machine(end, draft.end(end).address, actor).step(before, event)
  Watch.stepped(draft, before, event, [state, actions])
  draft.put(end, state._tag === "Wait" ? { ...actor, state } : { ...actor, state, waiting: false })
  const questions: Array<Question> = []
  for (const action of actions) {
    if (isQuestion(action)) questions.push(action)
    else perform(draft, end, id, action)
  }
  for (const question of questions) answerTo(draft, end, id, question)
  const after = draft.actor(end, id)
  if (after?.state._tag === "Closed") bury(draft, end, after, before, event)
}

/** The socket of `actor` is gone. */
export const lose = (draft: Draft, end: number, actor: Actor): void => {
  draft.put(end, drop(draft, end, actor))
  run(draft, end, actor.id, { _tag: "Disconnected" })
}

/** Brings the oldest frame towards `side` to whom it is for. */
export const deliver = (draft: Draft, end: number, actor: Actor, link: number, side: Side): void => {
  const frame = draft.read(link, side)
  if (frame === undefined) return
  run(draft, end, actor.id, frame)
  if (draft.ends.setup.acks === "lazy") return
  if (draft.actor(end, actor.id)?.state._tag === "Ready") run(draft, end, actor.id, { _tag: "Drained" })
}
