import { assert, describe, it } from "@effect/vitest"
import * as Chart from "../src/Chart.ts"
import * as Model from "../src/Model.ts"
import * as Report from "../src/Report.ts"
import { abp, type Abp, type AbpMove } from "./support/models.ts"

const drawn = (text: string) => text.replace(/^\n/, "").replaceAll(/^ {4}/gm, "")

describe("Chart", () => {
  it("Arrows go from lane to lane, notes stand beside theirs", () => {
    const chart = Chart.draw(
      ["a", "b"],
      [
        { from: "a", to: "b", text: "ClientIdent c=1" },
        { at: "a", mark: "x", text: "cut" },
        { from: "b", to: "a", text: "ServerIdent" },
        { at: "b", text: "READY" },
        { text: "later" }
      ]
    )
    assert.strictEqual(
      chart,
      drawn(`
    a                     b
    |-- ClientIdent c=1 ->|
    x   cut               |
    |<-- ServerIdent -----|
    |                     *   READY
    |   later             |
`)
    )
  })

  it("An arrow may pass a lane, and the widest text makes room for all", () => {
    const chart = Chart.draw(
      ["left", "middle", "right"],
      [
        { from: "left", to: "right", text: "over the middle and quite far" },
        { from: "right", to: "middle", text: "back" },
        { from: "middle", to: "middle", text: "self" },
        { at: "right", text: "a note at the end may be as long as it likes" }
      ]
    )
    assert.strictEqual(
      chart,
      drawn(`
    left              middle            right
    |-- over the middle and quite far ->|
    |                 |<-- back --------|
    |                 |-> self          |
    |                 |                 *   a note at the end may be as long as it likes
`)
    )
  })

  const lanes = ["sender", "receiver"] as const
  const chart = (before: Abp, move: AbpMove): ReadonlyArray<Chart.Row<(typeof lanes)[number]>> => {
    const frame = before.data[0]
    switch (move) {
      case "send":
        return [{ at: "sender", text: `sends item ${before.sent}` }]
      case "take":
        return [{ from: "sender", to: "receiver", text: `item ${frame?.item} bit ${frame?.bit}` }]
      case "settle":
        return [{ from: "receiver", to: "sender", text: `ack ${before.acks[0]}` }]
      default:
        return [{ text: move, at: "sender", mark: "x" }]
    }
  }

  it("A violation is explained by its chart, and its moves can be copied", () => {
    const [violation] = Model.check(abp(2, 2, "deaf to the bit")).violations
    if (violation === undefined) return assert.fail("nothing found")
    assert.strictEqual(
      Chart.explain(violation, { chart, lanes }),
      drawn(`
    always "items arrive once and in order" fails after 4 moves

    sender             receiver
    *   sends item 0   |
    *   sends item 0   |
    |-- item 0 bit 0 ->|
    |-- item 0 bit 0 ->|

    moves: ["send","send","take","take"]
`)
    )
    assert.strictEqual(Chart.render(violation.path, { chart, lanes }).split("\n").length, 6)
  })

  it("What is never reached is said in a line, for nothing leads there", () => {
    const report = Model.check({ ...abp(1, 1), sometimes: { "nine items are sent": ({ sent }: Abp) => sent === 9 } })
    const [violation] = report.violations
    if (violation === undefined) return assert.fail("nothing found")
    const text = 'sometimes "nine items are sent" is never reached\n'
    assert.strictEqual(Chart.explain(violation, { chart, lanes }), text)
    assert.include(`${Report.summary(report)}\n`, text)
  })

  it("One move is one move", () => {
    const always = { "nothing is sent": ({ data }: Abp) => data.length === 0 }
    const [violation] = Model.check({ ...abp(1, 1), always }).violations
    if (violation === undefined) return assert.fail("nothing found")
    assert.match(Chart.explain(violation, { chart, lanes }), /^always "nothing is sent" fails after 1 move\n/)
  })

  it("Where the goal is lost, and where a loop begins, is said", () => {
    const lost = Model.check(abp(1, 1, "does not repeat")).violations[0]
    if (lost === undefined) return assert.fail("nothing found")
    assert.strictEqual(
      Chart.explain(lost, { chart, lanes }),
      drawn(`
    eventually "everything is settled" fails after 3 moves

    sender                                     receiver
    *   sends item 0                           |
    |-- item 0 bit 0 ------------------------->|
    x   lose ack                               |
    |   from here, nothing leads to the goal   |

    moves: ["send","take","lose ack"]
`)
    )
    const noLoop = { "one frame is enough": { moves: () => true, goal: ({ taken }: Abp) => taken.length === 0 } }
    const loop = Model.check({ ...abp(1, 1), noLoop }).violations[0]
    if (loop === undefined) return assert.fail("nothing found")
    assert.strictEqual(
      Chart.explain(loop, { chart, lanes }),
      drawn(`
    noLoop "one frame is enough" fails after 4 moves

    sender                           receiver
    *   sends item 0                 |
    |-- item 0 bit 0 --------------->|
    |   from here, again and again   |
    *   sends item 0                 |
    x   lose data                    |

    moves: ["send","take","send","lose data"]
`)
    )
    assert.deepStrictEqual(loop.path.states.at(-1), loop.path.states[loop.loopAt ?? 0])
  })
})
