/**
 * One socket at work for a session: bytes into events, decisions into frames.
 *
 * Events are taken synchronously, so the reader, the timers and every sender may bring them; whatever a step sends
 * is encoded on the spot, so the order of frames is the order of decisions. Effect is entered once for each batch of
 * chunks and once for each question of a handshake, never for a message.
 */
import * as Signature from "@msgr2/auth/Signature"
import type { FrameError } from "@msgr2/frame/FrameError"
import * as Mode from "@msgr2/frame/Mode"
import type { Question } from "@msgr2/session/Action"
import type { Event } from "@msgr2/session/Event"
import type { Revision } from "@msgr2/session/Peer"
import type { Banner } from "@msgr2/wire/Banner"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import type { ControlFrame } from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import type { Message } from "@msgr2/wire/Message"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Reason } from "../ConnectionError.ts"
import type { MessengerConfig } from "../MessengerConfig.ts"
import type { Observation } from "../Observer.ts"
import type { Pipe } from "../Transport.ts"
import { TransportError } from "../TransportError.ts"
import type { Driver } from "./Driver.ts"
import { Gate } from "../Gate.ts"
import { Incoming } from "./Incoming.ts"
import { Outgoing } from "./Outgoing.ts"
import type { Questions } from "./Questions.ts"
import * as Timers from "./Timers.ts"

export interface Options {
  readonly id: number
  readonly role: "client" | "server"
  readonly pipe: Pipe
  /** Of the pipe and of whoever reads it: the link is gone when it closes. */
  readonly scope: Scope.Closeable
  readonly banner: Banner
  readonly config: MessengerConfig
  readonly questions: Questions
  readonly observe: ((observation: Observation) => void) | undefined
}

/**
 * Bytes of answers (acks and the like) that may wait for a peer that does not read, before nothing more is read from
 * it either: messages are held back by `send`, answers by this.
 */
const ANSWERS = 64 * 1024
/** As many of them may be acks. */
const ACKS = 4 * 1024
/** Bytes that may wait in the socket before further messages wait for their turn, which is by priority. */
const WINDOW = 128 * 1024

export class Link {
  /** The session that the socket carries: another one, once a visitor has been recognised. */
  owner: Driver
  /** Of no use any more: nothing that it still brings counts. */
  dropped = false
  framesOut = 0
  readonly incoming: Incoming
  readonly outgoing: Outgoing
  private readonly options: Options
  private readonly asked: Array<Question> = []
  private readonly changed = new Gate()
  private mode: Mode.Mode = Mode.crc(1)
  /** Something waits for the socket to take what it has. */
  private stalled = false
  /** Bytes that come are read. */
  private listens = true

  constructor(options: Options, owner: Driver) {
    this.options = options
    this.owner = owner
    this.incoming = new Incoming(options.pipe, (frame, size) => this.note("in", frame, size))
    this.outgoing = new Outgoing(options.pipe, (defect) => this.owner.die(defect))
  }

  get scope(): Scope.Closeable {
    return this.options.scope
  }

  get remote(): EntityAddr.EntityAddr {
    return this.options.pipe.remote
  }

  /** Frames that passed. Those that their sender has aborted are signs of life too. */
  get activity(): number {
    return this.incoming.frames + this.incoming.aborted + this.framesOut
  }

  private get ended(): boolean {
    return this.dropped || this.owner.over !== undefined
  }

  /** Whether messages have to wait. */
  get crowded(): boolean {
    return this.outgoing.waiting >= Math.min(WINDOW, this.options.config.sendBuffer)
  }

