/**
 * Small numbers in place of those that are only compared, so that worlds which differ in nothing else are one.
 *
 * - Cookies are equal or not, and 0 or not: they are numbered in the order in which they are asked for.
 * - A global_seq is compared with others of the same end. Of those that are not above the end's counter only the order
 *   counts; what lies above, as it may after a restart, keeps its distance. Where that is too long a way to count, as
 *   `FAR` is, the distance is that from the least of them: the counter gets there at a leap or not at all.
 * - A connect_seq is compared with others of the same session. All of them may be lowered by the same amount, and a
 *   request that is behind both ends is just that: it will be told the number to use.
 */
import type { Event } from "@msgr2/session/Event"
import type { Living } from "@msgr2/session/State"
import { holder, type Link, type World } from "./World.ts"

/** Its own global_seq will be said again only in an attempt that is under way: every other one takes a new number. */
export const isOwnSeqLive = ({ _tag }: Living): boolean =>
  _tag !== "Ready" && _tag !== "Standby" && _tag !== "Wait" && _tag !== "StartConnect"

/** The name of the session for which a link was dialled. */
const dialledSession = (world: World, link: Link): bigint => {
  const state = holder(world, link, "dialler")?.state
  return state !== undefined && "session" in state ? state.session.serverCookie : 0n
}

/** So many attempts nobody makes. */
export const FAR = 1n << 40n

export class Numbers {
  readonly #cookies: Array<bigint> = []
  /** For each end. */
  readonly #globalSeqs: Array<Array<bigint>> = []
  readonly #counters: Array<bigint> = []
  /** Two neighbours for each session: its name, and the least of its connect_seqs. */
  readonly #floors: Array<bigint> = []

  /** Looks at everything that is compared in `world`. */
  read(world: World): void {
    this.#cookies.length = 0
    this.#floors.length = 0
    for (let end = 0; end < world.ends.length; end++) {
      this.#globalSeqs[end] = []
      this.#counters[end] = world.ends[end]?.globalSeq ?? 0n
    }
    for (let end = 0; end < world.ends.length; end++) this.#end(world, end)
    for (const link of world.links) {
      for (const frame of link.towards.acceptor) this.#frame(world, link, link.dialler, frame)
      for (const frame of link.towards.dialler) this.#frame(world, link, link.acceptor, frame)
    }
    for (const list of this.#globalSeqs) if (list.length > 1) list.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  }

  #end(world: World, end: number): void {
    for (const { handover, state, to } of world.ends[end]?.actors ?? []) {
      if (handover !== undefined) {
        this.#note(end, handover.arrival.globalSeq)
        this.#note(to, handover.arrival.request.globalSeq)
      }
      if (!("session" in state)) continue
      const { connectSeq, globalSeq, peerGlobalSeq, serverCookie } = state.session
      this.#note(to, peerGlobalSeq)
      if (isOwnSeqLive(state)) this.#note(end, globalSeq)
      if (state._tag === "SessionConnecting") this.#note(to, state.superseded ?? 0n)
      if (serverCookie !== 0n) this.#floor(serverCookie, connectSeq)
    }
  }

  #frame(world: World, link: Link, from: number, frame: Event): void {
    switch (frame._tag) {
      case "ClientIdent":
      case "ServerIdent":
      case "Reconnect":
        return this.#note(from, frame.globalSeq)
      case "RetryGlobal":
        return this.#note(link.dialler, frame.globalSeq)
      case "RetrySession":
        return this.#floor(dialledSession(world, link), frame.connectSeq)
    }
  }

  #note(end: number, globalSeq: bigint): void {
    const list = this.#globalSeqs[end]
    if (globalSeq !== 0n && list !== undefined && !list.includes(globalSeq)) list.push(globalSeq)
  }

  #floor(cookie: bigint, connectSeq: bigint): void {
    const floors = this.#floors
    for (let i = 0; i < floors.length; i += 2) {
      if (floors[i] !== cookie) continue
      if (connectSeq < (floors[i + 1] ?? 0n)) floors[i + 1] = connectSeq
      return
    }
    floors.push(cookie, connectSeq)
  }

  cookie(value: bigint): number {
    if (value === 0n) return 0
    const at = this.#cookies.indexOf(value)
    return at < 0 ? this.#cookies.push(value) : at + 1
  }

  globalSeq(end: number, value: bigint): number {
    const list = this.#globalSeqs[end] ?? []
    const counter = this.#counters[end] ?? 0n
    if (value <= counter) return value === 0n ? 0 : list.indexOf(value) + 1
    const above = list.findIndex((one) => one > counter)
    const least = list[above] ?? value
    return least - counter < FAR / 2n ? above + 1 + Number(value - counter) : -1 - Number(value - least)
  }

  connectSeq(cookie: bigint, value: bigint): number {
    const floors = this.#floors
    for (let i = 0; i < floors.length; i += 2) {
      if (floors[i] !== cookie) continue
      const floor = floors[i + 1] ?? 0n
      return value < floor ? 0 : Number(value - floor) + 1
    }
    return 0
  }

  /** Of a number that is told to whoever has dialled `link`. */
  retrySeq(world: World, link: Link, value: bigint): number {
    return this.connectSeq(dialledSession(world, link), value)
  }
}
