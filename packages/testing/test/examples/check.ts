import { Chart, Check, type Model, Report } from "@msgr2/testing"

// A sender that repeats each letter until it is acknowledged, over a line that loses things.
interface State {
  /** Letters that the sender is done with. */
  readonly done: number
  /** Letters that the receiver has handed on. */
  readonly taken: number
  readonly line: { readonly what: "letter" | "ack"; readonly number: number } | undefined
}
type Move = "send" | "arrive" | "get lost"
const LETTERS = 2

const model = (looksAtNumbers: boolean): Model.Model<State, Move> => ({
  initial: [{ done: 0, taken: 0, line: undefined }],
  moves: ({ done, line }) => (line !== undefined ? ["arrive", "get lost"] : done < LETTERS ? ["send"] : []),
  next: (state, move) => {
    const { done, line, taken } = state
    if (move === "send") return { ...state, line: { what: "letter", number: done } }
    if (line === undefined || move === "get lost") return { ...state, line: undefined }
    if (line.what === "ack") return { ...state, line: undefined, done: done + 1 }
    const isNew = looksAtNumbers ? line.number === taken : true
    return { ...state, taken: isNew ? taken + 1 : taken, line: { what: "ack", number: line.number } }
  },
  always: { "no letter is handed on twice": ({ done, taken }) => taken <= done + 1 },
  eventually: {
    "all letters arrive": { goal: ({ done }) => done === LETTERS, fair: (move) => move !== "get lost" }
  }
})

const chart: Chart.Options<State, Move, "sender" | "receiver"> = {
  lanes: ["sender", "receiver"],
  chart: ({ line }, move) => {
    if (line === undefined) return []
    const text = `${line.what} ${line.number}`
    if (move === "get lost") return [{ text: `${text} gets lost` }]
    return [line.what === "ack" ? { from: "receiver", to: "sender", text } : { from: "sender", to: "receiver", text }]
  }
}

for (const looksAtNumbers of [false, true]) {
  const report = Check.check(model(looksAtNumbers))
  const [violation] = report.violations
  console.log(violation === undefined ? Report.summary(report) : Chart.explain(violation, chart))
}
