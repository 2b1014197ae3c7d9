/**
 * What a client needs to know before it connects: where the monitors are, where its key is, and what it may agree to.
 * Taken from the command line, else from `ceph.conf`, else from Ceph's defaults.
 *
 * **Source** Ceph `src/common/options/global.yaml.in`, `src/auth/AuthRegistry.cc`, `src/auth/KeyRing.cc`
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { AuthMethod } from "@msgr2/wire/AuthMethod"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import * as EntityName from "@msgr2/wire/EntityName"
import * as CephConf from "./CephConf.ts"
import { ConfigError } from "./ConfigError.ts"
import * as MonHost from "./MonHost.ts"

const authMethods = new Map<string, number>([
  ["cephx", AuthMethod.CephX],
  ["none", AuthMethod.None],
  ["gss", AuthMethod.Gss]
])
const connectionModes = new Map<string, number>([
  ["crc", ConnectionMode.Crc],
  ["secure", ConnectionMode.Secure]
])

/**
 * The settings of one client.
 *
 * **Shape** lists are in order of preference. `monHost` is empty when nobody said where the monitors are. `keyrings`
 * are paths to try one after the other, unless `key` holds the key itself (base64) or `keyfile` is the path of a file
 * that does. `authClientRequired` are numbers of `AuthMethod`; `monClientModes` (towards monitors and managers) and
 * `clientModes` (towards everybody else) are numbers of `ConnectionMode`.
 */
export interface Settings extends CephConf.Owner {
  readonly monHost: ReadonlyArray<MonHost.Candidate>
  readonly key: Redacted.Redacted<string> | undefined
  readonly keyfile: string | undefined
  readonly keyrings: ReadonlyArray<string>
  readonly authClientRequired: ReadonlyArray<number>
  readonly monClientModes: ReadonlyArray<number>
  readonly clientModes: ReadonlyArray<number>
  /** Any other option as text, variables expanded; never the key. */
  readonly lookup: (option: string) => string | undefined
}

const defaults = {
  auth_client_required: "cephx, none",
  ms_mon_client_mode: "secure crc",
  ms_client_mode: "crc secure",
  keyring: "/etc/ceph/$cluster.$name.keyring,/etc/ceph/$cluster.keyring,/etc/ceph/keyring,/etc/ceph/keyring.bin"
} as const

export const admin: EntityName.EntityName = { type: EntityName.EntityType.Client, id: "admin" }

/**
 * The settings of `name` (`client.admin`) in `cluster` ("ceph").
 *
 * **Shape** `overrides` are options by name, as a command line gives them; they come before `conf`. An empty value, in
 * either, counts as not given.
 *
 * **Errors** `ConfigError` for an address, a method or a mode that cannot be; with its line when it is from `conf`.
 */
export const make = (
  options: {
    readonly conf?: CephConf.CephConf
    readonly name?: EntityName.EntityName
    readonly cluster?: string
    readonly overrides?: Readonly<Record<string, string>>
  } = {}
): Result.Result<Settings, ConfigError> => {
  const { conf = CephConf.empty, name = admin, cluster = "ceph", overrides = {} } = options
  const owner: CephConf.Owner = { name, cluster }
  const given = new Map(Object.entries(overrides).map(([key, value]) => [CephConf.normalize(key), value]))
  const find = (option: string): CephConf.Entry | undefined => {
    const override = given.get(CephConf.normalize(option)) ?? ""
    const entry =
      override === ""
        ? CephConf.lookup(conf, owner, option)
        : { value: Redacted.make(CephConf.expand(override, owner)) }
    return entry === undefined || Redacted.value(entry.value) === "" ? undefined : entry
  }
  const text = (option: string): string | undefined => {
    const entry = find(option)
    return entry === undefined ? undefined : Redacted.value(entry.value)
  }
  const choices = (option: string, fallback: string, known: ReadonlyMap<string, number>) => {
    const entry = find(option)
    const said = words(entry === undefined ? fallback : Redacted.value(entry.value))
    const chosen = new Set<number>()
    for (const word of said.length > 0 ? said : [""]) {
      const number = known.get(word)
      if (number === undefined)
        return Result.fail(error(option, word, `some of ${[...known.keys()].join(", ")}`, entry))
      chosen.add(number)
    }
    return Result.succeed([...chosen])
  }
  return Result.gen(function* () {
    const hosts = find("mon_host")
    return {
      ...owner,
      monHost: hosts === undefined ? [] : yield* located(MonHost.parse(Redacted.value(hosts.value)), hosts),
      key: find("key")?.value,
      keyfile: text("keyfile"),
      keyrings: words(text("keyring") ?? CephConf.expand(defaults.keyring, owner)),
      authClientRequired:
        find("auth_supported") === undefined
          ? yield* choices("auth_client_required", defaults.auth_client_required, authMethods)
          : yield* choices("auth_supported", "", authMethods),
      monClientModes: yield* choices("ms_mon_client_mode", defaults.ms_mon_client_mode, connectionModes),
      clientModes: yield* choices("ms_client_mode", defaults.ms_client_mode, connectionModes),
      lookup: (option: string) => (CephConf.normalize(option) === "key" ? undefined : text(option))
    }
  })
}

/** Lists in options stand apart by commas, semicolons or blanks. */
const words = (text: string): ReadonlyArray<string> => text.split(/[,;\s]+/).filter((word) => word !== "")

const error = (what: string, got: string, expected: string, entry: CephConf.Entry | undefined): ConfigError =>
  new ConfigError({ what, got, expected, ...(entry?.line === undefined ? {} : { line: entry.line }) })

const located = <A>(result: Result.Result<A, ConfigError>, entry: CephConf.Entry): Result.Result<A, ConfigError> =>
  Result.mapError(result, ({ what, got, expected }) => error(what, got, expected, entry))

/** Where Ceph's tools look for a file when none is named; the first that exists is the one. */
export const confPaths = (
  options: { readonly cluster?: string; readonly home?: string } = {}
): ReadonlyArray<string> => {
  const file = `${options.cluster ?? "ceph"}.conf`
  return [`/etc/ceph/${file}`, ...(options.home === undefined ? [] : [`${options.home}/.ceph/${file}`]), file]
}
