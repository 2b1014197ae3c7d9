/**
 * What became of every connection object of one messenger, in the order in which it made them.
 *
 * An object is one `Driver`: it is made when a peer is dialled whose session is not known, and when a socket is
 * accepted. An accepted socket that is handed over to a session that existed before leaves its object "replaced".
 */
import type { Observer } from "../../../src/index.ts"
import type { Point } from "./breakpoints.ts"

/** Attempts, CLIENT_IDENT and RECONNECT that got to their point, and times that it came to READY in this role. */
export type Role = readonly [attempts: number, idents: number, reconnects: number, opened: number]

export interface Entry {
  /** `established`, `closed`, `replaced`, or the node of the digraph where it is. */
  readonly state: string
  readonly connect: Role
  readonly accept: Role
  /** How often its owner heard that it is over, and how often that the peer had lost the session. */
  readonly reset: readonly [local: number, remote: number]
}

const idle: Role = [0, 0, 0, 0]

/** An entry with what is not 0. */
export const entry = (state: string, counts: Partial<Omit<Entry, "state">> = {}): Entry => ({
  state,
  connect: idle,
  accept: idle,
  reset: [0, 0],
  ...counts
})

interface Account {
  state: string
  readonly connect: [number, number, number, number]
  readonly accept: [number, number, number, number]
  readonly reset: [number, number]
}

const stateOf = ({ event, to }: Observer.Transition): string => {
  if (to === "Ready") return "established"
  if (to === "Closed") return event === "HandedOver" ? "replaced" : "closed"
  return to
}

const READY_BY_DIALLING = ["SessionConnecting", "SessionReconnecting"]

export class Ledger {
  private readonly accounts = new Map<number, Account>()
  /** Objects whose banner is on its way to a socket that has not shown one yet. */
  private readonly introduced: Array<Account> = []
  private readonly sockets = new Map<number, Account>()

  get entries(): ReadonlyArray<Entry> {
    return [...this.accounts]
      .toSorted(([a], [b]) => a - b)
      .map(([, { accept, connect, reset, state }]) => ({
        state,
        connect: [...connect],
        accept: [...accept],
        reset: [...reset]
      }))
  }

  stateOf(connection: number): string | undefined {
    return this.accounts.get(connection)?.state
  }

  private account(connection: number): Account {
    const known = this.accounts.get(connection)
    if (known !== undefined) return known
    const made: Account = { state: "new", connect: [0, 0, 0, 0], accept: [0, 0, 0, 0], reset: [0, 0] }
    this.accounts.set(connection, made)
    return made
  }

  /** For `Observer`: a banner tells which object has the next socket that writes one. */
  readonly observe = ({ connection, direction, frame }: Observer.Observation): void => {
    if (frame === undefined && direction === "out") this.introduced.push(this.account(connection))
  }

  /** For `Watcher`. */
  readonly watch = (transition: Observer.Transition): void => {
    const { connection, event, from, to } = transition
    const account = this.account(connection)
    // The first attempt begins with the object, each further one when the session goes back to it.
    if (account.state === "new" && from === "StartConnect") account.connect[0]++
    if (account.state === "new" && from === "StartAccept") account.accept[0]++
    if (to === "StartConnect") account.connect[0]++
    if (to === "Ready") account[event !== "Reuse" && READY_BY_DIALLING.includes(from) ? "connect" : "accept"][3]++
    account.state = stateOf(transition)
  }

  /** For `Breakpoints`. */
  readonly passed = (socket: number, point: Point): void => {
    if (point === "Banner W") {
      const owner = this.introduced.shift()
      if (owner === undefined) throw new Error("a banner that nobody sent")
      this.sockets.set(socket, owner)
    }
    const owner = this.sockets.get(socket)
    if (owner === undefined) return
    if (point === "ClientIdent W") owner.connect[1]++
    if (point === "Reconnect W") owner.connect[2]++
    if (point === "ClientIdent R") owner.accept[1]++
    if (point === "Reconnect R") owner.accept[2]++
  }

  /** The owner of a connection heard that it is over, which it had not asked for. */
  lost(connection: number): void {
    this.account(connection).reset[0]++
  }

  /** The owner of a connection heard that the peer had lost the session. */
  forgotten(connection: number): void {
    this.account(connection).reset[1]++
  }
}
