import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { careless } from "./clusters.ts"
import { compressing, greet, osdAddress } from "./osd.ts"
import { complaint, msgr2 } from "./support.ts"

/** What `scripts/test-ceph.sh` says of the cluster it has started. */
const given = (name: string): string => process.env[name] ?? assert.fail(`${name} is not set: run npm run test:ceph`)
const conf = given("CEPH_CONF")
const fsid = given("CEPH_FSID")
const monHost = given("CEPH_MON_HOST")
const keyring = given("CEPH_KEYRING")
const auth = given("CEPH_AUTH")
const mode = given("CEPH_MODE")
const release = given("CEPH_RELEASE")
const address = /v2:[^\],]+/.exec(monHost)?.[0] ?? assert.fail(`no address in ${monHost}`)

describe(`Ceph ${release}, ${auth}, ${mode}`, () => {
  it.live(
    "status -c CONF prints the status of this cluster",
    () =>
      Effect.gen(function* () {
        const { code, stderr, stdout } = yield* msgr2("status", "-c", conf)
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.strictEqual(JSON.parse(stdout).fsid, fsid)
      }),
    30_000
  )

  it.live(
    "flags do what the configuration file does",
    () =>
      Effect.gen(function* () {
        const credentials = auth === "none" ? [] : ["--keyring", keyring]
        const flags = ["--mon-host", monHost, "--name", "client.admin", "--auth", auth, "--mode", mode, ...credentials]
        const { code, stdout } = yield* msgr2("status", ...flags)
        assert.strictEqual(code, 0)
        assert.strictEqual(JSON.parse(stdout).fsid, fsid)
      }),
    30_000
  )

  it.live(
    "--format plain is for reading",
    () =>
      Effect.gen(function* () {
        const { code, stdout } = yield* msgr2("status", "-c", conf, "--format", "plain")
        assert.strictEqual(code, 0)
        assert.include(stdout, `id:     ${fsid}`)
      }),
    30_000
  )

  it.live(
    "a command is carried out",
    () =>
      Effect.gen(function* () {
        const { code, stdout } = yield* msgr2("command", '{"prefix":"mon versions"}', "-c", conf)
        assert.strictEqual(code, 0)
        assert.match(Object.keys(JSON.parse(stdout))[0] ?? "", new RegExp(`^ceph version ${release}\\.`))
      }),
    30_000
  )

  it.live(
    "a command that the monitor does not know fails with its words",
    () =>
      Effect.gen(function* () {
        const outcome = yield* msgr2("command", '{"prefix":"no such thing"}', "-c", conf)
        assert.deepStrictEqual([outcome.code, outcome.stdout, complaint(outcome).length], [1, "", 1])
        assert.include(outcome.stderr, "command not known")
      }),
    30_000
  )

  it.live(
    "probe shows method and mode without a key",
    () =>
      Effect.gen(function* () {
        const { code, stdout } = yield* msgr2("probe", address, "--format", "json")
        assert.strictEqual(code, 0)
        const found = JSON.parse(stdout)
        assert.strictEqual(found.entityType, "mon")
        assert.strictEqual(found.revision, "2.1")
        assert.deepStrictEqual(found.methods, [auth])
        assert.include(found.modes, mode)
      }),
    30_000
  )

  it.live(
    "a mode that the monitor does not allow is refused with a line that says which it allows",
    () =>
      Effect.gen(function* () {
        const other = mode === "crc" ? "secure" : "crc"
        const outcome = yield* msgr2("status", "-c", conf, "--mode", other)
        assert.deepStrictEqual([outcome.code, outcome.stdout, complaint(outcome).length], [1, "", 1])
        assert.include(outcome.stderr, auth === "none" ? "mode" : `modes ${mode}`)
      }),
    30_000
  )

  if (auth === "cephx") {
    it.live(
      "a wrong key is refused with a line that says what to check",
      () =>
        Effect.gen(function* () {
          const outcome = yield* msgr2("status", "-c", conf, "--keyring", wrongKeyring)
          assert.deepStrictEqual([outcome.code, outcome.stdout, complaint(outcome).length], [1, "", 1])
          assert.include(outcome.stderr, "access denied")
          assert.include(outcome.stderr, "--keyring")
        }),
      30_000
    )

    it.live(
      "an entity without a key says where it looked",
      () =>
        Effect.gen(function* () {
          const outcome = yield* msgr2("status", "-c", conf, "--name", "client.nobody")
          assert.deepStrictEqual([outcome.code, complaint(outcome).length], [1, 1])
          assert.include(outcome.stderr, "client.nobody")
        }),
      30_000
    )

    it.live(
      "auth none is refused with a line that says which method is allowed",
      () =>
        Effect.gen(function* () {
          const outcome = yield* msgr2("status", "-c", conf, "--auth", "none", "--mode", "crc")
          assert.deepStrictEqual([outcome.code, complaint(outcome).length], [1, 1])
          assert.include(outcome.stderr, "cephx")
        }),
      30_000
    )
  }

  // Release 16 has the option and ignores it.
  if (auth === "cephx" && mode === "crc" && Number(release) >= 18) {
    it.live(
      "with ms_crc_data = false it answers when this end leaves the checksums out too, and not otherwise",
      () =>
        Effect.gen(function* () {
          const dir = yield* careless(release)
          const conf = `${dir}/ceph.conf`
          const agreed = yield* msgr2("status", "-c", conf)
          assert.deepStrictEqual([agreed.code, agreed.stderr], [0, ""])
          assert.isString(JSON.parse(agreed.stdout).fsid)
          const strict = `${dir}/strict.conf`
          writeFileSync(strict, readFileSync(conf, "utf8").replace("ms_crc_data = false", "ms_crc_data = true"))
          const refused = yield* msgr2("status", "-c", strict)
          assert.strictEqual(refused.code, 1)
          assert.include(refused.stderr, "SegmentCrc")
        }),
      60_000
    )
  }

  if (auth === "none" && release === "18") {
    it.live(
      "an OSD takes frames compressed by each method, and ours reads what it compresses",
      () =>
        Effect.gen(function* () {
          const { monitor } = yield* compressing
          const target = yield* osdAddress(monitor)
          for (const method of [1, 2, 3, 4]) {
            const { compression, identSize, seen } = yield* greet(target, method)
            assert.strictEqual(compression, method)
            // CLIENT_IDENT, 159 bytes when plain, was the first to be compressed: the answers show that it was read.
            assert.notStrictEqual(identSize, 159)
            assert.includeMembers(seen, ["in ServerIdent", "in Keepalive2Ack"])
          }
        }),
      120_000
    )
  }
})

/** A well-formed key of client.admin that no cluster has. */
const wrongKeyring = new URL("fixtures/wrong.keyring", import.meta.url).pathname
