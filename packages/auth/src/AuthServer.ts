/**
 * How a server lets clients in: the service that a messenger asks while it accepts.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/AuthServer.h`, `src/mon/Monitor.cc` and `src/mon/MonClient.cc`,
 * `handle_auth_request`
 */
import { AuthMethod } from "@msgr2/wire/AuthMethod"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import { EntityType, format as formatName } from "@msgr2/wire/EntityName"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Errno } from "./AuthError.ts"
import * as AuthorizerServer from "./AuthorizerServer.ts"
import * as CephXServer from "./CephXServer.ts"
import * as Entropy from "./Entropy.ts"
import * as Introduction from "./Introduction.ts"
import * as KeyServer from "./KeyServer.ts"
import * as MonPass from "./MonPass.ts"
import * as RotatingSecrets from "./RotatingSecrets.ts"
import type { Request, Verdict } from "./Verdict.ts"

export type { Busy, Done, More, Refused, Request, Verdict } from "./Verdict.ts"

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

/** **Shape** other monitors get in with the key of `mon.` when the keyring of `keyServer` has it. */
export interface CephXOptions {
  readonly keyServer: KeyServer.KeyServer
  readonly modes?: ReadonlyArray<number> | undefined
}

/**
 * **Shape** `service` is the entity type of this service; `secrets` are those of all daemons of its kind, looked up for
 * every step: daemons fetch them with `MonRequest.rotating`.
 */
export interface ServiceOptions {
  readonly service: number
  readonly secrets: Effect.Effect<RotatingSecrets.RotatingSecrets>
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

  /** A monitor, whose clients must have a key that the key server knows. */
  static readonly layerCephx = (options: CephXOptions): Layer.Layer<AuthServer> =>
    layer({ methods: [AuthMethod.CephX], ...options })

  /** A monitor that lets clients choose: with a key, or just with a name. */
  static readonly layerEither = (options: CephXOptions): Layer.Layer<AuthServer> =>
    layer({ methods: [AuthMethod.CephX, AuthMethod.None], ...options })

  /** A service that is no monitor. Clients must have a ticket for it. */
  static readonly layerService = ({ service, secrets, modes }: ServiceOptions): Layer.Layer<AuthServer> =>
    layer({
      methods: [AuthMethod.CephX],
      modes,
      role: "service",
      secrets: Effect.map(secrets, (rotating) => ({ service, rotating }))
    })
}

interface Options extends NoneOptions {
  readonly methods: ReadonlyArray<number>
  readonly keyServer?: KeyServer.KeyServer
  readonly secrets?: Effect.Effect<AuthorizerServer.Secrets>
}

const layer = (options: Options): Layer.Layer<AuthServer> =>
  Layer.effect(
    AuthServer,
    Effect.map(
      options.keyServer === undefined ? KeyServer.make(new Map()) : Effect.succeed(options.keyServer),
      (keys) => ({
        open: ({ type }) => open(options, keys, type)
      })
    )
  )

/** What a monitor opens the authorizers of other monitors with. */
const amongMonitors = (keyServer: KeyServer.KeyServer): Effect.Effect<AuthorizerServer.Secrets> =>
  keyServer.modify((state) => {
    const rotating = state.rotating.get(EntityType.Mon) ?? RotatingSecrets.empty
    return [{ service: EntityType.Mon, rotating, longLived: state.entities.get(formatName(MonPass.name))?.key }, state]
  })

/** What has been asked of a client, until it has tried to answer. */
type Challenged =
  | { readonly _tag: "Login"; readonly client: CephXServer.Challenged }
  | { readonly _tag: "Authorizer"; readonly client: AuthorizerServer.Challenged }

const open = Effect.fnUntraced(function* (
  { methods, modes = [ConnectionMode.Secure, ConnectionMode.Crc], role = "monitor", ...options }: Options,
  keyServer: KeyServer.KeyServer,
  peer: number
): Effect.fn.Return<ServerExchange> {
  const entropy = yield* Entropy.Entropy
  const { secrets = amongMonitors(keyServer) } = options
  let steps = 0
  let method = 0
  let challenged: Challenged | undefined

  const allowedModes = (method: number) =>
    method === AuthMethod.None ? modes.filter((mode) => mode === ConnectionMode.Crc) : modes
  const refuse = (result: number): Effect.Effect<Verdict> =>
    Effect.succeed({ _tag: "Refused", method, result, allowedMethods: methods, allowedModes: allowedModes(method) })

  const none = (payload: Uint8Array, mode: number): Effect.Effect<Verdict> => {
    // Monitors introduce themselves to each other as clients do to services.
    const colleague = role === "monitor" && peer === EntityType.Mon
    const as = (colleague ? Introduction.roleOfMode(payload[0] ?? 0) : undefined) ?? role
    const introduction = Introduction.decode(as, payload)
    if (Result.isFailure(introduction)) return refuse(introduction.failure)
    const { name, globalId } = introduction.success
    const id = globalId === 0n && as === "monitor" ? keyServer.modify(KeyServer.allocate) : Effect.succeed(globalId)
    return Effect.map(id, (globalId) => ({ ...anybody, globalId, mode, name }))
  }

  const challenge = (answer: Result.Result<readonly [Uint8Array, Challenged], number>): Effect.Effect<Verdict> => {
    if (Result.isFailure(answer)) return refuse(answer.failure)
    challenged = answer.success[1]
    return Effect.succeed({ _tag: "More", payload: answer.success[0] })
  }

  const cephx = (payload: Uint8Array, mode: number): Effect.Effect<Verdict> =>
    role === "monitor" && Introduction.roleOfMode(payload[0] ?? 0) !== "service"
      ? challenge(
          Result.map(CephXServer.challenge(payload, mode, Entropy.challenge(entropy)), ([payload, client]) => [
            payload,
            { _tag: "Login", client }
          ])
        )
      : Effect.flatMap(Effect.all([secrets, Clock.currentTimeMillis]), ([secrets, now]) =>
          challenge(
            Result.map(AuthorizerServer.challenge(secrets, payload, mode, now, entropy), ([payload, client]) => [
              payload,
              { _tag: "Authorizer", client }
            ])
          )
        )

  const prove = (payload: Uint8Array): Effect.Effect<Verdict> => {
    if (challenged === undefined) return refuse(Errno.Invalid)
    const { _tag, client } = challenged
    const { mode } = client
    challenged = undefined
    const grant =
      _tag === "Login"
        ? Effect.map(
            keyServer.modify((state, now, entropy) => CephXServer.answer(state, client, payload, now, entropy)),
            Result.map((grant) => ({ name: client.name, allowAll: false, ...grant }))
          )
        : Effect.map(secrets, (secrets) =>
            Result.map(AuthorizerServer.answer(secrets, client, payload, entropy), (grant) => ({
              ...grant,
              caps:
                role === "monitor" ? (keyServer.keyring.get(formatName(grant.name))?.caps ?? grant.caps) : grant.caps
            }))
          )
    return Effect.flatMap(grant, (grant) =>
      Result.isFailure(grant) ? refuse(grant.failure) : Effect.succeed({ _tag: "Done", mode, ...grant.success })
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
