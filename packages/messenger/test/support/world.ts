/** A server and those who dial it, with the keys both need. */
import { AuthClient, AuthServer, type CryptoKey, KeyServer } from "@msgr2/auth"
import { Policy } from "@msgr2/session"
import { AuthMethod, ConnectionMode, EntityAddr, EntityName } from "@msgr2/wire"
import { Cause, Context, Effect, Layer, Logger, Queue, References, type Scope } from "effect"
import {
  type Connection,
  ConnectionError,
  MemoryTransport,
  Messenger,
  type MessengerConfig,
  NodeTransport,
  Observer,
  type Transport,
  type TransportError
} from "../../src/index.ts"

export const { Crc, Secure } = ConnectionMode.ConnectionMode
export const { Mon } = EntityName.EntityType

export const admin: EntityName.EntityName = { type: EntityName.EntityType.Client, id: "admin" }

export const addr = (host: string, port: number, nonce = 0): EntityAddr.EntityAddr => {
  const made = EntityAddr.make(host, port, nonce)
  if (made === undefined) throw new Error(`not an address: ${host}:${port}`)
  return made
}

/** Any free port of the loopback. */
export const anywhere = addr("127.0.0.1", 0)

export const memory = MemoryTransport.layer
export const tcp = NodeTransport.layer
export const transports = { memory, tcp } as const
export type TransportName = keyof typeof transports

/** How a connection is authenticated and protected. */
export interface Protection {
  readonly auth: "none" | "cephx"
  readonly mode: number
}
export const protections: { readonly [name: string]: Protection } = {
  "none crc": { auth: "none", mode: Crc },
  "cephx crc": { auth: "cephx", mode: Crc },
  "cephx secure": { auth: "cephx", mode: Secure }
}

export type Observe = (observation: Observer.Observation) => void

export interface Options extends Partial<Protection> {
  readonly client?: Partial<MessengerConfig.MessengerConfig>
  readonly server?: Partial<MessengerConfig.MessengerConfig>
  readonly connecting?: Messenger.ConnectOptions
  /** In place of those that fit. */
  readonly clientAuth?: Layer.Layer<AuthClient.AuthClient>
  readonly serverAuth?: Layer.Layer<AuthServer.AuthServer>
  readonly handler?: (connection: Connection.Connection) => Effect.Effect<void, unknown>
  readonly observeClient?: Observe
  readonly observeServer?: Observe
  readonly address?: EntityAddr.EntityAddr
}

/** What was logged, as the logger got it. */
export interface Entry {
  readonly level: string
  readonly message: unknown
  readonly cause: Cause.Cause<unknown>
}

export interface World {
  /** What clients dial. */
  readonly address: EntityAddr.EntityAddr
  readonly connect: Connecting
  /** The server's ends, in the order in which they became READY. With a `handler` of the test's own, none. */
  readonly accepted: Queue.Dequeue<Connection.Connection>
  /** Why connections ended that the server closed or lost. */
  readonly ended: Queue.Dequeue<ConnectionError.ConnectionError>
  readonly logged: ReadonlyArray<Entry>
  /** The client's, whether it is used or not. */
  readonly key: CryptoKey.CryptoKey | undefined
}

const messenger = (config: Partial<MessengerConfig.MessengerConfig>) =>
  Effect.map(Layer.build(Messenger.Messenger.layer(config)), (context) => Context.get(context, Messenger.Messenger))

const errorIn = (cause: Cause.Cause<unknown>): ConnectionError.ConnectionError | undefined => {
  const error = Cause.squash(cause)
  return error instanceof ConnectionError.ConnectionError ? error : undefined
}

type Connecting = Effect.Effect<Connection.Connection, ConnectionError.ConnectionError, Scope.Scope>

/** One who can dial any address. */
export const dialler = Effect.fnUntraced(function* (
  options: Options = {},
  key?: CryptoKey.CryptoKey
): Effect.fn.Return<(address: EntityAddr.EntityAddr) => Connecting, never, Transport.Transport | Scope.Scope> {
  const auth =
    options.clientAuth ??
    AuthClient.AuthClient.layer(
      key === undefined
        ? { name: admin, methods: [AuthMethod.AuthMethod.None] }
        : { name: admin, key, modes: [options.mode ?? Crc] }
    )
  const client = yield* messenger({ clientPolicy: Policy.lossyClient, ...options.client })
  return (address) =>
    client
      .connect(address, { peerType: Mon, ...options.connecting })
      .pipe(Effect.provide(auth), Effect.provideService(Observer.Observer, options.observeClient))
})

/** Serves; the world ends with the scope. */
export const open = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<World, TransportError.TransportError, Transport.Transport | Scope.Scope> {
  const keyServer = yield* KeyServer.generate([admin])
  const withKey = options.auth === "cephx"
  const serverAuth =
    options.serverAuth ??
    (withKey ? AuthServer.AuthServer.layerCephx({ keyServer }) : AuthServer.AuthServer.layerNone())

  const accepted = yield* Queue.unbounded<Connection.Connection>()
  const ended = yield* Queue.unbounded<ConnectionError.ConnectionError>()
  const logged: Array<Entry> = []
  const logger = Logger.make<unknown, void>(({ cause, logLevel, message }) => {
    logged.push({ level: logLevel, message, cause })
    const error = errorIn(cause)
    if (error !== undefined) Queue.offerUnsafe(ended, error)
  })

  const handler =
    options.handler ??
    ((connection: Connection.Connection) => Effect.andThen(Queue.offer(accepted, connection), connection.closed))
  const server = yield* messenger({
    entityType: Mon,
    serverPolicies: { otherwise: Policy.statelessServer },
    ...options.server
  })
  const { addrs } = yield* server
    .serve(options.address ?? anywhere, handler)
    .pipe(
      Effect.provide(serverAuth),
      Effect.provideService(Observer.Observer, options.observeServer),
      Effect.provideService(Logger.CurrentLoggers, new Set([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug")
    )
  const address = addrs[0]
  if (address === undefined) return yield* Effect.die("a server without an address")
  const key = keyServer.keyring.get(EntityName.format(admin))?.key
  const dial = yield* dialler(options, withKey ? key : undefined)
  return { address, connect: dial(address), accepted, ended, logged, key }
})

export interface Met {
  readonly client: Connection.Connection
  readonly server: Connection.Connection
  readonly world: World
}

/** Two ends that are READY. */
export const meet = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<
  Met,
  ConnectionError.ConnectionError | TransportError.TransportError,
  Transport.Transport | Scope.Scope
> {
  const world = yield* open(options)
  const client = yield* world.connect
  return { client, server: yield* Queue.take(world.accepted), world }
})

/** The error with which it fails: nothing else will do. */
export const refusal = <A, R>(
  effect: Effect.Effect<A, ConnectionError.ConnectionError, R>
): Effect.Effect<ConnectionError.ConnectionError, A, R> => Effect.flip(effect)

/** Reason and state of `error`, for comparing. */
export const sin = ({ reason, state }: ConnectionError.ConnectionError): string =>
  `${reason._tag} ${reason.reason} in ${state}`

/** One turn of the event loop: timers, sockets, everything. */
export const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

/** Goes on when `count` has stood still for long enough that whoever counts must be waiting. */
export const still = (count: () => number): Effect.Effect<number> => {
  const look = (before: number, calm: number): Effect.Effect<number> =>
    calm === 50
      ? Effect.succeed(before)
      : Effect.flatMap(turn, () => (count() === before ? look(before, calm + 1) : look(count(), 0)))
  return look(count(), 0)
}
