/**
 * What Ceph's own suite puts a messenger through, two messengers at a time. The rows are numbered as the tests of that
 * suite are, in its order; those with many messengers are in `stress.test.ts`.
 *
 * **Source** Ceph `src/test/msgr/test_msgr.cc`
 */
import { assert, describe, it } from "@effect/vitest"
import { AuthClient, AuthServer, KeyServer } from "@msgr2/auth"
import { Policy } from "@msgr2/session"
import { AuthMethod, EntityAddr, EntityName, Features } from "@msgr2/wire"
import { Duration, Effect, Exit, Fiber, Queue, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Connection } from "../../src/index.ts"
import { digests, hear, message } from "../support/messages.ts"
import { addr, admin, anywhere, Crc, dialler, memory, open, sin, transports } from "../support/world.ts"
import { block, Breakpoints, describeBreakpoint, fault } from "./support/breakpoints.ts"
import { entry } from "./support/ledger.ts"
import * as Node from "./support/node.ts"
import { calm, type First, moment, Stage, until } from "./support/stage.ts"
import { chronicle } from "./support/talk.ts"

const peers = { me: Policy.losslessPeer, peer: Policy.losslessPeer }
const orders: ReadonlyArray<First> = ["me", "peer"]
const said = (first: First) => (first === "me" ? "I come first" : "the peer comes first")

/** Everything has come once and in order, and each end has one open connection. */
const whole = (stage: Stage) =>
  Effect.gen(function* () {
    yield* calm
    const { me, peer } = stage
    assert.deepStrictEqual(me.heard, peer.sent)
    assert.deepStrictEqual(peer.heard, me.sent)
    for (const { breakpoints, ledger } of [me, peer]) {
      assert.deepStrictEqual(breakpoints.missed, [])
      assert.strictEqual(ledger.entries.filter(({ state }) => state === "established").length, 1, `${stage}`)
    }
  })

describe("Two peers that dial each other", () => {
  for (const first of orders) {
    it.effect(`M1 ConnectionRaceTest: both held before CLIENT_IDENT make one session; ${said(first)}`, () =>
      Effect.gen(function* () {
        const held = [block("ClientIdent W")]
        const stage = yield* Stage.make({ ...peers, first, breakpoints: held, peerBreakpoints: held })
        const { me, peer } = stage
        yield* stage.talk
        yield* me.connect
        yield* peer.connect
        yield* stage.held
        yield* stage.peerHeld
        yield* me.breakpoints.release
        yield* peer.breakpoints.release
        yield* stage.established
        yield* whole(stage)
        // Who comes first has dialled, and the other's attempt is gone.
        const [winner, loser] = first === "me" ? [me, peer] : [peer, me]
        assert.deepStrictEqual(winner.ledger.entries[0], entry("established", { connect: [1, 1, 0, 1] }))
        assert.deepStrictEqual(
          loser.ledger.entries[0],
          entry("established", { connect: [1, 1, 0, 0], accept: [0, 0, 0, 1] })
        )
      })
    )
    it.effect(`M2 ConnectionRaceReuseBannerTest: an attempt held at its banner is overtaken; ${said(first)}`, () =>
      Effect.gen(function* () {
        const stage = yield* Stage.make({
          ...peers,
          first,
          // The first banner is that of the socket that I accept.
          breakpoints: [block("Banner W", 2)],
          peerBreakpoints: [block("ClientIdent W")]
        })
        const { me, peer } = stage
        yield* stage.talk
        yield* peer.connect
        yield* stage.peerHeld
        yield* me.connect
        yield* stage.held
        yield* peer.breakpoints.release
        if (first === "peer") yield* stage.established
        else yield* stage.putOff
        yield* me.breakpoints.release
        yield* stage.established
        yield* whole(stage)
        assert.deepStrictEqual(
          me.ledger.entries[1],
          first === "me"
            ? entry("established", { connect: [1, 1, 0, 1] })
            : // Open once, never lost, never dialled again.
              entry("established", { connect: [1, 0, 0, 0], accept: [0, 0, 0, 1] })
        )
      })
    )
    it.effect(`M6 ReconnectRaceTest: both held before RECONNECT return once; ${said(first)}`, () =>
      Effect.gen(function* () {
        const stage = yield* Stage.make({
          ...peers,
          first,
          breakpoints: [fault("Message R", 2), block("Reconnect W")],
          peerBreakpoints: [block("Reconnect W")]
        })
        const { me, peer } = stage
        yield* stage.talk
        yield* me.connect
        yield* stage.established
        yield* peer.send
        yield* stage.peerHeld
        yield* me.send
        yield* stage.held
        yield* me.breakpoints.release
        yield* peer.breakpoints.release
        yield* stage.established
        yield* whole(stage)
        const [winner, loser] = first === "me" ? [me, peer] : [peer, me]
        const [mine, theirs] = [winner.ledger.entries[0], loser.ledger.entries[0]]
        assert.include([1, 2], mine?.connect[2])
        assert.strictEqual(theirs?.connect[2], 1)
        assert.strictEqual(theirs?.accept[3], loser === me ? 1 : 2)
      })
    )
  }
})

