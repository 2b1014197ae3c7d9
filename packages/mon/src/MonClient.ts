/**
 * A client of the monitors: it finds one that answers, asks it, and finds another when that one goes away.
 *
 * **Source** Ceph `src/mon/MonClient.cc`
 */
import { AuthClient } from "@msgr2/auth/AuthClient"
import { Messenger } from "@msgr2/messenger/Messenger"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import type * as Message from "@msgr2/wire/Message"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Session from "./internal/Session.ts"
import * as MonError from "./MonError.ts"
import { type MonMap, ranked } from "./MonMap.ts"
import type * as MonMessage from "./MonMessage.ts"
import * as PaxosPrefix from "./PaxosPrefix.ts"

export interface Options {
  /** Where to look for monitors first; their own map is believed after that. */
  readonly monitors: ReadonlyArray<EntityAddr.EntityAddr>
  /** How long one monitor may take to connect, and again to send its map. Ceph: `mon_client_hunt_interval`. */
  readonly huntInterval?: Duration.Input
  /** How often the whole list is tried before a request fails. */
  readonly rounds?: number
  /** Pause before the second round; each further one waits half as long again. */
  readonly huntBackoff?: Duration.Input
  /** Ceph: `mon_client_ping_interval`. */
  readonly pingInterval?: Duration.Input
  /** Ceph: `mon_client_ping_timeout`. */
  readonly pingTimeout?: Duration.Input
}

/** How a command went. A negative `result` is the monitor's word on the command, not a failure to ask. */
export interface Reply {
  /** 0 or a negated Linux errno. */
  readonly result: number
  /** What the monitor says to a human. */
  readonly status: string
  readonly output: Uint8Array
}

/** A command as the monitors know it: a `prefix` and its arguments. */
export interface Command {
  readonly prefix: string
  readonly [argument: string]: unknown
}

/** Versions of a map that the monitors have. */
export interface Versions {
  readonly newest: number
  readonly oldest: number
}

export class MonClient extends Context.Service<
  MonClient,
  {
    /**
     * Asks the monitors to do something. When the monitor goes away before it answers the command is sent to the next
     * one: it may have been carried out twice.
     */
    readonly command: (command: Command, input?: Uint8Array) => Effect.Effect<Reply, MonError.MonError>
    /** The map of the monitors, from the one that is connected. */
    readonly monMap: Effect.Effect<MonMap, MonError.MonError>
    /** Versions of the map called `what` ("osdmap", "monmap" ...). */
    readonly version: (what: string) => Effect.Effect<Versions, MonError.MonError>
    /**
     * Messages of these types as they come: the answers to a subscription to `what` from version `start` on. Asked for
     * again, from the same version on, at each monitor that follows.
     *
     * **Errors** `MonError` when no monitor is left.
     */
    readonly subscribe: (
      what: string,
      types: ReadonlyArray<number>,
      start?: number
    ) => Stream.Stream<Session.Received, MonError.MonError>
    /** The monitor that is connected. */
    readonly monitor: Effect.Effect<EntityAddr.EntityAddr, MonError.MonError>
  }
>()("@msgr2/mon/MonClient") {
  /** A client that connects when it is first asked. Its connection closes with the layer. */
  static readonly layer = (options: Options): Layer.Layer<MonClient, never, Messenger | AuthClient> =>
    Layer.effect(MonClient, make(options))
}

interface Live extends Session.Session {
  readonly scope: Scope.Closeable
  over: boolean
}

type Waiter = (received: Session.Received) => void

/** A received message of one kind. */
interface Answer<T extends MonMessage.MonMessage["_tag"]> extends Session.Received {
  readonly message: Extract<MonMessage.MonMessage, { readonly _tag: T }>
}
const isAnswer = <T extends MonMessage.MonMessage["_tag"]>(received: Session.Received, tag: T): received is Answer<T> =>
  received.message._tag === tag

