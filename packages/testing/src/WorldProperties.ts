/**
 * What must be true of every world.
 *
 * Nonces are not among it: each socket has keys of its own from a handshake of its own, and the frame layer counts with
 * them.
 */
import type { Fifo } from "@msgr2/session/Fifo"
import type { Eventually, NoLoop, Predicates } from "./Model.ts"
import { type Actor, holder, type Link, living, type Setup, sessionWith, tallyAt, type World } from "./World.ts"
import { isFair, type Move } from "./WorldMoves.ts"
import { owed, Promises } from "./WorldTally.ts"
import { Watched } from "./WorldWatch.ts"

// --- safety

/** The session that an actor with an open socket believes in. */
const openSession = (actor: Actor | undefined) => (actor?.state._tag === "Ready" ? actor.state.session : undefined)

const isOpen = ({ open }: Link): boolean => open.dialler && open.acceptor

/** Both ends of a connection that nobody has closed are READY: they mean the same session. */
const agree = (world: World): boolean =>
  world.links.every((link) => {
    if (!isOpen(link)) return true
    const left = openSession(holder(world, link, "dialler"))
    const right = openSession(holder(world, link, "acceptor"))
    return (
      left === undefined ||
      right === undefined ||
      (left.clientCookie === right.clientCookie &&
        left.serverCookie === right.serverCookie &&
        left.lossy === right.lossy)
    )
  })

const isUsed = (world: World, link: Link): boolean =>
  isOpen(link) &&
  [holder(world, link, "dialler"), holder(world, link, "acceptor")].every(
    (actor) => actor?.listed === true && actor.state._tag === "Ready"
  )

const areSame = (left: Link, right: Link): boolean =>
  Math.min(left.dialler, left.acceptor) === Math.min(right.dialler, right.acceptor) &&
  Math.max(left.dialler, left.acceptor) === Math.max(right.dialler, right.acceptor)

const isSole = <A>(list: ReadonlyArray<A>, such: (one: A) => boolean, same: (left: A, right: A) => boolean): boolean =>
  list.every((one, i) => !such(one) || !list.some((other, j) => j < i && such(other) && same(one, other)))

/** No end has two sessions under one address of a peer, and no two ends have two connections that both of them use. */
const isSingle = (world: World): boolean =>
  world.ends.every(({ actors }) =>
    isSole(
      actors,
      ({ listed }) => listed,
      (left, right) => left.to === right.to && left.address === right.address
    )
  ) && isSole(world.links, (link) => isUsed(world, link), areSame)

const bitsOf = <A>({ back, front }: Fifo<A>, numberOf: (value: A) => number): number => {
  let bits = 0
  for (let cell = front; cell !== undefined; cell = cell.tail) bits |= 1 << numberOf(cell.head)
  for (let cell = back; cell !== undefined; cell = cell.tail) bits |= 1 << numberOf(cell.head)
  return bits
}

/** Messages that an actor still has: waiting, to be sent again, or not acknowledged. */
const heldBy = (actor: Actor): number => {
  const outbox = living(actor)?.progress.outbox
  if (outbox === undefined) return 0
  const number = ({ message }: { readonly message: { readonly header: { readonly tid: bigint } } }) =>
    Number(message.header.tid)
  let bits = bitsOf(outbox.sent, number) | bitsOf(outbox.replay, number)
  for (let lane = outbox.waiting; lane !== undefined; lane = lane.tail) {
    bits |= bitsOf(lane.head.messages, (message) => number({ message }))
  }
  return bits
}

/** What has to arrive, and has not, is still with its sender, unless the session is one that keeps nothing. */
const isKept = (world: World): boolean => {
  for (let from = 0; from < world.ends.length; from++) {
    for (let to = 0; to < world.ends.length; to++) {
      const tally = world.tallies[tallyAt(world, from, to)]
      let missing = tally === undefined ? 0 : owed(tally)
      if (missing === 0) continue
      for (const actor of world.ends[from]?.actors ?? []) {
        if (actor.to === to) missing &= living(actor)?.session.lossy === true ? 0 : ~heldBy(actor)
      }
      if (missing !== 0) return false
    }
  }
  return true
}

export const always: Predicates<World> = {
  "two ends that are READY on one connection mean the same session": agree,
  "a session has one connection": isSingle,
  "no message is forgotten": isKept
}

/** What single steps are held to; what broke it is in the state they lead to. */
export const onStep: { readonly [name: string]: (before: World, move: Move, after: World) => boolean } =
  Object.fromEntries(
    [...Object.values(Promises), ...Object.values(Watched)].map((name) => [
      name,
      (_: World, __: Move, { wrong }: World) => wrong.length === 0 || !wrong.includes(name)
    ])
  )

// --- liveness

/** The sender of a tally can only wait for a peer that has forgotten it to come by again. */
const isLeft = (world: World, tally: number): boolean => {
  const [from, to] = [Math.floor(tally / world.ends.length), tally % world.ends.length]
  const state = sessionWith(world, from, to)?.state
  return state?._tag === "Standby" && (state.session.remote.policy.server || state.session.remote.target === undefined)
}

/** Nothing is under way and nothing is being tried: what has to arrive has arrived, and sessions are open or stand by. */
export const isSettled = (world: World): boolean =>
  world.links.every(
    (link) =>
      isOpen(link) &&
      link.towards.dialler.length === 0 &&
      link.towards.acceptor.length === 0 &&
      openSession(holder(world, link, "dialler")) !== undefined &&
      openSession(holder(world, link, "acceptor")) !== undefined
  ) &&
  world.ends.every(({ actors }) =>
    actors.every(
      ({ handover, state }) => (state._tag === "Ready" || state._tag === "Standby") && handover === undefined
    )
  ) &&
  world.tallies.every((tally, i) => owed(tally) === 0 || (tally.lost && isLeft(world, i)))

/**
 * Nothing happens before a timer does. Everybody is told at once that a connection is gone, but for an open session: it
 * may not notice for long, if it is `allowed`.
 */
const isQuiet = (world: World, allowed: boolean): boolean =>
  world.links.every((link) =>
    (["dialler", "acceptor"] as const).every((side) => {
      if (!link.open[side]) return true
      const isIdle = link.towards[side].length === 0
      return isIdle && (isOpen(link) || (allowed && openSession(holder(world, link, side)) !== undefined))
    })
  ) && world.ends.every(({ actors }) => actors.every(({ dialling, handover }) => !dialling && handover === undefined))

/** Not two ends at a time: requests that cross may overtake each other as long as chance will have it, and no longer. */
const isAlone = ({ links }: World): boolean => links.filter(isOpen).length < 2

export const eventually: { readonly [name: string]: Eventually<World, Move> } = {
  "when nothing breaks any more, sessions are open or stand by and every message has arrived": {
    goal: isSettled,
    fair: isFair
  }
}

/**
 * A process that starts far behind is refused, again and again, for as long as the connection of the one before it is
 * believed in. There, open sessions are told as well.
 */
export const noLoop = ({ counter }: Setup): { readonly [name: string]: NoLoop<World, Move> } => ({
  "no resetting, retrying or waiting for ever": {
    moves: (move, before, after) =>
      isFair(move) &&
      isAlone(before) &&
      isAlone(after) &&
      (move._tag !== "BackoffOver" || isQuiet(before, counter !== "far behind"))
  }
})
