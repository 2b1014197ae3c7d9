import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { MonClient } from "../src/index.ts"
import { addr, type Behaviour, fsid, network, networkWith, start } from "./support/fakeMon.ts"

const mon = (port: number, rest: Partial<Behaviour> = {}): Behaviour => ({ port, map: [port], asked: [], ...rest })
const client = (ports: ReadonlyArray<number>, options: Partial<MonClient.Options> = {}) =>
  MonClient.MonClient.layer({ monitors: ports.map(addr), rounds: 1, ...options })
const output = ({ output }: MonClient.Reply) => new TextDecoder().decode(output)

describe("MonClient", () => {
  it.effect("a command is answered with its output", () =>
    Effect.gen(function* () {
      yield* start(mon(1))
      const reply = yield* MonClient.MonClient.use(({ command }) => command({ prefix: "status" })).pipe(
        Effect.provide(client([1]))
      )
      assert.deepStrictEqual([reply.result, reply.status, output(reply)], [0, "", "1 status"])
    }).pipe(Effect.provide(network))
  )

  it.effect("a refusal is an answer, not a failure", () =>
    Effect.gen(function* () {
      yield* start(mon(1, { answer: () => ({ result: -22, output: "" }) }))
      const reply = yield* MonClient.MonClient.use(({ command }) => command({ prefix: "nonsense" })).pipe(
        Effect.provide(client([1]))
      )
      assert.deepStrictEqual([reply.result, reply.status], [-22, "no nonsense"])
    }).pipe(Effect.provide(network))
  )

  it.effect("many commands at once get each its own answer", () =>
    Effect.gen(function* () {
      yield* start(mon(1))
      const prefixes = Array.from({ length: 100 }, (_, i) => `command ${i}`)
      const replies = yield* MonClient.MonClient.use(({ command }) =>
        Effect.forEach(prefixes, (prefix) => command({ prefix }), { concurrency: "unbounded" })
      ).pipe(Effect.provide(client([1])))
      assert.deepStrictEqual(
        replies.map(output),
        prefixes.map((prefix) => `1 ${prefix}`)
      )
    }).pipe(Effect.provide(network))
  )

  it.effect("asks connect once, however many come at the same time", () =>
    Effect.gen(function* () {
      const one = mon(1)
      yield* start(one)
      yield* MonClient.MonClient.use(({ command }) =>
        Effect.forEach(["a", "b", "c"], (prefix) => command({ prefix }), { concurrency: "unbounded" })
      ).pipe(Effect.provide(client([1])))
      assert.strictEqual(one.asked.filter((what) => what === "subscribe monmap").length, 1)
    }).pipe(Effect.provide(network))
  )

  it.effect("monitors are tried in turn", () =>
    Effect.gen(function* () {
      yield* start(mon(3))
      const found = yield* MonClient.MonClient.use(({ monitor }) => monitor).pipe(Effect.provide(client([1, 2, 3])))
      assert.deepStrictEqual(found, addr(3))
    }).pipe(Effect.provide(network))
  )

  it.effect("a failure names every monitor that was tried", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        MonClient.MonClient.use(({ monMap }) => monMap).pipe(Effect.provide(client([1, 2])))
      )
      assert.strictEqual(error.reason, "Unreachable")
      assert.deepStrictEqual(
        error.attempts.map(({ error, monitor }) => [
          monitor,
          error._tag === "ConnectionError" ? error.reason.reason : ""
        ]),
        [
          ["v2:10.0.0.1:1/0", "Refused"],
          ["v2:10.0.0.1:2/0", "Refused"]
        ]
      )
    }).pipe(Effect.provide(network))
  )

  it.effect("without a monitor there is nothing to try", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(MonClient.MonClient.use(({ monMap }) => monMap).pipe(Effect.provide(client([]))))
      assert.strictEqual(error.reason, "NoMonitors")
    }).pipe(Effect.provide(network))
  )

  it.effect("a command whose monitor goes away is asked again at the next one", () =>
    Effect.gen(function* () {
      const first = mon(1, { map: [1, 2], answer: () => undefined })
      const second = mon(2, { map: [1, 2] })
      yield* start(first)
      yield* start(second)
      const reply = yield* MonClient.MonClient.use(({ command }) => command({ prefix: "status" })).pipe(
        Effect.provide(client([1]))
      )
      assert.strictEqual(output(reply), "2 status")
      assert.include(first.asked, "status")
    }).pipe(Effect.provide(network))
  )

  it.effect("a monitor that stays silent is left for the next", () =>
    Effect.gen(function* () {
      yield* start(mon(1, { mute: true }))
      yield* start(mon(2))
      const asked = yield* Effect.forkChild(
        MonClient.MonClient.use(({ command }) => command({ prefix: "status" })).pipe(Effect.provide(client([1, 2])))
      )
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(output(yield* Fiber.join(asked)), "2 status")
    }).pipe(Effect.provide(network))
  )

  it.effect("further rounds begin after a pause that grows", () =>
    Effect.gen(function* () {
      const asked = yield* Effect.forkChild(
        MonClient.MonClient.use(({ command }) => command({ prefix: "status" })).pipe(
          Effect.provide(client([1], { rounds: 3 }))
        )
      )
      yield* TestClock.adjust("1 second")
      yield* start(mon(1))
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(output(yield* Fiber.join(asked)), "1 status")
    }).pipe(Effect.provide(network))
  )

  it.effect("an idle session is kept alive by its pings", () =>
    Effect.gen(function* () {
      const one = mon(1)
      yield* start(one)
      yield* Effect.gen(function* () {
        const { command, monitor } = yield* MonClient.MonClient
        yield* monitor
        yield* TestClock.adjust("5 minutes")
        yield* command({ prefix: "status" })
      }).pipe(Effect.provide(client([1])))
      assert.strictEqual(one.asked.filter((what) => what === "subscribe monmap").length, 1)
    }).pipe(Effect.provide(network))
  )

  it.effect("a monitor that no longer answers keepalives is left for another", () => {
    let lost = false
    const link = networkWith({ rechunk: (bytes) => (lost ? [] : [bytes]) })
    return Effect.gen(function* () {
      const one = mon(1)
      yield* start(one)
      yield* Effect.gen(function* () {
        const { command, monitor } = yield* MonClient.MonClient
        yield* monitor
        lost = true
        yield* TestClock.adjust("41 seconds")
        lost = false
        assert.strictEqual(output(yield* command({ prefix: "status" })), "1 status")
      }).pipe(Effect.provide(client([1])))
      assert.strictEqual(one.asked.filter((what) => what === "subscribe monmap").length, 2)
    }).pipe(Effect.provide(link))
  })

  it.effect("the map and versions are the monitor's", () =>
    Effect.gen(function* () {
      yield* start(mon(1, { map: [1, 2, 3] }))
      yield* Effect.gen(function* () {
        const { monMap, version } = yield* MonClient.MonClient
        assert.strictEqual((yield* monMap).fsid, fsid)
        assert.strictEqual((yield* monMap).mons.length, 3)
        assert.deepStrictEqual(yield* version("osdmap"), { newest: 7, oldest: 2 })
      }).pipe(Effect.provide(client([1])))
    }).pipe(Effect.provide(network))
  )

  it.effect("a subscription is asked for again at the next monitor", () =>
    Effect.gen(function* () {
      const first = mon(1, { map: [1, 2], answer: () => undefined })
      const second = mon(2, { map: [1, 2] })
      yield* start(first)
      yield* start(second)
      yield* Effect.gen(function* () {
        const { command, subscribe } = yield* MonClient.MonClient
        const started = yield* Deferred.make<void>()
        const maps = yield* subscribe("monmap", [4]).pipe(
          Stream.tap(() => Deferred.succeed(started, undefined)),
          Stream.take(3),
          Stream.runCollect,
          Effect.forkChild
        )
        yield* Deferred.await(started)
        yield* command({ prefix: "status" })
        assert.strictEqual((yield* Fiber.join(maps)).length, 3)
      }).pipe(Effect.provide(client([1])))
      assert.include(second.asked, "subscribe monmap")
    }).pipe(Effect.provide(network))
  )

  it.effect("closing the client ends its connection", () =>
    Effect.gen(function* () {
      const left = yield* Deferred.make<void>()
      yield* start(mon(1, { onLeave: Effect.asVoid(Deferred.succeed(left, undefined)) }))
      yield* MonClient.MonClient.use(({ command }) => command({ prefix: "status" })).pipe(Effect.provide(client([1])))
      yield* Deferred.await(left)
    }).pipe(Effect.provide(network))
  )
})
