import { assert, describe, it } from "@effect/vitest"
import { AuthClient, Keyring } from "@msgr2/auth"
import { Messenger, NodeTransport } from "@msgr2/messenger"
import { ConnectionMode, EntityName } from "@msgr2/wire"
import { Effect, Layer, Result, Stream } from "effect"
import { readFileSync } from "node:fs"
import { MonClient, MonHost } from "../src/index.ts"

const given = (name: string): string => process.env[name] ?? assert.fail(`${name} is not set: run npm run test:ceph`)
const auth = given("CEPH_AUTH")
const mode = given("CEPH_MODE")
const fsid = given("CEPH_FSID")
const name = Result.getOrThrow(EntityName.parse("client.admin"))

const monitors = Result.getOrThrow(MonHost.parse(given("CEPH_MON_HOST"))).flatMap((place) =>
  place._tag === "Addr" ? [place.addr] : []
)
const credentials = () => {
  if (auth === "none") return { name, methods: [1] }
  const keyring = Result.getOrThrow(Keyring.parse(readFileSync(given("CEPH_KEYRING"), "utf8")))
  const modes = Result.getOrThrow(ConnectionMode.parseList(mode))
  return { name, methods: [2], modes, key: Result.getOrThrow(Keyring.find(keyring, name)).key }
}

const client = MonClient.MonClient.layer({ monitors }).pipe(
  Layer.provide(AuthClient.AuthClient.layer(credentials())),
  Layer.provide(Messenger.Messenger.layer().pipe(Layer.provide(NodeTransport.layer)))
)

describe(`Ceph ${given("CEPH_RELEASE")}, ${auth}, ${mode}`, () => {
  it.live(
    "the monitor's map has the cluster's fsid and the address dialled",
    () =>
      Effect.gen(function* () {
        const { monMap, monitor } = yield* MonClient.MonClient
        const map = yield* monMap
        assert.strictEqual(map.fsid, fsid)
        assert.deepInclude(
          map.mons.flatMap(([, { publicAddrs }]) => publicAddrs),
          yield* monitor
        )
      }).pipe(Effect.provide(client)),
    30_000
  )

  it.live(
    "a thousand commands on one session get each its own answer",
    () =>
      Effect.gen(function* () {
        const { command } = yield* MonClient.MonClient
        const replies = yield* Effect.forEach(
          Array.from({ length: 1000 }, (_, i) => i),
          (i) => command({ prefix: i % 2 === 0 ? "fsid" : "mon versions" }),
          { concurrency: 64 }
        )
        for (const [i, { output, result }] of replies.entries()) {
          assert.strictEqual(result, 0)
          assert.include(new TextDecoder().decode(output), i % 2 === 0 ? fsid : "ceph version")
        }
      }).pipe(Effect.provide(client)),
    60_000
  )

  it.live(
    "an answer of many segments' worth arrives whole",
    () =>
      Effect.gen(function* () {
        const { command } = yield* MonClient.MonClient
        const { output } = yield* command({ prefix: "get_command_descriptions" })
        assert.isAbove(output.length, 50_000)
        assert.isObject(JSON.parse(new TextDecoder().decode(output)))
      }).pipe(Effect.provide(client)),
    30_000
  )

  it.live(
    "versions and subscriptions are answered",
    () =>
      Effect.gen(function* () {
        const { subscribe, version } = yield* MonClient.MonClient
        assert.isAtLeast((yield* version("osdmap")).newest, 1)
        const [osdMap] = yield* subscribe("osdmap", [41]).pipe(Stream.take(1), Stream.runCollect)
        assert.strictEqual(osdMap?.type, 41)
      }).pipe(Effect.provide(client)),
    30_000
  )
})
