/**
 * The service that applications use: connect to a peer, serve peers.
 */
import { AuthClient } from "@msgr2/auth/AuthClient"
import { AuthServer } from "@msgr2/auth/AuthServer"
import * as Endpoint from "@msgr2/session/Endpoint"
import type { Local } from "@msgr2/session/Options"
import type { Policy } from "@msgr2/session/Policy"
import { ProtocolError } from "@msgr2/session/ProtocolError"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type Connection, fromDriver } from "./Connection.ts"
import { ConnectionError } from "./ConnectionError.ts"
import * as Compression from "./internal/Compression.ts"
import { Driver } from "./internal/Driver.ts"
import * as Hosting from "./internal/Hosting.ts"
import { Sessions } from "./internal/Sessions.ts"
import { defaults, type MessengerConfig } from "./MessengerConfig.ts"
import { Observer, Watcher } from "./Observer.ts"
import { type Pipe, Transport } from "./Transport.ts"
import type { TransportError } from "./TransportError.ts"

export interface ConnectOptions {
  /** Entity type the peer must have; any when absent. */
  readonly peerType?: number
  /** In place of the configured one. */
  readonly policy?: Policy
  /** All addresses of the peer, where it has more than one: by them its session is known. */
  readonly addrs?: EntityAddr.EntityAddrVec
  /**
   * Attempts in a row that may fail; by default none for a lossy session, and any number for one that can last. A peer
   * that breaks the rules before there is a session is not tried again.
   */
  readonly retries?: number
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
     * Dials `target` and completes the handshake. The connection closes with its scope. Under a policy that is not
     * lossy, a peer whose session is known already is not dialled anew: that session is shared, and closes with the
     * last scope.
     *
     * **Errors** `ConnectionError` for whatever goes wrong before READY; neither a failure nor an interruption leaves
     * anything behind.
     */
    readonly connect: (
      target: EntityAddr.EntityAddr,
      options?: ConnectOptions
    ) => Effect.Effect<Connection, ConnectionError, AuthClient | Scope.Scope>
    /**
     * Listens on `address` and runs `handler` for each session that peers open; the session closes when its
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
  const sessions = new Sessions(config.maxDetached)
  let connections = 0
  let links = 0
  let own: EntityAddr.EntityAddrVec = []
  // A process that starts again at the same address must be taken for a newer one.
  const nextGlobalSeq = Hosting.globalSeqs(BigInt(Math.floor((yield* Clock.currentTimeMillis) / 1000)))
  const banner = { supported: config.msgr2Supported, required: config.msgr2Required }
  const house: Hosting.House = {
    config,
    transport,
    sessions,
    banner,
    nextGlobalSeq,
    addrs: () => own,
    nextLink: () => ++links
  }
  const compression = yield* Compression.workable(config)
  const describe = (): Local => ({
    entityType: config.entityType,
    gid: config.gid,
    addrs: own,
    nonce,
    msgr2Supported: config.msgr2Supported,
    msgr2Required: config.msgr2Required,
    features: config.features,
    compression,
    backoff: config.backoff
  })
  let local = describe()
  const listenAt = (addrs: EntityAddr.EntityAddrVec) => {
    own = addrs
    local = describe()
  }
  /** Made again only when this end listens elsewhere: one table does for all sessions. */
  const derived = <A>(make: (local: Local) => A): (() => A) => {
    let last: { readonly local: Local; readonly made: A } | undefined
    return () => {
      if (last?.local !== local) last = { local, made: make(local) }
      return last.made
    }
  }
  const clientRules = derived(Endpoint.clientTable)

  const driverFor = (
    endpoint: Endpoint.Endpoint,
    host: Hosting.Hosting,
    remote: EntityAddr.EntityAddr,
    visited: boolean
  ): Driver => new Driver({ id: ++connections, endpoint, config, host, remote, visited })

  /** A session with the peer, new or known, that is on its way to being open. */
  const approach = (
    target: EntityAddr.EntityAddr,
    { addrs = [target], peerType, policy = config.clientPolicy, retries }: ConnectOptions,
    host: Hosting.Hosting
  ): Driver => {
    const dialsSelf = addrs.some((addr) => own.some((mine) => EntityAddr.equals(addr, mine)))
    // Lossy sessions are nobody's but their owner's.
    const known = policy.lossy ? undefined : sessions.find(addrs, dialsSelf)
    if (known !== undefined && !("session" in known.state && known.state.session.lossy)) {
      known.dispatch({ _tag: "Wanted" })
      return known
    }
    const options = {
      ...local,
      target,
      targetType: peerType,
      targetAddrs: addrs,
      // The other half of a session with oneself cannot dial, so this one must not stand by.
      policy: dialsSelf ? { ...policy, standby: false } : policy,
      ...(retries === undefined ? {} : { retries })
    }
    const endpoint = Endpoint.client(options, clientRules())
    const driver = driverFor(endpoint, host, target, false)
    if (!policy.lossy) sessions.add(addrs, driver, dialsSelf)
    driver.start(target)
    return driver
  }

