/**
 * How a server lets clients in: the service that a messenger asks while it accepts.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/AuthServer.h`, `src/mon/Monitor.cc`, `handle_auth_request`
 */
import { AuthMethod } from "@msgr2/wire/AuthMethod"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import type { EntityName } from "@msgr2/wire/EntityName"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Errno } from "./AuthError.ts"
import * as CephXServer from "./CephXServer.ts"
import * as Entropy from "./Entropy.ts"
import * as Introduction from "./Introduction.ts"
import type { Caps } from "./Keyring.ts"
import * as KeyServer from "./KeyServer.ts"

/** What `AUTH_REQUEST` carries; `modes` most wanted first. */
export interface Request {
  readonly method: number
  readonly modes: ReadonlyArray<number>
  readonly payload: Uint8Array
}

/** Send `AUTH_REPLY_MORE` and expect `AUTH_REQUEST_MORE`. */
export interface More {
  readonly _tag: "More"
  readonly payload: Uint8Array
}

/**
 * Send `AUTH_DONE`, switch to `mode` and sign.
 *
 * **Shape** both secrets are empty arrays where there is none. `allowAll` says that `caps` do not limit the client, as
 * with method none.
 */
export interface Done {
  readonly _tag: "Done"
  readonly globalId: bigint
  readonly mode: number
  readonly payload: Uint8Array
  readonly sessionKey: Redacted.Redacted<Uint8Array>
  readonly connectionSecret: Redacted.Redacted<Uint8Array>
  readonly name: EntityName
  readonly caps: Caps
  readonly allowAll: boolean
}

/** Send `AUTH_BAD_METHOD` and go back to expecting `AUTH_REQUEST`. */
export interface Refused {
  readonly _tag: "Refused"
  readonly method: number
  readonly result: number
  readonly allowedMethods: ReadonlyArray<number>
  readonly allowedModes: ReadonlyArray<number>
}

/** Close the connection without an answer: this client has used up its attempts. */
export interface Busy {
  readonly _tag: "Busy"
}

export type Verdict = More | Done | Refused | Busy

/** One authentication on one connection. Whatever a client sends ends in a verdict. */
export interface ServerExchange {
  /** Judges `AUTH_REQUEST`. */
  readonly request: (request: Request) => Effect.Effect<Verdict>
  /** Judges `AUTH_REQUEST_MORE`. */
  readonly more: (payload: Uint8Array) => Effect.Effect<Verdict>
}

/** Steps that one connection may take before it is closed; an honest client with two methods needs four. */
export const MAX_STEPS = 16

/**
 * **Shape** `modes` are those allowed, secure before crc unless given; the client's order decides. Method none never
 * gets more than crc. A `service` takes introductions meant for services that are no monitors.
 */
export interface NoneOptions {
  readonly modes?: ReadonlyArray<number> | undefined
  readonly role?: Introduction.Role | undefined
}

export interface CephXOptions {
  readonly keyServer: KeyServer.KeyServer
  readonly modes?: ReadonlyArray<number> | undefined
}

/** Opens a `ServerExchange` per connection; `type` is the entity type of the client. */
export class AuthServer extends Context.Service<
  AuthServer,
  { readonly open: (peer: { readonly type: number }) => Effect.Effect<ServerExchange> }
>()("@msgr2/auth/AuthServer") {
  /** Everybody is who they say they are. */
  static readonly layerNone = (options: NoneOptions = {}): Layer.Layer<AuthServer> =>
    layer({ methods: [AuthMethod.None], ...options })

  /** Clients must have a key that the key server knows. */
  static readonly layerCephx = (options: CephXOptions): Layer.Layer<AuthServer> =>
    layer({ methods: [AuthMethod.CephX], ...options })

  /** Clients choose: with a key, or just with a name. */
  static readonly layerEither = (options: CephXOptions): Layer.Layer<AuthServer> =>
    layer({ methods: [AuthMethod.CephX, AuthMethod.None], ...options })
}

interface Options extends NoneOptions {
  readonly methods: ReadonlyArray<number>
  readonly keyServer?: KeyServer.KeyServer
}

const layer = (options: Options): Layer.Layer<AuthServer> =>
  Layer.effect(
    AuthServer,
    Effect.map(
      options.keyServer === undefined ? KeyServer.make(new Map()) : Effect.succeed(options.keyServer),
      (keys) => ({
        open: () => open(options, keys)
      })
    )
  )

const open = Effect.fnUntraced(function* (
  { methods, modes = [ConnectionMode.Secure, ConnectionMode.Crc], role = "monitor" }: Options,
  keyServer: KeyServer.KeyServer
): Effect.fn.Return<ServerExchange> {
  const entropy = yield* Entropy.Entropy
  let steps = 0
  let method = 0
  let challenged: CephXServer.Challenged | undefined

  const allowedModes = (method: number) =>
    method === AuthMethod.None ? modes.filter((mode) => mode === ConnectionMode.Crc) : modes
  const refuse = (result: number): Effect.Effect<Verdict> =>
    Effect.succeed({ _tag: "Refused", method, result, allowedMethods: methods, allowedModes: allowedModes(method) })

  const none = (payload: Uint8Array, mode: number): Effect.Effect<Verdict> => {
    const introduction = Introduction.decode(role, payload)
    if (Result.isFailure(introduction)) return refuse(introduction.failure)
    const { name, globalId } = introduction.success
    const id = globalId === 0n && role === "monitor" ? keyServer.modify(KeyServer.allocate) : Effect.succeed(globalId)
    return Effect.map(id, (globalId) => ({ ...anybody, globalId, mode, name }))
  }

  const cephx = (payload: Uint8Array, mode: number): Effect.Effect<Verdict> => {
    const answer = CephXServer.challenge(payload, mode, Entropy.challenge(entropy))
    if (Result.isFailure(answer)) return refuse(answer.failure)
    challenged = answer.success[1]
    return Effect.succeed({ _tag: "More", payload: answer.success[0] })
  }

  const prove = (payload: Uint8Array): Effect.Effect<Verdict> => {
    if (challenged === undefined) return refuse(Errno.Invalid)
    const { name, mode, ...client } = challenged
    challenged = undefined
    return Effect.flatMap(
      keyServer.modify((state, now, entropy) =>
        CephXServer.answer(state, { ...client, name, mode }, payload, now, entropy)
      ),
      (answer) =>
        Result.isFailure(answer)
          ? refuse(answer.failure)
          : Effect.succeed({ _tag: "Done", mode, name, allowAll: false, ...answer.success })
    )
  }

  const limited = (step: () => Effect.Effect<Verdict>): Effect.Effect<Verdict> =>
    Effect.suspend(() => (++steps > MAX_STEPS ? Effect.succeed({ _tag: "Busy" }) : step()))

  return {
    request: (request) =>
      limited(() => {
        method = request.method
        challenged = undefined
        const allowed = methods.includes(method) ? allowedModes(method) : []
        const mode = request.modes.find((mode) => allowed.includes(mode))
        if (mode === undefined) return refuse(Errno.NotSupported)
        return method === AuthMethod.None ? none(request.payload, mode) : cephx(request.payload, mode)
      }),
    more: (payload) => limited(() => prove(payload))
  }
})

/** What method none grants: no secrets, no limits. */
const anybody = {
  _tag: "Done",
  payload: new Uint8Array(0),
  sessionKey: Redacted.make(new Uint8Array(0)),
  connectionSecret: Redacted.make(new Uint8Array(0)),
  caps: new Map<string, string>(),
  allowAll: true
} as const
