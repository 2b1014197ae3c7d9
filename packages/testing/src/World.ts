/**
 * Two ends or more, the TCP connections between them, and what is on its way, as one value of plain data.
 *
 * The ends run the machines and the arbiter that ship, unchanged. Everything around them, which is the runtime, the
 * network and the owners, is a few rules of `WorldRuntime.ts` and the moves of `WorldMoves.ts`.
 */
import type { Arbitration, Means, Question, SessionRequest } from "@msgr2/session/Arbiter"
import type { Endpoint } from "@msgr2/session/Endpoint"
import type { Arrival, Event } from "@msgr2/session/Event"
import type { Client, Server } from "@msgr2/session/Options"
import type { Policy } from "@msgr2/session/Policy"
import type { Accepting, Living, State } from "@msgr2/session/State"
import type { Cookie } from "@msgr2/wire/Ids"

/** One connection, with what is on its way in both directions: TCP keeps order and loses nothing but the rest. */
export interface Link {
  /** Which one it is, counted from 1 over the whole history. */
  readonly id: number
  /** Places of the two ends. */
  readonly dialler: number
  readonly acceptor: number
  /** Sides whose end has not closed its socket and has not been told that the connection is gone. */
  readonly open: { readonly dialler: boolean; readonly acceptor: boolean }
  /** Frames towards each side, oldest first. What is written to a side that is not open is not kept. */
  readonly towards: { readonly dialler: ReadonlyArray<Event>; readonly acceptor: ReadonlyArray<Event> }
}
export type Side = "dialler" | "acceptor"
export const other = (side: Side): Side => (side === "dialler" ? "acceptor" : "dialler")

/** A socket that is being taken out of its visitor's hands. */
export interface Handover {
  readonly link: number
  readonly arrival: Extract<Arrival, { readonly _tag: "Reuse" }>
  /** Somebody was told to come again meanwhile. */
  readonly putOff: boolean
}

/** One machine at one end: a session, or a visitor that has not asked for one yet. */
export interface Actor {
  readonly id: number
  readonly role: "client" | "server"
  /** Place of the end that it talks to. */
  readonly to: number
  /** Counts the addresses that the other end has had. */
  readonly address: number
  readonly state: State
  readonly link: number | undefined
  /** A socket was asked for, and has not come. */
  readonly dialling: boolean
  /** Its time to wait is running. */
  readonly waiting: boolean
  /** It is found under its peer's addresses. */
  readonly listed: boolean
  readonly handover: Handover | undefined
}

/** A messenger: one process at one address. */
export interface End {
  /** Counts the addresses it has had. */
  readonly address: number
  /** The number of its latest attempt to connect, whichever session that was for. */
  readonly globalSeq: bigint
  readonly actors: ReadonlyArray<Actor>
}

/** The messages from one end to another, as their owners see them: bit n is message n. */
export interface Tally {
  /** Of every message that was accepted, in this order. */
  readonly priorities: ReadonlyArray<number>
  /** Has been on a socket. */
  readonly sent: number
  /** Has been delivered in the session that the receiver has now. */
  readonly delivered: number
  /** Need not arrive any more: an owner or a process ended a session that held it, or a lossy one has ended. */
  readonly excused: number
  /** One of the two has lost a session with the other, which may take a while to come to light. */
  readonly lost: boolean
}

/** What may still go wrong, or be asked for. */
export interface Budget {
  /** For each end. */
  readonly submits: ReadonlyArray<number>
  readonly cuts: number
  readonly refusals: number
  readonly timeouts: number
  readonly markDowns: number
  readonly expiries: number
  readonly restarts: number
}

export interface World {
  readonly ends: ReadonlyArray<End>
  readonly links: ReadonlyArray<Link>
  /** Of messages from `a` to `b` at `a * ends + b`. */
  readonly tallies: ReadonlyArray<Tally>
  readonly left: Budget
  /** Cookies drawn, links and actors made. */
  readonly drawn: bigint
  readonly dialled: number
  readonly born: number
  /** Names of properties that the last move broke. */
  readonly wrong: ReadonlyArray<string>
}

