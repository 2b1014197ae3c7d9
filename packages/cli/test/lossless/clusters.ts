/**
 * Clusters whose daemons are peers of sessions that last, and where an end of ours can take a place among them.
 *
 * A daemon that could not connect, or was told to wait, tries again after 0.2 s at the latest, not after Ceph's 15 s.
 */
import { EntityAddr } from "@msgr2/wire"
import { Effect, Option, Result, Schema, type Scope } from "effect"
import { rmSync } from "node:fs"
import { dirname } from "node:path"
import { cluster, directory, FREE, freeBase } from "../clusters.ts"

export interface Options {
  /** "16", "18" or "20". */
  readonly release: string
  readonly auth?: "none" | "cephx"
  readonly mode?: "crc" | "secure"
}

/** What all of them have. */
export interface Cluster {
  readonly dir: string
  readonly fsid: string
  /** The administrator's. A daemon's own lies in `data/NAME/keyring` of `dir`. */
  readonly keyring: string
  /** By rank. */
  readonly monitors: ReadonlyArray<EntityAddr.EntityAddr>
  /** An address that nobody in the cluster has or will take; `n` from 0 to 9. */
  readonly free: (n: number, nonce: number) => EntityAddr.EntityAddr
}

const addr = (port: number, nonce = 0): EntityAddr.EntityAddr =>
  Option.getOrThrow(Option.fromUndefinedOr(EntityAddr.make("127.0.0.1", port, nonce)))

/** The first of them. */
export const only = (addrs: EntityAddr.EntityAddrVec): EntityAddr.EntityAddr => addrs[0] ?? EntityAddr.blank

/** A cluster with these options of `ceph-cluster.sh up`; it goes down with the scope. */
const start = (
  { auth = "none", mode = "crc", release }: Options,
  ...further: ReadonlyArray<string>
): Effect.Effect<Cluster, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* freeBase
    const dir = yield* Effect.acquireRelease(
      Effect.sync(() => directory("peers")),
      (dir) => Effect.map(cluster("down", "--dir", dir), () => rmSync(dirname(dir), { recursive: true, force: true }))
    )
    const options = ["--release", release, "--auth", auth, "--mode", mode, "--port", `${port}`, "--dir", dir]
    const hurry = ["--set", "ms_initial_backoff = 0.02", "--set", "ms_max_backoff = 0.2"]
    const { stdout } = yield* cluster("up", ...options, ...hurry, ...further)
    const field = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(stdout)?.[1] ?? ""
    return {
      dir,
      fsid: field("fsid"),
      keyring: field("keyring"),
      monitors: [...field("mon_host").matchAll(/:(\d+)\]/g)].map(([, port]) => addr(Number(port))),
      free: (n, nonce) => addr(port + FREE + n, nonce)
    }
  })

const Addrs = Schema.Struct({
  addrvec: Schema.Array(Schema.Struct({ type: Schema.String, addr: Schema.String, nonce: Schema.Int }))
})
const OsdDump = Schema.Struct({ osds: Schema.Array(Schema.Struct({ cluster_addrs: Addrs })) })
const FsDump = Schema.Struct({
  filesystems: Schema.Array(
    Schema.Struct({ mdsmap: Schema.Struct({ info: Schema.Record(Schema.String, Schema.Struct({ addrs: Addrs })) }) })
  )
})

/** What a command that prints JSON says. */
const ask = <A>({ dir }: Cluster, schema: Schema.Codec<A>, ...command: ReadonlyArray<string>): Effect.Effect<A> =>
  Effect.flatMap(cluster("exec", "--dir", dir, "--", "ceph", ...command, "--format", "json"), ({ stdout }) =>
    Effect.orDie(Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(stdout))
  )

const first = (addrs: typeof Addrs.Type | undefined): EntityAddr.EntityAddr => {
  const found = addrs?.addrvec.find(({ type }) => type === "v2")
  return Result.getOrThrow(EntityAddr.parse(`v2:${found?.addr}/${found?.nonce}`))
}

export interface Daemons extends Cluster {
  /** Where osd.0 listens for other OSDs. */
  readonly osd: EntityAddr.EntityAddr
  /** Where mds.a, which is active, listens for everybody. */
  readonly mds: EntityAddr.EntityAddr
}

/** One monitor, one OSD, one MDS with a file system. About ten seconds. */
export const daemons = (options: Options): Effect.Effect<Daemons, never, Scope.Scope> =>
  Effect.gen(function* () {
    const found = yield* start(options, "--osds", "1", "--mds", "1")
    const { osds } = yield* ask(found, OsdDump, "osd", "dump")
    const { filesystems } = yield* ask(found, FsDump, "fs", "dump")
    const mds = Object.values(filesystems[0]?.mdsmap.info ?? {})[0]
    return { ...found, osd: first(osds[0]?.cluster_addrs), mds: first(mds?.addrs) }
  })

export interface Vacancy extends Cluster {
  /** The place of mon.c, of rank 2, which has left for good. The others go on dialling it. */
  readonly vacant: EntityAddr.EntityAddr
}

/**
 * Three monitors of which the last has stopped. With a `quorum` the other two answer questions; without one, mon.a is
 * alone and sends a probe to `vacant` twenty times a second, from a few seconds after the start on.
 */
export const vacancy = (options: Options & { readonly quorum: boolean }): Effect.Effect<Vacancy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const hurry = ["--set", "mon_lease = 1", "--set", "mon_probe_timeout = 0.05"]
    const found = yield* start(options, "--mons", "3", ...(options.quorum ? [] : hurry))
    const leaving = options.quorum ? ["mon.c"] : ["mon.c", "mon.b"]
    for (const name of leaving) yield* cluster("stop", "--dir", found.dir, "--name", name)
    const vacant = Option.getOrThrow(Option.fromUndefinedOr(found.monitors[2]))
    return { ...found, vacant }
  })
