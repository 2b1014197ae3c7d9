/**
 * A path as a sequence chart of plain characters: lanes from left to right, time from top to bottom.
 */
import type { Path } from "./Path.ts"
import { title, type Violation } from "./Report.ts"

/**
 * One row of a chart: an arrow between two lanes, a note beside a lane, or a remark.
 *
 * **Shape** a note has `mark`, or `*`, in place of the line of its lane.
 */
export type Row<L extends string> =
  | { readonly from: L; readonly to: L; readonly text: string }
  | { readonly at: L; readonly text: string; readonly mark?: string }
  | { readonly text: string }

/** How to draw the steps of a model: what each shows, on which lanes. */
export interface Options<S, M, L extends string> {
  readonly lanes: ReadonlyArray<L>
  readonly chart: (before: S, move: M, after: S) => ReadonlyArray<Row<L>>
}

/** What an arrow has besides its text: `-- ` before, ` ->` behind. A note has less. */
const shaft = 6

/** The lanes between which the text of a row stands. */
const span = <L extends string>(lanes: ReadonlyArray<L>, row: Row<L>): readonly [left: number, right: number] => {
  const place = (name: L) => Math.max(0, lanes.indexOf(name))
  if (!("from" in row)) return "at" in row ? [place(row.at), place(row.at) + 1] : [0, 1]
  const left = Math.min(place(row.from), place(row.to))
  return [left, Math.max(place(row.from), place(row.to), left + 1)]
}

/**
 * Draws `rows` under the names of `lanes`.
 *
 * **Shape** every line ends in `\n`.
 */
export const draw = <const L extends string>(lanes: ReadonlyArray<L>, rows: ReadonlyArray<Row<NoInfer<L>>>): string => {
  const needs = rows.flatMap((row) => {
    const [left, right] = span(lanes, row)
    return right < lanes.length ? [Math.ceil((row.text.length + shaft + 1) / (right - left))] : []
  })
  const width = Math.max(12, ...lanes.map((name) => name.length + 2), ...needs)
  const empty = lanes.map(() => "|").join(" ".repeat(width - 1))
  const put = (line: string, at: number, text: string) =>
    line.slice(0, at).padEnd(at) + text + line.slice(at + text.length)
  const lines = rows.map((row) => {
    const [left, right] = span(lanes, row)
    if (!("from" in row)) {
      const marked = "at" in row ? put(empty, left * width, row.mark ?? "*") : empty
      return put(marked, left * width + 4, row.text)
    }
    if (row.from === row.to) return put(empty, left * width + 1, `-> ${row.text}`)
    const room = (right - left) * width - 2
    const isRightward = row.from === lanes[left]
    const arrow = isRightward ? `-- ${row.text} `.padEnd(room, "-") + ">" : `<${`-- ${row.text} `.padEnd(room, "-")}`
    return put(empty, left * width + 1, arrow)
  })
  return [lanes.map((name) => name.padEnd(width)).join(""), ...lines].map((line) => `${line.trimEnd()}\n`).join("")
}

/** A whole path. A last move that threw an exception is not drawn. */
export const render = <S, M, L extends string>(path: Path<S, M>, { chart, lanes }: Options<S, M, L>): string =>
  draw(
    lanes,
    path.states.slice(1).flatMap((after, i) => chart(path.states[i] as S, path.moves[i] as M, after))
  )

const json = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? `${item}n` : item))

/**
 * A violation: which property, its path as a chart, where that is lost or goes round, and the moves to replay. What is
 * never reached has no path, and so no chart.
 */
export const explain = <S, M, L extends string>(
  violation: Violation<S, M>,
  { chart, lanes }: Options<S, M, L>
): string => {
  const { kind, lostAt, loopAt, path } = violation
  if (kind === "sometimes") return `${title(violation)}\n`
  const rows = path.states.flatMap((before, i): ReadonlyArray<Row<L>> => {
    const after = path.states[i + 1]
    return [
      ...(i === lostAt ? [{ text: "from here, nothing leads to the goal" }] : []),
      ...(i === loopAt && after !== undefined ? [{ text: "from here, again and again" }] : []),
      ...(after === undefined ? [] : chart(before, path.moves[i] as M, after))
    ]
  })
  return `${title(violation)}\n\n${draw(lanes, rows)}\nmoves: ${json(path.moves)}\n`
}
