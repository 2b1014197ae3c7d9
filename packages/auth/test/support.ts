/** What several tests share. */
import { AuthClient, type AuthError, AuthServer, CryptoKey, Entropy, type KeyServer } from "@msgr2/auth"
import { Bytes, EntityName } from "@msgr2/wire"
import { Effect, type Layer, Redacted, Result } from "effect"

export const hex = (text: string): Uint8Array => {
  const bytes = Bytes.fromHex(text)
  if (bytes === undefined) throw new Error(`not hex: ${text}`)
  return bytes
}

/** `count` bytes that count up from `first`. */
export const counting = (first: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => first + i)

export const aes = (secret: Uint8Array): CryptoKey.CryptoKey => ({
  type: CryptoKey.CryptoType.Aes,
  created: { sec: 0, nsec: 0 },
  secret: Redacted.make(secret)
})

export const admin: EntityName.EntityName = { type: EntityName.EntityType.Client, id: "admin" }
export const osd: EntityName.EntityName = { type: EntityName.EntityType.Osd, id: "0" }
export const mon: { readonly type: number } = { type: EntityName.EntityType.Mon }
export const client: { readonly type: number } = { type: EntityName.EntityType.Client }

/** Entropy that can be told from any other and repeats in every run. */
export const scripted = (seed = 1): Entropy.Entropy => {
  let state = seed
  return (size) =>
    Uint8Array.from({ length: size }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    })
}

export const withEntropy =
  (seed?: number) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(self, Entropy.Entropy, scripted(seed))

export const success = <A, E>(result: Result.Result<A, E>): A => {
  if (Result.isFailure(result)) throw new Error(`expected a success, got ${String(result.failure)}`)
  return result.success
}

export const failure = <A, E>(result: Result.Result<A, E>): E => {
  if (Result.isSuccess(result)) throw new Error("expected a failure")
  return result.failure
}

/** The client's key as the key server has it. */
export const keyOf = (server: KeyServer.KeyServer, name: EntityName.EntityName): CryptoKey.CryptoKey => {
  const entity = server.keyring.get(EntityName.format(name))
  if (entity === undefined) throw new Error(`no key for ${EntityName.format(name)}`)
  return entity.key
}

export const openClient = (options: AuthClient.Options, peer = mon) =>
  Effect.flatMap(AuthClient.AuthClient, (client) => client.open(peer)).pipe(
    Effect.provide(AuthClient.AuthClient.layer(options))
  )

export interface Met {
  readonly granted: AuthClient.Granted
  readonly done: AuthServer.Done
  /** Every verdict of the server, in order. */
  readonly verdicts: ReadonlyArray<AuthServer.Verdict>
}

/** Lets the two ends talk until one of them has had enough. */
export const meet = Effect.fnUntraced(function* (
  client: AuthClient.Exchange,
  server: AuthServer.ServerExchange
): Effect.fn.Return<Met, AuthError.AuthError> {
  const verdicts: Array<AuthServer.Verdict> = []
  let verdict = yield* server.request(yield* client.begin)
  for (;;) {
    verdicts.push(verdict)
    if (verdict._tag === "More") verdict = yield* server.more(yield* client.more(verdict.payload))
    else if (verdict._tag === "Refused") verdict = yield* server.request(yield* client.refused(verdict))
    else if (verdict._tag === "Done") return { granted: yield* client.done(verdict), done: verdict, verdicts }
    else return yield* Effect.die("the server closed the connection")
  }
})

/** A client and a server with these options meet. */
export const handshake = (options: AuthClient.Options, server: Layer.Layer<AuthServer.AuthServer>, peer = mon) =>
  Effect.gen(function* () {
    const exchange = yield* openClient(options, peer)
    const accepting = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open(client))
    return yield* meet(exchange, accepting)
  }).pipe(Effect.provide(server))
