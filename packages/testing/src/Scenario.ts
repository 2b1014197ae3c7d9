/**
 * Runs a plan with real messengers in a simulated network, and says which of their promises they have broken.
 *
 * Checked: every message arrives as it was sent, none twice, none before an earlier one; on a lossy connection what
 * arrives is a beginning of what was sent, and all of it where nothing went wrong; on a lossless session all of it,
 * however often the network fails, unless an end restarts or closes it. Connections end for typed reasons only. When
 * nothing goes wrong any more, everybody can talk to everybody. In the end no fiber, no timer and no pipe is left.
 */
import { Priority } from "@msgr2/wire/Message"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cast from "./internal/Cast.ts"
import { Ledger, type Violation } from "./internal/Ledger.ts"
import type { Station } from "./internal/Station.ts"
import { type Plan, SPAN } from "./Plan.ts"
import * as Script from "./Script.ts"
import { type Counts, SimNetwork } from "./SimNetwork.ts"
import { type Run, simulate, Simulation } from "./Simulation.ts"

export type { Violation } from "./internal/Ledger.ts"

export interface Options {
  /** Puts something around the transport of each host: a fault of one's own. */
  readonly wrap?: Cast.Wrap
  /** Keeps what happens as lines. */
  readonly keepLines?: boolean
  readonly maxSteps?: number
  /** As for `simulate`. */
  readonly preempt?: number
}

/** What came of a run. **Shape** `sent` and `heard` count messages, `opened` connections at both of their ends. */
export interface Report {
  readonly violations: ReadonlyArray<Violation>
  readonly traceHash: string
  readonly steps: number
  readonly millis: number
  readonly sent: number
  readonly heard: number
  readonly opened: number
  readonly counts: Readonly<Counts>
  readonly lines: ReadonlyArray<string>
}

/**
 * How long things may take to come right when nothing goes wrong any more: a connection that died in silence, and on
 * which there is nothing to send, is found out by `idleTimeout`, after up to half an hour. **Units** milliseconds
 */
const PATIENCE = 2_000_000
const STEPS = 200_000
/** When nothing goes wrong any more. */
const CALM = SPAN + 1000
/** A message that has not arrived by then is lost with its connection: TCP gives up before. */
const GIVE_UP = 60_000
/** As many as take that long, because a session that is closed takes those along that wait in it. */
const PROBES = Math.ceil(PATIENCE / GIVE_UP)
const LAST = {
  _tag: "Send",
  at: 0,
  count: 1,
  size: 8,
  priority: Priority.Default,
  how: "each",
  thenClose: false
} as const

const NOTHING: Counts = { links: 0, cuts: 0, stalls: 0, partitions: 0, refusals: 0, crashes: 0 }

/** Goes on at this time of the simulation. */
const at = (millis: number) =>
  Effect.flatMap(Simulation, ({ clock }) =>
    clock.now < millis ? Effect.sleep(Duration.millis(millis - clock.now)) : Effect.void
  )

/**
 * Waits until it holds, or for so long; the result is whether it does, or does not matter any more. **Units**
 * milliseconds
 */
const until = (ledger: Ledger, holds: () => boolean, patience: number): Effect.Effect<boolean> =>
  Effect.as(
    ledger.changed.when(() => ledger.isBroken || holds()),
    true
  ).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed(false) }))

/**
 * A last message from everybody who may dial to everybody they may: it has to arrive, if need be on a new connection.
 */
const probe = (everybody: ReadonlyArray<Station>, ledger: Ledger) => {
  const once = (from: string, to: string, station: Station) =>
    Effect.gen(function* () {
      const before = ledger.letters.length
      const isHeard = () =>
        ledger.letters.slice(before).some((letter) => letter.from === from && letter.to === to && letter.heard > 0)
      yield* station.act({ ...LAST, end: from, to })
      return yield* until(ledger, isHeard, GIVE_UP)
    })
  const pairs = everybody.flatMap((station) =>
    everybody.filter(({ name }) => station.mayDial(name)).map(({ name: to }) => ({ station, to }))
  )
  return Effect.forEach(
    pairs,
    Effect.fnUntraced(function* ({ station, to }) {
      for (let i = 0; i < PROBES; i++) if (yield* once(station.name, to, station)) return
      ledger.break("Stuck", `${station.name} cannot send anything to ${to} any more`)
    }),
    { concurrency: "unbounded", discard: true }
  )
}

