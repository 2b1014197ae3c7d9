/** A messenger on a network, without anybody to count what it does. */
import { AuthClient, AuthServer } from "@msgr2/auth"
import { AuthMethod, type EntityAddr, EntityName } from "@msgr2/wire"
import { Context, Effect, Layer, Queue, type Scope, Stream } from "effect"
import {
  type Connection,
  type ConnectionError,
  Messenger,
  type MessengerConfig,
  Observer,
  type Transport,
  type TransportError
} from "../../../src/index.ts"
import { admin, type Observe } from "../../support/world.ts"
import type { Ledger } from "./ledger.ts"

export const { Osd } = EntityName.EntityType

const auth = Layer.merge(
  AuthClient.AuthClient.layer({ name: admin, methods: [AuthMethod.AuthMethod.None] }),
  AuthServer.AuthServer.layerNone({ role: "service" })
)

export type Handler = (connection: Connection.Connection) => Effect.Effect<void, unknown, Scope.Scope>

export interface Node {
  readonly connect: (
    address: EntityAddr.EntityAddr,
    options?: Messenger.ConnectOptions
  ) => Effect.Effect<Connection.Connection, ConnectionError.ConnectionError, Scope.Scope>
  /** Ends with the scope. Without a handler, connections are put into `accepted` and last. */
  readonly serve: (
    address: EntityAddr.EntityAddr,
    handler?: Handler
  ) => Effect.Effect<EntityAddr.EntityAddr, TransportError.TransportError, Scope.Scope>
  readonly accepted: Queue.Queue<Connection.Connection>
}

export interface Options extends Partial<MessengerConfig.MessengerConfig> {
  readonly ledger?: Ledger
  readonly observe?: Observe
}

/** Says everything again that it hears. */
export const echo: Handler = ({ messages, send }) => Stream.runForEach(messages, (each) => send(each))

/** An OSD unless told otherwise. */
export const make = Effect.fnUntraced(function* ({
  ledger,
  observe = ledger?.observe,
  ...config
}: Options = {}): Effect.fn.Return<Node, never, Transport.Transport | Scope.Scope> {
  const layer = Messenger.Messenger.layer({ entityType: Osd, ...config })
  const messenger = Context.get(yield* Layer.build(layer), Messenger.Messenger)
  const context = Layer.mergeAll(
    auth,
    Layer.succeed(Observer.Observer, observe),
    Layer.succeed(Observer.Watcher, ledger?.watch)
  )
  const accepted = yield* Queue.unbounded<Connection.Connection>()
  const welcome: Handler = (connection) =>
    Effect.andThen(Queue.offer(accepted, connection), Effect.ignore(connection.closed))
  return {
    connect: (address, options = {}) =>
      Effect.provide(messenger.connect(address, { peerType: Osd, ...options }), context),
    serve: (address, handler = welcome) =>
      Effect.provide(messenger.serve(address, handler), context).pipe(Effect.map(({ addrs }) => addrs[0] ?? address)),
    accepted
  }
})
