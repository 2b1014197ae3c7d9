/**
 * Runs one machine on one pipe.
 *
 * Events are taken synchronously, so the reader, the timers and every sender may bring them; whatever a step sends
 * is encoded on the spot, so the order of frames is the order of decisions. Effect is entered once for each batch of
 * chunks and once for each question of a handshake, never for a message.
 */
import * as Signature from "@msgr2/auth/Signature"
import type { FrameError } from "@msgr2/frame/FrameError"
import * as Mode from "@msgr2/frame/Mode"
import { type Action, isQuestion, type Question } from "@msgr2/session/Action"
import type { Endpoint } from "@msgr2/session/Endpoint"
import type { Event } from "@msgr2/session/Event"
import type { Peer, State } from "@msgr2/session/State"
import type { Banner } from "@msgr2/wire/Banner"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import type { Message } from "@msgr2/wire/Message"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { ConnectionError, type Reason } from "../ConnectionError.ts"
import type { MessengerConfig } from "../MessengerConfig.ts"
import type { Observation } from "../Observer.ts"
import type { Pipe } from "../Transport.ts"
import { TransportError } from "../TransportError.ts"
import { Gate } from "./Gate.ts"
import { Inbox } from "./Inbox.ts"
import { Incoming } from "./Incoming.ts"
import { Keepalives, stamp } from "./Keepalives.ts"
import { Outgoing } from "./Outgoing.ts"
import type { Questions } from "./Questions.ts"
import * as Timers from "./Timers.ts"

export interface Options {
  readonly id: number
  readonly role: "client" | "server"
  readonly endpoint: Endpoint
  readonly pipe: Pipe
  readonly banner: Banner
  readonly config: MessengerConfig
  readonly questions: Questions
  readonly observe: ((observation: Observation) => void) | undefined
}

/** Counts since the connection began. **Units** bytes on the wire, frames, messages. */
export interface Stats {
  readonly framesIn: number
  readonly framesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly messagesIn: number
  readonly messagesOut: number
  readonly duplicates: number
  readonly gaps: number
}

/**
 * Bytes of answers (acks and the like) that may wait for a peer that does not read, before nothing more is read from
 * it either: messages are held back by `send`, answers by this.
 */
const ANSWERS = 64 * 1024
/** As many of them may be acks. */
const ACKS = 4 * 1024

export class Driver {
  state: State
  readonly inbox: Inbox
  private readonly counts = { framesOut: 0, messagesIn: 0, messagesOut: 0, duplicates: 0, gaps: 0 }
  /** Who is there, from READY on and ever after. */
  peer: Peer | undefined
  /** How it ended, once it is over: a success when its owner closed it. */
  over: Exit.Exit<void, ConnectionError> | undefined
  private readonly options: Options
  private readonly incoming: Incoming
  private readonly outgoing: Outgoing
  private readonly keepalives = new Keepalives()
  private mode: Mode.Mode = Mode.crc(1)
  private readonly changed = new Gate()
  private readonly asked: Array<Question> = []
  constructor(options: Options) {
    this.options = options
    this.state = options.endpoint.initial
    this.incoming = new Incoming(options.pipe, (frame, size) => this.note("in", frame, size))
    this.outgoing = new Outgoing(options.pipe, (defect) => this.finish(Exit.die(defect)))
    this.inbox = new Inbox(options.config.receiveBuffer)
  }

  get peerName(): string {
    return EntityAddr.format(this.options.pipe.remote)
  }

  get stats(): Stats {
    const { bytes: bytesIn, frames: framesIn } = this.incoming
    return { ...this.counts, framesIn, bytesIn, bytesOut: this.outgoing.bytes }
  }

  get isOpen(): boolean {
    return this.over === undefined && this.state._tag === "Ready"
  }

  /** Takes one event to its conclusion. */
  dispatch(event: Event): void {
    const [next, actions] = this.options.endpoint.step(this.state, event)
    this.state = next
    for (const action of actions) {
      // An action that fails ends the connection, and what was to follow it.
      if (this.over === undefined) this.perform(action)
    }
  }

  /** Waits for the handshake to end, well or badly. */
  readonly settled: Effect.Effect<void> = Effect.suspend(() =>
    this.changed.when(() => this.over !== undefined || this.peer !== undefined)
  )

  readonly closed: Effect.Effect<void> = Effect.suspend(() => this.changed.when(() => this.over !== undefined))

