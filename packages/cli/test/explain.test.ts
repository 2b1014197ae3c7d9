import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@msgr2/wire"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Script } from "node:vm"
import { capture } from "./explain/packets.ts"
import { recorded, segments } from "./explain/recording.ts"
import { message, start } from "./explain/scripted.ts"
import { complaint, msgr2 } from "./support.ts"

const secure = recorded("c-cephx-secure-r18")
const explain = (...args: ReadonlyArray<string>) => msgr2("explain", secure.path, "--key-log", secure.logPath, ...args)

/** A directory that goes away with the scope. */
const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "msgr2-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** A file with these bytes. */
const fileOf = (bytes: Uint8Array | string, name = "made.pcap") =>
  Effect.map(directory, (path) => {
    writeFileSync(join(path, name), bytes)
    return join(path, name)
  })

const keys = secure.sessions.flatMap(({ connection_secret, session_key }) => [connection_secret, session_key])
const secrets = [
  ...keys.flatMap((hex) => (hex === null ? [] : [hex, hex.toUpperCase(), base64(Bytes.fromHex(hex) ?? Bytes.empty)])),
  /key = (\S+)/.exec(readFileSync(secure.keyringPath, "utf8"))?.[1] ?? assert.fail("no key")
]
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "")
}

describe("msgr2 explain --format text", () => {
  it.live("prints a row for each frame, connection after connection, and a summary to stderr", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* explain()
      assert.strictEqual(code, 0)
      const lines = stdout.split("\n")
      assert.deepStrictEqual(
        lines.filter((line) => line.startsWith("conn")),
        [
          "conn 0  127.0.0.1:46432 -> 127.0.0.1:22000  msgr2.1 secure, cephx, closed",
          "conn 1  127.0.0.1:46448 -> 127.0.0.1:22000  msgr2.1 secure, cephx, closed"
        ]
      )
      assert.lengthOf(
        lines.filter((line) => /^ +\d+\.\d{6} {2}(-> c2s|<- s2c) {2}@\d+ +\d+ {2}\w/.test(line)),
        46
      )
      assert.include(stdout, 'MON_COMMAND seq 6 ack 6 tid 2, 62 bytes: {"prefix": "status"}')
      assert.include(stdout, "cephx as client.admin, modes secure")
      assert.include(stderr, "c-cephx-secure-r18.pcap: pcap, 63 packets\n")
      assert.include(stderr, "2, 2 of them msgr2")
      assert.match(stderr, /errors +0\n/)
      // Not a terminal: no colours.
      assert.notInclude(stdout, "\u001b[")
    })
  )

  it.live("makes what a peer wrote harmless for a terminal", () =>
    Effect.gen(function* () {
      const { client, sayings } = start({ payload: introduction("a\u001b[2J\u202e\nfoo") })
      client.message(message(Uint8Array.of(1)), 1)
      const path = yield* fileOf(capture(segments(sayings)))
      const { stdout } = yield* msgr2("explain", path)
      assert.include(stdout, "none as client.a?[2J??foo")
      assert.notInclude(stdout, "\u001b")
    }).pipe(Effect.scoped)
  )

  it.live("A truncated capture and a missing secret are notes, not failures", () =>
    Effect.gen(function* () {
      const path = yield* fileOf(secure.file.subarray(0, -10))
      const { code, stderr, stdout } = yield* msgr2("explain", path)
      assert.strictEqual(code, 0)
      assert.include(stdout, "note: c2s: 656 bytes from byte 248 on were not read: sealed")
      assert.include(stderr, "the file breaks off in the packet at byte")
      assert.match(stderr, /notes +4\n/)
      assert.include(stderr, "conn 1 s2c: ")
    }).pipe(Effect.scoped)
  )
})

/** An introduction to a monitor by a name that may be anything. */
const introduction = (id: string): Uint8Array => {
  const name = new TextEncoder().encode(id)
  return Bytes.concat([Uint8Array.of(10, 8, 0, 0, 0, name.length, 0, 0, 0), name, new Uint8Array(8)])
}