describe("A fault", () => {
  it.effect("M3 MissingServerIdenTest: before SERVER_IDENT, a lossy client tries again; one message each", () =>
    Effect.gen(function* () {
      const stage = yield* Stage.make({
        me: Policy.lossyClient,
        peer: Policy.statefulServer,
        peerBreakpoints: [fault("ServerIdent W")]
      })
      const { me, peer } = stage
      yield* stage.talk
      yield* me.connect
      yield* stage.established
      yield* whole(stage)
      assert.deepStrictEqual(me.ledger.entries, [entry("established", { connect: [2, 2, 0, 1] })])
      assert.deepStrictEqual(peer.ledger.entries, [
        entry("established", { accept: [1, 1, 0, 2] }),
        entry("replaced", { accept: [1, 1, 0, 0] })
      ])
    })
  )
  for (const first of orders) {
    it.effect(`M4 MissingServerIdenTest2: before SERVER_IDENT, the peer that was dialled dials; ${said(first)}`, () =>
      Effect.gen(function* () {
        const stage = yield* Stage.make({ ...peers, first, peerBreakpoints: [fault("ServerIdent W")] })
        const { me, peer } = stage
        yield* peer.send
        yield* me.connect
        yield* stage.established
        yield* whole(stage)
        // The peer's session is news to me: RECONNECT is answered by a reset, and CLIENT_IDENT comes.
        assert.deepStrictEqual(me.ledger.entries, [
          entry("established", { connect: [1, 1, 0, 0], accept: [0, 0, 0, 1] }),
          entry("replaced", { accept: [1, 1, 1, 0] })
        ])
        assert.deepStrictEqual(peer.ledger.entries, [
          entry("established", { connect: [1, 1, 1, 1], accept: [1, 1, 0, 1] })
        ])
      })
    )
  }
  it.effect("M5 ReconnectTest: while a message is taken, costs one RECONNECT and one RECONNECT_OK", () =>
    Effect.gen(function* () {
      const stage = yield* Stage.make({
        me: Policy.losslessPeer,
        peer: Policy.statefulServer,
        breakpoints: [fault("Message R", 2)]
      })
      const { me, peer } = stage
      yield* stage.talk
      yield* me.connect
      yield* stage.established
      yield* stage.talk
      yield* stage.established
      yield* me.send
      yield* stage.established
      yield* whole(stage)
      assert.deepStrictEqual(me.ledger.entries, [entry("established", { connect: [2, 1, 1, 2] })])
      assert.deepStrictEqual(peer.ledger.entries, [
        entry("established", { accept: [1, 1, 0, 2] }),
        entry("replaced", { accept: [1, 0, 1, 0] })
      ])
    })
  )
})

const impatient = { idleTimeout: Duration.seconds(1), handshakeTimeout: Duration.seconds(1) }
const stateless = { serverPolicies: { otherwise: Policy.statelessServer } }
const stateful = { serverPolicies: { otherwise: Policy.statefulServer } }
const lossy: Node.Options & { readonly policy: Policy.Policy } = { policy: Policy.lossyClient }

/** Says `tid` and waits until it is said again. */
const ping = (connection: Connection.Connection, tid: number) =>
  Effect.gen(function* () {
    yield* connection.send(message(tid, 10))
    assert.deepStrictEqual(yield* hear(connection, 1), digests([message(tid, 10)]))
  })

