import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Deferred, Duration, Effect, Exit, Fiber, Random } from "effect"
import { Simulation } from "../src/index.ts"

const { simulate } = Simulation
const seeds = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, seed) => seed)

/** What a program has come to, when it has. */
const valueOf = <A, E>({ outcome }: Simulation.Run<A, E>): A => {
  if (outcome._tag !== "Finished") throw new Error(outcome._tag)
  if (Exit.isFailure(outcome.exit)) throw new Error(Cause.pretty(outcome.exit.cause))
  return outcome.exit.value
}

/** Some fibers that wait, draw and write in one place. */
const busy = Effect.gen(function* () {
  const seen: Array<string> = []
  const worker = (name: string) =>
    Effect.gen(function* () {
      for (let i = 0; i < 5; i++) {
        yield* Effect.sleep(yield* Random.nextIntBetween(0, 3))
        seen.push(`${name}${i}`)
      }
    })
  yield* Effect.all(["a", "b", "c"].map(worker), { concurrency: "unbounded" })
  return seen.join(" ")
})

/** Two that add one, each by reading and writing. */
const twoAdd = Effect.gen(function* () {
  let sum = 0
  const add = Effect.gen(function* () {
    const before = yield* Effect.sync(() => sum)
    for (let i = 0; i < 10; i++) yield* Effect.sync(() => i)
    yield* Effect.sync(() => {
      sum = before + 1
    })
  })
  yield* Effect.all([add, add], { concurrency: "unbounded" })
  return sum
})

