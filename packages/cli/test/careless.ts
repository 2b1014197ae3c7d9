/** A second cluster for the tests against real Ceph: one whose monitor leaves out the checksums of segments. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const script = fileURLToPath(new URL("../../../scripts/ceph-cluster.sh", import.meta.url))
const cluster = (...args: ReadonlyArray<string>) =>
  Effect.promise(() => promisify(execFile)(script, [...args], { encoding: "utf8", timeout: 60_000 }))

/** The directory of such a cluster; its configuration is in `c/ceph.conf`. It goes down with the scope. */
export const careless = (release: string) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      // Ports of the cluster under test end below this; see free_port in scripts/test-ceph.sh.
      const port = 34_000 + Number(release) * 100
      const dir = mkdtempSync(`${tmpdir()}/msgr2-nocrc.`)
      const options = ["--release", release, "--auth", "cephx", "--mode", "crc", "--port", `${port}`]
      yield* cluster("up", ...options, "--dir", `${dir}/c`, "--set", "ms_crc_data = false")
      return dir
    }),
    (dir) => Effect.map(cluster("down", "--dir", `${dir}/c`), () => rmSync(dir, { recursive: true, force: true }))
  )