const play = Effect.fnUntraced(function* (plan: Plan, network: SimNetwork, ledger: Ledger, options: Options) {
  const everybody = yield* Cast.make(plan, network, ledger, options.wrap)
  const find = (name: string) => everybody.find((station) => station.name === name)
  yield* Effect.forEach(everybody, ({ start }) => start, { discard: true })
  network.inflict(plan.faults)
  for (const op of plan.script.toSorted((one, other) => one.at - other.at)) {
    yield* at(op.at)
    yield* find(op.end)?.act(op) ?? Effect.void
  }
  yield* at(CALM)
  network.calm()
  yield* probe(everybody, ledger)
  yield* until(ledger, () => ledger.missing.length === 0 && everybody.every(({ busy }) => busy.size === 0), PATIENCE)
  const wasBroken = ledger.isBroken
  ledger.judge()
  for (const op of wasBroken ? [] : everybody.flatMap(({ busy }) => [...busy])) {
    ledger.break("Stuck", `not finished: ${Script.format(op)}`)
  }
  yield* Effect.forEach(everybody, ({ stop }) => stop, { concurrency: "unbounded", discard: true })
  return everybody.reduce((sum, { opened }) => sum + opened, 0)
})

/** What is wrong with the run itself, whatever the messages did. */
const judge = (run: Run<number, unknown>, network: SimNetwork | undefined, ledger: Ledger): void => {
  const { outcome } = run
  if (outcome._tag !== "Finished") {
    const what = outcome._tag === "Deadlock" ? "waits for what will never happen" : `goes on after ${run.steps} steps`
    return ledger.break("Stuck", `the scenario ${what}`)
  }
  if (Exit.isFailure(outcome.exit)) ledger.break("Defect", Cause.pretty(outcome.exit.cause))
  for (const cause of run.defects) ledger.break("Defect", Cause.pretty(cause))
  for (const { cause, level, message } of run.logs) {
    if (level === "Error" || level === "Fatal")
      ledger.break("Defect", `logged: ${String(message)} ${Cause.pretty(cause)}`)
  }
  for (const what of run.escapes) ledger.break("Escape", what)
  if (run.fibers > 0) ledger.break("Leak", `${run.fibers} fibers are left`)
  if (run.timers > 0) ledger.break("Leak", `${run.timers} timers are left`)
  if (network !== undefined && network.open > 0) ledger.break("Leak", `${network.open} pipes are left`)
}

/** Runs `plan`; the seed decides everything that the plan leaves open. */
export const run = (seed: number, plan: Plan, options: Options = {}): Report => {
  const ledger = new Ledger(plan.policy === "lossy")
  let network: SimNetwork | undefined
  const program = Effect.gen(function* () {
    const made = yield* SimNetwork.make(plan.weather)
    network = made
    made.onTrouble = (what, one, other) => {
      if (what === "Cut" || plan.settings.patience !== null) ledger.cut(one, other)
    }
    return yield* play(plan, made, ledger, options).pipe(Effect.ensuring(Effect.sync(() => made.stop())), Effect.scoped)
  })
  const ran = simulate(seed, program, {
    keepLines: options.keepLines ?? false,
    maxSteps: options.maxSteps ?? STEPS,
    ...(options.preempt === undefined ? {} : { preempt: options.preempt })
  })
  judge(ran, network, ledger)
  return {
    violations: ledger.violations,
    traceHash: ran.traceHash,
    steps: ran.steps,
    millis: ran.millis,
    sent: ledger.letters.length,
    heard: ledger.letters.filter(({ heard }) => heard > 0).length,
    opened: ran.outcome._tag === "Finished" && Exit.isSuccess(ran.outcome.exit) ? ran.outcome.exit.value : 0,
    counts: { ...(network?.counts ?? NOTHING) },
    lines: ran.lines
  }
}
