import { assert, describe, it, layer } from "@effect/vitest"
import { type Connection, Messenger } from "@msgr2/messenger"
import { Policy } from "@msgr2/session"
import { FaultProxy } from "@msgr2/testing"
import { EntityName } from "@msgr2/wire"
import { Context, Effect, Layer, Queue, Schema, Stream } from "effect"
import { cluster } from "../clusters.ts"
import * as clusters from "./clusters.ts"
import * as credentials from "./credentials.ts"
import * as Faulty from "./Faulty.ts"
import * as peers from "./peers.ts"
import * as Traffic from "./Traffic.ts"

/** What `scripts/test-ceph.sh` says of the cluster it has started; these tests start their own of the same kind. */
const given = (name: string): string => process.env[name] ?? assert.fail(`${name} is not set: run npm run test:ceph`)
const release = given("CEPH_RELEASE")
const auth = Schema.decodeUnknownSync(Schema.Literals(["none", "cephx"]))(given("CEPH_AUTH"))
const mode = Schema.decodeUnknownSync(Schema.Literals(["crc", "secure"]))(given("CEPH_MODE"))
const protection = { auth, mode }
const cell = `Ceph ${release}, ${auth}, ${mode}`

/** One kind of cluster for each release is put through all of it, the others through less. */
const thorough = auth === "cephx" && mode === "secure"
const CUTS = thorough ? 200 : 50
const DEAF = 10

/** **Units** `within` bytes; a slow talk would take minutes for many. */
const cuts = (seed: number, within = 20_000): FaultProxy.Plan => FaultProxy.randomly({ seed, faults: CUTS, within })

/** Behind the handshake: there a silent link is one more attempt that failed. */
const deaf = (seed: number): FaultProxy.Plan => {
  const plan = FaultProxy.randomly({ seed, faults: DEAF, within: 20_000, kinds: ["Deafen"] })
  return (visit) => {
    const fault = plan(visit)
    return fault === undefined ? undefined : { ...fault, after: fault.after + 1000 }
  }
}

const clean = ({ asked }: Traffic.Verdict): Traffic.Verdict => ({
  asked,
  answered: asked,
  lost: [],
  doubled: [],
  damaged: [],
  overtaken: [],
  unasked: []
})

/** True when there were that many faults, wherever they happened. */
const broken = (count: number) =>
  Effect.gen(function* () {
    const proxies = yield* Faulty.Proxies
    return peers.faults(yield* proxies.dialled) + peers.faults(yield* proxies.accepted) >= count
  })

const tell = (what: string, seen: peers.Seen, verdict: Traffic.Verdict) =>
  Effect.gen(function* () {
    const proxies = yield* Faulty.Proxies
    const { accepted, dialled } = { accepted: yield* proxies.accepted, dialled: yield* proxies.dialled }
    yield* Effect.sync(() =>
      console.log(
        `${what}: ${verdict.answered} of ${verdict.asked} answered once, ${peers.faults(dialled)} + ${peers.faults(accepted)} faults on` +
          ` ${dialled.accepted} + ${accepted.accepted} connections dialled + accepted, ${JSON.stringify(seen)}`
      )
    )
  })

class Daemons extends Context.Service<Daemons, clusters.Daemons>()("@msgr2/cli/test/lossless/Daemons") {
  static readonly layer = Layer.effect(Daemons, clusters.daemons({ release, ...protection }))
}

/** Opens a session, breaks its connections so often, and holds every request against its answer. */
const survive = (name: string, pose: peers.Pose, count: number, plans: Faulty.Options) =>
  Effect.gen(function* () {
    const found = yield* Daemons
    return yield* peers.play(pose, found, protection, plans, (play) =>
      Effect.gen(function* () {
        const verdict = yield* peers.exchange(play, (asked) =>
          Effect.map(broken(count), (broken) => broken && asked >= 500)
        )
        yield* tell(name, play.seen, verdict)
        assert.deepStrictEqual(verdict, clean(verdict))
        return play.seen
      })
    )
  })

