/**
 * A look at every frame that passes, and at every turn a session takes: for charts, traces and tests.
 */
import type { ControlFrame } from "@msgr2/wire/ControlFrame"
import type { Message } from "@msgr2/wire/Message"
import * as Context from "effect/Context"

export interface Observation {
  /** Number of the connection in this process, from 1. */
  readonly connection: number
  /** Number of the socket among all that this messenger has dialled or accepted, from 1. */
  readonly link: number
  readonly role: "client" | "server"
  readonly direction: "in" | "out"
  /** `undefined` for the banner. Payloads of AUTH frames may be secret to others: do not log them. */
  readonly frame: ControlFrame | Message | undefined
  /** Bytes on the wire. */
  readonly size: number
  /** The node of the digraph: before the frame for one coming in, at the time of sending for one going out. */
  readonly state: string
}

/**
 * Called for each frame, synchronously; one that throws ends the connection with its defect. Nobody looks by default, and
 * then nothing is built to be looked at.
 */
export const Observer = Context.Reference<((observation: Observation) => void) | undefined>(
  "@msgr2/messenger/Observer",
  { defaultValue: () => undefined }
)

/** A step of a session that has led to another node of the digraph, or to another socket. */
export interface Transition {
  /** Number of the connection in this process, from 1. */
  readonly connection: number
  readonly from: string
  readonly to: string
  /** What has happened: the name of a frame, or an event of the runtime. */
  readonly event: string
}

/** Called for each transition, synchronously. Nobody watches by default. */
export const Watcher = Context.Reference<((transition: Transition) => void) | undefined>("@msgr2/messenger/Watcher", {
  defaultValue: () => undefined
})
