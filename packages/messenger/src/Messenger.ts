/**
 * The service that applications use: connect to a peer, serve peers.
 */
import { AuthClient } from "@msgr2/auth/AuthClient"
import { AuthServer } from "@msgr2/auth/AuthServer"
import * as Endpoint from "@msgr2/session/Endpoint"
import type { Event } from "@msgr2/session/Event"
import type { Local } from "@msgr2/session/Options"
import type { Policy } from "@msgr2/session/Policy"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import { type GlobalSeq, globalSeq } from "@msgr2/wire/Ids"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type Connection, fromDriver } from "./Connection.ts"
import { ConnectionError } from "./ConnectionError.ts"
import * as Compression from "./internal/Compression.ts"
import { Driver } from "./internal/Driver.ts"
import * as Questions from "./internal/Questions.ts"
import { defaults, type MessengerConfig } from "./MessengerConfig.ts"
import { Observer } from "./Observer.ts"
import { type Pipe, Transport } from "./Transport.ts"
import { TransportError } from "./TransportError.ts"

export interface ConnectOptions {
  /** Entity type the peer must have; any when absent. */
  readonly peerType?: number
  /** In place of the configured one. */
  readonly policy?: Policy
}

/** A place where this messenger can be dialled. */
export interface Serving {
  /** What clients must dial, port and nonce included. */
  readonly addrs: EntityAddr.EntityAddrVec
}

export class Messenger extends Context.Service<
  Messenger,
  {
    /**
     * Dials `target` and completes the handshake. The connection closes with its scope.
     *
     * **Errors** `ConnectionError` for whatever goes wrong before READY; neither a failure nor an interruption leaves
     * anything behind.
     */
    readonly connect: (
      target: EntityAddr.EntityAddr,
      options?: ConnectOptions
    ) => Effect.Effect<Connection, ConnectionError, AuthClient | Scope.Scope>
    /**
     * Listens on `address` and runs `handler` for each connection that reaches READY; the connection closes when its
     * handler ends. A handler that fails is logged and ends its own connection only. Returns when the port is open;
     * serving ends with the scope: handlers are interrupted first, while their connections still stand. What the system
     * says against accepting is logged, and accepting goes on.
     *
     * **Errors** `TransportError` when the address cannot be bound.
     */
    readonly serve: <E, R>(
      address: EntityAddr.EntityAddr,
      handler: (connection: Connection) => Effect.Effect<void, E, R>
    ) => Effect.Effect<Serving, TransportError, AuthServer | Scope.Scope | R>
  }
>()("@msgr2/messenger/Messenger") {
  /** A messenger with these settings in place of the defaults. */
  static readonly layer = (config: Partial<MessengerConfig> = {}): Layer.Layer<Messenger, never, Transport> =>
    Layer.effect(Messenger, make({ ...defaults, ...config }))
}

/** After the system has refused to accept a connection: it may be out of sockets. */
const ACCEPT_PAUSE = Duration.millis(100)

