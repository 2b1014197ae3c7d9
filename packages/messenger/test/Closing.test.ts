import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Queue, Scope, Stream } from "effect"
import type { Connection } from "../src/index.ts"
import { digest, digests, message, receive } from "./support/messages.ts"
import { bringClient, stubborn } from "./support/raw.ts"
import { Tap } from "./support/tap.ts"
import { dialler, meet, memory, open, protections, sin, still, tcp, transports, turn } from "./support/world.ts"

const KiB = 1024
const MiB = 1024 * KiB

/** Everything that comes until the end, and the end. */
const everything = Effect.fnUntraced(function* (connection: Connection.Connection) {
  const heard: Array<string> = []
  const exit = yield* Effect.exit(
    Stream.runForEach(connection.messages, (each) => Effect.sync(() => heard.push(digest(each))))
  )
  return { heard, exit }
})

const endsWith = (exit: Exit.Exit<void, unknown>, expected: string) => {
  assert.isTrue(Exit.isFailure(exit))
  assert.strictEqual(sin(Effect.runSync(Effect.flip(exit)) as Parameters<typeof sin>[0]), expected)
}

for (const [name, transport] of Object.entries(transports)) {
  for (const [protection, options] of Object.entries(protections)) {
    describe(`Over ${name}, with ${protection},`, () => {
      it.effect("a client whose scope closes leaves nothing behind, and everything it sent arrives", () => {
        const tap = new Tap()
        return Effect.gen(function* () {
          const world = yield* open(options)
          const said = [message(1, 41), message(2, 0, 0, 8 * MiB), message(3, 1, 2, 3)]
          const scope = yield* Scope.make()
          const client = yield* Scope.provide(world.connect, scope)
          const server = yield* Queue.take(world.accepted)
          const listening = yield* Effect.forkScoped(everything(server))
          assert.strictEqual(tap.open, 2)
          yield* client.sendAll(said)
          yield* Scope.close(scope, Exit.void)
          yield* client.closed
          const { exit, heard } = yield* Fiber.join(listening)
          assert.deepStrictEqual(heard, digests(said))
          endsWith(exit, "TransportError EndOfStream in Ready")
          while (tap.open > 0) yield* turn
        }).pipe(Effect.provide(tap.layer(transport)))
      })

      it.effect("what a handler says before it ends is heard, however soon that is", () => {
        const tap = new Tap()
        const said = [message(1), message(2, 0, 0, 300 * KiB), message(3, 5)]
        return Effect.gen(function* () {
          const world = yield* open({ ...options, handler: (connection) => connection.sendAll(said) })
          for (let i = 0; i < 10; i++) {
            const { exit, heard } = yield* Effect.scoped(Effect.flatMap(world.connect, everything))
            assert.deepStrictEqual(heard, digests(said))
            endsWith(exit, "TransportError EndOfStream in Ready")
          }
          while (tap.open > 0) yield* turn
          assert.strictEqual(tap.everOpen, 20)
        }).pipe(Effect.provide(tap.layer(transport)))
      })
    })
  }

  describe(`Over ${name}, a connection that its owner closes`, () => {
    it.effect("still gives what has arrived, then ends without an error, and sends no more", () =>
      Effect.gen(function* () {
        const { client, server, world } = yield* meet()
        yield* server.sendAll([message(1), message(2)])
        while ((yield* client.stats).messagesIn < 2) yield* turn
        yield* client.send(message(3))
        yield* client.close
        yield* client.close
        const { exit, heard } = yield* everything(client)
        assert.deepStrictEqual(heard, digests([message(1), message(2)]))
        assert.isTrue(Exit.isSuccess(exit))
        yield* client.closed
        yield* client.drained
        for (const refused of [
          client.send(message(4)),
          client.sendAll([message(5)]),
          Effect.asVoid(client.keepalive)
        ]) {
          assert.strictEqual(sin(yield* Effect.flip(refused)), "TransportError Closed in Closed")
        }
        assert.deepStrictEqual(digests(yield* receive(server, 1)), digests([message(3)]))
        assert.strictEqual(sin(yield* Effect.flip(server.closed)), "TransportError EndOfStream in Ready")
        assert.strictEqual(sin(yield* Queue.take(world.ended)), "TransportError EndOfStream in Ready")
        assert.strictEqual((yield* client.stats).messagesOut, 1)
      }).pipe(Effect.provide(transport))
    )
  })
}

