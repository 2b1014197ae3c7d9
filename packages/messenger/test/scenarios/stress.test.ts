/**
 * Many messengers, and random things that they do: connect, ask, close, while sockets die and bytes are late.
 *
 * Answers come in the order of the questions of a connection, with the same payload, and in the end all have come that
 * were asked in a session that can last: within five minutes of the clock that the messengers see.
 *
 * `MSGR2_STRESS=10` does ten times as much, at least as many operations as Ceph's suite, and `MSGR2_SEED=7` does it in
 * another order.
 *
 * **Source** Ceph `src/test/msgr/test_msgr.cc`
 */
import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@msgr2/session"
import { Effect } from "effect"
import { CONNECTIONS, Crowd, IN_FLIGHT, type Options } from "./support/crowd.ts"
import { dice } from "./support/storm.ts"

const SCALE = Number(process.env["MSGR2_STRESS"] ?? "1")
const SEED = Number(process.env["MSGR2_SEED"] ?? "1")

interface Workload extends Omit<Options, "seed" | "longest"> {
  readonly name: string
  /** Connections to begin with. */
  readonly begin: number
  readonly steps: number
  /** From which of 100 on a step connects, or closes. From 10 on it asks, and below it only waits. */
  readonly connects: number
  readonly closes: number
}

const many = { connects: 90, closes: 80, begin: 100 }

const workloads: ReadonlyArray<Workload> = [
  {
    ...many,
    name: "M17 SyntheticStressTest: clients of stateful servers",
    servers: 8,
    clients: 32,
    server: Policy.statefulServer,
    client: Policy.losslessClient,
    steps: 500
  },
  {
    name: "M18 SyntheticStressTest1: peers that check, coming and going",
    servers: 16,
    clients: 32,
    server: Policy.losslessPeerReuse,
    client: Policy.losslessPeerReuse,
    begin: 10,
    steps: 1000,
    connects: 80,
    closes: 60
  },
  {
    ...many,
    name: "M19 SyntheticInjectTest: clients of stateful servers in a storm, slow to take what comes",
    servers: 8,
    clients: 32,
    server: Policy.statefulServer,
    client: Policy.losslessClient,
    steps: 300,
    failure: 1 / 30,
    delay: 100,
    receiveBuffer: 16 * 1024
  },
  {
    ...many,
    name: "M20 SyntheticInjectTest2: peers that check, in a storm",
    servers: 8,
    clients: 16,
    server: Policy.losslessPeerReuse,
    client: Policy.losslessPeerReuse,
    steps: 300,
    failure: 1 / 30,
    delay: 100
  },
  {
    ...many,
    name: "M21 SyntheticInjectTest3: lossy clients in a light wind",
    servers: 8,
    clients: 16,
    server: Policy.statelessServer,
    client: Policy.lossyClient,
    steps: 300,
    failure: 1 / 600,
    delay: 100
  },
  {
    ...many,
    name: "M22 SyntheticInjectTest4: peers in a storm, all of whose bytes are late by up to 5 s",
    servers: 16,
    clients: 32,
    server: Policy.losslessPeer,
    client: Policy.losslessPeer,
    steps: 300,
    connects: 95,
    // None is closed, as in Ceph: without resetCheck, nothing tells a peer's new session from its old one.
    closes: 95,
    failure: 1 / 30,
    delay: 5000
  }
]

describe("Random operations", () => {
  for (const { begin, closes, connects, name, steps, ...options } of workloads) {
    const test = () =>
      Effect.gen(function* () {
        const crowd = yield* Crowd.make({ ...options, seed: SEED, longest: 16 * 1024 * SCALE })
        for (let i = 0; i < begin; i++) yield* crowd.connect
        const roll = dice(SEED + 1)
        for (let i = 0; i < steps * SCALE; i++) {
          const value = Math.floor(roll() * 100)
          if (value > connects) yield* crowd.connect
          else if (value > closes) yield* crowd.close
          else if (value > 10) yield* crowd.send
          yield* crowd.pass
        }
        yield* crowd.finish
        assert.deepStrictEqual(crowd.wrong, [])
        assert.strictEqual(crowd.inFlight, 0)
        assert.isAbove(crowd.answers, steps / 10)
        assert.isAtMost(crowd.mostInFlight, IN_FLIGHT)
        assert.isAtMost(crowd.mostLines, CONNECTIONS)
        assert.strictEqual(crowd.gaps, 0)
        assert.strictEqual(crowd.resets, 0)
        if ((options.failure ?? 0) > 1 / 100) assert.isAbove(crowd.storm.deaths, 0)
        if (!options.client.lossy) assert.strictEqual(crowd.lost, 0)
      })
    it.effect(name, test, 30_000 * SCALE)
  }
})
