/**
 * Runs a program so that a seed decides everything about it: which fiber goes on, where it loses its turn, what time it
 * is, what chance gives. The same seed gives the same run, to the last step.
 *
 * A run takes no real time and no real waiting: it is one synchronous call. So nothing works in it that needs the event
 * loop: a promise never settles, and whoever waits for one waits for ever.
 */
import { Entropy } from "@msgr2/auth/Entropy"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import { Chance } from "./Chance.ts"
import { enclosed } from "./internal/Enclosure.ts"
import { Trace } from "./internal/Trace.ts"
import { SimClock } from "./SimClock.ts"
import { SimScheduler } from "./SimScheduler.ts"

/** What a simulated program can use of its world. */
export class Simulation extends Context.Service<
  Simulation,
  {
    /** A stream of chance of its own. */
    readonly chance: (name: string) => Chance
    readonly clock: SimClock
    /** Puts something among what is ready to be done. */
    readonly post: (task: () => void) => void
    /** Makes bytes that passed part of the trace. */
    readonly saw: (bytes: Uint8Array) => void
    /** Notes what happened: in the hash, and as a line when lines are kept. */
    readonly note: (line: string) => void
    /** Whether anybody reads the lines. */
    readonly tracing: boolean
  }
>()("@msgr2/testing/Simulation") {}
export type World = Context.Service.Shape<typeof Simulation>

export interface Options {
  /** The probability with which a fiber loses its turn at each of its operations. By default the seed decides. */
  readonly preempt?: number
  /** Steps after which a run that goes on and on is stopped. */
  readonly maxSteps?: number
  /** Keeps what is noted as lines. */
  readonly keepLines?: boolean
}

/** How a run ended. */
export type Outcome<A, E> =
  | { readonly _tag: "Finished"; readonly exit: Exit.Exit<A, E> }
  /** The program waits for something, and nothing will ever happen. */
  | { readonly _tag: "Deadlock" }
  /** It has taken all its steps and would go on. */
  | { readonly _tag: "Endless" }

/** Something that was logged. */
export interface Entry {
  readonly level: string
  readonly message: unknown
  readonly cause: Cause.Cause<unknown>
}

export interface Run<A, E> {
  readonly outcome: Outcome<A, E>
  /** Differs when anything differed: the order of steps, the times, the bytes, the notes. */
  readonly traceHash: string
  /** Milliseconds that have passed inside. */
  readonly millis: number
  readonly steps: number
  /** Fibers that are left over when the program has ended and what it left ready has been done. */
  readonly fibers: number
  /** Timers that are left over. */
  readonly timers: number
  /** Causes of fibers that died of a defect, whether anybody looked or not. */
  readonly defects: ReadonlyArray<Cause.Cause<unknown>>
  /** What the program used that no seed decides: `Date.now` and the like. Such a use dies as a defect, too. */
  readonly escapes: ReadonlyArray<string>
  readonly logs: ReadonlyArray<Entry>
  readonly lines: ReadonlyArray<string>
}

const MAX_STEPS = 1_000_000

/** How restless a run is: most bugs need few interruptions in the right place, some need many. */
const RESTLESSNESS = [0, 0.001, 0.01, 0.05, 0.2] as const

const randomOf = (chance: Chance): Random.Random => ({
  nextIntUnsafe: () => (chance.u32() - 0x8000_0000) * 0x20_0000 + chance.below(0x20_0000),
  nextDoubleUnsafe: () => chance.unit()
})

/** Runs `program` to its end, or to where it can not or must not go on. */
export const simulate = <A, E>(
  seed: number,
  program: Effect.Effect<A, E, Simulation>,
  options: Options = {}
): Run<A, E> => {
  const chance = new Chance(seed)
  const preempt = options.preempt ?? chance.pick(RESTLESSNESS)
  const trace = new Trace(options.keepLines ?? false)
  const clock = new SimClock()
  const limit = options.maxSteps ?? MAX_STEPS
  const scheduler = new SimScheduler(chance.stream("schedule"), clock, trace, { preempt, limit })
  const defects: Array<Cause.Cause<unknown>> = []
  const escapes: Array<string> = []
  const logs: Array<Entry> = []
  const loose = chance.stream("Math.random")
  const entropy = chance.stream("entropy")
  let fibers = 0

  const simulation: World = {
    chance: (name) => chance.stream(name),
    clock,
    post: (task) => scheduler.post(task),
    saw: (bytes) => trace.bytes(bytes),
    note: (line) => {
      trace.text(line)
      trace.lines?.push(`${clock.now.toFixed(3).padStart(12)} ${line}`)
    },
    tracing: trace.lines !== undefined
  }
  const context = Context.empty().pipe(
    Context.add(Scheduler.Scheduler, scheduler),
    Context.add(Clock.Clock, clock.view()),
    Context.add(Random.Random, randomOf(chance.stream("random"))),
    Context.add(Entropy, (size: number) => entropy.bytes(size)),
    Context.add(References.TracerEnabled, false),
    Context.add(
      Logger.CurrentLoggers,
      new Set([
        Logger.make<unknown, void>(({ cause, logLevel, message }) => {
          logs.push({ level: logLevel, message, cause })
          simulation.note(`log ${logLevel}: ${String(message)}`)
        })
      ])
    ),
    Context.add(Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => {
        fibers++
      },
      recordFiberEnd: (_, exit) => {
        fibers--
        if (exit._tag === "Failure" && exit.cause.reasons.some(({ _tag }) => _tag === "Die")) defects.push(exit.cause)
      }
    }),
    Context.add(Simulation, simulation)
  )

  const outcome = enclosed(
    (): Outcome<A, E> => {
      const fiber = Effect.runForkWith(context)(program)
      const ended = scheduler.run(() => fiber.pollUnsafe() !== undefined)
      const exit = fiber.pollUnsafe()
      if (exit === undefined) return { _tag: ended === "Deadlock" ? "Deadlock" : "Endless" }
      scheduler.drain()
      return { _tag: "Finished", exit }
    },
    {
      microtask: (task) => scheduler.postMicrotask(task),
      random: () => loose.unit(),
      escaped: (what) => escapes.push(what)
    }
  )
  return {
    outcome,
    traceHash: trace.hash,
    millis: clock.now,
    steps: scheduler.steps,
    fibers,
    timers: clock.pending,
    defects,
    escapes,
    logs,
    lines: trace.lines ?? []
  }
}
