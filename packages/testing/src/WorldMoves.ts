/**
 * Everything that may happen to a world next, one thing at a time.
 */
import * as Outbox from "@msgr2/session/Outbox"
import { type Actor, holder, type Link, other, sessionWith, type Side, type World } from "./World.ts"
import type { Ends } from "./WorldEnds.ts"

export type Move =
  /** The owner of `end` has a message for `to`. */
  | { readonly _tag: "Submit"; readonly end: number; readonly to: number; readonly priority: number }
  /** The socket that `end` wants is there, or there is none to be had. */
  | { readonly _tag: "Connect" | "Refuse"; readonly end: number; readonly to: number }
  /** The oldest frame towards `side` is read. */
  | { readonly _tag: "Deliver"; readonly link: number; readonly side: Side }
  /**
   * `side` learns that the other one has closed the connection, or lost it. What it had not read is lost: nothing, or
   * any part of the rest.
   */
  | { readonly _tag: "Notice"; readonly link: number; readonly side: Side }
  /**
   * The connection breaks, and `side` is the first to notice. The other side may read on, what was under way to it may
   * arrive or not, and what it writes is lost: it does not know. That covers every way of breaking: until somebody
   * notices, a broken connection is a slow one.
   */
  | { readonly _tag: "Cut"; readonly link: number; readonly side: Side }
  /** Patience with the handshake, or with the silence of an open connection, is over. */
  | { readonly _tag: "Timeout"; readonly link: number; readonly side: Side }
  | { readonly _tag: "BackoffOver"; readonly end: number; readonly to: number }
  /** There is room for one message, or time for an ack. */
  | { readonly _tag: "Write" | "Ack"; readonly link: number; readonly side: Side }
  /** A session has the socket that its visitor brought. */
  | { readonly _tag: "HandOver"; readonly end: number; readonly to: number }
  | { readonly _tag: "MarkDown" | "Expire"; readonly end: number; readonly to: number }
  /** The process of `end` is replaced by another, which knows nothing. */
  | { readonly _tag: "Restart"; readonly end: number }

/** What still happens when nothing goes wrong any more and nobody wants anything new. */
export const isFair = ({ _tag }: Move): boolean =>
  _tag === "Connect" ||
  _tag === "Deliver" ||
  _tag === "Notice" ||
  _tag === "BackoffOver" ||
  _tag === "Write" ||
  _tag === "Ack" ||
  _tag === "HandOver"

const sides = ["dialler", "acceptor"] as const

/** A visitor that would be told to come again while a session is being given its socket was told so once already. */
const isPutOff = (world: World, link: Link, side: Side): boolean => {
  if (side === "dialler") return false
  const frame = link.towards.acceptor[0]?._tag
  return (
    (frame === "ClientIdent" || frame === "Reconnect") &&
    world.ends[link.acceptor]?.actors.some(({ handover, to }) => to === link.dialler && handover?.putOff === true) ===
      true
  )
}

const ofLink = (world: World, { setup }: Ends, link: Link, side: Side, moves: Array<Move>): void => {
  const actor = link.open[side] ? holder(world, link, side) : undefined
  if (actor === undefined) return
  const { left } = world
  const at = { link: link.id, side }
  if (link.towards[side].length > 0 && !isPutOff(world, link, side)) moves.push({ _tag: "Deliver", ...at })
  if (!link.open[other(side)]) moves.push({ _tag: "Notice", ...at })
  else if (left.cuts > 0) moves.push({ _tag: "Cut", ...at })
  if (left.timeouts > 0) moves.push({ _tag: "Timeout", ...at })
  if (actor.state._tag !== "Ready") return
  const { progress } = actor.state
  if (setup.writes === "lazy" && Outbox.hasPending(progress.outbox)) moves.push({ _tag: "Write", ...at })
  if (setup.acks === "lazy" && progress.unreported > 0) moves.push({ _tag: "Ack", ...at })
}

const ofActor = (world: World, { setup }: Ends, end: number, actor: Actor, moves: Array<Move>): void => {
  const { left } = world
  const { dialling, handover, state, to, waiting } = actor
  const at = { end, to }
  // A session that is being given a socket needs no other.
  if (dialling && handover === undefined) {
    if (world.links.length < setup.links) moves.push({ _tag: "Connect", ...at })
    if (left.refusals > 0) moves.push({ _tag: "Refuse", ...at })
  }
  if (waiting) moves.push({ _tag: "BackoffOver", ...at })
  if (handover !== undefined) moves.push({ _tag: "HandOver", ...at })
  if (sessionWith(world, end, to) !== actor) return
  if (left.markDowns > 0) moves.push({ _tag: "MarkDown", ...at })
  if (left.expiries > 0 && state._tag === "Standby") moves.push({ _tag: "Expire", ...at })
}

/** A listening end can be dialled; a client that listens nowhere only when it has dialled before. */
const canSend = (world: World, { setup }: Ends, end: number, to: number): boolean => {
  if (end === to) return false
  if (sessionWith(world, end, to) !== undefined) return true
  return setup.ends[to]?.listens === true && setup.ends[end]?.policies[to]?.server === false
}

export const moves =
  (ends: Ends) =>
  (world: World): ReadonlyArray<Move> => {
    const list: Array<Move> = []
    for (const link of world.links) for (const side of sides) ofLink(world, ends, link, side, list)
    for (const [end, { actors }] of world.ends.entries()) {
      for (const actor of actors) ofActor(world, ends, end, actor, list)
      for (const to of (world.left.submits[end] ?? 0) > 0 ? world.ends.keys() : []) {
        if (!canSend(world, ends, end, to)) continue
        for (const priority of ends.setup.priorities) list.push({ _tag: "Submit", end, to, priority })
      }
    }
    if (world.left.restarts > 0) for (const end of ends.setup.restarting) list.push({ _tag: "Restart", end })
    return list
  }
