import { Simulation } from "@msgr2/testing"
import { Effect, Exit, Ref } from "effect"

// Two tellers, each of whom reads the balance and then writes it, ten times.
const program = Effect.gen(function* () {
  const balance = yield* Ref.make(0)
  const deposit = Effect.gen(function* () {
    const before = yield* Ref.get(balance)
    yield* Ref.set(balance, before + 10)
  })
  const teller = Effect.repeat(deposit, { times: 9 })
  yield* Effect.all([teller, teller], { concurrency: "unbounded" })
  return yield* Ref.get(balance)
})

const balanceOf = ({ outcome }: Simulation.Run<number, never>) =>
  outcome._tag === "Finished" && Exit.isSuccess(outcome.exit) ? outcome.exit.value : undefined

let seed = 0
while (balanceOf(Simulation.simulate(seed, program)) === 200) seed++

// The same seed is the same run, to the last step.
const [run, again] = [Simulation.simulate(seed, program), Simulation.simulate(seed, program)]
console.log(`seed ${seed}: ${balanceOf(run)}, and again ${balanceOf(again)}: ${run.traceHash === again.traceHash}`)