for (const [name, transport] of Object.entries(transports)) {
  describe(`Over ${name}, a messenger`, () => {
    it.effect("M7 SimpleTest: is answered, moves, is left, dies, and talks to itself", () =>
      Effect.gen(function* () {
        const server = yield* Node.make(stateless)
        const client = yield* Node.make()
        const first = yield* Scope.fork(yield* Effect.scope)
        const before = yield* Scope.provide(server.serve(anywhere, Node.echo), first)
        yield* ping(yield* client.connect(before, lossy), 1)
        // It rebinds.
        yield* Scope.close(first, Exit.void)
        const second = yield* Scope.fork(yield* Effect.scope)
        const after = yield* Scope.provide(server.serve(anywhere, Node.echo), second)
        assert.notStrictEqual(EntityAddr.format(after), EntityAddr.format(before))
        assert.match((yield* Effect.flip(client.connect(before, lossy))).message, /refused/)
        const connection = yield* client.connect(after, lossy)
        yield* ping(connection, 2)
        // The owner closes it.
        yield* connection.close
        yield* connection.closed
        assert.match((yield* Effect.flip(connection.send(message(3)))).message, /this end has closed/)
        // It dies.
        const orphan = yield* client.connect(after, lossy)
        yield* Scope.close(second, Exit.void)
        assert.match(sin(yield* Effect.flip(orphan.closed)), /^TransportError (EndOfStream|Reset) in Ready$/)
        yield* Effect.flip(orphan.send(message(4)))
        // It talks to itself.
        const own = yield* client.serve(anywhere, Node.echo)
        yield* ping(yield* client.connect(own, lossy), 5)
      }).pipe(Effect.provide(transport))
    )
    it.effect("M8 SimpleMsgr2Test: is known by all its addresses, and dialled at the one of msgr2", () =>
      Effect.gen(function* () {
        const server = yield* Node.make(stateful)
        const address = yield* server.serve(anywhere, Node.echo)
        const client = yield* Node.make()
        const old = { ...addr("127.0.0.1", 6789), type: EntityAddr.AddrType.Legacy }
        const dial = client.connect(address, { policy: Policy.losslessClient, addrs: [old, address] })
        const connection = yield* dial
        yield* ping(connection, 1)
        assert.strictEqual((yield* dial).id, connection.id)
        assert.isTrue(EntityAddr.equals(EntityAddr.msgr2Of([old, address]), address))
      }).pipe(Effect.provide(transport))
    )
    it.effect("M16 MessageTest: brings a front and a data of 30 x 1024 x 26 bytes back as they were", () =>
      Effect.gen(function* () {
        const server = yield* Node.make(stateful)
        const address = yield* server.serve(anywhere, Node.echo)
        const client = yield* Node.make()
        const connection = yield* client.connect(address, { policy: Policy.losslessPeer })
        const size = 30 * 1024 * 26
        const said = [message(1, size), message(2, 0, 0, size), message(3, size, 10, size)]
        yield* Effect.forkScoped(connection.sendAll(said))
        assert.deepStrictEqual(yield* hear(connection, 3), digests(said))
      }).pipe(Effect.provide(transport))
    )
  })
}

describe("A session with oneself", () => {
  const kinds = {
    "a lossless peer": [Policy.losslessPeer, Policy.losslessPeer],
    "a lossless peer that checks": [Policy.losslessPeerReuse, Policy.losslessPeerReuse],
    "a lossless client": [Policy.losslessClient, Policy.statefulServer]
  } as const
  for (const [kind, [policy, otherwise]] of Object.entries(kinds)) {
    // Four messages go each way: the third is of the half that has dialled, the seventh of the other.
    for (const cut of (["Message W", "Message R"] as const).flatMap((point) => [fault(point, 3), fault(point, 7)])) {
      it.effect(`M7 of ${kind} is one session, has two halves, and survives a ${describeBreakpoint(cut)}`, () => {
        const breakpoints = new Breakpoints([cut])
        return Effect.gen(function* () {
          const node = yield* Node.make({ serverPolicies: { otherwise } })
          const own = yield* node.serve(anywhere)
          const connection = yield* node.connect(own, { policy })
          const halves = [connection, yield* Queue.take(node.accepted)]
          const heard = yield* Effect.forEach(halves, ({ messages }) =>
            Effect.forkScoped(Stream.runCollect(Stream.take(messages, 4)))
          )
          // The dialling half has nothing more to say when the other one has.
          for (const { send } of halves) {
            for (let tid = 1; tid <= 4; tid++) {
              yield* send(message(tid))
              yield* moment
            }
          }
          yield* until(
            () => "all heard",
            () => heard.every((each) => each.pollUnsafe() !== undefined)
          )
          for (const all of yield* Fiber.joinAll(heard)) {
            assert.deepStrictEqual(digests(all), digests([1, 2, 3, 4].map((tid) => message(tid))))
          }
          assert.strictEqual((yield* node.connect(own, { policy })).id, connection.id)
          yield* calm
          for (const { stats } of halves) {
            const { opened, resumed } = yield* stats
            assert.deepStrictEqual({ opened, resumed }, { opened: 2, resumed: 1 })
          }
          assert.deepStrictEqual(breakpoints.missed, [])
        }).pipe(Effect.provide(breakpoints.layer(memory)))
      })
    }
  }
})

