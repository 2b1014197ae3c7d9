/**
 * What a fault proxy carries: pairs of sockets, and the faults that are done to them.
 */
import * as Effect from "effect/Effect"
import * as net from "node:net"
import type { Counts, Fault, Kind, Place, Plan } from "../FaultProxy.ts"

type Direction = Fault["direction"]

/** One connection: the visitor's socket and the one to the target. */
class Pair {
  private readonly passed = { up: 0, down: 0 }
  /** What is still to come. */
  private fault: Fault | undefined
  private readonly ends: { readonly [D in Direction]: readonly [from: net.Socket, to: net.Socket] }
  private readonly on: { readonly fault: (kind: Kind) => void; readonly gone: () => void }
  private readonly count: (direction: Direction, size: number) => void
  private gone = false
  private struck = false
  private deaf = false

  constructor(options: {
    readonly visitor: net.Socket
    readonly target: net.Socket
    readonly fault: Fault | undefined
    readonly count: (direction: Direction, size: number) => void
    readonly on: Pair["on"]
  }) {
    const { target, visitor } = options
    this.fault = options.fault
    this.count = options.count
    this.on = options.on
    this.ends = { up: [visitor, target], down: [target, visitor] }
  }

  /** Not done by the constructor: the first fault may be due at once. */
  start(): void {
    for (const direction of ["up", "down"] as const) this.link(direction)
    for (const direction of ["up", "down"] as const) this.strikeIfDue(direction)
    this.flow()
  }

  private link(direction: Direction): void {
    const [from, to] = this.ends[direction]
    from.on("data", (chunk) => this.pass(direction, chunk))
    from.on("end", () => {
      if (!this.struck) to.end()
    })
    to.on("drain", () => {
      if (!this.deaf) from.resume()
    })
    from.on("error", () => this.close(true))
    from.on("close", () => {
      // A side that has closed properly has been told of the other's end already.
      if (to.destroyed) this.close(false)
    })
  }

  private pass(direction: Direction, chunk: Uint8Array): void {
    if (this.struck) return
    const [from, to] = this.ends[direction]
    const left = this.fault?.direction === direction ? this.fault.after - this.passed[direction] : Infinity
    const passing = chunk.length > left ? chunk.subarray(0, left) : chunk
    this.passed[direction] += passing.length
    this.count(direction, passing.length)
    if (!to.write(passing)) from.pause()
    this.strikeIfDue(direction)
    // Of use to one that hears again.
    if (this.deaf && passing.length < chunk.length) from.unshift(chunk.subarray(passing.length))
  }

  private strikeIfDue(direction: Direction): void {
    const { fault } = this
    if (fault?.direction !== direction || this.passed[direction] < fault.after) return
    this.fault = undefined
    this.strike(fault.kind)
  }

  /** False when it has been done before. */
  strike(kind: Kind): boolean {
    if (this.gone || this.struck || (this.deaf && kind === "Deafen")) return false
    this.on.fault(kind)
    if (kind === "Deafen") {
      this.deaf = true
      for (const [from] of Object.values(this.ends)) from.pause()
    } else {
      this.struck = true
      if (kind === "Reset") this.close(true)
      else this.finish()
    }
    return true
  }

  /** Lets what has passed arrive, then closes. What comes meanwhile is read and dropped: unread bytes cause a reset. */
  private finish(): void {
    let waiting = 2
    for (const [from, to] of Object.values(this.ends)) {
      from.resume()
      to.end(() => {
        if (--waiting === 0) this.close(false)
      })
    }
  }

  heal(): boolean {
    if (this.gone || !this.deaf) return false
    this.deaf = false
    this.flow()
    return true
  }

  private flow(): void {
    if (this.deaf || this.gone) return
    for (const [from] of Object.values(this.ends)) from.resume()
  }

  /** Both sockets at once; `abruptly` says so to their other ends. */
  close(abruptly: boolean): void {
    if (this.gone) return
    this.gone = true
    for (const [from] of Object.values(this.ends)) {
      if (abruptly) from.resetAndDestroy()
      else from.destroy()
    }
    this.on.gone()
  }
}

export class Relay {
  private readonly pairs = new Set<Pair>()
  private readonly callers = new Set<net.Socket>()
  private readonly waiters = new Set<() => void>()
  private readonly faults = { Close: 0, Reset: 0, Deafen: 0 }
  private readonly bytes = { up: 0, down: 0 }
  private readonly target: Place
  private readonly plan: Plan
  private accepted = 0
  private unreached = 0

  constructor(target: Place, plan: Plan) {
    this.target = target
    this.plan = plan
  }

  get counts(): Counts {
    return {
      accepted: this.accepted,
      open: this.pairs.size,
      unreached: this.unreached,
      faults: { ...this.faults },
      bytesUp: this.bytes.up,
      bytesDown: this.bytes.down
    }
  }

  /** Takes a visitor to the target. */
  carry(visitor: net.Socket): void {
    const { Close, Deafen, Reset } = this.faults
    const fault = this.plan({ connection: this.accepted++, faults: Close + Deafen + Reset })
    const target = net.connect({ ...this.target, allowHalfOpen: true, noDelay: true })
    const both = [visitor, target]
    for (const socket of both) this.callers.add(socket)
    const turnAway = () => {
      for (const socket of both) this.callers.delete(socket)
      visitor.resetAndDestroy()
      this.unreached++
      this.check()
    }
    // One that leaves this early is found gone later.
    visitor.on("error", () => undefined)
    target.once("error", turnAway)
    target.once("connect", () => {
      target.off("error", turnAway)
      for (const socket of both) this.callers.delete(socket)
      this.pair(visitor, target, fault)
    })
    this.check()
  }

  private pair(visitor: net.Socket, target: net.Socket, fault: Fault | undefined): void {
    const pair: Pair = new Pair({
      visitor,
      target,
      fault,
      count: (direction, size) => {
        this.bytes[direction] += size
        this.check()
      },
      on: {
        fault: (kind) => {
          this.faults[kind]++
          this.check()
        },
        gone: () => {
          this.pairs.delete(pair)
          this.check()
        }
      }
    })
    this.pairs.add(pair)
    pair.start()
    this.check()
  }

  private each(act: (pair: Pair) => boolean): number {
    return [...this.pairs].filter(act).length
  }

  strike(kind: Kind): number {
    return this.each((pair) => pair.strike(kind))
  }

  heal(): number {
    return this.each((pair) => pair.heal())
  }

  /** Everything, at once. */
  end(): void {
    for (const socket of this.callers) socket.destroy()
    for (const pair of this.pairs) pair.close(true)
  }

  private check(): void {
    for (const waiter of this.waiters) waiter()
  }

  readonly when = (such: (counts: Counts) => boolean): Effect.Effect<Counts> =>
    Effect.callback<Counts>((resume) => {
      const waiter = () => {
        const { counts } = this
        if (!such(counts)) return
        this.waiters.delete(waiter)
        resume(Effect.succeed(counts))
      }
      this.waiters.add(waiter)
      waiter()
      return Effect.sync(() => {
        this.waiters.delete(waiter)
      })
    })
}
