/**
 * Runs one machine on one pipe.
 *
 * Events are taken synchronously, so the reader, the timers and every sender may bring them; whatever a step sends
 * is encoded on the spot, so the order of frames is the order of decisions. Effect is entered once for each batch of
 * chunks and once for each question of a handshake, never for a message.
 */
import * as Signature from "@msgr2/auth/Signature"
import * as FrameDecoder from "@msgr2/frame/FrameDecoder"
import * as FrameEncoder from "@msgr2/frame/FrameEncoder"
import type { FrameError } from "@msgr2/frame/FrameError"
import * as Gather from "@msgr2/frame/Gather"
import * as Mode from "@msgr2/frame/Mode"
import { type Action, isQuestion, type Question } from "@msgr2/session/Action"
import type { Endpoint } from "@msgr2/session/Endpoint"
import type { Event } from "@msgr2/session/Event"
import type { Peer, State } from "@msgr2/session/State"
import type { Banner } from "@msgr2/wire/Banner"
import * as Bytes from "@msgr2/wire/Bytes"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Message from "@msgr2/wire/Message"
import type { WireError } from "@msgr2/wire/WireError"
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
import { Answers } from "./Answers.ts"
import { Gate } from "./Gate.ts"
import { Inbox } from "./Inbox.ts"
import type { Questions } from "./Questions.ts"

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

/** Counts since the connection began. */
export interface Stats {
  framesIn: number
  framesOut: number
  bytesIn: number
  bytesOut: number
  messagesIn: number
  messagesOut: number
  duplicates: number
  gaps: number
}

/**
 * Bytes of answers (acks and the like) that may wait for a peer that does not read, before nothing more is read from
 * it either: messages are held back by `send`, answers by this.
 */
const ANSWERS = 64 * 1024
/** Bytes that leave at once even amid a turn, so that the peer has something to do meanwhile. */
const BATCH = 64 * 1024
/** As many of them may be acks. */
const ACKS = 4 * 1024

/** Somebody waits for the answer to the keepalive that carried this time. */
interface Waiter {
  readonly sec: number
  readonly nsec: number
  readonly resume: () => void
}

export class Driver {
  state: State
  readonly inbox: Inbox
  readonly stats: Stats = {
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    messagesIn: 0,
    messagesOut: 0,
    duplicates: 0,
    gaps: 0
  }
  /** Who is there, from READY on and ever after. */
  peer: Peer | undefined
  /** How it ended, once it is over: a success when its owner closed it. */
  over: Exit.Exit<void, ConnectionError> | undefined
  private readonly options: Options
  private readonly decoder: FrameDecoder.FrameDecoder
  private readonly encoder = FrameEncoder.make()
  private mode: Mode.Mode = Mode.crc(1)
  private readonly out = Gather.make()
  private readonly changed = new Gate()
  private readonly asked: Array<Question> = []
  private keepalives: Array<Waiter> = []
  private bannerTaken = false
  /** What is wrong with the bytes that came, once something is. */
  private refused: FrameError | WireError | undefined
  private flushing = false
  private readonly answers = new Answers()

  constructor(options: Options) {
    this.options = options
    this.state = options.endpoint.initial
    this.decoder = FrameDecoder.make()
    this.inbox = new Inbox(options.config.receiveBuffer)
  }

