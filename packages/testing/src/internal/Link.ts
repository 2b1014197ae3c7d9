/**
 * A connection between two simulated hosts: two lanes, and two ends that hear of its death each in its own time.
 */
import { type Reason, TransportError } from "@msgr2/messenger/TransportError"
import type { Pipe } from "@msgr2/messenger/Transport"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Direction, Noticed } from "../Fault.ts"
import type { Weather } from "../Weather.ts"
import { Lane } from "./Lane.ts"
import type { Wires } from "./Wires.ts"

/** An end of a link: the one that has dialled, or the one that has accepted. */
export interface End {
  readonly host: string
  readonly address: EntityAddr.EntityAddr
}

/** How long TCP repeats itself before it gives up. **Units** milliseconds */
const PATIENCE = 30_000

export const failure = (reason: Reason, address: EntityAddr.EntityAddr): TransportError =>
  new TransportError({ reason, address: EntityAddr.format(address), detail: "" })

export class Link {
  readonly number: number
  readonly ends: readonly [dialler: End, listener: End]
  /** Pipes that are open. */
  open = 0
  private readonly lanes: { readonly [D in Direction]: Lane }
  private readonly wires: Wires
  private readonly gaveUp: [boolean, boolean] = [false, false]
  private isCut = false

  constructor(number: number, ends: readonly [End, End], wires: Wires, weather: Weather) {
    this.number = number
    this.ends = ends
    this.wires = wires
    const lane = (direction: Direction) => new Lane(wires, weather, wires.chance(`${number}/${direction}`))
    this.lanes = { up: lane("up"), down: lane("down") }
  }

  /** The lanes that end `which` writes to and reads from. */
  private lanesOf(which: 0 | 1): { readonly out: Lane; readonly in: Lane } {
    const { down, up } = this.lanes
    return which === 0 ? { out: up, in: down } : { out: down, in: up }
  }

  /** Calls `run` when exactly so many bytes have arrived. */
  mark(direction: Direction, byte: number, run: () => void): void {
    this.lanes[direction].mark(byte, run)
  }

  /** Nothing arrives for a while, in one direction or both. **Units** milliseconds of the simulation */
  hold(until: number, direction?: Direction): void {
    if (direction !== "down") this.lanes.up.hold(until)
    if (direction !== "up") this.lanes.down.hold(until)
  }

  /** No fault that is still to come comes, and none that is there stays. */
  calm(): void {
    for (const lane of [this.lanes.up, this.lanes.down]) {
      lane.clearMarks()
      lane.release()
    }
  }

  /** Whether both ends could still talk. */
  get isAlive(): boolean {
    return !this.isCut && this.open > 0
  }

  /** Whatever is on its way is lost. */
  cut(noticed: Noticed): void {
    if (this.isCut) return
    this.isCut = true
    for (const which of [0, 1] as const) {
      const notice = noticed[which]
      this.lanesOf(which).out.lose(() => this.giveUp(which))
      if (notice !== null) this.wires.after(notice, () => this.fail(which))
    }
  }

  /** The end waits for an answer that never comes. */
  private giveUp(which: 0 | 1): void {
    if (this.gaveUp[which]) return
    this.gaveUp[which] = true
    this.wires.after(PATIENCE, () => this.fail(which))
  }

  /** One end learns that the link is gone. */
  private fail(which: 0 | 1): void {
    const lanes = this.lanesOf(which)
    lanes.in.mailbox.fail(failure("Reset", this.ends[1 - which]!.address))
    lanes.out.shut()
  }

  /**
   * The host of one end is gone: without a word, or with the resets that a system sends for a process that has died.
   */
  crash(which: 0 | 1, silently: boolean): void {
    if (silently) this.cut(which === 0 ? [0, null] : [null, 0])
    this.leave(which)
  }

  /** One end goes without a goodbye. */
  leave(which: 0 | 1): void {
    const lanes = this.lanesOf(which)
    lanes.out.abandon(failure("Reset", this.ends[which].address))
    lanes.in.mailbox.fail(failure("Closed", this.ends[1 - which]!.address), true)
  }

  /** The pipe of one end. It lives until its scope closes. */
  pipe(which: 0 | 1): Effect.Effect<Pipe, never, Scope.Scope> {
    const lanes = this.lanesOf(which)
    const remote = this.ends[1 - which]!.address
    const { address: local } = this.ends[which]
    let ended = false
    const pipe: Pipe = {
      local,
      remote,
      read: lanes.in.mailbox.read,
      write: (chunks, done) => lanes.out.write(chunks, done),
      backlog: () => lanes.out.backlog,
      drained: lanes.out.drained,
      end: () => {
        ended = true
        lanes.out.close(failure("EndOfStream", local))
      }
    }
    return Effect.acquireRelease(
      Effect.sync(() => {
        this.open++
        return pipe
      }),
      () =>
        Effect.sync(() => {
          this.open--
          if (!ended) this.leave(which)
          else lanes.in.mailbox.fail(failure("Closed", remote), true)
        })
    )
  }
}