describe("A peer that goes on talking after the goodbye", () => {
  it.effect("is not listened to, and costs no memory", () =>
    Effect.gen(function* () {
      let taken = 0
      const chunk = new Uint8Array(MiB)
      const address = yield* stubborn("Ready", (socket) => {
        const more = () => socket.write(chunk, (error) => error ?? (taken++, more()))
        socket.on("end", more)
      })
      const client = yield* (yield* dialler())(address)
      yield* client.close
      // What the kernel and one buffer of ours hold, and no more.
      assert.isBelow(yield* still(() => taken), 40)
      assert.isBelow((yield* client.stats).bytesIn, MiB)
    }).pipe(Effect.provide(tcp))
  )
})

describe("A peer that neither reads nor closes", () => {
  it.effect("does not keep a scope from closing for long", () =>
    Effect.gen(function* () {
      const dialling = yield* Scope.make()
      const { ready } = yield* bringClient("Ready", { dialling })
      const client = yield* ready
      yield* client.send(message(1, 0, 0, 32 * MiB))
      for (let i = 0; i < 100; i++) yield* turn
      const began = performance.now()
      yield* Scope.close(dialling, Exit.void)
      const took = performance.now() - began
      assert.isAbove(took, 900)
      assert.isBelow(took, 3000)
    }).pipe(Effect.provide(tcp))
  )
})

describe("A connect that fails", () => {
  for (const [name, transport] of Object.entries(transports)) {
    it.effect(`leaves nothing behind while the scope around it stays open, over ${name}`, () => {
      const tap = new Tap()
      return Effect.gen(function* () {
        const world = yield* open({ connecting: { peerType: 99 } })
        for (let i = 0; i < 5; i++) {
          assert.strictEqual(sin(yield* Effect.flip(world.connect)), "ProtocolError WrongPeerType in HelloConnecting")
        }
        while (tap.open > 0) yield* turn
        assert.strictEqual(tap.everOpen, 10)
      }).pipe(Effect.provide(tap.layer(transport)))
    })
  }
})

describe("A scope that closes over what was never read", () => {
  it.effect("does not wait for it to be taken", () =>
    Effect.gen(function* () {
      const world = yield* open({
        handler: (connection) => Effect.forever(connection.send(message(1, 0, 0, 256 * KiB)))
      })
      const scope = yield* Scope.make()
      const client = yield* Scope.provide(world.connect, scope)
      while ((yield* client.stats).bytesIn < MiB) yield* turn
      for (let i = 0; i < 100; i++) yield* turn
      const began = performance.now()
      yield* Scope.close(scope, Exit.void)
      assert.isBelow(performance.now() - began, 800)
      yield* Queue.take(world.ended)
    }).pipe(Effect.provide(tcp))
  )
})

describe("A connection whose peer has gone", () => {
  it.effect("fails whatever waits for it with the same error", () =>
    Effect.gen(function* () {
      const { client, server } = yield* meet()
      const waiting = yield* Effect.forEach(
        [Stream.runDrain(client.messages), client.closed, Effect.asVoid(Effect.forever(client.keepalive))],
        (each) => Effect.forkScoped(Effect.flip(each))
      )
      yield* server.close
      const errors = yield* Effect.forEach(waiting, Fiber.join)
      assert.strictEqual(new Set(errors).size, 1)
      assert.strictEqual(sin(yield* Effect.flip(client.send(message(1)))), "TransportError EndOfStream in Ready")
    }).pipe(Effect.provide(memory))
  )
})

describe("A connection that is closed while messages wait for room in the socket", () => {
  for (const [name, transport] of Object.entries(transports)) {
    it.effect(`still sends them, over ${name}`, () =>
      Effect.gen(function* () {
        const { client, server } = yield* meet()
        const said = Array.from({ length: 14 }, (_, i) => message(i, 0, 0, 16 * KiB))
        yield* client.sendAll(said)
        yield* client.close
        assert.deepStrictEqual((yield* everything(server)).heard, digests(said))
      }).pipe(Effect.provide(transport))
    )
  }
})