  /** Brings the machine everything the pipe brings, until either ends. A defect ends the connection too. */
  readonly run = (opening: Event): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.dispatch(opening)
      return this.turn()
    }).pipe(
      Effect.catch((reason: Reason) => Effect.map(this.explain(reason), (reason) => this.fail(reason))),
      Effect.catchDefect((defect) =>
        Effect.andThen(
          Effect.sync(() => this.finish(Exit.die(defect))),
          Effect.logError("connection ended by a defect", defect)
        )
      )
    )

  /** A server that has refused a client may hang up instead of reading what that offers next. */
  private explain(reason: Reason): Effect.Effect<Reason> {
    const hungUp = reason._tag === "TransportError" && (reason.reason === "EndOfStream" || reason.reason === "Reset")
    return hungUp && this.state._tag === "AuthConnecting"
      ? Effect.map(this.options.questions.refusal, (refusal) => refusal ?? reason)
      : Effect.succeed(reason)
  }

  private turn(): Effect.Effect<void, Reason> {
    return Effect.whileLoop({
      while: () => this.over === undefined,
      body: () => this.advance(),
      step: () => undefined
    })
  }

  /** Goes on as far as possible without waiting, then says what to wait for. */
  private advance(): Effect.Effect<void, Reason> {
    let stopped = false
    while (!stopped) {
      const question = this.asked.shift()
      if (question !== undefined) return this.answer(question)
      if (this.over !== undefined) return Effect.void
      const event = this.incoming.next()
      if (this.incoming.refused !== undefined) return Effect.fail(this.incoming.refused)
      if (event === undefined) break
      this.dispatch(event)
      // Few bytes may inflate to many messages.
      stopped = this.inbox.full
    }
    // While acks wait to leave, no more are added: a later one will do for all.
    if (this.outgoing.answersWaiting < ACKS) this.dispatch({ _tag: "Drained" })
    this.inbox.flush()
    this.outgoing.flush()
    // What has arrived goes first when there is room again, which there may be since the flush.
    if (stopped) return this.inbox.room
    return this.outgoing.answersWaiting < ANSWERS ? this.receive : Effect.andThen(this.drained, this.receive)
  }

  /** More waits to leave than should. */
  private get crowded(): boolean {
    return this.outgoing.waiting >= this.options.config.sendBuffer
  }

  private readonly receive: Effect.Effect<void, TransportError> = Effect.suspend(() =>
    Effect.mapError(
      this.incoming.receive,
      (error) => new TransportError({ ...error, detail: error.detail || `while in ${this.state._tag}` })
    )
  )

  private note(direction: "in" | "out", frame: Observation["frame"], size: number): void {
    const { id, observe, role } = this.options
    if (observe !== undefined) observe({ connection: id, role, direction, frame, size, state: this.state._tag })
  }

  private answer(question: Question): Effect.Effect<void, Reason> {
    if (question._tag === "Sign") {
      const digest = Signature.sign(this.options.questions.sessionKey(), this.incoming.transcript.chunks())
      return Effect.sync(() => this.dispatch({ _tag: "Signed", digest }))
    }
    if (question._tag === "Verify") {
      const sent = this.outgoing.transcript.chunks()
      const valid = Signature.verify(this.options.questions.sessionKey(), sent, question.digest)
      this.outgoing.transcript.clear()
      this.incoming.transcript.clear()
      return Effect.sync(() => this.dispatch({ _tag: "Verified", valid }))
    }
    // What was sent so far must be on its way while keys are looked up.
    this.outgoing.flush()
    return Effect.map(this.options.questions.ask(question), (event) => this.dispatch(event))
  }

  private perform(action: Action): void {
    if (isQuestion(action)) {
      this.asked.push(action)
      return
    }
    switch (action._tag) {
      case "SendMessage":
        if (this.wrote(this.outgoing.message(action.message, action.seq, action.ackSeq), action.message)) {
          this.counts.messagesOut++
        }
        break
      case "Deliver":
        this.counts.messagesIn++
        this.inbox.push(action.message)
        break
      case "Send":
        this.wrote(this.outgoing.control(action.frame), action.frame)
        break
      case "SendBanner":
        this.note("out", undefined, this.outgoing.banner(this.options.banner))
        break
      case "SetRevision":
        this.setMode(Mode.crc(action.revision, { dataCrc: this.options.config.dataCrc }))
        break
      case "SetMode":
        this.incoming.transcript.stop()
        this.outgoing.transcript.stop()
        this.incoming.setLimits(this.options.config.limits)
        if (action.mode === ConnectionMode.ConnectionMode.Secure) {
          const { questions, role } = this.options
          const mode = Mode.secure({ role, revision: action.revision, secret: questions.connectionSecret() })
          if (Result.isSuccess(mode)) this.setMode(mode.success)
          else this.fail(mode.failure)
        }
        break
      case "SetCompression": {
        const { compression, compressors } = this.options.config
        this.setMode(Mode.withCompression(this.mode, compressors.make(action.method, compression.minSize)))
        break
      }
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
        if (this.state._tag === "Ready") this.peer = this.state.peer
        this.changed.check()
        break
      case "Hangup": {
        const { error } = action
        // A handshake that is given up has nothing to say goodbye for, to a peer that may not even listen.
        const givenUp = this.peer === undefined && (error === undefined || error.reason === "HandshakeTimeout")
        this.finish(error === undefined ? Exit.void : this.failure(error, error.state), givenUp)
        break
      }
    }
  }

  private setMode(mode: Mode.Mode): void {
    this.mode = mode
    this.incoming.setMode(mode)
    this.outgoing.setMode(mode)
  }

  /** Notes what was written, or that it could not be. */
  private wrote(written: Result.Result<number, FrameError>, frame: Observation["frame"]): boolean {
    if (Result.isFailure(written)) {
      this.fail(written.failure)
      return false
    }
    this.counts.framesOut++
    this.note("out", frame, written.success)
    return true
  }

  /** Something outside the machine ends the connection. */
  private fail(reason: Reason): void {
    this.finish(this.failure(reason, this.state._tag))
  }

  private failure(reason: Reason, state: string): Exit.Exit<void, ConnectionError> {
    return Exit.fail(new ConnectionError({ peer: this.peerName, state, reason }))
  }

  /** Without a goodbye, the pipe is cut when its scope closes. */
  private finish(exit: Exit.Exit<void, ConnectionError>, givenUp = false): void {
    if (this.over !== undefined) return
    this.over = exit
    if (this.state._tag !== "Closed") this.state = { _tag: "Closed", error: undefined }
    this.outgoing.flush()
    if (!givenUp) this.options.pipe.end()
    this.inbox.end(exit)
    this.changed.check()
    this.keepalives.end()
  }

  private readonly gone: Effect.Effect<never, ConnectionError> = Effect.suspend(() =>
    this.over !== undefined && Exit.isFailure(this.over)
      ? Effect.failCause(this.over.cause)
      : Effect.fail(this.closedHere())
  )

  private closedHere(): ConnectionError {
    const reason = new TransportError({ reason: "Closed", address: this.peerName, detail: "" })
    return new ConnectionError({ peer: this.peerName, state: "Closed", reason })
  }

  /** Sends when there is room; what has been taken leaves in this order. */
  readonly send = (message: Message): Effect.Effect<void, ConnectionError> =>
    Effect.suspend(() => {
      if (!this.isOpen) return this.gone
      if (this.crowded) return Effect.andThen(this.drained, this.send(message))
      this.dispatch({ _tag: "Submitted", message })
      return this.isOpen ? Effect.void : this.gone
    })

  readonly sendAll = (messages: ReadonlyArray<Message>): Effect.Effect<void, ConnectionError> =>
    Effect.suspend(() => {
      let next = 0
      const some: Effect.Effect<void, ConnectionError> = Effect.suspend(() => {
        while (next < messages.length) {
          if (!this.isOpen) return this.gone
          if (this.crowded) return Effect.andThen(this.drained, some)
          const message = messages[next++]
          if (message !== undefined) this.dispatch({ _tag: "Submitted", message })
        }
        return this.isOpen ? Effect.void : this.gone
      })
      return some
    })

  /** Waits until the system has taken everything sent so far, or the connection is over. */
  readonly drained: Effect.Effect<void> = Effect.suspend(() =>
    this.over === undefined ? Effect.raceFirst(this.outgoing.drained, this.closed) : Effect.void
  )

  /** A question to the peer that only a living one answers. **Units** the time it took. */
  readonly keepalive: Effect.Effect<Duration.Duration, ConnectionError> = Effect.gen({ self: this }, function* () {
    if (!this.isOpen) return yield* this.gone
    const began = yield* Clock.currentTimeNanos
    yield* this.keepalives.answerTo(stamp(began), () => this.beat(began))
    if (!this.isOpen) return yield* this.gone
    return Duration.nanos((yield* Clock.currentTimeNanos) - began)
  })

  private beat(now: bigint): void {
    this.dispatch({ _tag: "KeepaliveDue", ...stamp(now) })
  }

  /** Everything that happens by the clock, as long as the connection lasts. */
  readonly timers: Effect.Effect<void> = Effect.suspend(() =>
    Timers.run({
      config: this.options.config,
      settled: this.settled,
      closed: this.closed,
      // Frames that their sender has aborted are signs of life too.
      activity: () => this.incoming.frames + this.incoming.aborted + this.counts.framesOut,
      onHandshakeTimeout: () => this.dispatch({ _tag: "HandshakeTimeout" }),
      onIdle: () => this.dispatch({ _tag: "IdleTimeout" }),
      onBeat: (now) => this.beat(now)
    })
  )

  /** The owner has had enough. */
  markDown(): void {
    if (this.over === undefined) this.dispatch({ _tag: "MarkedDown" })
  }
}
