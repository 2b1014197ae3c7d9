/**
 * A sequence chart that grows as frames pass, with the state that each end was in.
 */
import type { Observation } from "@msgr2/messenger/Observer"
import * as ControlFrame from "@msgr2/wire/ControlFrame"

/** What one end saw of one frame. */
export interface Sight {
  /** Number of the socket: the same at both ends, since one dials and the other accepts. */
  readonly link: number
  readonly direction: "in" | "out"
  readonly name: string
  readonly detail: string
  /** Bytes on the wire. */
  readonly size: number
  readonly state: string
}

const modes = ["", "crc", "secure"]

/** The words beside a frame's name. Nothing of a message's content, and nothing that authentication sent. */
const detail = (frame: Observation["frame"]): string => {
  switch (frame?._tag) {
    case "AuthDone":
      return `mode=${modes[frame.mode] ?? frame.mode}`
    case "ServerIdent":
      return frame.flags === 1n ? "lossy" : `cookie=${(frame.cookie & 0xffffn).toString(16)}`
    case "Reconnect":
      return `connect_seq=${frame.connectSeq} in_seq=${frame.msgSeq}`
    case "ReconnectOk":
      return `in_seq=${frame.msgSeq}`
    case "Ack":
      return `seq=${frame.msgSeq}`
    case "Message":
      return frame.header.seq === 0 ? "" : `seq=${frame.header.seq}`
    default:
      return ""
  }
}

export const sight = ({ direction, frame, link, size, state }: Observation): Sight => ({
  link,
  direction,
  name:
    frame === undefined
      ? "banner"
      : frame._tag === "Message"
        ? "MESSAGE"
        : ControlFrame.cephName(ControlFrame.tagOf(frame)),
  detail: detail(frame),
  size,
  state
})

const STATE = 22
const ARROW = 54

const arrow = (direction: "in" | "out", label: string, size: number): string => {
  const bytes = `${size} B`
  const fill = "-".repeat(Math.max(1, ARROW - label.length - bytes.length - 8))
  return direction === "out" ? `|-- ${label} ${fill} ${bytes} -->|` : `|<-- ${label} ${fill} ${bytes} --|`
}

export interface Chart {
  /** The dialling end saw this; rows stand in its order. */
  readonly client: (sight: Sight) => void
  readonly server: (sight: Sight) => void
}

/** How a session is taken up again: the only rows of a later connection, whose beginning is like that of the first. */
const isReturn = ({ name }: Sight): boolean => name.startsWith("SESSION_") || name.endsWith("_IDENT") || name === "WAIT"

/** A connection that was cut takes with it what was under way. */
const cutRow = ({ in: back, out: there }: { readonly in: number; readonly out: number }): string => {
  const label = ` cut, ${there} sent and ${back} received `
  const dashes = "-".repeat(Math.max(1, (ARROW - label.length) / 2))
  return `${"".padEnd(STATE)}X${dashes}${label}${dashes}X`
}

/**
 * Prints a row for each frame once both ends have seen it. After `shown` messages in each direction the rest is counted,
 * not drawn.
 */
export const make = (print: (line: string) => void, shown: number): Chart => {
  /** The client's latest connection, and the latest of which the server has told. */
  const latest = { client: 1, server: 1 }
  const waiting: Array<Sight | string> = []
  const seen: Array<Sight> = []
  const messages = { in: 0, out: 0 }
  const serverMessages = { in: 0, out: 0 }
  print(`${"client".padEnd(STATE)}|${" ".repeat(ARROW)}|  server`)

  /** What goes out of one end comes in at the other. */
  const other = ({ direction, link }: Sight): Sight | undefined => {
    const at = seen.findIndex((one) => one.link === link && one.direction !== direction)
    return at < 0 ? undefined : seen.splice(at, 1)[0]
  }
  const draw = (row: Sight, there: Sight): void => {
    const label = `${row.name}${row.detail === "" ? there.detail && ` ${there.detail}` : ` ${row.detail}`}`
    print(`${row.state.padEnd(STATE)}${arrow(row.direction, label, row.size)}  ${there.state}`)
  }
  const flush = (): void => {
    for (let row = waiting[0]; row !== undefined; row = waiting[0]) {
      if (typeof row === "string") print(row)
      else {
        const there = other(row)
        if (there !== undefined) draw(row, there)
        // Lost with its connection, unless the server has yet to tell.
        else if (latest.server <= row.link) return
      }
      waiting.shift()
    }
  }
  /** Only the first messages of each direction are rows; both ends count them alike. */
  const isShown = (counts: { in: number; out: number }, sight: Sight): boolean =>
    sight.name === "MESSAGE"
      ? counts[sight.direction]++ < shown
      : sight.name !== "ACK" && (sight.link === 1 || isReturn(sight))
  return {
    client: (sight) => {
      if (sight.link > latest.client) {
        latest.client = sight.link
        waiting.push(cutRow(messages))
      }
      if (!isShown(messages, sight)) return
      waiting.push(sight)
      flush()
    },
    server: (sight) => {
      latest.server = sight.link
      if (isShown(serverMessages, sight)) seen.push(sight)
      flush()
    }
  }
}
