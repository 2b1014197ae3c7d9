import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@msgr2/session"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Connection } from "../src/index.ts"
import { Cutter } from "./support/cuts.ts"
import { digest, digests, message } from "./support/messages.ts"
import { meet, type Options, protections, transports, turn } from "./support/world.ts"

/** A session that can last, between a client and a server that remembers it. */
const lasting: Options = {
  client: { clientPolicy: Policy.losslessClient },
  server: { serverPolicies: { otherwise: Policy.statefulServer } }
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => message(i + 1, i % 7))

/** A while later: attempts that failed are made again. */
const later = Effect.andThen(TestClock.adjust("1 second"), turn)

/** What comes, as it comes. */
const listen = (connection: Connection.Connection) =>
  Effect.gen(function* () {
    const heard: Array<string> = []
    yield* Effect.forkScoped(
      Stream.runForEach(connection.messages, (each) => Effect.sync(() => heard.push(digest(each))))
    )
    return heard
  })

for (const [name, transport] of Object.entries(transports)) {
  for (const [protection, options] of Object.entries(protections)) {
    describe(`Over ${name}, with ${protection}, a session that can last`, () => {
      it.effect("survives twenty cuts in mid-traffic: every message once, in order, both ways", () => {
        const cutter = new Cutter()
        return Effect.gen(function* () {
          const { client, server } = yield* meet({ ...options, ...lasting })
          const [up, down] = [numbered(2000), numbered(2000).toReversed()]
          const [atServer, atClient] = [yield* listen(server), yield* listen(client)]
          for (let i = 0; i < 20; i++) {
            yield* client.sendAll(up.slice(i * 100, (i + 1) * 100))
            yield* server.sendAll(down.slice(i * 100, (i + 1) * 100))
            if (i % 2 === 0) yield* turn
            yield* cutter.cut
            const expected = i % 3 === 0 ? 1 + i / 3 : 0
            while ((yield* client.stats).opened < expected) yield* later
          }
          while (atServer.length < up.length || atClient.length < down.length) {
            yield* later
          }
          assert.deepStrictEqual(atServer, digests(up))
          assert.deepStrictEqual(atClient, digests(down))
          const stats = yield* client.stats
          assert.isAtLeast(stats.resumed, 5)
          assert.strictEqual(stats.resets, 0)
          assert.strictEqual(stats.gaps, 0)
          assert.strictEqual((yield* server.stats).duplicates, 0)
        }).pipe(Effect.provide(cutter.layer(transport)))
      })
    })
  }

  describe(`Over ${name}, a session without a connection`, () => {
    it.effect("takes messages meanwhile, and says when it is back", () => {
      const cutter = new Cutter()
      return Effect.gen(function* () {
        const { client, server } = yield* meet(lasting)
        const events = yield* Effect.forkScoped(Stream.runCollect(Stream.take(client.events, 2)))
        yield* turn
        const heard = yield* listen(server)
        cutter.down = true
        yield* cutter.cut
        yield* client.sendAll(numbered(10))
        const outcome = yield* Effect.forkScoped(client.deliver(message(11)))
        yield* turn
        cutter.down = false
        while (heard.length < 11) {
          yield* later
        }
        assert.deepStrictEqual(heard, digests([...numbered(10), message(11)]))
        assert.strictEqual(yield* Fiber.join(outcome), "Delivered")
        assert.deepStrictEqual(
          (yield* Fiber.join(events)).map(({ _tag }) => _tag),
          ["Disconnected", "Connected"]
        )
      }).pipe(Effect.provide(cutter.layer(transport)))
    })
    it.effect("of a lossy policy is over at once, and what was not acknowledged is unknown", () => {
      const cutter = new Cutter()
      return Effect.gen(function* () {
        const { client } = yield* meet({})
        const outcome = yield* Effect.forkScoped(client.deliver(message(1)))
        yield* turn
        yield* cutter.cut
        assert.strictEqual(yield* Fiber.join(outcome), "Unknown")
        assert.strictEqual((yield* Effect.flip(client.closed)).reason._tag, "TransportError")
      }).pipe(Effect.provide(cutter.layer(transport)))
    })
  })
}