  /** What a session has come to once it is settled. */
  const outcome = (driver: Driver): Effect.Effect<Connection, ConnectionError> => {
    // The peer may have left again; what it said before is still to be read.
    if (driver.peer !== undefined) return Effect.succeed(fromDriver(driver, driver.id, driver.peer))
    return driver.over === undefined || Exit.isSuccess(driver.over)
      ? Effect.fail(driver.closedHere())
      : Effect.failCause(driver.over.cause)
  }

  /** A session that is shared may be with a peer of another type. */
  const checkType = (
    driver: Driver,
    wanted: number | undefined,
    connection: Connection
  ): Effect.Effect<Connection, ConnectionError> => {
    const { entityType = wanted } = driver.peer ?? {}
    if (wanted === entityType || wanted === undefined || entityType === undefined) return Effect.succeed(connection)
    const [expected, received] = [EntityName.formatType(wanted), EntityName.formatType(entityType)]
    const { _tag: state } = driver.state
    const reason = new ProtocolError({ reason: "WrongPeerType", state, received, expected: `a ${expected}` })
    return Effect.fail(new ConnectionError({ peer: driver.peerName, state, reason }))
  }

  const dial = Effect.fnUntraced(function* (
    target: EntityAddr.EntityAddr,
    options: ConnectOptions
  ): Effect.fn.Return<Connection, ConnectionError, AuthClient | Scope.Scope> {
    const client = yield* AuthClient
    const observe = yield* Observer
    const watch = yield* Watcher
    const context = yield* Effect.context<never>()
    const host = Hosting.make(house, { context, client, server: undefined, observe, watch })
    const driver = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const driver = approach(target, options, host)
        driver.owners++
        return driver
      }),
      (driver) => driver.release
    )
    // A session that others have had open before may end without being open for this one.
    const before = driver.state._tag === "Ready" ? -1 : driver.stats.opened
    yield* driver.opened
    if (driver.over !== undefined && driver.stats.opened === before) return yield* driver.gone
    const connection = yield* outcome(driver)
    return yield* checkType(driver, options.peerType, connection)
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
    const server = yield* AuthServer
    const client = Option.getOrUndefined(yield* Effect.serviceOption(AuthClient))
    const observe = yield* Observer
    const watch = yield* Watcher
    const context = yield* Effect.context<never>()
    const listener = yield* transport.listen(address)
    const addrs = [listener.address]
    yield* Effect.acquireRelease(
      Effect.sync(() => listenAt([...own, listener.address])),
      () => Effect.sync(() => listenAt(own.filter((addr) => addr !== listener.address)))
    )
    const { serverPolicies: policies } = config
    const endpoint = derived((local) => Endpoint.server({ ...local, policies, dialsBack: client !== undefined }))
    const host = Hosting.make(house, { context, client, server, observe, watch })
    const places = yield* Semaphore.make(config.maxConnections)
    const visitors = yield* Scope.fork(yield* Effect.scope, "parallel")

    const attend = Effect.fnUntraced(function* (driver: Driver) {
      yield* driver.settled
      // Its socket belongs to a session that has a handler already.
      if (driver.isHandedOver) return
      yield* handler(yield* outcome(driver))
    })

    /** The session may outlive the socket, so nothing that lasts as long may hold on to that. */
    const visit = Effect.fnUntraced(function* (pipe: Pipe, scope: Scope.Closeable) {
      const driver = driverFor(endpoint(), host, pipe.remote, true)
      driver.owners++
      yield* host.receive(driver, pipe, scope)
      return driver
    })

    const acceptOne = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        yield* restore(places.take(1))
        const scope = yield* Scope.make()
        yield* Scope.addFinalizer(scope, places.release(1))
        const pipe = yield* restore(listener.accept).pipe(
          Scope.provide(scope),
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
        )
        const driver = yield* visit(pipe, scope)
        // Started at once: a fiber interrupted before it starts would never leave.
        yield* Effect.ensuring(attend(driver), driver.release).pipe(
          Effect.catchCause(report),
          Effect.forkIn(visitors, { startImmediately: true })
        )
      })
    )
    const survive = (defect: unknown) =>
      Effect.andThen(Effect.logError("could not accept a connection", defect), Effect.sleep(ACCEPT_PAUSE))
    yield* Effect.forever(Effect.catchDefect(acceptOne, survive)).pipe(
      Effect.tapError((error) => Effect.logWarning("could not accept a connection", error)),
      Effect.retry(Schedule.spaced(ACCEPT_PAUSE)),
      Effect.forkScoped
    )
    return { addrs }
  })

  return Messenger.of({ connect, serve })
})
