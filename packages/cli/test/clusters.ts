/** Further clusters for the tests against real Ceph, beside the one that scripts/test-ceph.sh has started. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
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

/** The directory of a cluster whose monitor leaves out the checksums of segments. It goes down with the scope. */
export const careless = (release: string) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      // Ports of the cluster under test end below this; see free_port in scripts/test-ceph.sh.
      const port = 34_000 + Number(release) * 100
      const dir = directory("nocrc")
      const options = ["--release", release, "--auth", "cephx", "--mode", "crc", "--port", `${port}`]
      yield* cluster("up", ...options, "--dir", dir, "--set", "ms_crc_data = false")
      return dir
    }),
    (dir) => Effect.map(cluster("down", "--dir", dir), () => rmSync(dirname(dir), { recursive: true, force: true }))
  )
