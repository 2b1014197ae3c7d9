/**
 * What a session promises its owner besides: sharing, priorities, bounds, numbers of its own.
 *
 * Themes of the suites of other implementations that concern sessions, and where they are tested; `session/` is
 * `packages/session/test`, everything else is beside this directory or in it:
 *
 * | theme | where |
 * | --- | --- |
 * | an address that is not the dialled one, or that is another's; the dialled one among several | `session/handshake`, `Refusals`, M8 |
 * | lossy flag: the server's word is adopted; cookie 0 without the flag and the like are taken, as by Ceph | `session/handshake`, `session/Resume`, M3 |
 * | features: required, missing, the mask that is told, asking again on the same connection | `session/handshake`, M9 |
 * | RETRY (the server's and one more), RETRY_GLOBAL, RESET full and partial, WAIT; before there is a session | `session/Resume`, C21 to C26, `resets` |
 * | RECONNECT answered; the same numbers again; nothing twice; header acks; acks beyond all that was sent | C9 to C15, `session/Ready`, `session/Resume`, here |
 * | an ack is not a completion | `Delivery` in `Connection.ts`, `resets` |
 * | bounds of the queue, and giving up waiting for room | here, `Backpressure`, `Interruption` |
 * | lossy sessions never send anything again | C3, C7, `Resume` |
 * | global_seq is unique over many sessions | here |
 * | where cookies come from | `session/Resume`, `session/Reuse` |
 * | attempts and rounds that are bounded; numbers that run out | `session/Fault`, `session/Resume` |
 * | frames out of place, malformed frames before READY | `Hostile`, `session/handshake` |
 * | events that nobody takes | here |
 * | stopping interrupts everybody who waits | `Interruption`, `Closing`, test_preemptive_shutdown |
 * | priorities: order, FIFO within one, a keepalive that bulk does not delay | here, `session/Outbox` |
 * | frames that their sender aborts: signs of life, not dispatched, not acknowledged | `Hostile`, `Timers` |
 * | bytes cut anyhow; a monitor that restarts eight times; load | `Exchange`, `resets`, `stress` |
 *
 * A throttle by rate, which one of them has, is none of a session's business, and `receiveBuffer` is in `Backpressure`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@msgr2/session"
import { Message } from "@msgr2/wire"
import { Effect, Exit, Fiber, Queue, Scope, Stream } from "effect"
import { MemoryTransport, Transport } from "../../src/index.ts"
import { Cutter } from "../support/cuts.ts"
import { digests, hear, message, pattern, receive, TYPE } from "../support/messages.ts"
import { serverWords, Speaker } from "../support/raw.ts"
import { anywhere, memory, Mon } from "../support/world.ts"
import { block, Breakpoints } from "./support/breakpoints.ts"
import { entry, Ledger } from "./support/ledger.ts"
import * as Node from "./support/node.ts"
import { calm, moment, until } from "./support/stage.ts"
import { chronicle, exposed, here, listen, there } from "./support/talk.ts"

const lossless = { policy: Policy.losslessClient }
const stateful = { serverPolicies: { otherwise: Policy.statefulServer } }

describe("Two owners", () => {
  it.effect("who connect to one lossless peer share its session, which closes with the last of them", () =>
    Effect.gen(function* () {
      const server = yield* Node.make(stateful)
      yield* server.serve(here)
      const client = yield* Node.make()
      const scopes = yield* Effect.all([Scope.make(), Scope.make(), Scope.make()])
      const [a, b, c] = scopes
      // Two of them while it is not open yet.
      const [one, two] = yield* Effect.all(
        [a, b].map((scope) => Scope.provide(client.connect(here, lossless), scope)),
        { concurrency: "unbounded" }
      )
      const three = yield* Scope.provide(client.connect(here, lossless), c)
      assert.strictEqual(one?.id, three.id)
      assert.strictEqual(two?.id, three.id)
      const accepted = yield* Queue.take(server.accepted)
      const heard = yield* listen(accepted)
      for (const scope of [a, c]) {
        yield* Scope.close(scope, Exit.void)
        yield* three.send(message(1))
        yield* calm
      }
      assert.lengthOf(heard, 2)
      const events = yield* chronicle(accepted)
      yield* Scope.close(b, Exit.void)
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(three.closed)))
      yield* calm
      assert.deepStrictEqual(events, ["Disconnected"])
      assert.strictEqual(yield* Queue.size(server.accepted), 0)
    }).pipe(Effect.provide(memory))
  )
  it.effect("one who gives up while it is being dialled does not stop the other", () => {
    const breakpoints = new Breakpoints([block("ClientIdent W")])
    return Effect.gen(function* () {
      const server = yield* Node.make(stateful)
      yield* server.serve(here)
      const client = yield* exposed(breakpoints)
      const first = yield* Effect.forkScoped(client.connect(here, lossless))
      const second = yield* Effect.forkScoped(client.connect(here, lossless))
      yield* until(
        () => "held",
        () => breakpoints.held > 0
      )
      yield* Fiber.interrupt(first)
      yield* breakpoints.release
      const connection = yield* Fiber.join(second)
      assert.strictEqual(yield* connection.deliver(message(1)), "Delivered")
    }).pipe(Effect.provide(memory))
  })
  it.effect("the handler of a peer's session and one who connects to that peer share it as well", () =>
    Effect.gen(function* () {
      const peers = { serverPolicies: { otherwise: Policy.losslessPeer } }
      const [me, peer] = [yield* Node.make(peers), yield* Node.make(peers)]
      const leave = yield* Queue.unbounded<void>()
      yield* me.serve(here, (connection) => Effect.andThen(Queue.offer(me.accepted, connection), Queue.take(leave)))
      yield* peer.serve(there)
      const theirs = yield* peer.connect(here, { policy: Policy.losslessPeer })
      const accepted = yield* Queue.take(me.accepted)
      const mine = yield* me.connect(there, { policy: Policy.losslessPeer })
      assert.strictEqual(mine.id, accepted.id)
      yield* Queue.offer(leave, undefined)
      yield* calm
      assert.strictEqual(yield* mine.deliver(message(1)), "Delivered")
      assert.deepStrictEqual(yield* hear(theirs, 1), digests([message(1)]))
      assert.strictEqual(yield* Queue.size(peer.accepted), 0)
    }).pipe(Effect.provide(memory))
  )
})

const urgent = (tid: number, priority: number) =>
  Message.make({ type: TYPE, tid: BigInt(tid), priority, front: pattern(10, tid) })

describe("What waits for a connection", () => {
  it.effect("leaves by strict priority, after what has to be sent again, with the numbers that had", () => {
    const cutter = new Cutter()
    const seen: Array<string> = []
    return Effect.gen(function* () {
      const server = yield* Node.make(stateful)
      yield* server.serve(here)
      const connection = yield* (yield* Node.make()).connect(here, lossless)
      // Written, and lost with the socket.
      yield* Effect.forEach([1, 2], (tid) => connection.send(urgent(tid, 10)))
      cutter.down = true
      yield* cutter.cut
      yield* moment
      yield* Effect.forEach(
        [
          [3, 64],
          [4, 255],
          [5, 127],
          [6, 64],
          [7, 196],
          [8, 255]
        ] as const,
        ([tid, priority]) => connection.send(urgent(tid, priority))
      )
      cutter.down = false
      const heard = yield* Effect.forkScoped(receive(yield* Queue.take(server.accepted), 8))
      yield* until(
        () => "eight",
        () => heard.pollUnsafe() !== undefined
      )
      for (const { header } of yield* Fiber.join(heard)) seen.push(`${header.seq}: ${header.tid}`)
      assert.deepStrictEqual(seen, ["1: 1", "2: 2", "3: 4", "4: 8", "5: 7", "6: 5", "7: 3", "8: 6"])
    }).pipe(Effect.provide(cutter.layer(memory)))
  })
})

describe("A sender to a session that can last", () => {
  const bounds = {
    outboxMessages: { config: { outboxMessages: 10 }, size: 0, fit: 10 },
    outboxBytes: { config: { outboxBytes: 1000 }, size: 100, fit: 10 }
  }
  for (const [name, { config, fit, size }] of Object.entries(bounds)) {
    it.effect(`suspends at ${name} until acks come`, () => {
      const breakpoints = new Breakpoints([block("Ack R")])
      return Effect.gen(function* () {
        const server = yield* Node.make(stateful)
        yield* server.serve(here)
        const connection = yield* (yield* exposed(breakpoints, config)).connect(here, lossless)
        const heard = yield* listen(yield* Queue.take(server.accepted))
        const all = Array.from({ length: 3 * fit }, (_, i) => message(i, size))
        let taken = 0
        const sending = yield* Effect.forkScoped(
          Effect.forEach(all, (each) => Effect.map(connection.send(each), () => taken++))
        )
        yield* calm
        assert.strictEqual(taken, fit)
        assert.deepStrictEqual(heard, digests(all.slice(0, fit)))
        yield* breakpoints.release
        yield* Fiber.join(sending)
        yield* calm
        assert.deepStrictEqual(heard, digests(all))
        assert.deepStrictEqual(breakpoints.missed, [])
      }).pipe(Effect.provide(memory))
    })
  }
  it.effect("suspends at the bound without a connection, may give up, and goes on when there is one", () => {
    const cutter = new Cutter()
    return Effect.gen(function* () {
      const server = yield* Node.make(stateful)
      yield* server.serve(here)
      const client = yield* Node.make({ outboxMessages: 10 })
      const connection = yield* client.connect(here, lossless)
      const heard = yield* listen(yield* Queue.take(server.accepted))
      cutter.down = true
      yield* cutter.cut
      const all = Array.from({ length: 20 }, (_, i) => message(i))
      yield* connection.sendAll(all.slice(0, 10))
      const impatient = yield* Effect.forkScoped(connection.send(message(99)))
      const patient = yield* Effect.forkScoped(connection.sendAll(all.slice(10)))
      yield* calm
      yield* Fiber.interrupt(impatient)
      assert.isUndefined(patient.pollUnsafe())
      cutter.down = false
      yield* until(
        () => `heard ${heard.length}`,
        () => heard.length >= 20
      )
      yield* Fiber.join(patient)
      assert.deepStrictEqual(heard, digests(all))
    }).pipe(Effect.provide(cutter.layer(memory)))
  })
})
describe("A connection that is dropped for what came through it", () => {
  it.effect("is not listened to any more, even to what came in the same breath", () => {
    const ledger = new Ledger()
    return Effect.gen(function* () {
      const client = yield* Node.make({ ledger })
      const transport = yield* Transport.Transport
      const listener = yield* transport.listen(anywhere)
      const dialled = yield* Effect.forkScoped(client.connect(listener.address, { ...lossless, peerType: Mon }))
      const pipe = yield* listener.accept
      const speaker = new Speaker()
      const words = serverWords(listener.address).map(([, word]) =>
        "_tag" in word && word._tag === "ServerIdent" ? { ...word, flags: 0n } : word
      )
      pipe.write([speaker.say(...words)])
      const connection = yield* Fiber.join(dialled)
      // The first frame is out of place, and the session is dialled again at once. So would be all the others then.
      pipe.write([speaker.say({ _tag: "Wait" }, message(1), { _tag: "Wait" }, message(2))])
      yield* moment
      assert.deepStrictEqual(ledger.entries, [entry("BannerConnecting", { connect: [2, 0, 0, 1] })])
      assert.strictEqual((yield* connection.stats).messagesIn, 0)
    }).pipe(Effect.provide(memory))
  })
})

describe("Many sessions of one messenger", () => {
  it.effect("have numbers of their own for every attempt, each above all before it", () => {
    const seen: Array<bigint> = []
    const cutter = new Cutter()
    return Effect.gen(function* () {
      const addresses = yield* Effect.forEach(Array.from({ length: 32 }), () =>
        Effect.flatMap(Node.make(stateful), ({ serve }) => serve(anywhere))
      )
      const client = yield* Node.make({
        observe: ({ direction, frame }) => {
          if (direction === "out" && (frame?._tag === "ClientIdent" || frame?._tag === "Reconnect")) {
            seen.push(frame.globalSeq)
          }
        }
      })
      const connections = yield* Effect.forEach(addresses, (address) => client.connect(address, lossless), {
        concurrency: "unbounded"
      })
      for (let round = 0; round < 3; round++) {
        yield* cutter.cut
        yield* calm
      }
      assert.lengthOf(seen, 4 * connections.length)
      assert.strictEqual(new Set(seen).size, seen.length)
      const rounds = [0, 1, 2, 3].map((round) => seen.slice(round * 32, round * 32 + 32))
      for (const [i, round] of rounds.entries()) {
        const before = rounds[i - 1] ?? [0n]
        assert.isTrue(round.every((seq) => before.every((earlier) => earlier < seq)))
      }
    }).pipe(Effect.provide(cutter.layer(memory)))
  })
})

describe("Events", () => {
  it.effect("that nobody takes are forgotten, oldest first", () => {
    const cutter = new Cutter()
    return Effect.gen(function* () {
      const server = yield* Node.make(stateful)
      yield* server.serve(here)
      const connection = yield* (yield* Node.make()).connect(here, lossless)
      const pull = yield* Stream.toPull(connection.events)
      // Listens from now on, and takes nothing.
      const first = yield* Effect.forkScoped(pull)
      yield* moment
      for (let i = 0; i < 50; i++) {
        yield* cutter.cut
        yield* moment
      }
      yield* Fiber.join(first)
      const rest = yield* pull
      assert.strictEqual((yield* connection.stats).opened, 51)
      assert.isAtMost(rest.length, 64)
      assert.strictEqual(rest.at(-1)?._tag, "Connected")
    }).pipe(Effect.provide(cutter.layer(memory)))
  })
})

describe("A keepalive", () => {
  it.effect("overtakes messages that wait for room in the socket", () => {
    const seen: Array<string> = []
    return Effect.gen(function* () {
      const gate = yield* Queue.unbounded<void>()
      const server = yield* Node.make({
        ...stateful,
        receiveBuffer: 4096,
        observe: ({ direction, frame }) => {
          if (direction === "in" && frame !== undefined) seen.push(frame._tag)
        }
      })
      yield* server.serve(here, (connection) => Effect.andThen(Queue.take(gate), Stream.runDrain(connection.messages)))
      const connection = yield* (yield* Node.make({ sendBuffer: 16 * 1024 * 1024 })).connect(here, lossless)
      const all = Array.from({ length: 100 }, (_, i) => message(i, 10_000))
      yield* connection.sendAll(all)
      yield* moment
      const alive = yield* Effect.forkScoped(connection.keepalive)
      yield* moment
      yield* Queue.offer(gate, undefined)
      yield* Fiber.join(alive)
      yield* calm
      const after = seen.slice(seen.indexOf("Keepalive2")).filter((tag) => tag === "Message")
      assert.isAbove(after.length, 50)
      assert.lengthOf(
        seen.filter((tag) => tag === "Message"),
        100
      )
    }).pipe(Effect.provide(MemoryTransport.layerWith({ window: 64 * 1024 })))
  })
})
