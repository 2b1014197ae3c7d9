/**
 * A plan and the seed of everything that it leaves open: what reproduces a run.
 */
import * as Schema from "effect/Schema"
import * as Plan from "./Plan.ts"
import { type Options, run } from "./Scenario.ts"
import * as Shrink from "./Shrink.ts"

export const Case = Schema.Struct({ seed: Schema.Int, plan: Plan.Plan })
export type Case = typeof Case.Type

const Json = Schema.fromJsonString(Schema.toCodecJson(Case))

/** A case as a line of JSON. */
export const print: (one: Case) => string = Schema.encodeSync(Json)

/**
 * Reads what `print` has written.
 *
 * **Errors** throws when it is no case.
 */
export const parse: (text: string) => Case = Schema.decodeSync(Json)

/** The case of a seed. */
export const draw = (seed: number, policy: Plan.PolicyName): Case => ({ seed, plan: Plan.draw(seed, policy) })

/** Seeds that a smaller plan is tried with: what it needs to fail may be another order of things. */
const ORDERS = 4

/** The simplest case that breaks the same law. **Shape** `tries` counts runs */
export const shrink = (start: Case, options: Options = {}, tries = 2000): Shrink.Shrunk<Case> => {
  const law = run(start.seed, start.plan, options).violations[0]?.law
  return Shrink.shrink(start, {
    tries,
    fails: ({ plan, seed }) => law !== undefined && run(seed, plan, options).violations[0]?.law === law,
    *simpler({ plan, seed }) {
      for (const candidate of Plan.simpler(plan)) {
        for (let i = 0; i < ORDERS; i++) yield { plan: candidate, seed: i === 0 ? seed : i }
      }
    }
  })
}