const make = Effect.fnUntraced(function* (options: Options) {
  const context = yield* Effect.context<Messenger | AuthClient>()
  const scope = yield* Effect.scope
  const one = yield* Semaphore.make(1)
  const huntInterval = Duration.fromInputUnsafe(options.huntInterval ?? "3 seconds")
  const huntBackoff = Duration.fromInputUnsafe(options.huntBackoff ?? "1 second")
  const pingInterval = Duration.fromInputUnsafe(options.pingInterval ?? "10 seconds")
  const pingTimeout = Duration.fromInputUnsafe(options.pingTimeout ?? "30 seconds")
  const replies = new Map<string, Waiter>()
  const listeners = new Set<Waiter>()
  let monitors = options.monitors
  let current: Live | undefined
  let tids = 0n

  const onMessage = (received: Session.Received): void => {
    const { message } = received
    if (message._tag === "MMonMap") learn(message.monMap)
    const id = message._tag === "MMonGetVersionReply" ? message.handle : received.tid
    replies.get(`${message._tag} ${id}`)?.(received)
    for (const listener of listeners) listener(received)
  }

  /** The monitors know best where they are; the places named at first stay as a last resort. */
  const learn = (monMap: MonMap): void => {
    const known = ranked(monMap)
      .map(({ addrs }) => EntityAddr.msgr2Of(addrs))
      .filter((addr) => !EntityAddr.equals(addr, EntityAddr.blank))
    const named = options.monitors.filter((addr) => !known.some((other) => EntityAddr.equals(addr, other)))
    // The list turns, so that a hunt begins behind the monitor that was left.
    const at = current === undefined ? 0 : known.findIndex((addr) => EntityAddr.equals(addr, current!.monitor)) + 1
    monitors = [...known.slice(at), ...known.slice(0, at), ...named]
  }

  const connect = Effect.fnUntraced(function* (monitor: EntityAddr.EntityAddr) {
    const own = yield* Scope.fork(scope)
    const opened = yield* Session.open({ monitor, timeout: huntInterval, pingInterval, pingTimeout, onMessage }).pipe(
      Scope.provide(own),
      Effect.provideContext(context),
      Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
    )
    const live: Live = { ...opened, scope: own, over: false }
    current = live
    learn(opened.monMap)
    yield* opened.ended.pipe(
      Effect.onExit((exit) => {
        live.over = true
        return Scope.close(own, exit)
      }),
      Effect.ignore,
      Effect.forkIn(scope)
    )
    return live
  })

  const hunt = Effect.fnUntraced(function* (): Effect.fn.Return<Live, MonError.MonError> {
    const rounds = options.rounds ?? 3
    let attempts: ReadonlyArray<MonError.Attempt> = []
    if (monitors.length === 0) return yield* new MonError.MonError({ reason: "NoMonitors", attempts })
    for (let round = 0; round < rounds; round++) {
      if (round > 0) yield* Effect.sleep(Duration.times(huntBackoff, 1.5 ** (round - 1)))
      attempts = []
      for (const monitor of monitors) {
        const exit = yield* Effect.result(connect(monitor))
        if (exit._tag === "Success") return exit.success
        attempts = [...attempts, { monitor: EntityAddr.format(monitor), error: exit.failure }]
        yield* Effect.logDebug(`monitor ${EntityAddr.format(monitor)} will not do`, exit.failure.message)
      }
    }
    return yield* new MonError.MonError({ reason: "Unreachable", attempts })
  })

  /** The session at hand, or a new one. Those who ask meanwhile wait for the same hunt. */
  const session: Effect.Effect<Live, MonError.MonError> = Effect.suspend(() =>
    current !== undefined && !current.over
      ? Effect.succeed(current)
      : one.withPermits(1)(
          Effect.suspend(() => (current !== undefined && !current.over ? Effect.succeed(current) : hunt()))
        )
  )

  /** Sends a request under an id of its own until a monitor has answered it in kind. */
  const ask = Effect.fnUntraced(function* <T extends MonMessage.MonMessage["_tag"]>(
    answer: T,
    request: (session: Live, id: bigint) => Message.Message
  ): Effect.fn.Return<Answer<T>, MonError.MonError> {
    const id = ++tids
    const key = `${answer} ${id}`
    const reply = yield* Deferred.make<Answer<T>>()
    const take: Waiter = (received) => {
      if (isAnswer(received, answer)) Deferred.doneUnsafe(reply, Effect.succeed(received))
    }
    const untilAnswered = Effect.gen(function* () {
      for (;;) {
        const live = yield* session
        const answered = Effect.andThen(live.connection.send(request(live, id)), Deferred.await(reply))
        const outcome = yield* Effect.result(Effect.raceFirst(answered, live.ended))
        if (Result.isSuccess(outcome)) return outcome.success
        // That session is over; the next monitor is asked.
        live.over = true
      }
    })
    return yield* Effect.acquireUseRelease(
      Effect.sync(() => replies.set(key, take)),
      () => untilAnswered,
      () => Effect.sync(() => replies.delete(key))
    )
  })

  const command = (command: Command, input?: Uint8Array): Effect.Effect<Reply, MonError.MonError> => {
    const cmd = [JSON.stringify(command)]
    const asked = ask("MMonCommandAck", ({ monMap }, tid) =>
      Session.toMessage({ _tag: "MMonCommand", paxos: PaxosPrefix.initial, fsid: monMap.fsid, cmd }, tid, input)
    )
    return Effect.map(asked, ({ data, message: { result, status } }) => ({ result, status, output: data }))
  }

  const version = (what: string): Effect.Effect<Versions, MonError.MonError> =>
    Effect.map(
      ask("MMonGetVersionReply", (_, handle) => Session.toMessage({ _tag: "MMonGetVersion", handle, what })),
      ({ message }) => ({ newest: message.version, oldest: message.oldestVersion })
    )

  const subscribe = (what: string, types: ReadonlyArray<number>, start = 0) =>
    Stream.callback<Session.Received, MonError.MonError>((queue) =>
      Effect.gen(function* () {
        const listener: Waiter = (received) => {
          if (types.includes(received.type)) Queue.offerUnsafe(queue, received)
        }
        yield* Effect.acquireRelease(
          Effect.sync(() => listeners.add(listener)),
          () => Effect.sync(() => listeners.delete(listener))
        )
        const request = Session.toMessage({
          _tag: "MMonSubscribe",
          what: [[what, { start, flags: 0 }]],
          hostname: ""
        })
        for (;;) {
          const live = yield* session
          yield* Effect.ignore(Effect.andThen(live.connection.send(request), live.ended))
        }
      })
    )

  return MonClient.of({
    command,
    version,
    subscribe,
    monMap: Effect.map(session, ({ monMap }) => monMap),
    monitor: Effect.map(session, ({ monitor }) => monitor)
  })
})
