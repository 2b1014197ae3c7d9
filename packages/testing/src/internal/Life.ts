/**
 * The life of a process at one end of a scenario: its messenger, its connections, and an application that sends what it
 * is told to and listens to everything.
 */
import type { AuthClient } from "@msgr2/auth/AuthClient"
import type { AuthServer } from "@msgr2/auth/AuthServer"
import type { Connection } from "@msgr2/messenger/Connection"
import type { ConnectionError } from "@msgr2/messenger/ConnectionError"
import { Messenger } from "@msgr2/messenger/Messenger"
import type { MessengerConfig } from "@msgr2/messenger/MessengerConfig"
import { Transport } from "@msgr2/messenger/Transport"
import type { EntityAddr } from "@msgr2/wire/EntityAddr"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Op } from "../Script.ts"
import type { Ledger } from "./Ledger.ts"
import { examine, Line } from "./Line.ts"

export interface Options {
  readonly name: string
  readonly transport: Context.Service.Shape<typeof Transport>
  readonly config: Partial<MessengerConfig>
  readonly clientAuth: Layer.Layer<AuthClient>
  /** Where it serves, if it does. */
  readonly serving: { readonly address: EntityAddr; readonly auth: Layer.Layer<AuthServer> } | undefined
  readonly peerType: number
  /** Whether this end may dial that one. */
  readonly mayDial: (name: string) => boolean
  readonly addressOf: (name: string) => EntityAddr
  /** Whose gid this is. */
  readonly nameOf: (gid: bigint) => string
  readonly ledger: Ledger
  /** Waits until the application wants to listen. */
  readonly patience: Effect.Effect<void>
}

/** Between attempts to connect: the first pause, and the longest. **Units** milliseconds */
const PAUSE = 100
const LONGEST_PAUSE = 3000

export class Life {
  /** Connections that have been READY. */
  opened = 0
  private readonly options: Options
  private readonly number: number
  private readonly scope: Scope.Closeable
  private readonly messenger: Context.Service.Shape<typeof Messenger>
  private lines: ReadonlyArray<Line> = []
  private readonly dialling = new Map<string, Semaphore.Semaphore>()

  constructor(
    options: Options,
    number: number,
    scope: Scope.Closeable,
    messenger: Context.Service.Shape<typeof Messenger>
  ) {
    this.options = options
    this.number = number
    this.scope = scope
    this.messenger = messenger
  }

  /** Starts a process. */
  static readonly begin = Effect.fnUntraced(function* (options: Options, number: number) {
    const { clientAuth, config, serving, transport } = options
    const scope = yield* Scope.make()
    const layer = Layer.provide(Messenger.layer(config), Layer.succeed(Transport, transport))
    const built = yield* Layer.buildWithScope(Layer.merge(layer, clientAuth), scope)
    const life = new Life(options, number, scope, Context.get(built, Messenger))
    if (serving !== undefined) {
      yield* life.messenger
        .serve(serving.address, (connection) => life.listen(life.hold(connection)))
        .pipe(Effect.provide(serving.auth), Scope.provide(scope), Effect.orDie)
    }
    return life
  })

  /** Ends the process as it is told to end: connections say goodbye. */
  readonly end = Effect.suspend(() => Scope.close(this.scope, Exit.void))

  /** Runs something for as long as the process lives. */
  run(doing: Effect.Effect<void>): Effect.Effect<void> {
    // At once: until it has begun, nobody would know that it is to be waited for.
    return Effect.asVoid(Effect.forkIn(doing, this.scope, { startImmediately: true }))
  }

  private hold(connection: Connection, to = this.options.nameOf(connection.peer.gid)): Line {
    this.opened++
    const { ledger, name, patience } = this.options
    const isTwin = !ledger.isLossy && this.lines.some((line) => line.to === to) && !ledger.mayEnd(name, to)
    if (isTwin) ledger.break("Mixed", `${name} has two sessions with ${to}`)
    const line = new Line({ name, to, life: this.number, connection, ledger, patience })
    this.lines = [...this.lines, line]
    return line
  }

