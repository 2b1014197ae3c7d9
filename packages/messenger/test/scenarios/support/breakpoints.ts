/**
 * A transport that stops at breakpoints: where a part of the protocol is written or read for the nth time, the socket
 * dies, waits, or seems to wait.
 */
import type { EntityAddr } from "@msgr2/wire"
import { Effect, Layer, type Scope } from "effect"
import { Transport, type TransportError } from "../../../src/index.ts"
import type { Step } from "./scanner.ts"
import { reset, Wire } from "./wire.ts"

/** Written by the end that uses the transport, or read by it. */
export type Way = "W" | "R"

/** A part of the protocol at one end. A socket that is to be connected is written, before there is one. */
export type Point = `${Step} ${Way}` | "Connecting W"

export type Kind =
  /** The socket dies there, before the part passes. */
  | "fault"
  /** The part is held, and everything behind it in its direction, until it is let go. */
  | "block"
  /**
   * The part has been written, or has arrived; then the socket dies. The peer knows, and goes on. This end hears of
   * nothing, neither the part nor the end, until it is let go.
   */
  | "stall"

export interface Breakpoint {
  readonly point: Point
  readonly kind: Kind
  /** Which occurrence, over all sockets of this end. */
  readonly nth: number
}

const breakpoint =
  (kind: Kind) =>
  (point: Point, nth = 1): Breakpoint => ({ point, kind, nth })
export const fault = breakpoint("fault")
export const block = breakpoint("block")
export const stall = breakpoint("stall")

export const describeBreakpoint = ({ kind, nth, point }: Breakpoint): string =>
  `${kind} at ${point}${nth === 1 ? "" : `(${nth})`}`

/** Told of what passes each socket, numbered from 1, part by part. */
export type Passed = (socket: number, point: Point) => void

export class Breakpoints {
  /** Parts that are held just now. */
  held = 0
  private sockets = 0
  private readonly counts = new Map<Point, number>()
  private readonly armed: ReadonlyArray<Breakpoint>
  private readonly passed: Passed
  private letGo: Array<() => void> = []
  private readonly hit = new Set<Breakpoint>()

  /** `passed` is told of every part that gets to its point, whatever happens to it there. */
  constructor(armed: ReadonlyArray<Breakpoint>, passed: Passed = () => {}) {
    this.armed = armed
    this.passed = passed
  }

  /** Those that nothing has come to yet. */
  get missed(): ReadonlyArray<string> {
    return this.armed.filter((each) => !this.hit.has(each)).map(describeBreakpoint)
  }

  /** Lets go of everything that is held. */
  readonly release: Effect.Effect<void> = Effect.sync(() => {
    const { letGo } = this
    this.letGo = []
    this.held = 0
    for (const each of letGo) each()
  })

  layer<E, R>(transport: Layer.Layer<Transport.Transport, E, R>): Layer.Layer<Transport.Transport, E, R> {
    const wrapped = Layer.effect(
      Transport.Transport,
      Effect.map(Transport.Transport, ({ connect, listen }) => ({
        connect: (address) => this.connecting(connect(address), address),
        listen: (address) =>
          Effect.map(listen(address), (listener) => ({
            ...listener,
            accept: Effect.map(listener.accept, (pipe) => this.exposed(pipe))
          }))
      }))
    )
    return Layer.provide(wrapped, transport)
  }

  private connecting(
    connect: Effect.Effect<Transport.Pipe, TransportError.TransportError, Scope.Scope>,
    address: EntityAddr.EntityAddr
  ): Effect.Effect<Transport.Pipe, TransportError.TransportError, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const kind = this.arrive("Connecting W")
      if (kind === "fault") return yield* Effect.fail(reset(address))
      if (kind !== undefined) yield* this.wait()
      return this.exposed(yield* connect)
    })
  }

  private exposed(pipe: Transport.Pipe): Transport.Pipe {
    const id = ++this.sockets
    return new Wire(pipe, {
      arrive: (point) => {
        this.passed(id, point)
        return this.arrive(point)
      },
      hold: (then) => this.hold(then)
    }).exposed
  }

  /** What is to happen at a point that has been reached once more. */
  private arrive(point: Point): Kind | undefined {
    const count = (this.counts.get(point) ?? 0) + 1
    this.counts.set(point, count)
    const breakpoint = this.armed.find((each) => each.point === point && each.nth === count)
    if (breakpoint !== undefined) this.hit.add(breakpoint)
    return breakpoint?.kind
  }

  private hold(then: () => void): void {
    this.held++
    this.letGo.push(then)
  }

  private wait(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => this.hold(() => resume(Effect.void)))
  }
}