layer(Daemons.layer, { timeout: 120_000, excludeTestServices: true })(`Peers of ${cell}`, (it) => {
  for (const [name, pose] of Object.entries(peers.poses)) {
    it.effect(
      `${name}: ${CUTS} cuts lose and double nothing`,
      () =>
        Effect.gen(function* () {
          const plans = { dialled: cuts(1), accepted: cuts(2) }
          const seen = yield* survive(name, pose, CUTS, plans)
          const resumptions = pose.listens ? ["ReconnectOk", "RetrySession"] : ["ReconnectOk"]
          for (const frame of resumptions) assert.isAbove(seen[`in ${frame}`] ?? 0, 0, frame)
          if (pose.listens) assert.isAbove(seen["out ReconnectOk"] ?? 0, 0, "the daemon has come back by itself")
        }),
      120_000
    )

    if (!thorough) continue
    it.effect(
      `${name}: links that go deaf lose and double nothing`,
      () =>
        Effect.gen(function* () {
          const plans = { dialled: deaf(3), accepted: deaf(4) }
          const seen = yield* survive(name, pose, DEAF, plans)
          assert.isAtLeast((seen["in ReconnectOk"] ?? 0) + (seen["out ReconnectOk"] ?? 0), DEAF)
        }),
      120_000
    )
  }

  // The last one: the monitor of the others starts again.
  it.effect(
    "mon: one that has forgotten the session says so, and goes on with a new one",
    () =>
      Effect.gen(function* () {
        const found = yield* Daemons
        yield* peers.play(peers.poses.mon, found, protection, {}, (play) =>
          Effect.gen(function* () {
            const some = (asked: number) => Effect.succeed(asked >= 10)
            const before = yield* peers.exchange(play, some)
            for (const act of ["stop", "start"]) yield* cluster(act, "--dir", found.dir, "--name", "mon.a")
            const outcome = yield* play.connection.deliver(play.traffic.request(1))
            assert.notStrictEqual(outcome, "Delivered")
            const after = yield* peers.exchange(play, some)
            for (const verdict of [before, after]) assert.deepStrictEqual(verdict, clean(verdict))
            assert.strictEqual(play.seen["in ResetSession"], 1)
          })
        )
      }),
    60_000
  )
})

/** A monitor of ours in the place of one that has left. */
const colleague = Messenger.Messenger.layer({
  ...peers.patience,
  entityType: EntityName.EntityType.Mon,
  gid: 2n,
  nonce: 0,
  clientPolicy: Policy.losslessPeerReuse,
  serverPolicies: { otherwise: Policy.losslessPeerReuse }
})

describe(`Monitors of ${cell} that dial`, () => {
  it.live(
    `ask and are asked: ${CUTS} cuts lose and double nothing`,
    () => {
      const seen: peers.Seen = {}
      return Effect.gen(function* () {
        const found = yield* clusters.vacancy({ release, ...protection, quorum: true })
        const { serve } = yield* Messenger.Messenger
        const verdicts = yield* Queue.unbounded<Traffic.Verdict>()
        const handler = (connection: Connection.Connection) =>
          peers
            .exchange({ connection, traffic: Traffic.version }, (asked) =>
              Effect.map(broken(CUTS), (broken) => broken && asked >= 500)
            )
            .pipe(
              Effect.flatMap((verdict) => Queue.offer(verdicts, verdict)),
              Effect.andThen(connection.closed)
            )
        yield* serve(found.vacant, handler).pipe(
          Effect.provide(credentials.monitor(found, protection)),
          Effect.provide(credentials.asMonitor(found, protection))
        )
        for (const verdict of [yield* Queue.take(verdicts), yield* Queue.take(verdicts)]) {
          yield* tell("a monitor that dials", seen, verdict)
          assert.deepStrictEqual(verdict, clean(verdict))
        }
        assert.isAbove(seen["out ResetSession"] ?? 0, 0, "they came to go on with the one that has left")
        assert.isAbove(seen["out ReconnectOk"] ?? 0, 0)
      }).pipe(
        peers.watching(seen),
        Effect.provide(colleague.pipe(Layer.provideMerge(Faulty.layer({ dialled: cuts(5), accepted: cuts(6) }))))
      )
    },
    120_000
  )

  it.live(
    `and are never dialled: ${CUTS} cuts lose and double none of their probes`,
    () => {
      const seen: peers.Seen = {}
      return Effect.gen(function* () {
        const found = yield* clusters.vacancy({ release, ...protection, quorum: false })
        const { serve } = yield* Messenger.Messenger
        const numbers = yield* Queue.unbounded<number>()
        // Without a way to show who this end is, it waits to be dialled.
        yield* serve(found.vacant, ({ messages }) =>
          Stream.runForEach(messages, ({ header }) => Queue.offer(numbers, header.seq))
        ).pipe(Effect.provide(credentials.monitor(found, protection)))
        const heard: Array<number> = []
        while (!(yield* broken(CUTS))) heard.push(yield* Queue.take(numbers))
        for (let i = 0; i < 10; i++) heard.push(yield* Queue.take(numbers))
        yield* Effect.sync(() => console.log(`${heard.length} probes, ${CUTS} cuts, ${JSON.stringify(seen)}`))
        assert.deepStrictEqual(
          heard,
          heard.map((_, i) => i + 1)
        )
        assert.isAbove(seen["out ReconnectOk"] ?? 0, CUTS / 10)
        assert.isUndefined(seen["out Reconnect"])
      }).pipe(
        peers.watching(seen),
        Effect.provide(colleague.pipe(Layer.provideMerge(Faulty.layer({ accepted: cuts(7, 4000) }))))
      )
    },
    180_000
  )
})
