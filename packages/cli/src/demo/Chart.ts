/**
 * A sequence chart that grows as frames pass, with the state that each end was in.
 */
import type { Observation } from "@msgr2/messenger/Observer"
import * as ControlFrame from "@msgr2/wire/ControlFrame"

/** What one end saw of one frame. */
export interface Sight {
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
    case "Ack":
      return `seq=${frame.msgSeq}`
    case "Message":
      return frame.header.seq === 0 ? "" : `seq=${frame.header.seq}`
    default:
      return ""
  }
}

export const sight = ({ direction, frame, size, state }: Observation): Sight => ({
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
const ARROW = 46

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

/**
 * Prints a row for each frame once both ends have seen it. After `shown` messages in each direction the rest is counted,
 * not drawn.
 */
export const make = (print: (line: string) => void, shown: number): Chart => {
  const waiting: Array<Sight> = []
  const seen = { in: [] as Array<Sight>, out: [] as Array<Sight> }
  const messages = { in: 0, out: 0 }
  print(`${"client".padEnd(STATE)}|${" ".repeat(ARROW)}|  server`)
  const flush = (): void => {
    for (;;) {
      const row = waiting[0]
      if (row === undefined) return
      // What goes out of one end comes in at the other.
      const other = (row.direction === "out" ? seen.in : seen.out).shift()
      if (other === undefined) return
      waiting.shift()
      const label = `${row.name}${row.detail === "" ? other.detail && ` ${other.detail}` : ` ${row.detail}`}`
      print(`${row.state.padEnd(STATE)}${arrow(row.direction, label, row.size)}  ${other.state}`)
    }
  }
  // Only the first messages of each direction are rows; both ends count them alike.
  const isShown = (counts: { in: number; out: number }, { direction, name }: Sight): boolean =>
    name !== "MESSAGE" || counts[direction]++ < shown
  const serverMessages = { in: 0, out: 0 }
  return {
    client: (sight) => {
      if (!isShown(messages, sight) || sight.name === "ACK") return
      waiting.push(sight)
      flush()
    },
    server: (sight) => {
      if (!isShown(serverMessages, sight) || sight.name === "ACK") return
      seen[sight.direction].push(sight)
      flush()
    }
  }
}