/** A connection that ends is no news; a handler that fails or dies is. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  return Cause.squash(cause) instanceof ConnectionError
    ? Effect.logDebug("connection ended", cause)
    : Effect.logError("the handler of a connection failed", cause)
}

const make = Effect.fnUntraced(function* (config: MessengerConfig) {
  const transport = yield* Transport
  const nonce = config.nonce ?? (yield* Random.nextIntBetween(1, 0xffff_ffff))
  let globalSeqs = 0n
  let connections = 0
  const nextGlobalSeq = (): GlobalSeq => globalSeq(++globalSeqs)
  const banner = { supported: config.msgr2Supported, required: config.msgr2Required }
  const local: Local = {
    entityType: config.entityType,
    gid: config.gid,
    addrs: [],
    nonce,
    msgr2Supported: config.msgr2Supported,
    msgr2Required: config.msgr2Required,
    features: config.features,
    compression: yield* Compression.workable(config)
  }

  /** Runs a connection in the surrounding scope and waits for READY. */
  const open = Effect.fnUntraced(function* (
    role: "client" | "server",
    pipe: Pipe,
    endpoint: Endpoint.Endpoint,
    questions: Questions.Questions,
    opening: Event
  ): Effect.fn.Return<Connection, ConnectionError, Scope.Scope> {
    const observe = yield* Observer
    const id = ++connections
    const driver = new Driver({ id, role, endpoint, pipe, banner, config, questions, observe })
    yield* Effect.addFinalizer(() => Effect.sync(() => driver.markDown()))
    yield* Effect.forkScoped(driver.run(opening))
    yield* Effect.forkScoped(driver.timers)
    yield* driver.settled
    // The peer may have left again; what it said before is still to be read.
    if (driver.peer !== undefined) return fromDriver(driver, id, driver.peer)
    yield* driver.over ?? Effect.void
    return yield* Effect.die(new Error("a handshake that nobody ended has ended"))
  })

  const dial = Effect.fnUntraced(function* (
    target: EntityAddr.EntityAddr,
    options: ConnectOptions
  ): Effect.fn.Return<Connection, ConnectionError, AuthClient | Scope.Scope> {
    const auth = yield* AuthClient
    const peer = EntityAddr.format(target)
    const pipe = yield* Effect.mapError(
      Effect.timeoutOrElse(transport.connect(target), {
        duration: config.handshakeTimeout,
        orElse: () => Effect.fail(new TransportError({ reason: "Timeout", address: peer, detail: "" }))
      }),
      (reason) => new ConnectionError({ peer, state: "StartConnect", reason })
    )
    const endpoint = Endpoint.client({
      ...local,
      target,
      targetType: options.peerType,
      policy: options.policy ?? config.clientPolicy
    })
    return yield* open("client", pipe, endpoint, Questions.client(auth), {
      _tag: "Connected",
      globalSeq: nextGlobalSeq(),
      cookie: yield* Questions.randomCookie,
      local: pipe.local
    })
  })

  // In a scope of its own, because the one around it may outlive many failures.
  const connect = Effect.fnUntraced(function* (target: EntityAddr.EntityAddr, options: ConnectOptions = {}) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    return yield* dial(target, options).pipe(
      Scope.provide(scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  })

  const serve = Effect.fnUntraced(function* <E, R>(
    address: EntityAddr.EntityAddr,
    handler: (connection: Connection) => Effect.Effect<void, E, R>
  ): Effect.fn.Return<Serving, TransportError, AuthServer | Scope.Scope | R> {
    const auth = yield* AuthServer
    const listener = yield* transport.listen(address)
    const addrs = [listener.address]
    const endpoint = Endpoint.server({ ...local, addrs, policies: config.serverPolicies })
    const places = yield* Semaphore.make(config.maxConnections)
    const visitors = yield* Scope.fork(yield* Effect.scope, "parallel")

    const visit = (pipe: Pipe) =>
      open("server", pipe, endpoint, Questions.server(auth, nextGlobalSeq), {
        _tag: "Accepted",
        remote: pipe.remote
      }).pipe(Effect.flatMap(handler), Effect.catchCause(report))

    const acceptOne = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        yield* restore(places.take(1))
        const scope = yield* Scope.make()
        const leave = (exit: Exit.Exit<unknown, unknown>) => Effect.andThen(Scope.close(scope, exit), places.release(1))
        const pipe = yield* restore(listener.accept).pipe(
          Scope.provide(scope),
          Effect.onError((cause) => leave(Exit.failCause(cause)))
        )
        // Started at once: a fiber interrupted before it starts would never leave.
        yield* visit(pipe).pipe(
          Scope.provide(scope),
          Effect.onExit(leave),
          Effect.forkIn(visitors, { startImmediately: true })
        )
      })
    )
    yield* Effect.forever(acceptOne).pipe(
      Effect.tapError((error) => Effect.logWarning("could not accept a connection", error)),
      Effect.retry(Schedule.spaced(ACCEPT_PAUSE)),
      Effect.forkScoped
    )
    return { addrs }
  })

  return Messenger.of({ connect, serve })
})
