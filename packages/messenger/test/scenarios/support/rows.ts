/** Rows of a table of scenarios, as tests. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { type Breakpoint, describeBreakpoint, fault, type Point } from "./breakpoints.ts"
import type { Entry } from "./ledger.ts"
import { calm, type First, type Setting, Stage } from "./stage.ts"

/** What happens, one after the other. */
export type Play = (stage: Stage, first: First) => ReadonlyArray<Effect.Effect<void, never, Scope.Scope>>

export interface Instance {
  readonly breakpoints: ReadonlyArray<Breakpoint>
  /** What has become of my objects, in the order in which they were made. */
  readonly expected: ReadonlyArray<Entry>
}

export interface Row extends Omit<Setting, "breakpoints" | "first"> {
  readonly id: string
  /** Of the function that plays it in Crimson's test. */
  readonly name: string
  readonly instances: (first: First) => ReadonlyArray<Instance>
  readonly play: Play
  /** Whether it matters who has the smaller address. */
  readonly symmetric?: boolean
  /** Messages may be lost with a lossy session. */
  readonly lossy?: boolean
}

/** One fault at each of `points`, with the same outcome. */
export const each =
  (points: ReadonlyArray<Point>, ...expected: ReadonlyArray<Entry>): Row["instances"] =>
  () =>
    points.map((point) => ({ breakpoints: [fault(point)], expected }))

/** Everything once and in order. */
const complete = ({ me, peer }: Stage) => {
  assert.deepStrictEqual(me.heard, peer.sent)
  assert.deepStrictEqual(peer.heard, me.sent)
}

const run = ({ config, lossy, me, peer, play }: Row, first: First, { breakpoints, expected }: Instance) =>
  Effect.gen(function* () {
    const stage = yield* Stage.make({ me, peer, breakpoints, first, ...(config === undefined ? {} : { config }) })
    for (const step of play(stage, first)) yield* step
    assert.deepStrictEqual(stage.me.breakpoints.missed, [], "breakpoints that nothing came to")
    yield* stage.holds(...expected)
    // What has come to rest stays as it is.
    yield* calm
    yield* stage.holds(...expected)
    if (lossy !== true) complete(stage)
  })

export const rows = (title: string, table: ReadonlyArray<Row>): void => {
  describe(`${title}:`, () => {
    for (const row of table) {
      const { id, instances, name, symmetric = false } = row
      const orders: ReadonlyArray<First> = symmetric ? ["me"] : ["me", "peer"]
      for (const first of orders) {
        for (const instance of instances(first)) {
          const points = instance.breakpoints.map(describeBreakpoint).join(" and ")
          const order = symmetric ? "" : `, ${first === "me" ? "I come" : "the peer comes"} first`
          it.effect(`${id} ${name}${points === "" ? "" : `: ${points}`}${order}`, () => run(row, first, instance))
        }
      }
    }
  })
}
