/**
 * The sending half of a connection: frames in the order of decisions, gathered into writes.
 */
import * as FrameEncoder from "@msgr2/frame/FrameEncoder"
import type { FrameError } from "@msgr2/frame/FrameError"
import * as Gather from "@msgr2/frame/Gather"
import type { Mode } from "@msgr2/frame/Mode"
import type { Banner } from "@msgr2/wire/Banner"
import type { ControlFrame } from "@msgr2/wire/ControlFrame"
import type { Message } from "@msgr2/wire/Message"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Pipe } from "../Transport.ts"
import { Answers } from "./Answers.ts"

/** Bytes that leave at once even amid a turn, so that the peer has something to do meanwhile. */
const BATCH = 64 * 1024

export class Outgoing {
  /** Bytes handed to the pipe. */
  bytes = 0
  private readonly encoder = FrameEncoder.make()
  private readonly out = Gather.make()
  private readonly answers = new Answers()
  private readonly pipe: Pipe
  private readonly onDefect: (defect: unknown) => void
  private flushing = false

  /** `onDefect` is told of a pipe that throws: often there is no caller to throw at. */
  constructor(pipe: Pipe, onDefect: (defect: unknown) => void) {
    this.pipe = pipe
    this.onDefect = onDefect
  }

  get transcript() {
    return this.encoder.transcript
  }

  setMode(mode: Mode): void {
    this.encoder.setMode(mode)
  }

  /** Every method that appends something says how long it is on the wire. */
  banner(banner: Banner): number {
    const size = this.encoder.banner(this.out, banner)
    this.schedule()
    return size
  }

  message(message: Message, seq: number, ackSeq: number): Result.Result<number, FrameError> {
    return this.scheduled(this.encoder.message(this.out, message, seq, ackSeq))
  }

  /** An answer to something, which the peer makes us say: how many of them wait is watched. */
  control(frame: ControlFrame): Result.Result<number, FrameError> {
    const written = this.encoder.control(this.out, frame)
    if (Result.isSuccess(written)) this.answers.add(written.success, this.bytes + this.out.size)
    return this.scheduled(written)
  }

  /** Bytes that the system has not taken. */
  get waiting(): number {
    return this.out.size + this.pipe.backlog()
  }

  /** Bytes of control frames among them. */
  get answersWaiting(): number {
    return this.answers.waiting(this.bytes - this.pipe.backlog())
  }

  private scheduled(written: Result.Result<number, FrameError>): Result.Result<number, FrameError> {
    if (Result.isSuccess(written)) this.schedule()
    return written
  }

  /** Lets what is sent in one turn leave in one write. */
  private schedule(): void {
    if (this.out.size >= BATCH) return this.flush()
    if (this.flushing) return
    this.flushing = true
    queueMicrotask(() => this.flush())
  }

  flush(): void {
    this.flushing = false
    if (this.out.size === 0) return
    this.bytes += this.out.size
    const chunks = this.out.take()
    try {
      this.pipe.write(chunks, () => this.out.release(chunks))
    } catch (defect) {
      this.onDefect(defect)
    }
  }

  /** Waits until the system has taken everything sent so far. */
  readonly drained: Effect.Effect<void> = Effect.suspend(() => {
    this.flush()
    return this.pipe.backlog() === 0 ? Effect.void : this.pipe.drained
  })
}
