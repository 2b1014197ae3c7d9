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

/** What all runs together may cost: a run that never comes to an end takes as many steps as a run may have. */
const STEPS = 4_000_000

/**
 * The simplest case that breaks the same law, as far as `tries` runs of `steps` steps in all lead. **Shape** `tries`
 * counts runs
 */
export const shrink = (start: Case, options: Options = {}, tries = 2000, steps = STEPS): Shrink.Shrunk<Case> => {
  const first = run(start.seed, start.plan, options)
  const law = first.violations[0]?.law
  let left = steps - first.steps
  const breaks = ({ plan, seed }: Case): boolean => {
    const report = run(seed, plan, options)
    left -= report.steps
    return report.violations[0]?.law === law
  }
  return Shrink.shrink(start, {
    tries,
    fails: (candidate) => law !== undefined && left > 0 && breaks(candidate),
    *simpler({ plan, seed }) {
      for (const candidate of Plan.simpler(plan)) {
        for (let i = 0; i < ORDERS; i++) yield { plan: candidate, seed: i === 0 ? seed : i }
      }
    }
  })
}
