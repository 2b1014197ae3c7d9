/** A sequence chart in plain text: two lanes, and the frames by which ends speak of their session. */
import type { ControlFrame } from "@msgr2/wire"

export type Side = "client" | "server"
export const other = (side: Side): Side => (side === "client" ? "server" : "client")

interface Row {
  readonly name: ControlFrame.Name | undefined
  /** Between the lanes. */
  readonly line: string
  /** Beside them. */
  readonly margin: { readonly [S in Side]?: string }
}

const WIDTH = 28
const MARGIN = 11

const arrow = (from: Side, label: string, lost: boolean): string => {
  if (from === "client") {
    const shaft = `--- ${label} `
    return lost ? `${shaft.padEnd(WIDTH - 5, "-")}X    ` : `${shaft.padEnd(WIDTH - 1, "-")}>`
  }
  return `${lost ? "    X" : "<"}-- ${label} `.padEnd(WIDTH, "-")
}

export class Chart {
  private rows: ReadonlyArray<Row> = []
  private readonly names = new Map<bigint, string>()
  private readonly used = new Set<string>()
  private last: { readonly from: Side; readonly label: string } | undefined

  /** Draws a frame, if it is one that speaks of the session. */
  frame(from: Side, frame: ControlFrame.ControlFrame): void {
    const label = this.label(frame)
    if (label === undefined) return
    this.last = { from, label }
    const cookie =
      frame._tag === "ClientIdent"
        ? `c_cookie(${this.name(frame.cookie)})`
        : frame._tag === "ServerIdent"
          ? `s_cookie(${this.name(frame.cookie)})`
          : undefined
    const margin = cookie === undefined || this.used.has(`${from} ${cookie}`) ? {} : { [from]: cookie }
    this.used.add(`${from} ${cookie}`)
    this.rows = [...this.rows, { name: frame._tag, line: arrow(from, label, false), margin }]
  }

  count(name: ControlFrame.Name): number {
    return this.rows.filter((row) => row.name === name).length
  }

  /** The last frame, which has this name, does not arrive. */
  lose(name: ControlFrame.Name): void {
    const row = this.rows.at(-1)
    if (row?.name !== name || this.last === undefined) throw new Error(`the last frame is ${row?.name}, not ${name}`)
    this.rows = [...this.rows.slice(0, -1), { ...row, line: arrow(this.last.from, this.last.label, true) }]
  }

  /** The connection fails, without a word. */
  cut(reset: Side | undefined): void {
    const margin = reset === undefined ? {} : { [reset]: "reset" }
    this.rows = [...this.rows, { name: undefined, line: "    X".padEnd(WIDTH, "-"), margin }]
  }

  /** Both ends agree on a session; `fold` puts this in the place of all that led to it. */
  established(fold: boolean): void {
    const line = "    session established     "
    const margins = fold ? this.rows.map(({ margin }) => margin) : []
    this.rows = [...(fold ? [] : this.rows), { name: undefined, line, margin: Object.assign({}, ...margins) }]
  }

  toString(): string {
    return this.rows
      .map(({ line, margin }) => `${(margin.client ?? "").padStart(MARGIN)} |${line}| ${margin.server ?? ""}`.trimEnd())
      .join("\n")
  }

  /** Cookies are named by letters in the order in which they are spoken of. */
  private name(cookie: bigint): string {
    if (cookie === 0n) return "0"
    const name = this.names.get(cookie) ?? String.fromCharCode(97 + this.names.size)
    this.names.set(cookie, name)
    return name
  }

  private label(frame: ControlFrame.ControlFrame): string | undefined {
    switch (frame._tag) {
      case "ClientIdent":
        return `client_ident(${this.name(frame.cookie)})`
      case "ServerIdent":
        return `server_ident(${this.name(frame.cookie)})`
      case "Reconnect":
        return `reconnect(${this.name(frame.clientCookie)}, ${this.name(frame.serverCookie)})`
      case "ReconnectOk":
        return "reconnect_ok"
      case "ResetSession":
        return `reset_session(${frame.full ? "T" : "F"})`
      case "RetrySession":
        return `retry_session(${frame.connectSeq})`
      case "RetryGlobal":
        return "retry_global"
      case "Wait":
        return "wait"
      case "IdentMissingFeatures":
        return "ident_missing_features"
      default:
        return undefined
    }
  }
}