describe("Two ends", () => {
  it.effect("M9 FeatureTest: do not meet while the client lacks a feature, and meet when it has it", () =>
    Effect.gen(function* () {
      const [few, one] = [Features.pacific & 0xfffn, 1n << 13n]
      const required = few | Features.required | one
      const server = yield* Node.make({
        features: required,
        serverPolicies: { otherwise: Policy.requiring(Policy.statelessServer, required) }
      })
      const address = yield* server.serve(anywhere, Node.echo)
      const lacking = yield* Node.make({ features: required & ~one })
      const error = yield* Effect.flip(lacking.connect(address, { ...lossy, retries: Number.POSITIVE_INFINITY }))
      assert.strictEqual(sin(error), "ProtocolError MissingFeatures in SessionConnecting")
      const having = yield* Node.make({ features: required | (1n << 14n) })
      const connection = yield* having.connect(address, lossy)
      yield* ping(connection, 1)
      assert.strictEqual(connection.peer.features, required)
    }).pipe(Effect.provide(memory))
  )
  it.effect("M10 TimeoutTest: part when nothing passes for longer than the time that is set", () =>
    Effect.gen(function* () {
      const server = yield* Node.make(stateless)
      const address = yield* server.serve(anywhere, Node.echo)
      const client = yield* Node.make({ ...impatient })
      const connection = yield* client.connect(address, lossy)
      yield* ping(connection, 1)
      yield* TestClock.adjust("2500 millis")
      assert.strictEqual(sin(yield* Effect.flip(connection.closed)), "ProtocolError IdleTimeout in Ready")
    }).pipe(Effect.provide(memory))
  )
  it.effect("M11 StatefulTest: the server keeps the state, and each hears of a reset by the other", () =>
    Effect.gen(function* () {
      const server = yield* Node.make(stateful)
      const address = yield* server.serve(anywhere)
      // A client that listens is known again when it comes back.
      const client = yield* Node.make()
      yield* client.serve(addr("127.0.0.1", 6801, 2))
      const dial = client.connect(address, { policy: Policy.losslessClient })
      const first = yield* dial
      const kept = yield* Queue.take(server.accepted)
      const told = yield* chronicle(kept)
      yield* first.send(message(1))
      assert.deepStrictEqual(yield* hear(kept, 1), digests([message(1)]))
      yield* first.close
      yield* moment
      assert.deepStrictEqual(told, ["Disconnected"])
      // It comes back as a new one: the server's session is the old one, and is told.
      const second = yield* dial
      const heard = yield* chronicle(second)
      yield* moment
      assert.deepStrictEqual(told, ["Disconnected", "Reset", "Connected"])
      assert.strictEqual(yield* Queue.size(server.accepted), 0)
      yield* second.send(message(2))
      assert.deepStrictEqual(yield* hear(kept, 1), digests([message(2)]))
      // The server forgets: the client is told, and is back.
      yield* kept.close
      yield* until(
        () => `heard ${heard.join(" ")}`,
        () => heard.length >= 3
      )
      assert.deepStrictEqual(heard, ["Disconnected", "Reset", "Connected"])
      const renewed = yield* Queue.take(server.accepted)
      yield* second.send(message(3))
      assert.deepStrictEqual(yield* hear(renewed, 1), digests([message(3)]))
    }).pipe(Effect.provide(memory))
  )
  it.effect("M12 StatelessTest: the server forgets with the connection, and so does a lossy client", () =>
    Effect.gen(function* () {
      const server = yield* Node.make(stateless)
      const address = yield* server.serve(anywhere)
      const client = yield* Node.make()
      const first = yield* client.connect(address, lossy)
      const atFirst = yield* Queue.take(server.accepted)
      yield* first.close
      assert.match(sin(yield* Effect.flip(atFirst.closed)), /^TransportError EndOfStream/)
      const second = yield* client.connect(address, lossy)
      const atSecond = yield* Queue.take(server.accepted)
      assert.notStrictEqual(atSecond.id, atFirst.id)
      yield* atSecond.close
      yield* Effect.flip(second.keepalive)
      yield* Effect.flip(second.closed)
      const third = yield* client.connect(address, lossy)
      yield* third.send(message(1))
      assert.deepStrictEqual(yield* hear(yield* Queue.take(server.accepted), 1), digests([message(1)]))
    }).pipe(Effect.provide(memory))
  )
  it.effect("M13 AnonTest: two connections of one client are two, and one outlives the other", () =>
    Effect.gen(function* () {
      const server = yield* Node.make(stateless)
      const address = yield* server.serve(anywhere, Node.echo)
      const client = yield* Node.make()
      const [a, b] = [yield* client.connect(address, lossy), yield* client.connect(address, lossy)]
      assert.notStrictEqual(a.id, b.id)
      for (const tid of [1, 2]) for (const each of [a, b]) yield* ping(each, tid)
      yield* a.close
      yield* ping(b, 3)
      yield* b.close
      yield* b.closed
    }).pipe(Effect.provide(memory))
  )
  it.effect(
    "M14 ClientStandbyTest: a client stands by until it has something to say, and then hears of the reset",
    () =>
      Effect.gen(function* () {
        const server = yield* Node.make(stateful)
        const address = yield* server.serve(anywhere)
        const client = yield* Node.make()
        const connection = yield* client.connect(address, { policy: Policy.losslessPeer })
        const heard = yield* chronicle(connection)
        const forgetful = yield* Queue.take(server.accepted)
        yield* forgetful.close
        yield* calm
        assert.deepStrictEqual(heard, ["Disconnected"])
        // What wakes it goes with the session that is forgotten.
        assert.strictEqual(yield* connection.deliver(message(1)), "NotSent")
        yield* moment
        assert.deepStrictEqual(heard, ["Disconnected", "Reset", "Connected"])
        yield* connection.send(message(2))
        assert.deepStrictEqual(yield* hear(yield* Queue.take(server.accepted), 1), digests([message(2)]))
      }).pipe(Effect.provide(memory))
  )
  const { None, CephX } = AuthMethod.AuthMethod
  it.effect("M15 AuthTest: meet with keys, without, and where one side leaves the choice to the other", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const key = keyServer.keyring.get(EntityName.format(admin))?.key
      assert.isDefined(key)
      const servers = {
        cephx: AuthServer.AuthServer.layerCephx({ keyServer }),
        none: AuthServer.AuthServer.layerNone(),
        either: AuthServer.AuthServer.layerEither({ keyServer })
      }
      const clients = {
        cephx: AuthClient.AuthClient.layer({ name: admin, key, methods: [CephX], modes: [Crc] }),
        none: AuthClient.AuthClient.layer({ name: admin, methods: [None], modes: [Crc] }),
        either: AuthClient.AuthClient.layer({ name: admin, key, methods: [CephX, None], modes: [Crc] })
      }
      const met: Array<string> = []
      for (const [serving, serverAuth] of Object.entries(servers)) {
        const world = yield* open({ serverAuth })
        for (const [dialling, clientAuth] of Object.entries(clients)) {
          const { connect } = yield* Effect.map(dialler({ clientAuth }), (dial) => ({ connect: dial(world.address) }))
          const exit = yield* Effect.exit(connect)
          if (Exit.isSuccess(exit)) met.push(`${serving} ${dialling}`)
        }
      }
      assert.deepStrictEqual(met, [
        "cephx cephx",
        "cephx either",
        "none none",
        "none either",
        "either cephx",
        "either none",
        "either either"
      ])
    }).pipe(Effect.provide(memory))
  )
})
