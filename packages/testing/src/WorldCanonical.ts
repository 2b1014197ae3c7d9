/**
 * A world as bytes, without what makes no difference: constants of the setup, what nothing will look at again, and the
 * very values of what is only compared, see `WorldNumbers.ts`.
 *
 * Left out besides: counts of a handshake's rounds, which end one that goes on for ever, and no run comes near
 * (`Watched.rounds` would tell); the cookie of an attempt until it names a session, since it is a new one; who answered
 * last, and with what. An address is a place and a count of addresses before.
 */
import type { Event } from "@msgr2/session/Event"
import type { Cell, Fifo } from "@msgr2/session/Fifo"
import type { Sent } from "@msgr2/session/Outbox"
import type { Living } from "@msgr2/session/State"
import type { Message } from "@msgr2/wire/Message"
import { type Actor, type Link, other, type Side, type World } from "./World.ts"
import { isOwnSeqLive, Numbers } from "./WorldNumbers.ts"
import { Promises } from "./WorldTally.ts"
import { Watched } from "./WorldWatch.ts"

const places = (names: string): ReadonlyMap<string, number> =>
  new Map(
    names
      .trim()
      .split(/\s+/)
      .map((name, i) => [name, i])
  )

const states = places(`
  StartConnect BannerConnecting HelloConnecting AuthConnecting AuthConnectingSign CompressionConnecting
  SessionConnecting SessionReconnecting Wait Standby Ready StartAccept BannerAccepting HelloAccepting AuthAccepting
  AuthAcceptingMore AuthAcceptingSign CompressionAccepting SessionAccepting Closed
`)
const tags = places(`
  Banner Hello AuthRequest AuthDone AuthSignature ClientIdent ServerIdent Reconnect ReconnectOk ResetSession
  RetrySession RetryGlobal Wait Message Ack
`)
const properties = new Map<string, number>(
  [...Object.values(Promises), ...Object.values(Watched)].map((name, i) => [name, i])
)

class Encoder {
  #bytes = new Uint8Array(1 << 10)
  #size = 0
  readonly #numbers = new Numbers()
  /** By who has dialled whom: which of two between different ends came first makes no difference. */
  readonly #links: Array<Link> = []

  encode(world: World): Uint8Array {
    this.#size = 0
    this.#numbers.read(world)
    this.#sort(world.links)
    for (let end = 0; end < world.ends.length; end++) this.#end(world, end)
    this.#put(this.#links.length)
    for (const link of this.#links) this.#link(world, link)
    this.#tallies(world)
    const { submits, ...left } = world.left
    for (const count of submits) this.#put(count)
    for (const count of Object.values(left)) this.#put(count)
    for (const name of world.wrong) this.#put(properties.get(name) ?? 255)
    return this.#bytes.slice(0, this.#size)
  }

  #sort(links: ReadonlyArray<Link>): void {
    const sorted = this.#links
    sorted.length = 0
    const rank = ({ acceptor, dialler }: Link) => 16 * dialler + acceptor
    for (const link of links) {
      let at = sorted.length
      for (let before = sorted[at - 1]; before !== undefined && rank(before) > rank(link); before = sorted[at - 1]) {
        sorted[at--] = before
      }
      sorted[at] = link
    }
  }