describe("msgr2 explain --format ndjson", () => {
  it.live("prints one object for each banner and frame, with the fields that its issue names", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* explain("--format", "ndjson")
      assert.strictEqual(code, 0)
      const objects = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.lengthOf(objects, 46)
      for (const { conn, dir, offset, bytes, tag, fields, error } of objects) {
        assert.include([0, 1], conn)
        assert.include(["c2s", "s2c"], dir)
        assert.isTrue(Number.isInteger(offset) && Number.isInteger(bytes))
        assert.match(tag, /^(banner|[A-Z0-9_]+)$/)
        assert.isObject(fields)
        assert.isUndefined(error)
      }
      for (const { c2s_bytes, conn, frames, s2c_bytes } of secure.sessions) {
        const own = objects.filter((object) => object.conn === conn)
        for (const [key, n] of Object.entries(frames)) {
          assert.lengthOf(
            own.filter(({ dir, tag }) => `${dir} ${tag}` === key),
            n,
            key
          )
        }
        const size = (dir: string) => own.reduce((total, one) => total + (one.dir === dir ? one.bytes : 0), 0)
        assert.deepStrictEqual([size("c2s"), size("s2c")], [c2s_bytes, s2c_bytes])
      }
      // What tcpdump recorded of 18.2.7: a monitor's first words, and a command.
      const { time, ...hello } = objects.find(({ dir, tag }) => tag === "HELLO" && dir === "s2c")
      assert.approximately(time, 1_795_288_756.939728, 1e-6)
      assert.deepStrictEqual(hello, {
        conn: 0,
        dir: "s2c",
        offset: 26,
        bytes: 72,
        tag: "HELLO",
        client: "127.0.0.1:46432",
        server: "127.0.0.1:22000",
        mode: "crc",
        fields: { entityType: 1, peerAddr: "v2:127.0.0.1:46432/0" }
      })
      const command = objects.find(({ fields }) => fields.name === "MON_COMMAND" && fields.tid === "2")
      assert.deepStrictEqual(command.fields.content, {
        paxos: { version: "0", sessionMon: -1, sessionMonTid: "0" },
        fsid: "55170fc9-899e-45ea-a617-8e013b87b370",
        cmd: ['{"prefix": "status"}']
      })
      const done = objects.findLast(({ tag }) => tag === "AUTH_DONE")
      assert.deepStrictEqual(
        done.fields.content.extraTickets.entries.map(({ serviceId }: { readonly serviceId: number }) => serviceId),
        [1, 4, 16]
      )
    })
  )

  it.live("has the error of a broken frame", () =>
    Effect.gen(function* () {
      const { sayings } = start()
      const last = sayings.at(-1)?.bytes ?? assert.fail("nothing was said")
      last[40] = last[40]! ^ 1
      const path = yield* fileOf(capture(segments(sayings)))
      const { code, stderr, stdout } = yield* msgr2("explain", path, "--format", "ndjson")
      assert.strictEqual(code, 0)
      const broken = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
        .filter(({ error }) => error !== undefined)
      assert.lengthOf(broken, 1)
      const [{ bytes, error, offset, tag }] = broken
      assert.deepStrictEqual([tag, bytes], ["AUTH_SIGNATURE", 0])
      assert.include(error, `AUTH_SIGNATURE, segment 0: SegmentCrc at byte ${offset}`)
      assert.include(stderr, error)
      assert.match(stderr, /errors +1\n/)
    }).pipe(Effect.scoped)
  )

  it.live(
    "ends quietly when its reader has seen enough",
    () =>
      Effect.gen(function* () {
        const bin = fileURLToPath(new URL("../src/bin.ts", import.meta.url))
        const { client, sayings } = start()
        for (let seq = 1; seq <= 3000; seq++) client.message(message(Uint8Array.of(1)), seq)
        const path = yield* fileOf(capture(segments(sayings)))
        const command = `'${process.execPath}' '${bin}' explain '${path}' --format ndjson | head -c 1`
        const [code, stderr] = yield* Effect.callback<readonly [number | null, string]>((resume) => {
          const child = spawn("bash", ["-o", "pipefail", "-c", command], { stdio: ["ignore", "ignore", "pipe"] })
          let text = ""
          child.stderr.setEncoding("utf8").on("data", (part: string) => (text += part))
          child.on("close", (code) => resume(Effect.succeed([code, text] as const)))
          return Effect.sync(() => child.kill())
        })
        assert.strictEqual(code, 0, stderr)
        assert.notInclude(stderr, "EPIPE")
      }).pipe(Effect.scoped),
    20_000
  )
})

