/**
 * Runs one session: its machine, what waits in both directions, and the link that carries it just now.
 */
import type { Action } from "@msgr2/session/Action"
import { isQuestion } from "@msgr2/session/Action"
import type { SessionRequest } from "@msgr2/session/Arbiter"
import type { Endpoint } from "@msgr2/session/Endpoint"
import type { Event } from "@msgr2/session/Event"
import type { Peer } from "@msgr2/session/Peer"
import type { State } from "@msgr2/session/State"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { SessionEvent } from "../Connection.ts"
import { ConnectionError, type Reason } from "../ConnectionError.ts"
import type { MessengerConfig } from "../MessengerConfig.ts"
import { TransportError } from "../TransportError.ts"
import { Gate } from "../Gate.ts"
import type { Host, Job } from "./Host.ts"
import { Inbox } from "./Inbox.ts"
import { Keepalives, stamp } from "./Keepalives.ts"
import type { Link } from "./Link.ts"
import { Sender } from "./Sender.ts"

export interface Options {
  readonly id: number
  readonly endpoint: Endpoint
  readonly config: MessengerConfig
  readonly host: Host
  /** Who the peer is before it has said so, for errors. */
  readonly remote: EntityAddr.EntityAddr
  /** The peer has opened it. */
  readonly visited: boolean
}

/** Counts since the session began. **Units** bytes on the wire, frames, messages. */
export interface Stats {
  readonly framesIn: number
  readonly framesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly messagesIn: number
  readonly messagesOut: number
  readonly duplicates: number
  readonly gaps: number
  /** Times that a connection was there to be used: 1 for one that never broke. */
  readonly opened: number
  /** Times that the session went on where it had been. */
  readonly resumed: number
  /** Times that the peer had lost the session. */
  readonly resets: number
}

/** What gets lost with a link. */
interface Loss {
  readonly reason: Reason
  readonly state: string
}

const noTraffic = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0 }

export class Driver {
  state: State
  readonly inbox: Inbox
  link: Link | undefined
  /** Who is there, from the first READY on and ever after. */
  peer: Peer | undefined
  /** How it ended, once it is over: a success when its owner closed it. */
  over: Exit.Exit<void, ConnectionError> | undefined
  /** Those who want it open. */
  owners = 0
  /** Fibers that work for it: whoever lets go of it waits for them. */
  readonly work = new Set<Fiber.Fiber<void>>()
  /** The end of its time without a connection. */
  expiry: Job | undefined
  readonly listeners = new Set<(event: SessionEvent) => void>()
  private readonly options: Options
  private readonly counts = {
    messagesIn: 0,
    messagesOut: 0,
    duplicates: 0,
    gaps: 0,
    opened: 0,
    resumed: 0,
    resets: 0
  }
  /** Of links that are gone. */
  private traffic = noTraffic
  private readonly keepalives = new Keepalives()
  readonly sender: Sender
  private readonly changed = new Gate()
  private job: Job | undefined
  /** Since the last word on it to those who listen. */
  private connected = false
  /** Why the link is being lost, while the machine is told. */
  private loss: Loss | undefined
  /** Steps within steps. */
  private depth = 0
  private later: Array<() => void> = []

  constructor(options: Options) {
    this.options = options
    this.state = options.endpoint.initial
    this.inbox = new Inbox(options.config.receiveBuffer)
    this.sender = new Sender(this, options.config)
  }

  get id(): number {
    return this.options.id
  }

  get visited(): boolean {
    return this.options.visited
  }

  get peerName(): string {
    return EntityAddr.format(this.options.remote)
  }

  get stats(): Stats {
    const { bytesIn, bytesOut, framesIn, framesOut } = this.traffic
    const { link } = this
    return {
      ...this.counts,
      framesIn: framesIn + (link?.incoming.frames ?? 0),
      framesOut: framesOut + (link?.framesOut ?? 0),
      bytesIn: bytesIn + (link?.incoming.bytes ?? 0),
      bytesOut: bytesOut + (link?.outgoing.bytes ?? 0)
    }
  }

  /** Begins with the first attempt. */
  start(target: EntityAddr.EntityAddr): void {
    this.job = this.options.host.dial(this, target)
  }

  /** The socket whose events count from now on. */
  attach(link: Link): void {
    this.job = undefined
    this.link = link
    link.owner = this
  }

