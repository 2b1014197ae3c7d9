/** Further clusters for the tests against real Ceph, beside the one that scripts/test-ceph.sh has started. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const script = fileURLToPath(new URL("../../../scripts/ceph-cluster.sh", import.meta.url))

/** `ceph-cluster.sh ...args`. */
export const cluster = (...args: ReadonlyArray<string>) =>
  Effect.promise(() => promisify(execFile)(script, [...args], { encoding: "utf8", timeout: 90_000 }))

/** A place for a cluster; short, because sockets have their names there. */
export const directory = (kind: string): string => `${mkdtempSync(`${tmpdir()}/msgr2-${kind}.`)}/c`

/** Ports below the ephemeral ones and above those of scripts/test-ceph.sh; a cluster may take a hundred. */
const BASES = [32_000, 32_100, 32_200, 32_300, 32_400, 32_500, 32_600]
/** The first of the ports of a cluster that no daemon takes: OSDs and MDS begin at 10. */
export const FREE = 90
/** Held for as long as the cluster may be there: other tests run beside these. */
const LOCK = 99

const listen = (port: number): Effect.Effect<net.Server | undefined> =>
  Effect.callback((resume) => {
    const server = net.createServer()
    server.once("error", () => resume(Effect.succeed(undefined)))
    server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
  })

const close = (server: net.Server | undefined): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (server === undefined) resume(Effect.void)
    else server.close(() => resume(Effect.void))
  })

const isFree = (port: number) =>
  Effect.flatMap(listen(port), (server) => Effect.as(close(server), server !== undefined))

/** The first of a hundred ports that nobody has, and that are the scope's until it closes. */
export const freeBase = Effect.gen(function* () {
  for (const base of BASES) {
    const lock = yield* Effect.acquireRelease(listen(base + LOCK), close)
    if (lock === undefined) continue
    const ports = [0, 1, 2, 10, 11, 12, 13, 14, FREE].map((n) => base + n)
    if ((yield* Effect.forEach(ports, isFree)).every(Boolean)) return base
  }
  return yield* Effect.die(new Error(`no hundred free ports from ${BASES[0]} on`))
})

/** The directory of a cluster whose monitor leaves out the checksums of segments. It goes down with the scope. */
export const careless = (release: string) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const port = yield* freeBase
      const dir = directory("nocrc")
      const options = ["--release", release, "--auth", "cephx", "--mode", "crc", "--port", `${port}`]
      yield* cluster("up", ...options, "--dir", dir, "--set", "ms_crc_data = false")
      return dir
    }),
    (dir) => Effect.map(cluster("down", "--dir", dir), () => rmSync(dirname(dir), { recursive: true, force: true }))
  )