  /** Brings the session everything the pipe brings, until either ends. A defect ends the session too. */
  readonly run = (opening: Event): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.dispatch(opening)
      return Effect.raceFirst(Effect.raceFirst(this.turn(), this.relief), this.over)
    }).pipe(
      Effect.catch((reason: Reason) =>
        Effect.map(this.explain(reason), (reason) => {
          if (!this.ended) this.owner.lose(reason)
        })
      ),
      Effect.catchDefect((defect) =>
        Effect.andThen(
          Effect.sync(() => this.owner.die(defect)),
          Effect.logError("connection ended by a defect", defect)
        )
      )
    )

  private readonly over: Effect.Effect<void> = Effect.suspend(() => this.changed.when(() => this.ended))

  /** Something may have ended. */
  check(): void {
    this.changed.check()
  }

  private dispatch(event: Event): void {
    if (!this.ended) this.owner.dispatch(event)
  }

  /** A server that has refused a client may hang up instead of reading what that offers next. */
  private explain(reason: Reason): Effect.Effect<Reason> {
    const hungUp = reason._tag === "TransportError" && (reason.reason === "EndOfStream" || reason.reason === "Reset")
    return hungUp && this.owner.state._tag === "AuthConnecting"
      ? Effect.map(this.options.questions.refusal, (refusal) => refusal ?? reason)
      : Effect.succeed(reason)
  }

  private turn(): Effect.Effect<void, Reason> {
    return Effect.whileLoop({
      while: () => !this.ended,
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
      if (this.ended) return Effect.void
      const event = this.incoming.next()
      if (this.incoming.refused !== undefined) return Effect.fail(this.incoming.refused)
      if (event === undefined) break
      this.owner.dispatch(event)
      // Few bytes may inflate to many messages.
      stopped = this.owner.inbox.full
    }
    // While acks wait to leave, no more are added: a later one will do for all.
    if (this.outgoing.answersWaiting < ACKS) this.dispatch({ _tag: "Drained" })
    else this.stall()
    this.owner.sender.settle()
    this.owner.inbox.flush()
    this.outgoing.flush()
    // What has arrived goes first when there is room again, which there may be since the flush.
    if (!stopped && this.outgoing.answersWaiting < ANSWERS) return this.receive
    this.listens = false
    return stopped ? this.owner.inbox.room : Effect.andThen(this.outgoing.drained, this.receive)
  }

  /** Waits for room in the socket, and then goes on. */
  stall(): void {
    this.stalled = true
    this.changed.check()
  }

  /** Whenever something waits for room, sees to it that it leaves. */
  private readonly relief: Effect.Effect<void> = Effect.suspend(() =>
    Effect.whileLoop({
      while: () => !this.ended,
      body: () =>
        Effect.andThen(
          this.changed.when(() => this.stalled || this.ended),
          this.outgoing.drained
        ),
      step: () => {
        this.stalled = false
        this.dispatch({ _tag: "Drained" })
        if (!this.ended) this.owner.sender.pump()
        this.outgoing.flush()
        // What has left makes room, and who has waited for it may have filled it again.
        if (!this.ended) this.owner.sender.settle()
        if (this.crowded) this.stalled = true
      }
    })
  )

  private readonly receive: Effect.Effect<void, TransportError> = Effect.suspend(() => {
    this.listens = true
    return Effect.mapError(
      this.incoming.receive,
      (error) => new TransportError({ ...error, detail: error.detail || `while in ${this.owner.state._tag}` })
    )
  })

  private note(direction: "in" | "out", frame: Observation["frame"], size: number): void {
    const { id: link, observe, role } = this.options
    const { id, state } = this.owner
    if (observe !== undefined) observe({ connection: id, link, role, direction, frame, size, state: state._tag })
  }

  ask(question: Question): void {
    this.asked.push(question)
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
    if (question._tag === "Arbitrate") return this.owner.arbitrate(this, question.request)
    return Effect.map(this.options.questions.ask(question), (event) => this.dispatch(event))
  }

  sendBanner(): void {
    this.note("out", undefined, this.outgoing.banner(this.options.banner))
  }

  /** Whether it could be written: a frame that cannot be ends the session. */
  sendMessage(message: Message, seq: number, ackSeq: number): boolean {
    return this.wrote(this.outgoing.message(message, seq, ackSeq), message)
  }

  sendControl(frame: ControlFrame): void {
    this.wrote(this.outgoing.control(frame), frame)
  }

  setRevision(revision: Revision): void {
    this.setMode(Mode.crc(revision, { dataCrc: this.options.config.dataCrc }))
  }

  /** Authentication is over. */
  setSecurity(mode: number, revision: Revision): void {
    const { config, questions, role } = this.options
    this.incoming.transcript.stop()
    this.outgoing.transcript.stop()
    this.incoming.setLimits(config.limits)
    if (mode !== ConnectionMode.ConnectionMode.Secure) return
    const made = Mode.secure({ role, revision, secret: questions.connectionSecret() })
    if (Result.isSuccess(made)) this.setMode(made.success)
    else this.owner.fail(made.failure)
  }

  setCompression(method: number): void {
    const { compression, compressors } = this.options.config
    this.setMode(Mode.withCompression(this.mode, compressors.make(method, compression.minSize)))
  }

  private setMode(mode: Mode.Mode): void {
    this.mode = mode
    this.incoming.setMode(mode)
    this.outgoing.setMode(mode)
  }

  private wrote(written: Result.Result<number, FrameError>, frame: Observation["frame"]): boolean {
    if (Result.isFailure(written)) {
      this.owner.fail(written.failure)
      return false
    }
    this.framesOut++
    this.note("out", frame, written.success)
    return true
  }

  /** What was sent still leaves; a goodbye follows, unless nobody would hear it. */
  finish(goodbye: boolean): void {
    this.outgoing.flush()
    if (goodbye) this.options.pipe.end()
    this.changed.check()
  }

  /** Everything that happens by the clock, as long as the link lasts. */
  readonly timers: Effect.Effect<void> = Effect.suspend(() =>
    Timers.run({
      config: this.options.config,
      open: this.changed.when(() => this.ended || this.owner.state._tag === "Ready"),
      over: this.over,
      activity: () => this.activity,
      // Bytes, not frames: a large one is a sign of life long before it is whole.
      heard: () => this.incoming.bytes,
      listens: () => this.listens,
      onHandshakeTimeout: () => this.dispatch({ _tag: "HandshakeTimeout" }),
      onIdle: () => this.dispatch({ _tag: "IdleTimeout" }),
      onSilence: () => {
        const { owner } = this
        this.dispatch({ _tag: "IdleTimeout" })
        // The peer may hold something back and not know that the connection is gone.
        if (owner.over === undefined) owner.dispatch({ _tag: "Wanted" })
      },
      onBeat: (now) => this.owner.beat(now)
    })
  )
}