/** What an end is, and how it treats the others. */
export interface EndSetup {
  readonly name: string
  /** Text of an address: where it listens, or where a client without one is seen. */
  readonly address: string
  readonly listens: boolean
  /** Towards each end, itself included, as the dialling and as the accepting side. */
  readonly policies: ReadonlyArray<Policy>
  /** Attempts in a row that may fail; see `Options.Client`. */
  readonly retries?: number
}

/** The machines under test, in place of which others can be put. */
export interface Machines {
  readonly client: (options: Client) => Endpoint
  readonly server: (options: Server) => Endpoint
  readonly arbitrate: (question: Question, state: Accepting, request: SessionRequest, means: Means) => Arbitration
}

/** Who takes part, what may happen to them, and how finely it is looked at. */
export interface Setup {
  readonly ends: ReadonlyArray<EndSetup>
  readonly budget: Budget
  /**
   * Connections at a time, those included that one side has given up and the other has not noticed. Without a bound,
   * an end that never looks would be surrounded by more and more of them.
   */
  readonly links: number
  /** Of the messages that owners send. */
  readonly priorities: ReadonlyArray<number>
  /** Places of the ends that may restart; `renewed` do so at another address. */
  readonly restarting: ReadonlyArray<number>
  readonly renewed: boolean
  /**
   * Where a new process begins to count its attempts. `clock`: above its predecessor, as the messenger that ships does.
   * `behind`: below the highest that its peers remember, as one of Ceph's does, which begins at 0; one step below is
   * enough, more make for more attempts until it has caught up. Nobody can tell its attempts from those of its
   * predecessor, so what that one had under way is lost with it.
   * `far behind`: the same, so far below that no number of attempts makes up for it, as after a clock was set back.
   */
  readonly counter: "clock" | "behind" | "far behind"
  /**
   * `session`: the frames before CLIENT_IDENT or RECONNECT are one step with the connecting. Nothing is lost by that:
   * they read and change nothing but the two machines of that link, of which one is a visitor that nobody can find and
   * the other is treated the same in all states of the handshake until it has sent its request. That request may be
   * under way for as long as the whole handshake might have been, and an attempt that fails on the way is a refusal.
   * `full`: each of these frames is a move.
   */
  readonly detail: "session" | "full"
  /** Acks leave after every frame that was read, or at any time later. */
  readonly acks: "eager" | "lazy"
  /**
   * Messages that wait leave as soon as they may, or one by one at any time later. Where there are several priorities
   * and they leave later, new ones wait as well.
   */
  readonly writes: "eager" | "lazy"
  /** A session has the socket of a visitor at once, or at any time later. */
  readonly handover: "eager" | "lazy"
}

export const tallyAt = (world: Pick<World, "ends">, from: number, to: number): number => from * world.ends.length + to

/** A session in any state; not a visitor. */
export const living = ({ state }: Actor): Living | undefined => ("session" in state ? state : undefined)

/** Which side of `link` belongs to the actor of `end` that has it. */
export const sideOf = (link: Link, end: number): Side => (link.dialler === end ? "dialler" : "acceptor")

/** The actor that has `side` of `link`; none while the socket is being handed over. */
export const holder = (world: Pick<World, "ends">, link: Link, side: Side): Actor | undefined =>
  world.ends[link[side]]?.actors.find((actor) => actor.link === link.id)

/** The session of `from` with `to` as that is now, newest first. */
export const sessionWith = ({ ends }: Pick<World, "ends">, from: number, to: number): Actor | undefined =>
  ends[from]?.actors.findLast(
    (actor) => actor.to === to && "session" in actor.state && actor.address === ends[to]?.address
  )

/** Cookies are drawn in order; those of sessions are random, and differ. */
export const cookieOf = (drawn: bigint): Cookie => drawn as Cookie
