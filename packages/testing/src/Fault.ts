/**
 * What goes wrong in a simulated network, as data: it can be printed, kept, played again and shortened.
 */
import * as Schema from "effect/Schema"
import type { Chance } from "./Chance.ts"
import * as Shrink from "./Shrink.ts"
import { Millis } from "./Weather.ts"

/** `up` is from the end that has dialled to the one that has accepted. */
export const Direction = Schema.Literals(["up", "down"])
export type Direction = typeof Direction.Type

const count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
const HostName = Schema.String

/** When each end hears of it, the dialling one first: `null` is only when it waits for an answer, TCP gives up then. */
const Noticed = Schema.Tuple([Schema.NullOr(Millis), Schema.NullOr(Millis)])

/**
 * **Shape** `link` counts the links of the network from 0, in the order in which they were made; `byte` are bytes that
 * have arrived in `direction`, to the last one. `Cut`: what is on its way, either way, is lost, on `times` links in a
 * row. `Stall`: nothing arrives in this direction for a while. `Sever`: all links between two hosts are cut at a time.
 * `Partition`: nothing passes between two hosts for a while, and then everything does. `Refuse`: a host refuses new
 * links for a while.
 *
 * **Units** milliseconds; `at` since the beginning.
 */
export const Fault = Schema.Union([
  Schema.TaggedStruct("Cut", { link: count, times: count, direction: Direction, byte: count, noticed: Noticed }),
  Schema.TaggedStruct("Stall", { link: count, direction: Direction, byte: count, millis: Millis }),
  Schema.TaggedStruct("Sever", { at: Millis, between: Schema.Tuple([HostName, HostName]), noticed: Noticed }),
  Schema.TaggedStruct("Partition", { at: Millis, between: Schema.Tuple([HostName, HostName]), millis: Millis }),
  Schema.TaggedStruct("Refuse", { at: Millis, host: HostName, millis: Millis })
])
export type Fault = typeof Fault.Type
export type Noticed = typeof Noticed.Type

/** What faults are drawn for. */
export interface Setting {
  readonly hosts: readonly [string, ...ReadonlyArray<string>]
  /** Times are drawn up to this. **Units** milliseconds */
  readonly span: number
  /** Links that may be hit by number, and bytes that they may carry. */
  readonly links: number
  readonly bytes: number
}

const noticed = (chance: Chance): Noticed => {
  const one = (): number | null => chance.pick([0, 0, 1, 50, 2000, null, null])
  const both = one()
  return chance.odds(1 / 2) ? [both, both] : [one(), one()]
}

const millis = (chance: Chance, most: number): number => Math.round(chance.unit() ** 2 * most)

export const draw = (chance: Chance, { bytes, hosts, links, span }: Setting): Fault => {
  const host = () => chance.pick(hosts)
  const [first, second] = [host(), host()]
  const between = [first, second === first ? (hosts.find((name) => name !== first) ?? first) : second] as const
  // Links begin with a handshake of some hundred bytes, where most of the states are.
  const byte = chance.below(chance.odds(1 / 2) ? Math.min(bytes, 400) : bytes)
  const link = { link: chance.below(links), direction: chance.pick(["up", "down"] as const), byte }
  const at = Math.round(chance.unit() * span)
  switch (chance.pick(["Cut", "Cut", "Cut", "Cut", "Stall", "Sever", "Partition", "Refuse"] as const)) {
    case "Cut":
      return { _tag: "Cut", ...link, times: chance.pick([1, 1, 1, 4, 12]), noticed: noticed(chance) }
    case "Stall":
      return { _tag: "Stall", ...link, millis: millis(chance, 15_000) }
    case "Sever":
      return { _tag: "Sever", at, between, noticed: noticed(chance) }
    case "Partition":
      return { _tag: "Partition", at, between, millis: millis(chance, 20_000) }
    case "Refuse":
      return { _tag: "Refuse", at, host: host(), millis: millis(chance, 5000) }
  }
}

const formatNoticed = ([dialler, listener]: Noticed): string => {
  const one = (millis: number | null) =>
    millis === null ? "only when it waits for an answer" : millis === 0 ? "at once" : `after ${millis} ms`
  return dialler === listener
    ? `both ends notice ${one(dialler)}`
    : `the dialling end notices ${one(dialler)}, the accepting one ${one(listener)}`
}

/** The same, a little plainer. */
export function* simpler(fault: Fault): Generator<Fault> {
  if ("noticed" in fault && fault.noticed.some((millis) => millis !== 0)) yield { ...fault, noticed: [0, 0] }
  if ("millis" in fault) for (const millis of Shrink.smaller(fault.millis)) yield { ...fault, millis }
  if ("at" in fault) for (const at of Shrink.smaller(fault.at)) yield { ...fault, at }
  if ("times" in fault) for (const times of Shrink.smaller(fault.times, 1)) yield { ...fault, times }
  if ("link" in fault) {
    for (const link of Shrink.smaller(fault.link)) yield { ...fault, link }
    for (const byte of Shrink.smaller(fault.byte)) yield { ...fault, byte }
  }
}

const formatLinks = ({ link, times }: Extract<Fault, { readonly _tag: "Cut" }>): string =>
  times === 1 ? `link ${link} is` : `links ${link} to ${link + times - 1} are each`

/** When, and what. */
export const format = (fault: Fault): string => {
  switch (fault._tag) {
    case "Cut":
      return `${formatLinks(fault)} cut after byte ${fault.byte} ${fault.direction}: ${formatNoticed(fault.noticed)}`
    case "Stall":
      return `link ${fault.link} stands still for ${fault.millis} ms after byte ${fault.byte} ${fault.direction}`
    case "Sever":
      return `${fault.at} ms: links between ${fault.between.join(" and ")} are cut: ${formatNoticed(fault.noticed)}`
    case "Partition":
      return `${fault.at} ms: nothing passes between ${fault.between.join(" and ")} for ${fault.millis} ms`
    case "Refuse":
      return `${fault.at} ms: ${fault.host} refuses new links for ${fault.millis} ms`
  }
}
