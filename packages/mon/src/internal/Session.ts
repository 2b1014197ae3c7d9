/**
 * One connection to one monitor, from its first map to its end.
 */
import type { AuthClient } from "@msgr2/auth/AuthClient"
import type { Connection } from "@msgr2/messenger/Connection"
import { ConnectionError } from "@msgr2/messenger/ConnectionError"
import { Messenger } from "@msgr2/messenger/Messenger"
import { TransportError } from "@msgr2/messenger/TransportError"
import type { EntityAddr } from "@msgr2/wire/EntityAddr"
import * as EntityAddrs from "@msgr2/wire/EntityAddr"
import { EntityType } from "@msgr2/wire/EntityName"
import * as Message from "@msgr2/wire/Message"
import type { WireError } from "@msgr2/wire/WireError"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { MonMap } from "../MonMap.ts"
import * as MonMessage from "../MonMessage.ts"

/** What a monitor sent, decoded, with the segment and the id that some kinds of message need. */
export interface Received {
  readonly type: number
  readonly message: MonMessage.MonMessage | MonMessage.Unknown
  readonly tid: bigint
  readonly data: Uint8Array
}

export type SessionError = ConnectionError | WireError

export interface Session {
  readonly monitor: EntityAddr
  readonly connection: Connection
  readonly monMap: MonMap
  /** Fails when the session has ended. */
  readonly ended: Effect.Effect<never, SessionError>
}

export interface Options {
  readonly monitor: EntityAddr
  readonly timeout: Duration.Duration
  readonly pingInterval: Duration.Duration
  readonly pingTimeout: Duration.Duration
  /** Called for every message, in order. Must not wait. */
  readonly onMessage: (received: Received) => void
}

/** Wraps `message` for sending. */
export const toMessage = (message: MonMessage.MonMessage, tid = 0n, data?: Uint8Array): Message.Message =>
  Message.make({ ...MonMessage.encodeMessage(message), tid, ...(data === undefined ? {} : { data }) })

const silent = (monitor: EntityAddr, state: string, detail: string): ConnectionError => {
  const peer = EntityAddrs.format(monitor)
  return new ConnectionError({ peer, state, reason: new TransportError({ reason: "Timeout", address: peer, detail }) })
}

/**
 * Connects to `monitor` and waits for its map; the session ends with the scope.
 *
 * **Errors** `ConnectionError`, also when the map does not come in time; `WireError` when it cannot be read.
 */
export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Session, SessionError, Messenger | AuthClient | Scope.Scope> {
  const messenger = yield* Messenger
  const { monitor, pingInterval, pingTimeout, timeout } = options
  const firstMap = yield* Deferred.make<MonMap, SessionError>()
  const end = yield* Deferred.make<never, SessionError>()

  const take = (received: Message.Message): Effect.Effect<void, WireError> => {
    const { compatVersion, tid, type } = received.header
    const decoded = MonMessage.decodeMessage(type, received.front, compatVersion)
    if (Result.isFailure(decoded)) return Effect.fail(decoded.failure)
    const message = decoded.success
    options.onMessage({ type, message, tid, data: received.data })
    return message._tag === "MMonMap" ? Effect.asVoid(Deferred.succeed(firstMap, message.monMap)) : Effect.void
  }

  const connection = yield* Effect.timeoutOrElse(messenger.connect(monitor, { peerType: EntityType.Mon }), {
    duration: timeout,
    orElse: () => Effect.fail(silent(monitor, "StartConnect", "the monitor did not complete the handshake"))
  })
  const lost = (error: SessionError) => Effect.andThen(Deferred.fail(firstMap, error), Deferred.fail(end, error))
  const closed = silent(monitor, "Closed", "the session was closed")
  yield* connection.messages.pipe(
    Stream.runForEach(take),
    Effect.catch(lost),
    Effect.andThen(lost(closed)),
    Effect.forkScoped
  )
  yield* connection.send(
    toMessage({
      _tag: "MMonSubscribe",
      what: [
        ["config", { start: 0, flags: 0 }],
        ["monmap", { start: 0, flags: 0 }]
      ],
      hostname: ""
    })
  )
  const monMap = yield* Effect.timeoutOrElse(Deferred.await(firstMap), {
    duration: timeout,
    orElse: () => Effect.fail(silent(monitor, "Ready", "the monitor did not send its map"))
  })
  const ping = Effect.timeoutOrElse(connection.keepalive, {
    duration: pingTimeout,
    orElse: () => Effect.fail(silent(monitor, "Ready", "the monitor did not answer a keepalive"))
  })
  yield* Effect.andThen(Effect.sleep(pingInterval), ping).pipe(
    Effect.forever,
    Effect.catch((error) => Effect.andThen(lost(error), connection.close)),
    Effect.forkScoped
  )
  return { monitor, connection, monMap, ended: Deferred.await(end) }
})
