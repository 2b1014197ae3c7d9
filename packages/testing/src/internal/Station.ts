/**
 * One end of a scenario: a host with its clock, and the processes that live there one after the other.
 */
import { type Observation, Observer } from "@msgr2/messenger/Observer"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Op } from "../Script.ts"
import type { HostClock } from "../SimClock.ts"
import type { SimHost } from "../SimHost.ts"
import type { SimNetwork } from "../SimNetwork.ts"
import type { World } from "../Simulation.ts"
import * as Life from "./Life.ts"

export interface Options extends Omit<Life.Options, "name" | "patience"> {
  readonly host: SimHost
  readonly network: SimNetwork
  readonly world: World
  /** Names of all other ends. */
  readonly others: ReadonlyArray<string>
  /** Whether connections end on which nothing is heard, for instance because nobody listens. */
  readonly impatient: boolean
}

export class Station {
  readonly name: string
  /** What was asked of this end and has not come to an end. */
  readonly busy = new Set<Op>()
  /** Connections of all lives. */
  opened = 0
  private readonly options: Options
  private readonly clock: HostClock
  /** One restart at a time. */
  private readonly fate = Semaphore.makeUnsafe(1)
  private life: Life.Life | undefined
  private lives = 0
  private slowUntil = 0

  constructor(options: Options) {
    this.options = options
    this.name = options.host.name
    this.clock = options.world.clock.view()
  }

  mayDial(name: string): boolean {
    return this.options.mayDial(name)
  }

  /** Starts the first process. */
  readonly start: Effect.Effect<void> = Effect.suspend(() =>
    Effect.map(
      this.inside(Life.Life.begin({ ...this.options, name: this.name, patience: this.patience }, ++this.lives)),
      (life) => {
        this.life = life
      }
    )
  )

  /** Ends the process that there is. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    const { life } = this
    if (life === undefined) return Effect.void
    this.life = undefined
    this.opened += life.opened
    return life.end
  })

  /** Begins to do what a script says. */
  act(op: Op): Effect.Effect<void, never, Scope.Scope> {
    switch (op._tag) {
      case "Send":
        return this.perform(op, (life) => life.send(op))
      case "Dial":
        return this.perform(op, (life) => life.another(op.to))
      case "Close":
        return this.perform(op, (life) => life.close(op.to))
      case "Ping":
        return this.perform(op, (life) => life.ping(op.to))
      case "Slow":
        return Effect.sync(() => {
          const { impatient, ledger, others } = this.options
          for (const name of impatient ? others : []) ledger.cut(this.name, name)
          this.slowUntil = Math.max(this.slowUntil, this.options.world.clock.now + op.millis)
        })
      case "Jump":
        return Effect.sync(() => this.clock.jump(op.millis))
      case "Restart":
        return Effect.asVoid(Effect.forkScoped(this.counted(op, this.restart(op.millis, op.silent))))
    }
  }

  /** The process dies, and in a while a new one takes its place. */
  private restart(millis: number, silently: boolean): Effect.Effect<void> {
    const { host, ledger, network, others } = this.options
    const restarting = Effect.gen({ self: this }, function* () {
      for (const name of others) ledger.forget(this.name, name)
      network.crash(host, silently)
      yield* this.stop
      yield* Effect.sleep(millis)
      network.restore(host)
      yield* this.start
    })
    return this.fate.withPermits(1)(Effect.uninterruptible(restarting))
  }

  /** Does something in the present life, as long as that lasts; nothing when there is none. */
  private perform(op: Op, what: (life: Life.Life) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { life } = this
      return life === undefined ? Effect.void : life.run(this.inside(this.counted(op, what(life))))
    })
  }

  private counted(op: Op, doing: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.acquireUseRelease(
      Effect.sync(() => this.busy.add(op)),
      () => doing,
      () =>
        Effect.sync(() => {
          this.busy.delete(op)
          this.options.ledger.changed.check()
        })
    )
  }

  /** Something that happens on this host. */
  private inside<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return effect.pipe(
      Effect.provideService(Clock.Clock, this.clock),
      Effect.provideService(Observer, this.options.world.tracing ? (seen) => this.observe(seen) : undefined)
    )
  }

  private observe({ connection, direction, frame, state }: Observation): void {
    const arrow = direction === "out" ? "->" : "<-"
    const what = frame?._tag === "Message" ? `Message ${frame.header.tid}` : (frame?._tag ?? "Banner")
    this.options.world.note(`  ${this.name} ${arrow} ${what} (connection ${connection}, ${state})`)
  }

  private readonly patience: Effect.Effect<void> = Effect.suspend(() => {
    const wait = this.slowUntil - this.options.world.clock.now
    return wait > 0 ? Effect.sleep(Duration.millis(wait)) : Effect.void
  })
}