  get peerName(): string {
    return EntityAddr.format(this.options.pipe.remote)
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
      const event = this.next()
      if (this.refused !== undefined) return Effect.fail(this.refused)
      if (event === undefined) break
      this.dispatch(event)
      // Few bytes may inflate to many messages.
      stopped = this.inbox.full
    }
    // While acks wait to leave, no more are added: a later one will do for all.
    if (this.unanswered() < ACKS) this.dispatch({ _tag: "Drained" })
    this.inbox.flush()
    this.flush()
    // What has arrived goes first when there is room again, which there may be since the flush.
    if (stopped) return this.inbox.room
    return this.unanswered() < ANSWERS ? this.receive : Effect.andThen(this.drained, this.receive)
  }

  /** Bytes of answers that wait to leave. */
  private unanswered(): number {
    return this.answers.waiting(this.stats.bytesOut - this.options.pipe.backlog())
  }

  /** More waits to leave than should. */
  private get crowded(): boolean {
    return this.out.size + this.options.pipe.backlog() >= this.options.config.sendBuffer
  }

  private readonly receive: Effect.Effect<void, TransportError> = Effect.suspend(() =>
    Effect.matchEffect(this.options.pipe.read, {
      onSuccess: (chunks) => {
        for (const chunk of chunks) {
          this.stats.bytesIn += chunk.length
          this.decoder.push(chunk)
        }
        return Effect.void
      },
      onFailure: (error) =>
        Effect.fail(new TransportError({ ...error, detail: error.detail || `while in ${this.state._tag}` }))
    })
  )

  /** The next event among the bytes that have arrived; `undefined` when more are needed or `refused` is set. */
  private next(): Event | undefined {
    if (!this.bannerTaken) return this.nextBanner()
    const decoded = this.decoder.next()
    if (Result.isFailure(decoded)) return this.refuse(decoded.failure)
    const frame = decoded.success
    if (frame === undefined) return undefined
    this.stats.framesIn++
    return frame.tag === ControlFrame.MESSAGE
      ? this.seen(Message.decode(frame.segments), frame.size)
      : this.seen(ControlFrame.decode(frame.tag, frame.segments[0] ?? Bytes.empty), frame.size)
  }

  private nextBanner(): Event | undefined {
    const banner = this.decoder.banner()
    if (Result.isFailure(banner)) return this.refuse(banner.failure)
    if (banner.success === undefined) return undefined
    this.bannerTaken = true
    this.note("in", undefined, this.decoder.consumed)
    return { _tag: "Banner", ...banner.success }
  }

  private seen<F extends ControlFrame.ControlFrame | Message.Message>(
    decoded: Result.Result<F, WireError>,
    size: number
  ): F | undefined {
    if (Result.isFailure(decoded)) return this.refuse(decoded.failure)
    this.note("in", decoded.success, size)
    return decoded.success
  }

  private refuse(reason: FrameError | WireError): undefined {
    this.refused = reason
  }

  private note(direction: "in" | "out", frame: Observation["frame"], size: number): void {
    const { id, observe, role } = this.options
    if (observe !== undefined) observe({ connection: id, role, direction, frame, size, state: this.state._tag })
  }

  private answer(question: Question): Effect.Effect<void, Reason> {
    if (question._tag === "Sign") {
      const digest = Signature.sign(this.options.questions.sessionKey(), this.decoder.transcript.chunks())
      return Effect.sync(() => this.dispatch({ _tag: "Signed", digest }))
    }
    if (question._tag === "Verify") {
      const sent = this.encoder.transcript.chunks()
      const valid = Signature.verify(this.options.questions.sessionKey(), sent, question.digest)
      this.encoder.transcript.clear()
      this.decoder.transcript.clear()
      return Effect.sync(() => this.dispatch({ _tag: "Verified", valid }))
    }
    // What was sent so far must be on its way while keys are looked up.
    this.flush()
    return Effect.map(this.options.questions.ask(question), (event) => this.dispatch(event))
  }

  private perform(action: Action): void {
    if (isQuestion(action)) {
      this.asked.push(action)
      return
    }
    switch (action._tag) {
      case "SendMessage":
        if (this.wrote(this.encoder.message(this.out, action.message, action.seq, action.ackSeq), action.message) > 0) {
          this.stats.messagesOut++
        }
        break
      case "Deliver":
        this.stats.messagesIn++
        this.inbox.push(action.message)
        break
      case "Send":
        this.answers.add(
          this.wrote(this.encoder.control(this.out, action.frame), action.frame),
          this.stats.bytesOut + this.out.size
        )
        break
      case "SendBanner":
        this.encoder.banner(this.out, this.options.banner)
        this.note("out", undefined, 26)
        this.schedule()
        break
      case "SetRevision":
        this.setMode(Mode.crc(action.revision, { dataCrc: this.options.config.dataCrc }))
        break
      case "SetMode":
        this.decoder.transcript.stop()
        this.encoder.transcript.stop()
        this.decoder.setLimits(this.options.config.limits)
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
        this.stats.gaps++
        break
      case "Duplicate":
        this.stats.duplicates++
        break
      case "KeepaliveAcked":
        this.wake(({ nsec, sec }) => sec === action.sec && nsec === action.nsec)
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
    this.decoder.setMode(mode)
    this.encoder.setMode(mode)
  }

  /** Notes what was written and gives its size; 0 when it could not be. */
  private wrote(
    written: Result.Result<number, FrameError>,
    frame: ControlFrame.ControlFrame | Message.Message
  ): number {
    if (Result.isFailure(written)) {
      this.fail(written.failure)
      return 0
    }
    this.stats.framesOut++
    this.note("out", frame, written.success)
    this.schedule()
    return written.success
  }

  /** Lets what is sent in one turn leave in one write. */
  private schedule(): void {
    if (this.out.size >= BATCH) return this.flush()
    if (this.flushing) return
    this.flushing = true
    queueMicrotask(() => this.flush())
  }

  private flush(): void {
    this.flushing = false
    if (this.out.size === 0) return
    this.stats.bytesOut += this.out.size
    const chunks = this.out.take()
    try {
      this.options.pipe.write(chunks, () => this.out.release(chunks))
    } catch (defect) {
      // Often there is no caller to throw at.
      this.finish(Exit.die(defect))
    }
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
    this.flush()
    if (!givenUp) this.options.pipe.end()
    this.inbox.end(exit)
    this.changed.check()
    this.wake(() => true)
  }

  /** Lets those go on who wait for an answer to a keepalive. */
  private wake(which: (waiter: Waiter) => boolean): void {
    const woken = this.keepalives.filter(which)
    this.keepalives = this.keepalives.filter((waiter) => !woken.includes(waiter))
    for (const { resume } of woken) resume()
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
  readonly send = (message: Message.Message): Effect.Effect<void, ConnectionError> =>
    Effect.suspend(() => {
      if (!this.isOpen) return this.gone
      if (this.crowded) return Effect.andThen(this.drained, this.send(message))
      this.dispatch({ _tag: "Submitted", message })
      return this.isOpen ? Effect.void : this.gone
    })

  readonly sendAll = (messages: ReadonlyArray<Message.Message>): Effect.Effect<void, ConnectionError> =>
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
  readonly drained: Effect.Effect<void> = Effect.suspend(() => {
    this.flush()
    const { pipe } = this.options
    return this.over !== undefined || pipe.backlog() === 0 ? Effect.void : Effect.raceFirst(pipe.drained, this.closed)
  })

  /** A question to the peer that only a living one answers. **Units** the time it took. */
  readonly keepalive: Effect.Effect<Duration.Duration, ConnectionError> = Effect.gen({ self: this }, function* () {
    if (!this.isOpen) return yield* this.gone
    const began = yield* Clock.currentTimeNanos
    yield* Effect.callback<void>((resume) => {
      const waiter: Waiter = { ...stamp(began), resume: () => resume(Effect.void) }
      this.keepalives.push(waiter)
      this.beat(began)
      return Effect.sync(() => {
        this.keepalives = this.keepalives.filter((other) => other !== waiter)
      })
    })
    if (!this.isOpen) return yield* this.gone
    return Duration.nanos((yield* Clock.currentTimeNanos) - began)
  })

  private beat(now: bigint): void {
    this.dispatch({ _tag: "KeepaliveDue", ...stamp(now) })
  }

  /** Everything that happens by the clock, as long as the connection lasts. */
  readonly timers: Effect.Effect<void> = Effect.suspend(() =>
    Effect.raceFirst(Effect.all([this.watch, this.beats], { concurrency: 2, discard: true }), this.closed)
  )

  /** Ends a handshake that takes too long, and an open connection on which nothing happens. */
  private readonly watch: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const { handshakeTimeout, idleTimeout } = this.options.config
    yield* Effect.sleep(handshakeTimeout)
    this.dispatch({ _tag: "HandshakeTimeout" })
    for (;;) {
      const before = this.activity
      yield* Effect.sleep(idleTimeout)
      if (before === this.activity) this.dispatch({ _tag: "IdleTimeout" })
    }
  })

  /** Grows with every frame that passes; those that their sender has aborted are signs of life too. */
  private get activity(): number {
    return this.stats.framesIn + this.decoder.aborted + this.stats.framesOut
  }

  /** Sends keepalives of its own accord. */
  private readonly beats: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const { keepaliveInterval } = this.options.config
    if (keepaliveInterval === undefined) return
    yield* this.settled
    for (;;) {
      this.beat(yield* Clock.currentTimeNanos)
      yield* Effect.sleep(keepaliveInterval)
    }
  })

  /** The owner has had enough. */
  markDown(): void {
    if (this.over === undefined) this.dispatch({ _tag: "MarkedDown" })
  }
}

/** A time as KEEPALIVE2 carries it. **Units** `now` in nanoseconds since 1970. */
const stamp = (now: bigint) => ({
  sec: Number((now / 1_000_000_000n) & 0xffff_ffffn),
  nsec: Number(now % 1_000_000_000n)
})