describe("a simulation", () => {
  it("is the same for the same seed, to the last step", () => {
    for (const seed of seeds(50)) {
      const [first, again] = [simulate(seed, busy), simulate(seed, busy)]
      assert.strictEqual(first.traceHash, again.traceHash)
      assert.deepStrictEqual([first.steps, first.millis, valueOf(first)], [again.steps, again.millis, valueOf(again)])
    }
  })

  it("is another for another seed", () => {
    assert.isAtLeast(new Set(seeds(50).map((seed) => simulate(seed, busy).traceHash)).size, 49)
    assert.isAtLeast(new Set(seeds(50).map((seed) => valueOf(simulate(seed, busy)))).size, 49)
  })

  it("finds a lost update in some seeds, and in none where nobody loses their turn", () => {
    const lost = (preempt: number) =>
      seeds(400).filter((seed) => valueOf(simulate(seed, twoAdd, { preempt })) === 1).length
    assert.strictEqual(lost(0), 0)
    const some = lost(0.05)
    assert.isTrue(some > 40 && some < 360, `${some} of 400`)
    const seed = seeds(400).find((seed) => valueOf(simulate(seed, twoAdd, { preempt: 0.05 })) === 1) ?? -1
    assert.strictEqual(valueOf(simulate(seed, twoAdd, { preempt: 0.05 })), 1, "and again")
  })

  it("wakes those who sleep equally long in every order", () => {
    const program = Effect.gen(function* () {
      const order: Array<string> = []
      const sleeper = (name: string) =>
        Effect.andThen(
          Effect.sleep(10),
          Effect.sync(() => order.push(name))
        )
      yield* Effect.all(["a", "b", "c"].map(sleeper), { concurrency: "unbounded" })
      return order.join("")
    })
    const orders = new Set(seeds(200).map((seed) => valueOf(simulate(seed, program))))
    assert.sameMembers([...orders], ["abc", "acb", "bac", "bca", "cab", "cba"])
  })

  it("lets no time pass while anybody has something to do", () => {
    const program = Effect.gen(function* () {
      const began = yield* Clock.currentTimeMillis
      const sleeper = yield* Effect.forkChild(Effect.andThen(Effect.sleep("1 day"), Clock.currentTimeMillis))
      for (let i = 0; i < 1000; i++) yield* Effect.yieldNow
      const worked = (yield* Clock.currentTimeMillis) - began
      return [worked, (yield* Fiber.join(sleeper)) - began]
    })
    const run = simulate(1, program)
    assert.deepStrictEqual(valueOf(run), [0, 86_400_000])
    assert.strictEqual(run.millis, 86_400_000)
  })

  it("does not wake who was interrupted when it was just about to wake", () => {
    const program = Effect.gen(function* () {
      let woken = 0
      const sleeper = yield* Effect.forkChild(
        Effect.andThen(
          Effect.sleep(10),
          Effect.sync(() => woken++)
        )
      )
      yield* Effect.sleep(10)
      yield* Fiber.interrupt(sleeper)
      return woken
    })
    assert.sameMembers([...new Set(seeds(100).map((seed) => valueOf(simulate(seed, program))))], [0, 1])
    for (const seed of seeds(100)) assert.strictEqual(simulate(seed, program).timers, 0)
  })

  it("says so when nothing can ever happen any more", () => {
    const program = Effect.gen(function* () {
      const [one, other] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      yield* Effect.forkChild(Effect.andThen(Deferred.await(one), Deferred.succeed(other, undefined)))
      yield* Effect.andThen(Deferred.await(other), Deferred.succeed(one, undefined))
    })
    const run = simulate(1, program)
    assert.deepStrictEqual(run.outcome, { _tag: "Deadlock" })
    assert.strictEqual(run.fibers, 2)
  })

  it("stops what goes on and on", () => {
    assert.deepStrictEqual(simulate(1, Effect.forever(Effect.yieldNow), { maxSteps: 1000 }).outcome, {
      _tag: "Endless"
    })
    assert.deepStrictEqual(simulate(1, Effect.forever(Effect.sleep(1)), { maxSteps: 1000 }).outcome, {
      _tag: "Endless"
    })
    const loop = Effect.sync(() => {
      const again = () => queueMicrotask(again)
      again()
    })
    assert.strictEqual(simulate(1, Effect.andThen(loop, Effect.never), { maxSteps: 1000 }).outcome._tag, "Endless")
  })

  it("waits for ever for a promise: nothing outside ever happens", () => {
    assert.strictEqual(
      simulate(
        1,
        Effect.promise(() => Promise.resolve(1))
      ).outcome._tag,
      "Deadlock"
    )
  })

  it("tells of defects that nobody looks at", () => {
    const run = simulate(1, Effect.andThen(Effect.forkDetach(Effect.die("a secret")), Effect.sleep(1)))
    assert.isTrue(run.outcome._tag === "Finished" && Exit.isSuccess(run.outcome.exit))
    assert.deepStrictEqual(run.defects.map(Cause.squash), ["a secret"])
    assert.deepStrictEqual(simulate(1, Effect.forkDetach(Effect.fail("no secret"))).defects, [])
  })

  it("counts the fibers and the timers that are left over", () => {
    const run = simulate(1, Effect.andThen(Effect.forkDetach(Effect.sleep(5)), Effect.forkDetach(Effect.never)))
    assert.deepStrictEqual([run.fibers, run.timers], [2, 1])
    const tidy = simulate(1, Effect.andThen(Effect.forkChild(Effect.sleep(5)), Effect.yieldNow))
    assert.deepStrictEqual([tidy.fibers, tidy.timers], [0, 0])
  })

  it("keeps what is logged", () => {
    const { logs } = simulate(1, Effect.logError("oh"))
    assert.deepStrictEqual(
      logs.map(({ level, message }) => [level, message]),
      [["Error", ["oh"]]]
    )
  })

  const escapes: ReadonlyArray<readonly [string, () => unknown]> = [
    ["Date.now", () => Date.now()],
    ["setTimeout", () => setTimeout(() => {}, 1)],
    ["setInterval", () => setInterval(() => {}, 1)],
    ["setImmediate", () => setImmediate(() => {})],
    ["performance.now", () => performance.now()],
    ["crypto.getRandomValues", () => crypto.getRandomValues(new Uint8Array(1))],
    ["crypto.randomUUID", () => crypto.randomUUID()]
  ]
  for (const [name, use] of escapes) {
    it(`lets nobody use ${name}, and leaves it as it was`, () => {
      const run = simulate(1, Effect.sync(use))
      assert.deepStrictEqual(run.escapes, [name])
      assert.strictEqual(run.defects.length, 1)
      const used = use()
      assert.isDefined(used)
      clearTimeout(used as NodeJS.Timeout)
      clearImmediate(used as NodeJS.Immediate)
    })
  }

  it("runs microtasks in their order and before time passes", () => {
    const program = Effect.gen(function* () {
      const order: Array<number> = []
      queueMicrotask(() => {
        order.push(1)
        queueMicrotask(() => order.push(3))
      })
      queueMicrotask(() => order.push(2))
      yield* Effect.sleep(Duration.micros(1n))
      return order
    })
    for (const seed of seeds(50)) assert.deepStrictEqual(valueOf(simulate(seed, program)), [1, 2, 3])
  })

  it("draws numbers that are spread and the same again", () => {
    const program = Effect.all(Array.from({ length: 1000 }, () => Effect.all([Random.next, Random.nextInt])))
    const drawn = valueOf(simulate(7, program))
    assert.deepStrictEqual(drawn, valueOf(simulate(7, program)))
    assert.notDeepEqual(drawn, valueOf(simulate(8, program)))
    for (const [double, int] of drawn) assert.isTrue(double >= 0 && double < 1 && Number.isSafeInteger(int))
    const mean = drawn.reduce((sum, [double]) => sum + double, 0) / drawn.length
    assert.closeTo(mean, 0.5, 0.05)
    assert.isTrue(drawn.some(([, int]) => int < 0) && drawn.some(([, int]) => int > 2 ** 40))
  })

  it("gives to Math.random numbers of the seed too, and leaves it as it was", () => {
    const { random } = Math
    const drawn = (seed: number) =>
      valueOf(
        simulate(
          seed,
          Effect.sync(() => [Math.random(), Math.random()])
        )
      )
    assert.deepStrictEqual(drawn(1), drawn(1))
    assert.strictEqual(new Set([...drawn(1), ...drawn(2)]).size, 4)
    assert.strictEqual(Math.random, random)
  })

  it("gives each host a wall clock that may jump, while sleeps and monotonic time go on", () => {
    const program = Effect.gen(function* () {
      const { clock } = yield* Simulation.Simulation
      const view = clock.view()
      const look = Effect.all([Clock.currentTimeMillis, Clock.monotonicTimeNanos])
      return yield* Effect.gen(function* () {
        const [wall, steady] = yield* look
        view.jump(-5000)
        yield* Effect.sleep(1000)
        const [wallAfter, steadyAfter] = yield* look
        return [wallAfter - wall, Number(steadyAfter - steady)]
      }).pipe(Effect.provideService(Clock.Clock, view))
    })
    assert.deepStrictEqual(valueOf(simulate(1, program)), [-4000, 1_000_000_000])
  })
})