  private listen(line: Line): Effect.Effect<void> {
    return Effect.ensuring(
      line.listen,
      Effect.sync(() => {
        this.lines = this.lines.filter((other) => other !== line)
      })
    )
  }

  /** Dials until somebody answers. */
  private dial(to: string, pause = PAUSE): Effect.Effect<Line> {
    const { addressOf, clientAuth, peerType } = this.options
    return Effect.uninterruptibleMask((restore) =>
      this.messenger.connect(addressOf(to), { peerType }).pipe(
        restore,
        Effect.provide(clientAuth),
        Scope.provide(this.scope),
        Effect.matchCauseEffect({
          onSuccess: (connection) => {
            const known = this.lines.find((line) => line.connection.id === connection.id)
            const line = known ?? this.hold(connection, to)
            return known === undefined ? Effect.as(this.run(this.listen(line)), line) : Effect.succeed(line)
          },
          onFailure: (cause) =>
            this.refused(to, cause).pipe(
              Effect.andThen(Effect.sleep(pause)),
              Effect.andThen(this.dial(to, Math.min(LONGEST_PAUSE, 2 * pause))),
              restore
            )
        })
      )
    )
  }

  private refused(to: string, cause: Cause.Cause<ConnectionError>): Effect.Effect<void> {
    const { ledger, name } = this.options
    const unheard = cause.reasons.every((reason) => reason._tag === "Fail" && reason.error.state === "StartConnect")
    // The other end may have thought that there was a connection, and used it.
    if (!unheard) ledger.forget(name, to)
    return examine({ ledger, name, to, cause, wasOpen: false })
  }

  /** A connection with `to`: the one there is, or a new one. */
  private connection(to: string): Effect.Effect<Line | undefined> {
    return Effect.suspend(() => {
      const find = () => this.lines.findLast((line) => line.to === to)
      const found = find()
      if (found !== undefined || !this.options.mayDial(to)) return Effect.succeed(found)
      const one = this.dialling.get(to) ?? Semaphore.makeUnsafe(1)
      this.dialling.set(to, one)
      return one.withPermits(1)(
        Effect.suspend(() => {
          const found = find()
          return found === undefined ? this.dial(to) : Effect.succeed(found)
        })
      )
    })
  }

  /** Does something on a connection with `to`, if there is one or one can be had. */
  private on(to: string, what: (line: Line) => Effect.Effect<unknown, ConnectionError>): Effect.Effect<void> {
    return Effect.flatMap(this.connection(to), (line) => (line === undefined ? Effect.void : line.use(what(line))))
  }

  another(to: string): Effect.Effect<void> {
    return this.options.mayDial(to) ? Effect.asVoid(this.dial(to)) : Effect.void
  }

  send({ count, how, priority, size, thenClose, to }: Extract<Op, { readonly _tag: "Send" }>): Effect.Effect<void> {
    return this.on(to, (line) => {
      const many = Array.from({ length: count })
      const draft = { size, priority }
      const sending = {
        each: Effect.suspend(() => line.sendEach(many.map(() => draft))),
        atOnce: Effect.suspend(() => line.sendAll(many.map(() => draft))),
        // What becomes of a message on a lossy connection is known when that ends: nobody waits for it.
        deliver: Effect.suspend(() => {
          const delivering = line.deliver(many.map(() => draft))
          return this.options.ledger.isLossy ? this.run(line.use(delivering)) : delivering
        })
      }[how]
      return thenClose ? Effect.andThen(sending, line.close) : sending
    })
  }

  ping(to: string): Effect.Effect<void> {
    return this.on(to, ({ connection }) => connection.keepalive)
  }

  close(to: string): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach(
        this.lines.filter((line) => line.to === to),
        ({ close }) => close,
        { discard: true }
      )
    )
  }
}
