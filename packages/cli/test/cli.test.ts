import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as net from "node:net"
import { complaint, msgr2 } from "./support.ts"

/** A port on loopback that says `greeting` to whoever comes, and then nothing more. */
const port = (greeting: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: net.Server; readonly sockets: Set<net.Socket> }>((resume) => {
        const sockets = new Set<net.Socket>()
        const server = net.createServer((socket) => {
          sockets.add(socket.on("error", () => undefined))
          if (greeting !== "") socket.write(greeting)
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, sockets })))
      }),
      ({ server, sockets }) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    ),
    ({ server }) => `127.0.0.1:${(server.address() as net.AddressInfo).port}`
  )

/** Exit code 1, nothing on stdout, one line on stderr that has all of these in it. */
const failsWith = (args: ReadonlyArray<string>, ...words: ReadonlyArray<string>) =>
  Effect.map(msgr2(...args), (outcome) => {
    assert.deepStrictEqual([outcome.code, outcome.stdout, complaint(outcome).length], [1, "", 1], outcome.stderr)
    for (const word of words) assert.include(outcome.stderr, word)
  })

describe("msgr2 status", () => {
  it.live("says where nothing listens", () =>
    failsWith(["status", "--mon-host", "v2:127.0.0.1:1", "--auth", "none"], "127.0.0.1:1", "refused", "running")
  )

  it.live("names every monitor that failed, and what failed alike once", () =>
    failsWith(["status", "--mon-host", "127.0.0.1:1,127.0.0.1:2", "--auth", "none"], "127.0.0.1:1", "the same at", ":2")
  )

  it.live("says that a port is not msgr2's", () =>
    Effect.flatMap(port("HTTP/1.1 400 Bad Request\r\n\r\n"), (address) =>
      failsWith(["status", "--mon-host", address, "--auth", "none"], "not a msgr2 port", "3300")
    )
  )

  it.live("says that a port is one of msgr1", () =>
    Effect.flatMap(port("ceph v027"), (address) =>
      failsWith(["status", "--mon-host", address, "--auth", "none"], "v1 port")
    )
  )

  it.live("says so before dialling when only a v1 address is known", () =>
    failsWith(["status", "--mon-host", "v1:127.0.0.1:6789"], "v1 port")
  )

  it.live("gives up on a port that stays silent when the time is over", () =>
    Effect.flatMap(port(""), (address) =>
      failsWith(["status", "--mon-host", address, "--auth", "none", "--timeout", "1"], "--timeout")
    )
  )

  it.live("says how to name a monitor when none is known", () => failsWith(["status"], "--mon-host", "--conf"))

  it.live("says where it looked for a key", () =>
    failsWith(["status", "--mon-host", "127.0.0.1:1", "--auth", "cephx"], "no keyring", "--keyring", "/etc/ceph")
  )

  it.live("names a file that cannot be read", () =>
    failsWith(["status", "-c", "/nonexistent/ceph.conf"], "/nonexistent/ceph.conf", "--conf")
  )

  it.live("refuses a mode that does not exist", () =>
    failsWith(["status", "--mon-host", "127.0.0.1:1", "--mode", "fast"], "fast", "crc", "secure")
  )
})

describe("msgr2 command", () => {
  it.live("refuses text that is no command", () =>
    failsWith(["command", "status", "--mon-host", "127.0.0.1:1", "--auth", "none"], "prefix")
  )
})

describe("msgr2 probe", () => {
  it.live("refuses what is no address", () => failsWith(["probe", "nowhere"], "v2:127.0.0.1:3300"))

  it.live("says that a port is not msgr2's", () =>
    Effect.flatMap(port("SSH-2.0-OpenSSH_9.2\r\n"), (address) => failsWith(["probe", address], "not a msgr2 port"))
  )

  it.live("gives up on a port that stays silent", () =>
    Effect.flatMap(port(""), (address) => failsWith(["probe", address, "--timeout", "1"], "did not answer"))
  )

  it.live("refuses a time that is none", () =>
    Effect.all(
      [
        failsWith(["probe", "127.0.0.1:1", "--timeout", "0"], "--timeout: expected a number of seconds above 0"),
        failsWith(["probe", "127.0.0.1:1", "--timeout=-3"], "--timeout", "got -3")
      ],
      { discard: true }
    )
  )
})

describe("msgr2 demo", () => {
  for (const mode of ["secure", "crc"]) {
    it.live(
      `--mode ${mode} draws the chart and proves the content`,
      () =>
        Effect.gen(function* () {
          const { code, stderr, stdout } = yield* msgr2("demo", "--mode", mode, "--messages", "500", "--cuts", "3")
          assert.deepStrictEqual([code, stderr], [0, ""])
          const rows = stdout.split("\n")
          const drawn = rows.flatMap((row) => /\|[-<]+ (\S+)/.exec(row)?.[1] ?? [])
          assert.deepStrictEqual(drawn.slice(0, 14), [
            "banner",
            "banner",
            "HELLO",
            "HELLO",
            "AUTH_REQUEST",
            "AUTH_REPLY_MORE",
            "AUTH_REQUEST_MORE",
            "AUTH_DONE",
            "AUTH_SIGNATURE",
            "AUTH_SIGNATURE",
            "COMPRESSION_REQUEST",
            "COMPRESSION_DONE",
            "CLIENT_IDENT",
            "SERVER_IDENT"
          ])
          assert.include(stdout, `msgr2.1 ${mode}, cephx`)
          assert.include(stdout, "500 there, 500 back")
          // The session goes on where it was, three times.
          assert.deepStrictEqual(
            drawn.filter((name) => name.startsWith("SESSION_")),
            Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? "SESSION_RECONNECT" : "SESSION_RECONNECT_OK"))
          )
          assert.strictEqual(rows.filter((row) => /X-+ cut, /.test(row)).length, 3)
          assert.include(stdout, "3, after which the session went on 3 times")
          assert.include(stdout, "byte for byte")
        }),
      20_000
    )
  }

  it.live("refuses numbers that make no sense", () =>
    Effect.all(
      [
        failsWith(["demo", "--messages", "0"], "--messages: expected a whole number from 1 up, got 0"),
        failsWith(["demo", "--cuts=-1"], "--cuts: expected a whole number from 0 up, got -1")
      ],
      { discard: true }
    )
  )

  it.live("says in its help what holds when nothing is said", () =>
    Effect.map(msgr2("demo", "--help"), ({ stdout }) => {
      for (const each of ["secure", "20000", "4"]) assert.include(stdout, `(default: ${each})`)
    })
  )

  it.live("counts one time in the singular", () =>
    Effect.map(msgr2("demo", "--messages", "200", "--cuts", "1"), ({ stdout }) =>
      assert.include(stdout, "1, after which the session went on 1 time\n")
    )
  )
})

describe("msgr2", () => {
  it.live("--help lists the commands", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* msgr2("--help")
      assert.strictEqual(code, 0)
      for (const command of ["status", "command", "probe", "demo"]) assert.include(stdout, command)
    })
  )

  it.live("a flag that does not exist fails and says so", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* msgr2("status", "--colour")
      assert.strictEqual(code, 1)
      assert.include(stderr, "--colour")
    })
  )
})
