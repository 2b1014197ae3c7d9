/**
 * Runs the fibers of a program one piece at a time, in an order that a seed decides.
 *
 * Whatever is ready waits in one queue, from which chance picks; chance also takes the turn from a fiber between any
 * two of its operations. Time passes when the queue is empty.
 */
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import type { Chance } from "./Chance.ts"
import type { Trace } from "./internal/Trace.ts"
import type { SimClock } from "./SimClock.ts"

export interface Options {
  /** How often a fiber loses its turn: the probability at each of its operations. */
  readonly preempt: number
  /** Pieces that a run may consist of. */
  readonly limit: number
}

/** As Effect's own schedulers do, so that a fiber that never waits does not keep the others from running. */
const LONGEST_TURN = 2048
/** A turn may end anywhere but in its first operations: who starts a fiber at once relies on its having begun. */
const SHORTEST_TURN = 8

export class SimScheduler implements Scheduler.Scheduler {
  readonly executionMode = "async"
  /** Pieces that were run. */
  steps = 0
  private readonly chance: Chance
  private readonly clock: SimClock
  private readonly trace: Trace
  private readonly options: Options
  private readonly tasks: Array<() => void> = []
  private microtasks: Array<() => void> = []
  private untilYield: number

  constructor(chance: Chance, clock: SimClock, trace: Trace, options: Options) {
    this.chance = chance
    this.clock = clock
    this.trace = trace
    this.options = options
    this.untilYield = this.turn()
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    const { currentOpCount } = fiber
    if (--this.untilYield > 0) return currentOpCount >= LONGEST_TURN
    if (currentOpCount <= SHORTEST_TURN) {
      this.untilYield = 1 + SHORTEST_TURN - currentOpCount
      return false
    }
    this.untilYield = this.turn()
    return true
  }

  /** Operations until the next yield: drawn once for all of them, which is the same as drawing at each. */
  private turn(): number {
    const { preempt } = this.options
    if (preempt <= 0) return Number.POSITIVE_INFINITY
    return preempt >= 1 ? 1 : 1 + Math.floor(Math.log(1 - this.chance.unit()) / Math.log(1 - preempt))
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return { scheduleTask: (task) => this.post(task), flush: () => {} }
  }

  /** Something that is ready to be done. */
  post(task: () => void): void {
    this.tasks.push(task)
  }

  /** Something to be done after the piece that runs now, in the order of asking: what `queueMicrotask` does. */
  postMicrotask(task: () => void): void {
    this.microtasks.push(task)
  }

  /** Whatever is ready, until `done`, or until nothing is. The result is true when time is to pass. */
  private settle(done: () => boolean): boolean {
    const { chance, tasks } = this
    while (this.steps < this.options.limit && !done()) {
      // Two tasks may share a turn of the event loop; then the microtasks of the first wait for the second.
      if (this.microtasks.length > 0 && (tasks.length === 0 || !chance.odds(1 / 8))) this.runMicrotasks()
      const { length } = tasks
      if (length === 0) {
        if (this.microtasks.length === 0) return true
        continue
      }
      const at = length === 1 ? 0 : chance.below(length)
      const task = tasks[at]!
      const last = tasks.pop()!
      if (at < length - 1) tasks[at] = last
      this.steps++
      this.trace.number(at)
      task()
    }
    return false
  }

  private runMicrotasks(): void {
    while (this.microtasks.length > 0 && this.steps < this.options.limit) {
      const round = this.microtasks
      this.microtasks = []
      for (const microtask of round) {
        this.steps++
        microtask()
      }
    }
  }

  /** Runs until `done`. What else can come of it: nothing can happen any more, or too much has happened. */
  run(done: () => boolean): "Done" | "Deadlock" | "Endless" {
    for (;;) {
      if (!this.settle(done)) return done() ? "Done" : "Endless"
      const due = this.clock.advance()
      if (due.length === 0) return "Deadlock"
      this.trace.number(this.clock.now * 1000)
      for (const { run } of due) this.post(run)
    }
  }

  /** Runs what is ready now, and no more. */
  drain(): void {
    this.settle(() => false)
  }
}