  #put(value: number): void {
    if (this.#size + 8 > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    if (value >= 0 && value < 255) {
      this.#bytes[this.#size++] = value
      return
    }
    this.#bytes[this.#size++] = 255
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#size++] = (value >>> shift) & 255
  }

  #flags(a: boolean, b = false, c = false, d = false, e = false): void {
    this.#put((a ? 1 : 0) | (b ? 2 : 0) | (c ? 4 : 0) | (d ? 8 : 0) | (e ? 16 : 0))
  }

  #end(world: World, end: number): void {
    const at = world.ends[end]
    this.#put(at?.address ?? 0)
    this.#put(at?.actors.length ?? 0)
    // Sessions before visitors: which of them came first makes no difference.
    for (const actor of at?.actors ?? []) {
      if (actor.listed || actor.link === undefined) this.#actor(world, end, actor)
    }
    for (const link of this.#links) {
      for (const actor of at?.actors ?? []) if (!actor.listed && actor.link === link.id) this.#actor(world, end, actor)
    }
  }

  #place(link: number | undefined): void {
    this.#put(link === undefined ? 0 : this.#links.findIndex(({ id }) => id === link) + 1)
  }

  #actor(world: World, end: number, actor: Actor): void {
    const { address, dialling, handover, link, listed, role, state, to, waiting } = actor
    this.#put(states.get(state._tag) ?? 255)
    this.#put(to)
    this.#put(address)
    this.#place(link)
    this.#flags(role === "client", dialling, waiting, listed, handover !== undefined)
    if (handover !== undefined) {
      const { arrival, putOff } = handover
      this.#place(handover.link)
      this.#flags(putOff, arrival.reset)
      this.#put(this.#numbers.globalSeq(end, arrival.globalSeq))
      this.#frame(world, undefined, to, arrival.request)
    }
    if ("session" in state) this.#session(end, to, state)
  }

  #session(end: number, to: number, state: Living): void {
    const numbers = this.#numbers
    const {
      attempts,
      clientCookie,
      connectSeq,
      globalSeq,
      invited,
      lossy,
      peer,
      peerGlobalSeq,
      remote,
      serverCookie,
      wanted
    } = state.session
    this.#put(numbers.cookie(clientCookie))
    this.#put(numbers.cookie(serverCookie))
    if (serverCookie !== 0n) this.#put(numbers.connectSeq(serverCookie, connectSeq))
    this.#put(numbers.globalSeq(to, peerGlobalSeq))
    if (isOwnSeqLive(state)) this.#put(numbers.globalSeq(end, globalSeq))
    if (state._tag === "SessionConnecting") this.#put(numbers.globalSeq(to, state.superseded ?? 0n))
    // Beyond these, only the time to wait depends on it.
    this.#put(Math.min(attempts, Math.max(invited ? 2 : 0, remote.retries ?? 0)))
    const { inSeq, outbox, outSeq, unreported } = state.progress
    this.#flags(lossy, wanted, unreported > 0, peer === undefined, invited)
    this.#put(inSeq)
    this.#put(outSeq)
    this.#list(outbox.sent, this.#sent)
    this.#list(outbox.replay, this.#sent)
    for (let lane = outbox.waiting; lane !== undefined; lane = lane.tail) {
      this.#list(lane.head.messages, this.#message)
    }
    this.#put(254)
  }

  #list<A>({ back, front, size }: Fifo<A>, put: (value: A) => void): void {
    this.#put(size)
    for (let cell = front; cell !== undefined; cell = cell.tail) put(cell.head)
    if (back !== undefined) this.#backwards(back, put)
  }

  #backwards<A>(cell: NonNullable<Cell<A>>, put: (value: A) => void): void {
    if (cell.tail !== undefined) this.#backwards(cell.tail, put)
    put(cell.head)
  }

  readonly #sent = ({ message, seq }: Sent): void => {
    this.#put(seq)
    this.#message(message)
  }

  readonly #message = ({ header }: Message): void => {
    this.#put(Number(header.tid))
  }

  #link(world: World, link: Link): void {
    this.#put(link.dialler)
    this.#put(link.acceptor)
    this.#flags(link.open.dialler, link.open.acceptor)
    this.#flow(world, link, "acceptor")
    this.#flow(world, link, "dialler")
  }

  #flow(world: World, link: Link, side: Side): void {
    this.#put(link.towards[side].length)
    for (const frame of link.towards[side]) this.#frame(world, link, link[other(side)], frame)
  }

  #frame(world: World, link: Link | undefined, from: number, frame: Event): void {
    const numbers = this.#numbers
    this.#put(tags.get(frame._tag) ?? 255)
    switch (frame._tag) {
      case "Message":
        this.#put(frame.header.seq)
        this.#put(frame.header.ackSeq)
        return this.#message(frame)
      case "Ack":
      case "ReconnectOk":
        return this.#put(frame.msgSeq)
      case "ClientIdent":
      case "ServerIdent":
        if (frame._tag === "ClientIdent") this.#put(frame.target.nonce)
        this.#put(numbers.cookie(frame.cookie))
        this.#flags(frame.flags !== 0n)
        return this.#put(numbers.globalSeq(from, frame.globalSeq))
      case "Reconnect":
        this.#put(numbers.cookie(frame.clientCookie))
        this.#put(numbers.cookie(frame.serverCookie))
        this.#put(numbers.connectSeq(frame.serverCookie, frame.connectSeq))
        this.#put(frame.msgSeq)
        return this.#put(numbers.globalSeq(from, frame.globalSeq))
      case "ResetSession":
        return this.#flags(frame.full)
      case "RetrySession":
        return link === undefined ? undefined : this.#put(numbers.retrySeq(world, link, frame.connectSeq))
      case "RetryGlobal":
        return link === undefined ? undefined : this.#put(numbers.globalSeq(link.dialler, frame.globalSeq))
    }
  }

  #tallies({ tallies }: World): void {
    for (const { delivered, excused, lost, priorities, sent } of tallies) {
      this.#put(priorities.length)
      for (const priority of priorities) this.#put(priority)
      this.#put(sent)
      this.#put(delivered)
      this.#put(excused)
      this.#flags(lost)
    }
  }
}

const encoder = new Encoder()

export const canonical = (world: World): Uint8Array => encoder.encode(world)
