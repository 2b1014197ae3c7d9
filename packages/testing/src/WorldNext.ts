/**
 * What comes of a move.
 */
import type { State } from "@msgr2/session/State"
import { type Actor, holder, sessionWith, type World } from "./World.ts"
import { Draft } from "./WorldDraft.ts"
import type { Ends } from "./WorldEnds.ts"
import type { Move } from "./WorldMoves.ts"
import { FAR } from "./WorldNumbers.ts"
import * as Runtime from "./WorldRuntime.ts"
import * as Tally from "./WorldTally.ts"

/** A session with nobody yet, for what is to be sent. */
const begin = (draft: Draft, end: number, to: number): Actor => {
  const { address } = draft.end(to)
  const actor: Actor = {
    id: draft.bear(),
    role: "client",
    to,
    address,
    state: draft.ends.client(end, draft.end(end).address, to, address).initial,
    link: undefined,
    dialling: true,
    waiting: false,
    listed: true,
    handover: undefined
  }
  draft.put(end, actor)
  return actor
}

const submit = (
  draft: Draft,
  world: World,
  { end, priority, to }: Extract<Move, { readonly _tag: "Submit" }>
): void => {
  const actor = sessionWith(world, end, to) ?? begin(draft, end, to)
  draft.spendSubmit(end)
  const number = Tally.accept(draft, end, to, priority)
  const message = draft.ends.message(number, priority)
  const hold = draft.ends.setup.writes === "lazy" && draft.ends.setup.priorities.length > 1
  Runtime.run(draft, end, actor.id, { _tag: "Submitted", message, hold })
}

const asks = (state: State | undefined): boolean =>
  state?._tag === "SessionConnecting" || state?._tag === "SessionReconnecting"

/** Both ends get a socket. */
const connect = (draft: Draft, end: number, actor: Actor): void => {
  const { acceptor, id } = draft.connect(end, actor.to)
  const { address } = draft.end(end)
  const local = draft.ends.socket(end, address)
  draft.put(end, { ...actor, link: id, dialling: false, waiting: false })
  const visitor: Actor = {
    id: draft.bear(),
    role: "server",
    to: end,
    address,
    state: draft.ends.server(acceptor, draft.end(acceptor).address).initial,
    link: id,
    dialling: false,
    waiting: false,
    listed: false,
    handover: undefined
  }
  draft.put(acceptor, visitor)
  const [globalSeq, cookie] = [draft.takeGlobalSeq(end), draft.drawCookie()]
  Runtime.run(draft, end, actor.id, { _tag: "Connected", globalSeq, cookie, local })
  Runtime.run(draft, acceptor, visitor.id, { _tag: "Accepted", remote: local })
  if (draft.ends.setup.detail === "full") return
  // Up to the request, and not so far that it is read.
  for (;;) {
    const dialler = draft.actor(end, actor.id)
    const accepting = draft.actor(acceptor, visitor.id)
    if (dialler === undefined || accepting === undefined || asks(dialler.state)) return
    Runtime.deliver(draft, acceptor, accepting, id, "acceptor")
    Runtime.deliver(draft, end, dialler, id, "dialler")
  }
}

/** The highest number of `end` that somebody else remembers, or its own. */
const remembered = (draft: Draft, end: number, own: bigint): bigint => {
  let highest = 0n
  for (let peer = 0; peer < draft.size; peer++) {
    for (const { state, to } of draft.end(peer).actors) {
      if (to !== end || !("session" in state)) continue
      const superseded = state._tag === "SessionConnecting" ? (state.superseded ?? 0n) : 0n
      for (const seq of [state.session.peerGlobalSeq, superseded]) if (seq > highest) highest = seq
    }
  }
  return highest === 0n ? own : highest
}

const restart = (draft: Draft, end: number): void => {
  const { actors, address, globalSeq } = draft.end(end)
  const { counter, renewed } = draft.ends.setup
  for (const actor of actors) Runtime.drop(draft, end, actor)
  if (counter !== "clock") draft.lose(end)
  draft.setEnd(end, {
    address: renewed ? address + 1 : address,
    globalSeq: counter === "clock" ? globalSeq : remembered(draft, end, globalSeq) - (counter === "behind" ? 1n : FAR),
    actors: []
  })
  for (let peer = 0; peer < draft.size; peer++) if (peer !== end) Tally.lose(draft, end, peer)
}

/** The move on a link. */
const atLink = (draft: Draft, world: World, move: Extract<Move, { readonly link: number }>): void => {
  const link = draft.link(move.link)
  const actor = link === undefined ? undefined : holder(world, link, move.side)
  if (link === undefined || actor === undefined) return
  const end = link[move.side]
  switch (move._tag) {
    case "Deliver":
      return Runtime.deliver(draft, end, actor, link.id, move.side)
    case "Cut":
      draft.spend("cuts")
      return Runtime.lose(draft, end, actor)
    case "Notice":
      return Runtime.lose(draft, end, actor)
    case "Timeout":
      draft.spend("timeouts")
      return Runtime.run(draft, end, actor.id, {
        _tag: actor.state._tag === "Ready" ? "IdleTimeout" : "HandshakeTimeout"
      })
    case "Write":
      return Runtime.run(draft, end, actor.id, { _tag: "Writable", count: 1 })
    case "Ack":
      return Runtime.run(draft, end, actor.id, { _tag: "Drained" })
  }
}

/** Whether the move is about this one among the actors of an end: at most one of a kind is. */
const isMeant = ({ _tag }: Move, { dialling, handover, waiting }: Actor): boolean =>
  _tag === "BackoffOver" ? waiting : _tag === "HandOver" ? handover !== undefined : dialling

/** The move at an end. */
const atEnd = (
  draft: Draft,
  world: World,
  move: Extract<Move, { readonly end: number; readonly to: number }>
): void => {
  const { end, to } = move
  if (move._tag === "Submit") return submit(draft, world, move)
  const actor =
    move._tag === "MarkDown" || move._tag === "Expire"
      ? sessionWith(world, end, to)
      : world.ends[end]?.actors.find((actor) => actor.to === to && isMeant(move, actor))
  if (actor === undefined) return
  switch (move._tag) {
    case "Connect":
      return connect(draft, end, actor)
    case "Refuse":
      draft.spend("refusals")
      return Runtime.lose(draft, end, actor)
    case "BackoffOver":
      draft.put(end, { ...actor, waiting: false })
      return Runtime.run(draft, end, actor.id, { _tag: "BackoffOver" })
    case "HandOver":
      return Runtime.handOver(draft, end, actor.id)
    case "MarkDown":
      draft.spend("markDowns")
      return Runtime.run(draft, end, actor.id, { _tag: "MarkedDown" })
    case "Expire":
      draft.spend("expiries")
      return Runtime.run(draft, end, actor.id, { _tag: "Expired" })
  }
}

/** The world after a move that `WorldMoves` allows. */
export const next =
  (ends: Ends) =>
  (world: World, move: Move): World => {
    const draft = new Draft(world, ends)
    if (move._tag === "Restart") {
      draft.spend("restarts")
      restart(draft, move.end)
    } else if ("link" in move) atLink(draft, world, move)
    else atEnd(draft, world, move)
    return draft.done()
  }
