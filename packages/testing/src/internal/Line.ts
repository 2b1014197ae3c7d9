/**
 * A connection of a scenario, as an application uses it: it sends what it is told to, listens to everything, and
 * watches what befalls the session.
 */
import type { Connection, Stats } from "@msgr2/messenger/Connection"
import { ConnectionError } from "@msgr2/messenger/ConnectionError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { Ledger } from "./Ledger.ts"
import { type Letter, messageOf } from "./Letter.ts"

/** What a network may do to a connection, and what comes of silence. */
const NETWORK = ["Refused", "Unreachable", "Reset", "EndOfStream", "Timeout", "HandshakeTimeout", "IdleTimeout"]
/** What the other end may do to it, or this one. */
const ENDS = ["Closed", "StaleConnection", "SessionDisplaced", "SessionExpired", "AskedToWait"]

/** What was ended, and by what: a connection of `name` with `to`, or an attempt to make one. */
export interface Ended {
  readonly ledger: Ledger
  readonly name: string
  readonly to: string
  readonly cause: Cause.Cause<unknown>
  readonly wasOpen: boolean
}

/** Looks at what a connection has ended with, or what was done on it: interruptions pass, the rest is judged. */
export const examine = ({ cause, ledger, name, to, wasOpen }: Ended): Effect.Effect<void> =>
  Effect.suspend(() => {
    const may = ledger.mayEnd(name, to)
    const isExcused = (reason: string) =>
      (NETWORK.includes(reason) && (may || !wasOpen)) || (ENDS.includes(reason) && may)
    for (const reason of cause.reasons) {
      if (reason._tag === "Interrupt") return Effect.failCause(Cause.fromReasons([reason]))
      if (reason._tag === "Die" || !(reason.error instanceof ConnectionError)) {
        ledger.break("Ending", `${name}: a connection with ${to} has ended with ${Cause.pretty(cause)}`)
      } else if (!isExcused(reason.error.reason.reason)) ledger.break("Ending", `${name}: ${reason.error.message}`)
    }
    return Effect.void
  })

/** Whose connection it is, in which of their lives. */
export interface Options {
  readonly name: string
  readonly to: string
  readonly life: number
  readonly connection: Connection
  readonly ledger: Ledger
  /** Waits until the application wants to listen. */
  readonly patience: Effect.Effect<void>
}

type Draft = Pick<Letter, "size" | "priority">

export class Line {
  readonly to: string
  readonly connection: Connection
  private readonly options: Options
  /** Its name, among those of all ends and lives. */
  private readonly session: string

  constructor(options: Options) {
    const { connection, life, name, to } = options
    this.to = to
    this.connection = connection
    this.options = options
    this.session = `${name}${life}#${connection.id}`
  }

  /** Does something on it that may fail when it ends. */
  use(doing: Effect.Effect<unknown, ConnectionError>): Effect.Effect<void> {
    const { ledger, name, to } = this.options
    return Effect.asVoid(Effect.catchCause(doing, (cause) => examine({ ledger, name, to, cause, wasOpen: true })))
  }

  /** Listens until the end. */
  readonly listen: Effect.Effect<void> = Effect.suspend(() => {
    const { connection } = this
    const hear = Effect.flatMap(Stream.toPull(connection.messages), (pull) =>
      Effect.forever(Effect.flatMap(Effect.andThen(this.options.patience, pull), (batch) => this.hear(batch)))
    )
    const heard = Pull.catchDone(Effect.scoped(Effect.andThen(Effect.forkScoped(this.watch), hear)), () => Effect.void)
    return this.use(heard).pipe(
      Effect.andThen(this.use(connection.closed)),
      Effect.andThen(Effect.map(connection.stats, (stats) => this.look(stats)))
    )
  })

  private hear(batch: Iterable<Parameters<Ledger["hear"]>[3]>): Effect.Effect<void> {
    const { ledger, life, name } = this.options
    return Effect.sync(() => {
      for (const message of batch) ledger.hear(name, life, this.session, message)
    })
  }

  /** A session is lost when one of its ends is, and never otherwise. */
  private readonly watch: Effect.Effect<void> = Effect.suspend(() => {
    const { connection, ledger, name, to } = this.options
    return Stream.runForEach(connection.events, ({ _tag }) =>
      Effect.sync(() => {
        if (_tag === "Reset" && (ledger.isLossy || !ledger.mayEnd(name, to))) {
          ledger.break("Reset", `${name} has lost its session with ${to}`)
        }
      })
    )
  })

  /** Two ends of this library never make a gap, and never say anything twice. */
  private look({ duplicates, gaps }: Stats): void {
    const { ledger, name, to } = this.options
    if (duplicates > 0) ledger.break("Counts", `${name} has got ${duplicates} messages twice from ${to}`)
    if (gaps > 0) ledger.break("Counts", `${name} has got ${gaps} gaps in what ${to} has sent`)
  }

  private write(draft: Draft, stream: number): Letter {
    const { ledger, name, to } = this.options
    return ledger.write({ ...draft, from: name, to, session: this.session, stream })
  }

  sendEach(drafts: ReadonlyArray<Draft>): Effect.Effect<void, ConnectionError> {
    const { connection, ledger } = this.options
    const stream = ledger.stream()
    return Effect.forEach(
      drafts,
      (draft) =>
        Effect.suspend(() => {
          const letter = this.write(draft, stream)
          return Effect.map(connection.send(messageOf(letter)), () => ledger.accept(letter))
        }),
      { discard: true }
    )
  }

  sendAll(drafts: ReadonlyArray<Draft>): Effect.Effect<void, ConnectionError> {
    const { connection, ledger } = this.options
    const stream = ledger.stream()
    const letters = drafts.map((draft) => this.write(draft, stream))
    return Effect.map(connection.sendAll(letters.map(messageOf)), () => {
      for (const letter of letters) ledger.accept(letter)
    })
  }

  /** Sends them side by side and waits for what becomes of each. */
  deliver(drafts: ReadonlyArray<Draft>): Effect.Effect<void, ConnectionError> {
    const { connection, ledger } = this.options
    return Effect.forEach(
      drafts.map((draft) => this.write(draft, ledger.stream())),
      (letter) => Effect.map(connection.deliver(messageOf(letter)), (outcome) => ledger.learn(letter, outcome)),
      { concurrency: "unbounded", discard: true }
    )
  }

  /** Says goodbye. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const { connection, ledger, name, to } = this.options
    ledger.deafen(name, to)
    return connection.close
  })
}
