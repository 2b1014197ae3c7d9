/**
 * The six failure scenarios of the protocol document, as charts of what these machines say to each other.
 *
 * Origin of the charts: drawn, msgr2 "Message flow handshake", "Example of failure scenarios"; rewritten with one line
 * for a frame and its arrow. `X` is a frame that is lost, or a connection.
 */
import { assert, describe, it } from "@effect/vitest"
import { Policy } from "../src/index.ts"
import { type Setup, World } from "./world.ts"

const clientAddr = "v2:127.0.0.1:6801/77"
const serverAddr = "v2:127.0.0.1:6800/12"
const client: Setup = { addr: clientAddr, policy: Policy.losslessClient }
const server: Setup = { addr: serverAddr, policy: Policy.statefulServer }
/** Dials as well, when it has something to send. */
const peer = (addr: string): Setup => ({ addr, policy: Policy.losslessPeerReuse })

/** A client that has asked its server for a connection. */
const world = (left: Setup = client, right: Setup = server): World => {
  const made = new World(left, right)
  made.connect("client")
  return made
}

/** Both ends are open, and mean the same session. */
const agree = (made: World): void => {
  made.run()
  const [left, right] = [made.open("client").session, made.open("server").session]
  assert.deepStrictEqual([left.clientCookie, left.serverCookie], [right.clientCookie, right.serverCookie])
}

/** The same, and the chart says so; `fold` puts that in the place of all that led to it. */
const established = (made: World, fold = false): void => {
  agree(made)
  made.chart.established(fold)
}

/** The same, and what is sent now arrives once. */
const works = (made: World): void => {
  agree(made)
  made.submit("client", 101)
  made.submit("server", 102)
  made.run()
  const { client, server } = made.parties
  assert.deepStrictEqual([client.delivered.at(-1), server.delivered.at(-1)], [102, 101])
  for (const { delivered } of [client, server]) assert.strictEqual(new Set(delivered).size, delivered.length)
}

const drawn = (lines: string): string => lines.replace(/^\n|\n$/g, "")

describe("failure scenarios", () => {
  it("1. the client's first CLIENT_IDENT is lost, and the client reconnects", () => {
    const made = world()
    made.submit("client", 1)
    made.lose("ClientIdent")
    made.run()
    made.tick("client")
    established(made)
    assert.strictEqual(
      `${made.chart}`,
      drawn(`
c_cookie(a) |--- client_ident(a) ---X    |
            |--- client_ident(a) ------->|
            |<-- server_ident(b) --------| s_cookie(b)
            |    session established     |
`)
    )
    works(made)
    assert.deepStrictEqual(made.parties.server.delivered, [1, 101])
  })

  it("2. the server's SERVER_IDENT is lost, and the client reconnects", () => {
    const made = world()
    made.submit("client", 1)
    made.lose("ServerIdent")
    made.run()
    made.tick("client")
    established(made)
    assert.strictEqual(
      `${made.chart}`,
      drawn(`
c_cookie(a) |--- client_ident(a) ------->|
            |    X-- server_ident(b) ----| s_cookie(b)
            |--- client_ident(a) ------->|
            |<-- server_ident(c) --------| s_cookie(c)
            |    session established     |
`)
    )
    works(made)
    assert.deepStrictEqual(made.parties.server.delivered, [1, 101])
    assert.deepStrictEqual(made.parties.server.resets, [])
  })

  // F is for false: with a full reset the next cookie would be a new one. The rule is Ceph's sixth for RECONNECT.
  it("3. the server's SERVER_IDENT is lost, and the server reconnects", () => {
    const made = world(peer(clientAddr), peer(serverAddr))
    made.submit("client", 1)
    made.lose("ServerIdent")
    made.submit("server", 2)
    made.run()
    assert.strictEqual(
      `${made.chart}`,
      drawn(`
c_cookie(a) |--- client_ident(a) ------->|
            |    X-- server_ident(b) ----| s_cookie(b)
            |<-- reconnect(a, b) --------|
            |--- reset_session(F) ------>|
            |<-- client_ident(a) --------| c_cookie(a)
s_cookie(c) |--- server_ident(c) ------->|
`)
    )
    works(made)
    assert.deepStrictEqual(
      [made.parties.client.delivered, made.parties.server.delivered],
      [
        [2, 102],
        [1, 101]
      ]
    )
  })

  it("4. the connection of an established session fails, and the client reconnects", () => {
    const made = world()
    established(made, true)
    made.submit("client", 1)
    made.submit("server", 2)
    made.cut()
    made.run()
    assert.strictEqual(
      `${made.chart}`,
      drawn(`
c_cookie(a) |    session established     | s_cookie(b)
            |    X-----------------------|
            |--- reconnect(a, b) ------->|
            |<-- reconnect_ok -----------|
`)
    )
    works(made)
    assert.deepStrictEqual(
      [made.parties.client.delivered, made.parties.server.delivered],
      [
        [2, 102],
        [1, 101]
      ]
    )
  })

  // The drawing says RC, "depends on policy.resetcheck". That is so for a server that knows another session of this
  // client; one that knows none resets in full, whatever its policy.
  for (const resetCheck of [true, false]) {
    it(`5. the connection fails because the server was reset, and the client reconnects; resetcheck ${resetCheck}`, () => {
      const made = world(client, { ...server, policy: { ...server.policy, resetCheck } })
      established(made, true)
      made.submit("client", 1)
      made.cut("server")
      made.run()
      assert.strictEqual(
        `${made.chart}`,
        drawn(`
c_cookie(a) |    session established     | s_cookie(b)
            |    X-----------------------| reset
            |--- reconnect(a, b) ------->|
            |<-- reset_session(RC) ------|
c_cookie(c) |--- client_ident(c) ------->|
            |<-- server_ident(d) --------| s_cookie(d)
`).replace("reset_session(RC) ------", "reset_session(T) -------")
      )
      assert.deepStrictEqual(made.parties.client.resets, ["remote"])
      works(made)
      assert.deepStrictEqual(made.parties.server.delivered, [101])
    })
  }

  // "reset if policy.resetcheck", says the drawing: not a frame, but what happens to the server's half.
  for (const resetCheck of [true, false]) {
    it(`6. the connection fails because the client was reset, and the client reconnects; resetcheck ${resetCheck}`, () => {
      const made = world(client, { ...server, policy: { ...server.policy, resetCheck } })
      established(made, true)
      made.cut("client")
      made.run()
      // Of the old session.
      made.submit("server", 2)
      made.connect("client")
      made.run()
      assert.strictEqual(
        `${made.chart}`,
        drawn(`
c_cookie(a) |    session established     | s_cookie(b)
      reset |    X-----------------------|
c_cookie(c) |--- client_ident(c) ------->|
            |<-- server_ident(d) --------| s_cookie(d)
`)
      )
      assert.deepStrictEqual(made.parties.server.resets, resetCheck ? ["remote"] : [])
      works(made)
      assert.deepStrictEqual(made.parties.client.delivered, resetCheck ? [102] : [2, 102])
    })
  }
})
