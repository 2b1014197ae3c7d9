import { assert, describe, it } from "@effect/vitest"
import { chosen, run } from "../model/model.ts"
import { Check, Report, WorldModel, WorldSetups } from "../src/index.ts"
import { Misuse } from "../tool.ts"

type Counts = ReturnType<typeof Report.counts>
const counts = (states: number, transitions: number, diameter: number, terminal: number): Counts => ({
  states,
  transitions,
  diameter,
  terminal
})

/** Of the machines as they are: a change of these is a change of what they do, or of what is looked at. */
const expected: { readonly [N in WorldSetups.Name]: Counts } = {
  "lossy client, stateless server": counts(7498, 33056, 17, 350),
  "lossy client, stateless registered server": counts(2839, 9629, 17, 170),
  "client that wants a session, server that keeps none": counts(5150, 15898, 20, 63),
  "client that wants no session, server that keeps one": counts(5867, 17023, 22, 31),
  "lossless client, stateful server": counts(21473, 81271, 24, 1),
  "the same, with priorities": counts(17363, 52773, 22, 8),
  "the same, and owners and processes that forget": counts(28245, 96076, 24, 221),
  "the same, and a client that comes back with another address": counts(18727, 65193, 23, 116),
  "lossless peers": counts(24865, 95017, 38, 12),
  "lossless peers, the other way round": counts(8739, 29390, 26, 9),
  "lossless peers, with timers": counts(6892, 22174, 25, 18),
  "lossless peers that forget": counts(16423, 55997, 38, 106),
  "lossless peers that announce resets": counts(50997, 213566, 31, 212),
  "lossless peers that start behind": counts(10464, 35098, 29, 90),
  "lossless peers that start far behind": counts(73077, 264828, 49, 124),
  "lossless peers, with sockets that change hands slowly": counts(57162, 197927, 96, 12),
  "lossless peers, with every frame of the handshake": counts(19955, 56446, 62, 9),
  "three peers": counts(5973, 19286, 27, 31),
  "two clients of one server": counts(18659, 71982, 22, 4)
}

describe("every world that is explored", () => {
  it("is pinned, and there are 250,000 states in all", () => {
    assert.sameMembers(Object.keys(expected), Object.keys(WorldSetups.all))
    assert.isAtLeast(
      Object.values(expected).reduce((sum, { states }) => sum + states, 0),
      250_000
    )
  })
  for (const [name, exploration] of Object.entries(WorldSetups.all)) {
    it(`${name}: every property holds, and everything it is about is reached`, { timeout: 60_000 }, () => {
      const report = Check.check(WorldModel.model(exploration))
      assert.deepStrictEqual([report.violations, report.undecided, report.truncated], [[], [], false])
      assert.deepStrictEqual(Report.counts(report), expected[name as WorldSetups.Name])
    })
  }
})

describe("npm run model", () => {
  it("prints what it explores, and says by its exit code whether all is well", () => {
    const lines: Array<string> = []
    const [one] = chosen(false, ["lossy client, stateless registered"])
    assert.strictEqual(one?.[0], "lossy client, stateless registered server")
    assert.strictEqual(
      run(one === undefined ? [] : [one], (line) => lines.push(line)),
      0
    )
    assert.lengthOf(lines, 2)
    assert.match(lines[0] ?? "", /registered server: 2839 states, 9629 transitions/)
    assert.match(lines[1] ?? "", /2839 states in all/)
  })
  it("takes the name of no configuration for a mistake, whatever else is named", () => {
    assert.throws(() => chosen(false, ["three peers", "no such"]), Misuse, 'no configuration begins with "no such"')
    assert.lengthOf(chosen(true, []), Object.keys(WorldSetups.deep).length)
  })
  it("takes a whole name for that one only, and else for the beginning of names", () => {
    const named = (...names: ReadonlyArray<string>) => chosen(false, names).map(([name]) => name)
    assert.deepStrictEqual(named("lossless peers"), ["lossless peers"])
    assert.lengthOf(named("lossless peers that"), 4)
  })
})
