import { assert, describe, it } from "@effect/vitest"
import type { Transport } from "@msgr2/messenger"
import { Cause, Effect, Exit, Fiber, Scope } from "effect"
import { Chance, type Fault, SimNetwork, Simulation, Weather } from "../src/index.ts"

const { simulate } = Simulation

type World = Simulation.Simulation | Scope.Scope

/** Two ends of a link, and the network in between. */
interface Met {
  readonly network: SimNetwork.SimNetwork
  readonly dialler: Transport.Pipe
  readonly listener: Transport.Pipe
  /** Milliseconds since the beginning. */
  readonly now: () => number
}

const meet = Effect.fnUntraced(function* (
  weather: Weather.Weather = Weather.calm,
  faults: ReadonlyArray<Fault.Fault> = []
) {
  const { clock } = yield* Simulation.Simulation
  const network = yield* SimNetwork.SimNetwork.make(weather)
  network.inflict(faults)
  const [a, b] = [network.host("a"), network.host("b")]
  const { accept, address } = yield* a.transport.listen(a.address(6800))
  const accepting = yield* Effect.forkChild(accept)
  const dialler = yield* b.transport.connect(address)
  const met: Met = { network, dialler, listener: yield* Fiber.join(accepting), now: () => clock.now }
  return met
})

const run = <A, E>(seed: number, program: Effect.Effect<A, E, World>): A => {
  const { outcome } = simulate(seed, Effect.scoped(program))
  if (outcome._tag !== "Finished") throw new Error(outcome._tag)
  if (Exit.isFailure(outcome.exit)) throw new Error(Cause.pretty(outcome.exit.cause))
  return outcome.exit.value
}

/** What comes until the end, and the reason that is given for it. */
const readAll = (pipe: Transport.Pipe) =>
  Effect.gen(function* () {
    const chunks: Array<Uint8Array> = []
    for (;;) {
      const read = yield* Effect.result(pipe.read)
      if (read._tag === "Failure") return { bytes: Buffer.concat(chunks), chunks, reason: read.failure.reason }
      chunks.push(...read.success)
    }
  })

const content = new Chance.Chance(0, "content").bytes(20_000)
const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed)
const cut = (byte: number, noticed: Fault.Noticed = [0, 0], direction: Fault.Direction = "up"): Fault.Fault => ({
  _tag: "Cut",
  link: 0,
  times: 1,
  direction,
  byte,
  noticed
})