/** The two script elements of a page: its data, and its program. */
const scriptsOf = (page: string): ReadonlyArray<string> =>
  [...page.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((found) => found[1] ?? "")

describe("msgr2 explain --format html", () => {
  it.live("makes a page that has everything and asks for nothing", () =>
    Effect.gen(function* () {
      const { code, stdout: page } = yield* explain("--format", "html")
      assert.strictEqual(code, 0)
      const [data = "", program = "", ...others] = scriptsOf(page)
      assert.deepStrictEqual(others, [])
      const { conversations, tags } = JSON.parse(data)
      assert.deepStrictEqual(
        conversations.map(({ frames }: { readonly frames: ReadonlyArray<unknown> }) => frames.length),
        [19, 27]
      )
      assert.includeMembers(tags, ["banner", "AUTH_DONE", "MESSAGE"])
      assert.doesNotThrow(() => new Script(program))
      assert.notMatch(page.replace(data, ""), /https?:|src=|href=|@import|url\(/)
      assert.include(page, `script-src 'sha256-${createHash("sha256").update(program).digest("base64")}'`)
      assert.include(page, "default-src 'none'")
    })
  )

  it.live("What a peer wrote cannot become markup", () =>
    Effect.gen(function* () {
      const attack = '</script><script>alert(1)</script><img src=x onerror="alert(1)">'
      const { sayings } = start({ payload: introduction(attack) })
      const path = yield* fileOf(capture(segments(sayings)), `<b onclick='x'>&.pcap`)
      const { stdout: page } = yield* msgr2("explain", path, "--format", "html")
      assert.lengthOf(scriptsOf(page), 2)
      assert.notInclude(page, "<img")
      assert.notInclude(page, "<b onclick")
      const { conversations } = JSON.parse(scriptsOf(page)[0] ?? "")
      assert.include(JSON.stringify(conversations), "<img src=x")
    }).pipe(Effect.scoped)
  )
})

describe("msgr2 explain", () => {
  it.live("never prints a secret, in no format, from no source", () =>
    Effect.gen(function* () {
      for (const format of ["text", "ndjson", "html"]) {
        const { code, stderr, stdout } = yield* explain("--keyring", secure.keyringPath, "--format", format)
        assert.strictEqual(code, 0)
        for (const secret of secrets) {
          assert.notInclude(stdout, secret)
          assert.notInclude(stderr, secret)
        }
      }
    })
  )

  const failsWith = (args: ReadonlyArray<string>, ...words: ReadonlyArray<string>) =>
    Effect.map(msgr2("explain", ...args), (outcome) => {
      assert.deepStrictEqual([outcome.code, outcome.stdout, complaint(outcome).length], [1, "", 1], outcome.stderr)
      for (const word of words) assert.include(outcome.stderr, word)
    })

  it.live("says which file it cannot read", () => failsWith(["/nonexistent.pcap"], "/nonexistent.pcap"))
  it.live("says that a file is no capture", () =>
    failsWith([fileURLToPath(import.meta.url)], "not a capture", "pcapng")
  )
  it.live("says which key log it cannot read", () =>
    failsWith([secure.path, "--key-log", "/nonexistent.json"], "/nonexistent.json", "--key-log")
  )
  it.live("says what a key log looks like", () =>
    failsWith([secure.path, "--key-log", secure.keyringPath], "key log", "JSON")
  )
  it.live("says what is wrong with a keyring", () =>
    failsWith([secure.path, "--keyring", secure.logPath], "keyring, line 1")
  )

  it.live("A capture without msgr2 is said to be one", () =>
    Effect.gen(function* () {
      const said = [{ direction: "c2s", bytes: new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n") }] as const
      const { code, stderr, stdout } = yield* msgr2("explain", yield* fileOf(capture(segments(said))))
      assert.deepStrictEqual([code, stdout], [0, ""])
      assert.include(stderr, "1, 0 of them msgr2: none begins with the banner")
    }).pipe(Effect.scoped)
  )

  it.live("--help says what the formats are for", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* msgr2("explain", "--help")
      assert.strictEqual(code, 0)
      for (const word of ["--key-log", "--keyring", "ndjson", "html", "pcapng"]) assert.include(stdout, word)
    })
  )
})