  /** Takes over the socket of a visitor who turned out to be this session's peer. */
  adopt(link: Link): void {
    const visitor = link.owner
    this.job?.cancel()
    this.drop()
    visitor.link = undefined
    this.attach(link)
  }

  /** Lets the socket go, whatever is still in it. */
  private drop(): void {
    const { link } = this
    if (link === undefined) return
    this.link = undefined
    link.dropped = true
    link.check()
    this.traffic = {
      framesIn: this.traffic.framesIn + link.incoming.frames,
      framesOut: this.traffic.framesOut + link.framesOut,
      bytesIn: this.traffic.bytesIn + link.incoming.bytes,
      bytesOut: this.traffic.bytesOut + link.outgoing.bytes
    }
    this.options.host.discard(this, link)
  }

  /** Takes one event to its conclusion, and then lets those go on who wait for what has come of it. */
  dispatch(event: Event): void {
    this.depth++
    try {
      this.step(event)
    } finally {
      if (--this.depth === 0) {
        const { later } = this
        this.later = []
        for (const wake of later) wake()
      }
    }
  }

  /** Whoever is woken runs at once, and may send, close or connect: not before the step is complete. */
  private afterwards(wake: () => void): void {
    if (this.depth > 0) this.later.push(wake)
    else wake()
  }

  private step(event: Event): void {
    const before = this.state
    const [next, actions] = this.options.endpoint.step(before, event)
    this.state = next
    for (const action of actions) {
      // An action that fails ends the session, and what was to follow it.
      if (this.over === undefined) this.perform(action)
    }
    if (before._tag === next._tag && event._tag !== "Reuse") return
    this.options.host.moved(this, before, event._tag)
    this.afterwards(() => this.changed.check())
  }

  /** The socket that it was for carries another session. */
  get isHandedOver(): boolean {
    return this.over === undefined && this.state._tag === "Closed"
  }

  /** Waits for the first handshake to end, well or badly. */
  readonly settled: Effect.Effect<void> = Effect.suspend(() =>
    this.changed.when(() => this.over !== undefined || this.peer !== undefined || this.isHandedOver)
  )

  /** Waits for an open connection, or for the end. */
  readonly opened: Effect.Effect<void> = Effect.suspend(() =>
    this.changed.when(() => this.over !== undefined || this.state._tag === "Ready")
  )

  readonly closed: Effect.Effect<void> = Effect.suspend(() => this.changed.when(() => this.over !== undefined))

  arbitrate(link: Link, request: SessionRequest): Effect.Effect<void> {
    return this.options.host.arbitrate(this, link, request)
  }

  private perform(action: Action): void {
    const { link } = this
    if (isQuestion(action)) {
      link?.ask(action)
      return
    }
    switch (action._tag) {
      case "SendMessage":
        if (link !== undefined && link.sendMessage(action.message, action.seq, action.ackSeq)) {
          this.counts.messagesOut++
          this.sender.sent(action.message, action.seq)
        }
        break
      case "Deliver":
        this.counts.messagesIn++
        this.inbox.push(action.message)
        break
      case "Send":
        link?.sendControl(action.frame)
        break
      case "SendBanner":
        link?.sendBanner()
        break
      case "SetRevision":
        link?.setRevision(action.revision)
        break
      case "SetMode":
        link?.setSecurity(action.mode, action.revision)
        break
      case "SetCompression":
        link?.setCompression(action.method)
        break
      case "Gap":
        this.counts.gaps++
        break
      case "Duplicate":
        this.counts.duplicates++
        break
      case "KeepaliveAcked":
        this.keepalives.answered(action)
        break
      case "Opened":
        this.open(action.resumed)
        break
      case "Dial":
        this.job?.cancel()
        this.job = this.options.host.dial(this, action.target)
        break
      case "Backoff":
        this.job?.cancel()
        this.job = this.options.host.backoff(this, action.after)
        break
      case "Disconnect":
        this.drop()
        // Whoever waits for a sign of life is not to wait for one that was asked of a lost socket.
        this.keepalives.end()
        // What could not be written may be taken again.
        this.afterwards(() => this.sender.settle())
        if (this.connected) this.tell({ _tag: "Disconnected", reason: action.error ?? this.loss?.reason })
        this.connected = false
        break
      case "RemoteReset":
        this.counts.resets++
        this.afterwards(this.sender.lost())
        this.inbox.clear()
        this.tell({ _tag: "Reset" })
        break
      case "Hangup": {
        const { error } = action
        const { loss, peer } = this
        // A handshake that is given up has nothing to say goodbye for, to a peer that may not even listen.
        const givenUp =
          peer === undefined && (error === undefined ? loss === undefined : error.reason === "HandshakeTimeout")
        if (error !== undefined) this.finish(this.failure(error, error.state), givenUp)
        else if (loss !== undefined) this.finish(this.failure(loss.reason, loss.state))
        else this.finish(Exit.void, givenUp)
        break
      }
    }
  }

