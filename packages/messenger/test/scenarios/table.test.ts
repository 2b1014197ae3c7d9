/**
 * The table of sessions: they outlive connections, and do not outlive their use. What is in it is counted by the
 * handlers that have not ended, and by a look inside.
 */
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Policy } from "@msgr2/session"
import { EntityAddr } from "@msgr2/wire"
import { Duration, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import type { Connection, ConnectionError } from "../../src/index.ts"
import { Tap } from "../support/tap.ts"
import { clientWords, dial, Speaker } from "../support/raw.ts"
import { addr, anywhere, memory, open, sin, still } from "../support/world.ts"
import { Sessions } from "../../src/internal/Sessions.ts"
import { Cutter } from "../support/cuts.ts"
import * as Node from "./support/node.ts"
import { moment, until } from "./support/stage.ts"

const STRANGERS = 3000
const SOME = 600
const KEPT = 100
const MINUTE = Duration.minutes(1)

const added = vi.spyOn(Sessions.prototype, "add")
afterEach(() => added.mockClear())

/** Entries of all the tables of a test. */
const entries = (): number => {
  // The spy knows nothing of what it is called on.
  const tables = new Set(added.mock.contexts as ReadonlyArray<Sessions>)
  return [...tables].reduce((sum, { size }) => sum + size, 0)
}

/** Sessions of a server, from the first READY to the end. */
class Register {
  readonly ends: Array<string> = []
  open = 0
  mostOpen = 0

  readonly handler = (connection: Connection.Connection) =>
    Effect.suspend(() => {
      this.mostOpen = Math.max(this.mostOpen, ++this.open)
      return Effect.map(Effect.exit(connection.closed), (exit) => {
        this.open--
        this.ends.push(Exit.isSuccess(exit) ? "closed" : reasonOf(exit))
      })
    })
}

const reasonOf = (exit: Exit.Exit<void, ConnectionError.ConnectionError>): string =>
  Exit.match(exit, {
    onSuccess: () => "closed",
    onFailure: (cause) => cause.reasons.map((each) => (each._tag === "Fail" ? sin(each.error) : each._tag)).join()
  })

const serve = Effect.fnUntraced(function* (policy: Policy.Policy, maxDetached: number) {
  const register = new Register()
  const { address } = yield* open({
    server: { serverPolicies: { otherwise: policy }, maxDetached, sessionTimeout: MINUTE },
    handler: register.handler
  })
  return { register, address }
})

/** Everything that stranger number `i` says up to and including CLIENT_IDENT. */
const words = (i: number, address: EntityAddr.EntityAddr): Uint8Array =>
  new Speaker().say(
    ...clientWords(address).map(([, word]) =>
      "_tag" in word && word._tag === "ClientIdent"
        ? { ...word, addrs: [{ ...addr("10.0.0.1", 0, i), type: EntityAddr.AddrType.Any }] }
        : word
    )
  )

type Server = Effect.Success<ReturnType<typeof serve>>

/** At a time, as long as it takes to serve them. */
const PARTY = 20

/** So many come, complete the handshake, and leave; each but once. */
const visit = Effect.fnUntraced(function* (count: number, { address, register }: Server) {
  for (let first = 1; first <= count; first += PARTY) {
    const party = Effect.gen(function* () {
      const before = register.open + register.ends.length
      for (let i = first; i < first + PARTY; i++) (yield* dial(address)).write([words(i, address)])
      yield* until(
        () => `strangers from ${first} on are served`,
        () => register.open + register.ends.length === before + PARTY
      )
    })
    yield* Effect.scoped(party)
  }
})

describe("A server that strangers visit and leave", () => {
  const kinds = [
    ["stateful server", Policy.statefulServer, STRANGERS],
    ["lossless peer", Policy.losslessPeer, SOME]
  ] as const
  for (const [name, policy, count] of kinds) {
    it.effect(`keeps the sessions of the last ${KEPT} of ${count} for a minute, as a ${name}, and then none`, () => {
      const tap = new Tap()
      return Effect.gen(function* () {
        const server = yield* serve(policy, KEPT)
        const { register } = server
        yield* visit(count, server)
        yield* still(() => register.open)
        assert.strictEqual(register.open, KEPT)
        assert.strictEqual(entries(), KEPT)
        // One party is there, and one has gone and is not yet found out.
        assert.isAtMost(register.mostOpen, KEPT + 2 * PARTY)
        assert.strictEqual(register.ends.length, count - KEPT)
        yield* TestClock.adjust(MINUTE)
        yield* still(() => register.open)
        assert.strictEqual(register.open, 0)
        assert.strictEqual(entries(), 0)
        assert.deepStrictEqual([...new Set(register.ends)], ["ProtocolError SessionExpired in Standby"])
        assert.strictEqual(tap.open, 0)
      }).pipe(Effect.provide(tap.layer(memory)))
    })
  }
  it.effect("keeps nothing of them when their sessions are lossy", () =>
    Effect.gen(function* () {
      const server = yield* serve(Policy.statelessRegisteredServer, KEPT)
      const { register } = server
      yield* visit(SOME, server)
      yield* still(() => register.open)
      assert.strictEqual(register.open, 0)
      assert.isAtMost(register.mostOpen, 2 * PARTY)
      assert.strictEqual(entries(), 0)
    }).pipe(Effect.provide(memory))
  )
})

/** A server whose clients are cut off together, and come back together. */
const gathering = Effect.fnUntraced(function* (clients: number, maxDetached: number) {
  const server = yield* Node.make({
    serverPolicies: { otherwise: Policy.statefulServer },
    maxDetached,
    sessionTimeout: MINUTE
  })
  const register = new Register()
  const address = yield* server.serve(anywhere, register.handler)
  const connections = yield* Effect.forEach(Array.from({ length: clients }), () =>
    Effect.flatMap(Node.make(), ({ connect }) => connect(address, { policy: Policy.losslessClient }))
  )
  const outcomes = Effect.forEach(connections, ({ stats }) =>
    Effect.map(stats, ({ resets, resumed }) => `${resumed} resumed, ${resets} reset`)
  )
  return { register, connections, outcomes }
})

describe("A session without a connection", () => {
  it.effect("goes on when its peer returns, unless more have waited for a shorter time than there is room for", () => {
    const cutter = new Cutter()
    return Effect.gen(function* () {
      const { outcomes, register } = yield* gathering(4, 2)
      cutter.down = true
      yield* cutter.cut
      yield* moment
      assert.deepStrictEqual(
        register.ends,
        Array.from({ length: 2 }, () => "ProtocolError SessionExpired in Standby")
      )
      cutter.down = false
      yield* TestClock.adjust("1 second")
      yield* moment
      assert.deepStrictEqual(yield* outcomes, [
        "0 resumed, 1 reset",
        "0 resumed, 1 reset",
        "1 resumed, 0 reset",
        "1 resumed, 0 reset"
      ])
      assert.strictEqual(register.open, 4)
    }).pipe(Effect.provide(cutter.layer(memory)))
  })
  it.effect("is given up after the time that is set, which begins anew each time the peer goes", () => {
    const cutter = new Cutter()
    return Effect.gen(function* () {
      const { outcomes, register } = yield* gathering(1, 2)
      const away = (seconds: number) =>
        Effect.gen(function* () {
          cutter.down = true
          yield* cutter.cut
          yield* moment
          yield* TestClock.adjust(Duration.seconds(seconds))
          cutter.down = false
          // The longest that a client waits between two attempts.
          yield* TestClock.adjust("15 seconds")
          yield* moment
        })
      yield* away(40)
      yield* away(40)
      assert.deepStrictEqual(yield* outcomes, ["2 resumed, 0 reset"])
      assert.deepStrictEqual(register.ends, [])
      yield* away(61)
      assert.deepStrictEqual(register.ends, ["ProtocolError SessionExpired in Standby"])
      assert.deepStrictEqual(yield* outcomes, ["2 resumed, 1 reset"])
    }).pipe(Effect.provide(cutter.layer(memory)))
  })
  it.effect("is all that counts: those with one are never given up, however many there are", () =>
    Effect.gen(function* () {
      const { outcomes, register } = yield* gathering(5, 1)
      yield* TestClock.adjust("10 minutes")
      yield* moment
      assert.strictEqual(register.open, 5)
      assert.deepStrictEqual([...new Set(yield* outcomes)], ["0 resumed, 0 reset"])
    }).pipe(Effect.provide(memory))
  )
  it.effect("that is dialled goes out of the table with its last owner, whatever its connection does", () => {
    const cutter = new Cutter()
    return Effect.gen(function* () {
      const server = yield* Node.make({ serverPolicies: { otherwise: Policy.losslessPeer } })
      const address = yield* server.serve(anywhere)
      const client = yield* Node.make()
      const dial = client.connect(address, { policy: Policy.losslessPeer })
      for (const down of [false, true]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            cutter.down = false
            yield* dial
            cutter.down = down
            if (down) yield* cutter.cut
            yield* moment
            assert.strictEqual(entries(), 2)
          })
        )
        yield* moment
        // The server's half waits for the client to return.
        assert.strictEqual(entries(), 1)
      }
    }).pipe(Effect.provide(cutter.layer(memory)))
  })
})