describe("a simulated network", () => {
  it("brings every byte once and in order, whatever the weather", () => {
    const sizes = new Set<number>()
    for (const seed of seeds(60)) {
      const weather = Weather.draw(new Chance.Chance(seed, "weather"))
      const { bytes, chunks, reason } = run(
        seed,
        Effect.gen(function* () {
          const { dialler, listener } = yield* meet(weather)
          const reading = yield* Effect.forkChild(readAll(listener))
          for (let at = 0; at < content.length; at += 1777) dialler.write([content.subarray(at, at + 1777)])
          dialler.end()
          return yield* Fiber.join(reading)
        })
      )
      assert.isTrue(Buffer.from(content).equals(bytes), `seed ${seed}`)
      assert.strictEqual(reason, "EndOfStream")
      for (const chunk of chunks) sizes.add(chunk.length)
    }
    assert.isAbove(sizes.size, 100, "cut anywhere")
    assert.isTrue(
      [...sizes].some((size) => size > 1777),
      "and joined"
    )
  })

  it("goes on at any time of day, however small its steps are", () => {
    for (const seed of seeds(200)) {
      const read = run(
        seed,
        Effect.gen(function* () {
          yield* Effect.sleep(3000 + seed / 7)
          const { dialler, listener } = yield* meet({ latency: [0.05, 0.0507], cutting: 0, window: 512 })
          const reading = yield* Effect.forkChild(readAll(listener))
          dialler.write([content.subarray(0, 3000)])
          yield* Effect.sleep(1000)
          const backlog = dialler.backlog()
          dialler.end()
          return { backlog, size: (yield* Fiber.join(reading)).bytes.length }
        })
      )
      assert.deepStrictEqual(read, { backlog: 0, size: 3000 }, `seed ${seed}`)
    }
  })

  it("looks at what is written until it says that it is done, and never again", () => {
    for (const seed of seeds(30)) {
      const { before, bytes } = run(
        seed,
        Effect.gen(function* () {
          const { dialler, listener } = yield* meet({ ...Weather.calm, window: 100 })
          const chunk = content.slice(0, 1000)
          const before = Buffer.from(chunk)
          const reading = yield* Effect.forkChild(readAll(listener))
          dialler.write([chunk], () => chunk.fill(0))
          dialler.end()
          return { before, bytes: (yield* Fiber.join(reading)).bytes }
        })
      )
      assert.isTrue(before.equals(bytes), `seed ${seed}`)
    }
  })

  it("takes no more than its window from a writer whose reader is slow", () => {
    run(
      1,
      Effect.gen(function* () {
        const { dialler, listener, now } = yield* meet({ ...Weather.calm, window: 1000 })
        dialler.write([content.subarray(0, 3500)])
        yield* Effect.sleep(1000)
        assert.strictEqual(dialler.backlog(), 2500)
        const drained = yield* Effect.forkChild(Effect.map(dialler.drained, now))
        yield* Effect.sleep(1000)
        const reading = yield* Effect.forkChild(readAll(listener))
        assert.isAtLeast(yield* Fiber.join(drained), 2000)
        assert.strictEqual(dialler.backlog(), 0)
        dialler.end()
        assert.strictEqual((yield* Fiber.join(reading)).bytes.length, 3500)
      })
    )
  })

  it("cuts a link after exactly the byte that it is told", () => {
    for (const byte of [0, 1, 99, 100, 101, 5000, 19_999]) {
      for (const seed of seeds(5)) {
        const { first, second } = run(
          seed,
          Effect.gen(function* () {
            const { dialler, listener } = yield* meet({ ...Weather.calm, cutting: 0.5, window: 512 }, [cut(byte)])
            const reading = yield* Effect.forkChild(readAll(listener))
            const other = yield* Effect.forkChild(readAll(dialler))
            dialler.write([content])
            return { first: yield* Fiber.join(reading), second: yield* Fiber.join(other) }
          })
        )
        assert.deepStrictEqual([first.bytes.length, first.reason], [byte, "Reset"])
        assert.deepStrictEqual([second.bytes.length, second.reason], [0, "Reset"])
      }
    }
  })

  it("lets each end hear of a cut in its own time, and one that only waits never", () => {
    run(
      1,
      Effect.gen(function* () {
        const { dialler, listener, now } = yield* meet(Weather.calm, [cut(10, [500, null])])
        const heard = yield* Effect.forkChild(Effect.map(readAll(dialler), now))
        const unaware = yield* Effect.forkChild(readAll(listener))
        dialler.write([content.subarray(0, 10)])
        assert.closeTo(yield* Fiber.join(heard), 503, 2)
        yield* Effect.sleep("1 day")
        assert.isUndefined(unaware.pollUnsafe())
        // Who asks something gets no answer, and learns it.
        const asked = now()
        listener.write([content.subarray(0, 10)])
        assert.strictEqual((yield* Fiber.join(unaware)).reason, "Reset")
        assert.closeTo(now() - asked, 30_000, 1)
        assert.strictEqual(listener.backlog(), 0)
      })
    )
  })

  it("delays what a stall or a partition holds up, and loses nothing of it", () => {
    const stall = { _tag: "Stall", link: 0, direction: "up", byte: 100, millis: 5000 } as const
    const partition = { _tag: "Partition", at: 2, between: ["a", "b"], millis: 7000 } as const
    for (const [fault, time] of [
      [stall, 5000],
      [partition, 7000]
    ] as const) {
      const { bytes, ended } = run(
        1,
        Effect.gen(function* () {
          const { dialler, listener, now } = yield* meet(Weather.calm, [fault])
          const reading = yield* Effect.forkChild(readAll(listener))
          dialler.write([content])
          dialler.end()
          const { bytes } = yield* Fiber.join(reading)
          return { bytes, ended: now() }
        })
      )
      assert.isTrue(Buffer.from(content).equals(bytes))
      assert.closeTo(ended, time, 10)
    }
  })

  it("lets what was said before a goodbye arrive, and cuts where there was none", () => {
    const reasonsOf = (seed: number, goodbye: boolean) =>
      run(
        seed,
        Effect.gen(function* () {
          const network = yield* SimNetwork.SimNetwork.make({ ...Weather.calm, window: 1000 })
          const [a, b] = [network.host("a"), network.host("b")]
          const { accept, address } = yield* a.transport.listen(a.address(6800))
          const reading = yield* Effect.forkChild(Effect.flatMap(accept, readAll))
          yield* Effect.scoped(
            Effect.map(b.transport.connect(address), (pipe) => {
              pipe.write([content])
              if (goodbye) pipe.end()
            })
          )
          return yield* Fiber.join(reading)
        })
      )
    for (const seed of seeds(20)) {
      const [said, unsaid] = [reasonsOf(seed, true), reasonsOf(seed, false)]
      assert.deepStrictEqual([said.bytes.length, said.reason], [content.length, "EndOfStream"])
      assert.strictEqual(unsaid.reason, "Reset")
      assert.isBelow(unsaid.bytes.length, content.length)
      assert.isTrue(Buffer.from(content.subarray(0, unsaid.bytes.length)).equals(unsaid.bytes))
    }
  })

  it("refuses links where nobody listens, for as long as it is told to, and after a crash", () => {
    run(
      1,
      Effect.gen(function* () {
        const network = yield* SimNetwork.SimNetwork.make(Weather.calm)
        const [a, b] = [network.host("a"), network.host("b")]
        const dial = Effect.scoped(Effect.result(b.transport.connect(a.address(6800))))
        const reason = Effect.map(dial, (result) => (result._tag === "Failure" ? result.failure.reason : "none"))
        assert.strictEqual(yield* reason, "Refused")
        yield* a.transport.listen(a.address(6800))
        assert.strictEqual(yield* reason, "none")
        const twice = yield* Effect.result(a.transport.listen(a.address(6800)))
        assert.strictEqual(twice._tag === "Failure" ? twice.failure.reason : "none", "AddressInUse")
        network.inflict([{ _tag: "Refuse", at: 100, host: "a", millis: 100 }])
        yield* Effect.sleep(110)
        assert.strictEqual(yield* reason, "Refused")
        yield* Effect.sleep(200)
        assert.strictEqual(yield* reason, "none")
        network.crash(a, false)
        assert.strictEqual(yield* reason, "Refused")
        const nowhere = yield* Effect.result(
          Effect.scoped(b.transport.connect({ ...a.address(1), sockaddr: { _tag: "Blank" } }))
        )
        assert.strictEqual(nowhere._tag === "Failure" ? nowhere.failure.reason : "none", "Unreachable")
      })
    )
  })

  it("waits for a host that is off, and makes the links of one that crashes useless", () => {
    for (const silently of [true, false]) {
      run(
        1,
        Effect.gen(function* () {
          const { dialler, listener, network, now } = yield* meet()
          const [a, b] = [network.host("a"), network.host("b")]
          const heard = yield* Effect.forkChild(readAll(dialler))
          network.crash(a, silently)
          const own = yield* readAll(listener)
          assert.include(["Closed", "Reset"], own.reason)
          listener.write([content])
          yield* Effect.sleep(1000)
          assert.strictEqual(heard.pollUnsafe() === undefined, silently)
          const dialling = yield* Effect.forkChild(Effect.scoped(Effect.result(b.transport.connect(a.address(6800)))))
          yield* Effect.sleep(1000)
          assert.strictEqual(dialling.pollUnsafe() === undefined, silently)
          const restored = now()
          network.restore(a)
          const dialled = yield* Fiber.join(dialling)
          assert.strictEqual(dialled._tag, "Failure")
          if (silently) assert.isAtLeast(now(), restored)
        })
      )
    }
  })

  it("resets those who dialled and were never let in when a place closes", () => {
    const { reason } = run(
      1,
      Effect.gen(function* () {
        const network = yield* SimNetwork.SimNetwork.make(Weather.calm)
        const [a, b] = [network.host("a"), network.host("b")]
        const scope = yield* Scope.make()
        const { address } = yield* Scope.provide(a.transport.listen(a.address(0)), scope)
        const pipe = yield* b.transport.connect(address)
        yield* Scope.close(scope, Exit.void)
        return yield* readAll(pipe)
      })
    )
    assert.strictEqual(reason, "Reset")
  })
})