  private open(resumed: boolean): void {
    if (this.state._tag !== "Ready") return
    this.peer = this.state.peer
    this.counts.opened++
    if (resumed) this.counts.resumed++
    this.job = undefined
    this.link?.check()
    this.connected = true
    // Before those who wait for it go on: to them it is no news.
    this.tell({ _tag: "Connected", resumed })
    // Of those who ask on the new connection, nobody has asked yet.
    this.keepalives.end()
    this.afterwards(() => {
      this.sender.settle()
      this.changed.check()
      this.sender.pump()
    })
  }

  private tell(event: SessionEvent): void {
    for (const listener of this.listeners) listener(event)
  }

  /** The link is of no use any more: the machine knows what that means. */
  lose(reason: Reason): void {
    this.loss = { reason, state: this.state._tag }
    this.dispatch({ _tag: reason._tag === "TransportError" ? "Disconnected" : "Failed" })
    this.loss = undefined
  }

  /** Something that cannot be mended ends the session. */
  fail(reason: Reason): void {
    this.finish(this.failure(reason, this.state._tag))
  }

  die(defect: unknown): void {
    this.finish(Exit.die(defect))
  }

  private failure(reason: Reason, state: string): Exit.Exit<void, ConnectionError> {
    return Exit.fail(new ConnectionError({ peer: this.peerName, state, reason }))
  }

  /** Without a goodbye, the pipe is cut when its scope closes. */
  private finish(exit: Exit.Exit<void, ConnectionError>, givenUp = false): void {
    if (this.over !== undefined) return
    const before = this.state
    this.over = exit
    if (before._tag !== "Closed") this.state = { _tag: "Closed", error: undefined }
    this.job?.cancel()
    this.job = undefined
    this.link?.finish(!givenUp)
    const tellLost = this.sender.lost()
    if (before._tag !== "Closed") this.options.host.moved(this, before, "Failed")
    this.afterwards(() => {
      this.inbox.end(exit)
      tellLost()
      this.changed.check()
      this.sender.settle()
      this.keepalives.end()
    })
  }

  /** Fails with what ended it, or says that its owner did. */
  readonly gone: Effect.Effect<never, ConnectionError> = Effect.suspend(() =>
    this.over !== undefined && Exit.isFailure(this.over)
      ? Effect.failCause(this.over.cause)
      : Effect.fail(this.closedHere())
  )

  closedHere(): ConnectionError {
    const reason = new TransportError({ reason: "Closed", address: this.peerName, detail: "" })
    return new ConnectionError({ peer: this.peerName, state: "Closed", reason })
  }

  /** A question to the peer that only a living one answers. **Units** the time it took. */
  readonly keepalive: Effect.Effect<Duration.Duration, ConnectionError> = Effect.gen({ self: this }, function* () {
    for (;;) {
      if (this.over !== undefined) return yield* this.gone
      if (this.state._tag !== "Ready") {
        this.dispatch({ _tag: "Wanted" })
        yield* this.opened
        continue
      }
      const { link } = this
      const began = yield* Clock.currentTimeNanos
      yield* this.keepalives.answerTo(stamp(began), () => this.beat(began))
      if (this.over === undefined && link === this.link) {
        return Duration.nanos((yield* Clock.currentTimeNanos) - began)
      }
    }
  })

  beat(now: bigint): void {
    if (this.over === undefined) this.dispatch({ _tag: "KeepaliveDue", ...stamp(now) })
    else this.keepalives.end()
  }

  /** The owner has had enough. */
  markDown(): void {
    if (this.over === undefined) this.dispatch({ _tag: "MarkedDown" })
  }

  /** One owner less; with the last one goes everything that belongs to the session. */
  readonly release: Effect.Effect<void> = Effect.suspend(() => {
    if (--this.owners > 0) return Effect.void
    this.markDown()
    const { link } = this
    this.link = undefined
    return Effect.andThen(
      link === undefined ? Effect.void : Scope.close(link.scope, Exit.void),
      Fiber.awaitAll(this.work)
    )
  })
}
