/**
 * What the applications at the ends of a simulated network do, as data.
 */
import { Priority } from "@msgr2/wire/Message"
import * as Schema from "effect/Schema"
import type { Chance } from "./Chance.ts"
import * as Shrink from "./Shrink.ts"
import { Millis } from "./Weather.ts"

const EndName = Schema.String
const whole = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** One by one; all in one step; or each on its own, waiting for what becomes of it. */
export const How = Schema.Literals(["each", "atOnce", "deliver"])

/**
 * One thing that one end does.
 *
 * **Shape** `Send`: `count` messages of `size` bytes; dials first where there is no connection and this end may dial;
 * with `thenClose`, says goodbye right after the last. `Dial`: another connection. `Close`: says goodbye on all
 * connections with `to`. `Slow`: the application takes no message for a while. `Restart`: the process dies and comes
 * back with empty memory; a silent one sends no resets, as when its power goes. `Jump`: the wall clock is set. `Ping`:
 * asks for a sign of life.
 *
 * **Units** milliseconds; `at` since the beginning.
 */
export const Op = Schema.Union([
  Schema.TaggedStruct("Send", {
    at: Millis,
    end: EndName,
    to: EndName,
    count: whole(10_000),
    size: whole(1 << 22),
    priority: whole(255),
    how: How,
    thenClose: Schema.Boolean
  }),
  Schema.TaggedStruct("Dial", { at: Millis, end: EndName, to: EndName }),
  Schema.TaggedStruct("Close", { at: Millis, end: EndName, to: EndName }),
  Schema.TaggedStruct("Ping", { at: Millis, end: EndName, to: EndName }),
  Schema.TaggedStruct("Slow", { at: Millis, end: EndName, millis: Millis }),
  Schema.TaggedStruct("Restart", { at: Millis, end: EndName, millis: Millis, silent: Schema.Boolean }),
  Schema.TaggedStruct("Jump", {
    at: Millis,
    end: EndName,
    millis: Schema.Finite.check(Schema.isBetween({ minimum: -1e9, maximum: 1e9 }))
  })
])
export type Op = typeof Op.Type

/** What operations are drawn for. */
export interface Setting {
  readonly ends: readonly [string, string, ...ReadonlyArray<string>]
  /** Whether the first end is the one that all others deal with, or everybody deals with everybody. */
  readonly star: boolean
  /** Whether connections are closed and processes die: a session that lives on is only tested where neither happens. */
  readonly mortal: boolean
  /** **Units** milliseconds */
  readonly span: number
}

const pair = (chance: Chance, { ends, star }: Setting): readonly [end: string, to: string] => {
  const [first, ...others] = ends
  const one = chance.pick(star ? [first] : ends)
  const rest = ends.filter((name) => name !== one)
  const other = rest[chance.below(rest.length)] ?? others[0] ?? first
  return chance.odds(1 / 3) ? [one, other] : [other, one]
}

const sizeOf = (chance: Chance): number =>
  chance.odds(1 / 8) ? chance.below(70_000) : chance.odds(1 / 2) ? 0 : chance.below(400)

const LIVING = ["Send", "Send", "Send", "Send", "Send", "Send", "Dial", "Ping", "Slow", "Jump"] as const
const DYING = [...LIVING, "Close", "Restart"] as const

/** Very many small messages. */
export const drawMany = (chance: Chance, setting: Setting): Op => {
  const [end, to] = pair(chance, setting)
  const what = { count: chance.between(50, 200), size: chance.pick([0, 30]), priority: Priority.Default }
  return { _tag: "Send", at: 0, end, to, ...what, how: chance.pick(["each", "atOnce"] as const), thenClose: false }
}

export const draw = (chance: Chance, setting: Setting): Op => {
  const [end, to] = pair(chance, setting)
  const at = Math.round(chance.unit() ** 2 * setting.span)
  switch (chance.pick(setting.mortal ? DYING : LIVING)) {
    case "Send": {
      const size = sizeOf(chance)
      const count = chance.between(1, size > 10_000 ? 4 : 12)
      const priority = chance.odds(1 / 4) ? chance.pick([Priority.Low, Priority.High]) : Priority.Default
      return {
        _tag: "Send",
        at,
        end,
        to,
        count,
        size,
        priority,
        how: chance.pick(["each", "each", "atOnce", "deliver"] as const),
        thenClose: setting.mortal && chance.odds(1 / 4)
      }
    }
    case "Dial":
      return { _tag: "Dial", at, end, to }
    case "Close":
      return { _tag: "Close", at, end, to }
    case "Ping":
      return { _tag: "Ping", at, end, to }
    case "Slow":
      return { _tag: "Slow", at, end, millis: chance.below(3000) }
    case "Restart":
      return { _tag: "Restart", at, end, millis: chance.below(4000), silent: chance.odds(1 / 3) }
    case "Jump":
      return { _tag: "Jump", at, end, millis: chance.between(-3_600_000, 3_600_000) }
  }
}

/** The same done more plainly. */
export function* simpler(op: Op): Generator<Op> {
  if (op._tag === "Send") {
    if (op.priority !== Priority.Default) yield { ...op, priority: Priority.Default }
    if (op.how !== "each") yield { ...op, how: "each" }
    if (op.thenClose) yield { ...op, thenClose: false }
    for (const count of Shrink.smaller(op.count, 1)) yield { ...op, count }
    for (const size of Shrink.smaller(op.size)) yield { ...op, size }
  }
  if ("millis" in op) for (const millis of Shrink.smaller(op.millis)) yield { ...op, millis }
  if (op._tag === "Restart" && op.silent) yield { ...op, silent: false }
  for (const at of Shrink.smaller(op.at)) yield { ...op, at }
}

const HOW = { each: "", atOnce: ", at once", deliver: ", and waits for what becomes of them" } as const

/** When, who, what. */
export const format = (op: Op): string => {
  const who = `${op.at} ms: ${op.end}`
  switch (op._tag) {
    case "Send": {
      const how = `${op.priority === Priority.Default ? "" : `, priority ${op.priority}`}${HOW[op.how]}${op.thenClose ? ", and says goodbye" : ""}`
      return `${who} sends ${op.count} of ${op.size} bytes to ${op.to}${how}`
    }
    case "Dial":
      return `${who} dials ${op.to}`
    case "Close":
      return `${who} closes its connections with ${op.to}`
    case "Ping":
      return `${who} asks ${op.to} for a sign of life`
    case "Slow":
      return `${who} takes no messages for ${op.millis} ms`
    case "Restart":
      return `${who} ${op.silent ? "loses its power" : "dies"} and is back after ${op.millis} ms`
    case "Jump":
      return `${who} sets its clock by ${op.millis} ms`
  }
}
