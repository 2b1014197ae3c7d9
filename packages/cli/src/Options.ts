/**
 * The flags that every command which talks to a cluster has, and what becomes of them.
 */
import { AuthClient } from "@msgr2/auth/AuthClient"
import * as CryptoKey from "@msgr2/auth/CryptoKey"
import * as Keyring from "@msgr2/auth/Keyring"
import { Messenger } from "@msgr2/messenger/Messenger"
import * as NodeTransport from "@msgr2/messenger/NodeTransport"
import * as CephConf from "@msgr2/mon/CephConf"
import { MonClient } from "@msgr2/mon/MonClient"
import * as MonHost from "@msgr2/mon/MonHost"
import * as Settings from "@msgr2/mon/Settings"
import { AuthMethod } from "@msgr2/wire/AuthMethod"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Flag from "effect/cli/Flag"
import * as dns from "node:dns/promises"
import { CliError } from "./Failure.ts"

export const flags = {
  monHost: Flag.String("mon-host").pipe(
    Flag.withAlias("m"),
    Flag.withMetavar("v2:IP:PORT[,...]"),
    Flag.withDescription("Monitors to ask, in this order"),
    Flag.optional
  ),
  conf: Flag.String("conf").pipe(
    Flag.withAlias("c"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("ceph.conf to read mon_host, keyring and modes from"),
    Flag.optional
  ),
  name: Flag.String("name").pipe(
    Flag.withAlias("n"),
    Flag.withDescription("Who to be"),
    Flag.withDefault("client.admin")
  ),
  keyring: Flag.String("keyring").pipe(
    Flag.withAlias("k"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("Keyring that holds the key"),
    Flag.optional
  ),
  auth: Flag.Literals("auth", ["cephx", "none"]).pipe(
    Flag.withDescription("How to authenticate (default: what the configuration allows)"),
    Flag.optional
  ),
  mode: Flag.String("mode").pipe(
    Flag.withMetavar('crc|secure|"secure crc"'),
    Flag.withDescription("Connection modes to offer, most wanted first"),
    Flag.optional
  ),
  timeout: Flag.Finite("timeout").pipe(
    Flag.withMetavar("SECONDS"),
    Flag.withDescription("Give up after this long"),
    Flag.withDefault(30)
  )
} as const

export interface Given {
  readonly monHost: Option.Option<string>
  readonly conf: Option.Option<string>
  readonly name: string
  readonly keyring: Option.Option<string>
  readonly auth: Option.Option<"cephx" | "none">
  readonly mode: Option.Option<string>
  readonly timeout: number
}

const fail = (message: string) => Effect.fail(new CliError({ message }))

/** The configuration file named, else the first of the usual ones that exists, else none. */
const readConf = Effect.fnUntraced(function* (given: Option.Option<string>) {
  const files = yield* FileSystem.FileSystem
  if (Option.isSome(given)) {
    const text = yield* files
      .readFileString(given.value)
      .pipe(Effect.catch((error) => fail(`cannot read ${given.value}: ${error.message}; name a file with --conf`)))
    return yield* Effect.fromResult(CephConf.parse(text))
  }
  const home = process.env["HOME"]
  for (const path of Settings.confPaths(home === undefined ? {} : { home })) {
    const text = yield* Effect.option(files.readFileString(path))
    if (Option.isSome(text)) return yield* Effect.fromResult(CephConf.parse(text.value))
  }
  return CephConf.empty
})

const overrides = (given: Given): Record<string, string> => {
  const flags = { mon_host: given.monHost, keyring: given.keyring, auth_client_required: given.auth }
  const modes = { ms_mon_client_mode: given.mode, ms_client_mode: given.mode }
  return Object.fromEntries(
    Object.entries({ ...flags, ...modes }).flatMap(([key, value]) => (Option.isSome(value) ? [[key, value.value]] : []))
  )
}

const readKey = Effect.fnUntraced(function* (settings: Settings.Settings, given: Given) {
  const files = yield* FileSystem.FileSystem
  if (!settings.authClientRequired.includes(AuthMethod.CephX)) return undefined
  if (Option.isNone(given.keyring)) {
    if (settings.key !== undefined) return yield* Effect.fromResult(CryptoKey.parse(Redacted.value(settings.key)))
    if (settings.keyfile !== undefined) {
      const text = yield* files
        .readFileString(settings.keyfile)
        .pipe(Effect.catch((error) => fail(`cannot read the key in ${settings.keyfile}: ${error.message}`)))
      return yield* Effect.fromResult(CryptoKey.parse(text.trim()))
    }
  }
  for (const path of settings.keyrings) {
    const text = yield* Effect.result(files.readFileString(path))
    if (Result.isFailure(text)) {
      if (Option.isSome(given.keyring)) return yield* fail(`cannot read ${path}: ${text.failure.message}`)
      continue
    }
    const keyring = yield* Effect.mapError(
      Effect.fromResult(Keyring.parse(text.success)),
      (error) => new CliError({ message: `${path}: ${error.message}` })
    )
    const entity = Keyring.find(keyring, settings.name)
    if (Result.isSuccess(entity)) return entity.success.key
    const name = EntityName.format(settings.name)
    return yield* fail(`${path} has no key of ${name}; name another file with --keyring or another entity with --name`)
  }
  if (settings.authClientRequired.includes(AuthMethod.None)) return undefined
  return yield* fail(
    `no keyring found in ${settings.keyrings.join(", ")}; name one with --keyring, or use --auth none where the cluster allows it`
  )
})

/** The addresses behind one place of `mon_host`. */
const resolve = (candidate: MonHost.Candidate): Effect.Effect<ReadonlyArray<EntityAddr.EntityAddr>, CliError> => {
  if (candidate._tag === "Addr") return Effect.succeed([candidate.addr])
  const { host, port, type } = candidate
  return Effect.tryPromise({
    try: () => dns.lookup(host, { all: true }),
    catch: () => new CliError({ message: `the name ${host} in mon_host cannot be resolved; use an IP address` })
  }).pipe(Effect.map((found) => found.flatMap(({ address }) => EntityAddr.make(address, port, 0, type) ?? [])))
}

const usable = Effect.fnUntraced(function* (settings: Settings.Settings) {
  const places = settings.monHost.filter(MonHost.isUsable)
  if (places.length === 0 && settings.monHost.length > 0) {
    const [first] = settings.monHost.map(MonHost.format)
    return yield* fail(`${first} is a v1 port; name the monitor's v2 port, 3300 unless configured otherwise`)
  }
  if (places.length === 0) {
    return yield* fail("no monitor is known: name one with --mon-host v2:IP:PORT, or a ceph.conf with --conf")
  }
  return (yield* Effect.forEach(places, resolve)).flat()
})

/** The words by which Ceph's options say no. */
const isFalse = (value: string | undefined): boolean => /^(false|no|off|0)$/i.test(value ?? "")

const build = Effect.fnUntraced(function* (given: Given) {
  const conf = yield* readConf(given.conf)
  const name = yield* Effect.fromResult(
    Result.mapError(
      EntityName.parse(given.name),
      (expected) => new CliError({ message: `--name: expected ${expected}` })
    )
  )
  const settings = yield* Effect.fromResult(Settings.make({ conf, name, overrides: overrides(given) }))
  const monitors = yield* usable(settings)
  const key = yield* readKey(settings, given)
  const auth = AuthClient.layer({
    name,
    key,
    methods: settings.authClientRequired,
    modes: settings.monClientModes
  })
  // A command asks once round; whoever wants to wait for a monitor can call again.
  return MonClient.layer({
    monitors,
    rounds: 1,
    huntInterval: `${Math.max(1, Math.min(10, given.timeout))} seconds`
  }).pipe(
    Layer.provide(
      Layer.merge(
        auth,
        Messenger.layer({ dataCrc: !isFalse(settings.lookup("ms_crc_data")) }).pipe(Layer.provide(NodeTransport.layer))
      )
    )
  )
})

/** A monitor client as the flags describe it. */
export const monClient = (given: Given) => Layer.unwrap(build(given))

/** Fails with a clear word when `self` takes longer than `--timeout`. */
export const within =
  (given: Given, what: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | CliError, R> =>
    Effect.timeoutOrElse(self, {
      duration: `${given.timeout} seconds`,
      orElse: () => fail(`timeout: ${what} took longer than ${given.timeout} s; give it more --timeout`)
    })
