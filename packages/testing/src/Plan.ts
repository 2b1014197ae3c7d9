/**
 * A whole scenario as data: who is there, how the network is, what is done and what goes wrong.
 */
import * as Schema from "effect/Schema"
import { Chance } from "./Chance.ts"
import * as Fault from "./Fault.ts"
import * as Script from "./Script.ts"
import * as Shrink from "./Shrink.ts"
import * as Weather from "./Weather.ts"

/**
 * `lossy`: lossy clients and a stateless server. `stateful`: lossless clients and a stateful server. `peers` and
 * `reuse`: lossless peers that dial each other, `reuse` with a reset check.
 */
export const PolicyName = Schema.Literals(["lossy", "stateful", "peers", "reuse"])
export type PolicyName = typeof PolicyName.Type

const bytes = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1 << 24 }))

/**
 * How the messengers are set up.
 *
 * **Shape** `outbox` is how many messages may wait to be acknowledged; `keepalive` is between two of them and
 * `patience` how long a peer may be silent then, `null` for none.
 *
 * **Units** buffers in bytes, times in milliseconds
 */
export const Settings = Schema.Struct({
  sendBuffer: bytes,
  receiveBuffer: bytes,
  outbox: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1 << 16 })),
  keepalive: Schema.NullOr(Weather.Millis),
  patience: Schema.NullOr(Weather.Millis),
  /** Whether everybody has a key and everything is encrypted. */
  secure: Schema.Boolean,
  /** By which frames of 64 bytes and more are compressed. */
  compression: Schema.NullOr(Schema.Literals(["snappy", "zlib", "zstd", "lz4"]))
})
export type Settings = typeof Settings.Type

/** **Shape** `ends` are names; with `lossy` and `stateful` the first is the server. */
export const Plan = Schema.Struct({
  policy: PolicyName,
  ends: Schema.NonEmptyArray(Schema.String),
  settings: Settings,
  weather: Weather.Weather,
  script: Schema.Array(Script.Op),
  faults: Schema.Array(Fault.Fault)
})
export type Plan = typeof Plan.Type

/** What messengers do by default. */
export const calm: Settings = {
  sendBuffer: 262_144,
  receiveBuffer: 1_048_576,
  outbox: 1 << 16,
  keepalive: null,
  patience: null,
  secure: false,
  compression: null
}

/** Operations and faults come within this time. **Units** milliseconds */
export const SPAN = 20_000

const list = <A>(count: number, draw: () => A): ReadonlyArray<A> => Array.from({ length: count }, draw)

const drawSettings = (chance: Chance, seed: number): Settings => {
  // Of a chance of its own, so that seeds go on meaning what they did before there was compression.
  const other = new Chance(seed, "compression")
  const keepalive = chance.pick([null, null, 500, 5000])
  return {
    sendBuffer: chance.pick([1024, 65_536, 262_144]),
    receiveBuffer: chance.pick([512, 8192, 1_048_576]),
    outbox: chance.pick([2, 20, 1 << 16]),
    keepalive,
    // No less than a few keepalives long: who says little is not silent.
    patience: keepalive === 500 ? chance.pick([null, 2000]) : null,
    secure: chance.odds(1 / 16),
    compression: other.odds(1 / 8) ? other.pick(["snappy", "zlib", "zstd", "lz4"] as const) : null
  }
}

/** Many messages over many connections, each of which lasts for some of them. */
const drawStorm = (chance: Chance, setting: Script.Setting): Pick<Plan, "script" | "faults"> => {
  const sends = list(chance.between(1, 3), () => Script.drawMany(chance, setting))
  const cut: Fault.Fault = {
    _tag: "Cut",
    link: 0,
    times: 12,
    direction: chance.pick(["up", "down"] as const),
    byte: chance.between(300, chance.pick([800, 3000, 10_000])),
    noticed: [0, 0]
  }
  return { script: [...sends, Script.draw(chance, setting)], faults: [cut] }
}

/** The plan of a seed. */
export const draw = (seed: number, policy: PolicyName): Plan => {
  const chance = new Chance(seed, "plan")
  const ends = chance.odds(1 / 4) ? (["a", "b", "c"] as const) : (["a", "b"] as const)
  // Much happens at the beginning: races need things that are done at the same time.
  const span = chance.pick([0, 100, 2000, SPAN])
  const star = policy === "lossy" || policy === "stateful"
  // Where a session lives on, what closes it is the exception.
  const setting = { ends, star, span, mortal: chance.odds(policy === "lossy" ? 3 / 4 : 1 / 2) }
  const faults = { hosts: ends, span, links: chance.pick([1, 3, 6]), bytes: 6000 }
  const isStorm = chance.odds(1 / 8)
  return {
    policy,
    ends,
    settings: drawSettings(chance, seed),
    weather: Weather.draw(chance),
    ...(isStorm
      ? drawStorm(chance, { ...setting, mortal: false })
      : {
          script: list(chance.between(1, 8), () => Script.draw(chance, setting)),
          faults: chance.odds(1 / 8) ? [] : list(chance.between(1, 6), () => Fault.draw(chance, faults))
        })
  }
}

const formatSettings = (settings: Settings): string => {
  const { compression, keepalive, outbox, patience, receiveBuffer, secure, sendBuffer } = settings
  return [
    `buffers ${sendBuffer} out, ${receiveBuffer} in, ${outbox} messages`,
    keepalive === null
      ? "no keepalives"
      : `keepalives every ${keepalive} ms${patience === null ? "" : `, silence for ${patience} ms`}`,
    secure ? "secure" : "not secure",
    ...(compression === null ? [] : [`compressed by ${compression}`])
  ].join("; ")
}

/** Plans that are like this one and a little simpler: half of what happens, then less, then one thing made plainer. */
export function* simpler(plan: Plan): Generator<Plan> {
  const { ends, faults, script, settings, weather } = plan
  const isOp = (item: Script.Op | Fault.Fault): item is Script.Op => "end" in item
  for (const fewer of Shrink.fewer([...script, ...faults])) {
    const ops = fewer.filter(isOp)
    yield { ...plan, script: ops, faults: fewer.filter((item) => !isOp(item)) }
  }
  if (ends.length > 2) {
    const [one, other] = ends
    const isLeft = (name: string) => name === one || name === other
    const ops = script.filter((op) => isLeft(op.end) && (!("to" in op) || isLeft(op.to)))
    if (other !== undefined) yield { ...plan, ends: [one, other], script: ops }
  }
  for (const plainer of Shrink.plainer(settings, calm)) yield { ...plan, settings: plainer }
  for (const plainer of Shrink.plainer(weather, Weather.calm)) yield { ...plan, weather: plainer }
  for (const [i, op] of script.entries()) {
    for (const simple of Script.simpler(op)) yield { ...plan, script: script.with(i, simple) }
  }
  for (const [i, fault] of faults.entries()) {
    for (const simple of Fault.simpler(fault)) yield { ...plan, faults: faults.with(i, simple) }
  }
}

/** The script for somebody to read, in the order of time as far as there is one. */
export const format = (plan: Plan): string =>
  [
    `${plan.policy}: ${plan.ends.join(", ")}`,
    `settings: ${formatSettings(plan.settings)}`,
    `weather: ${Weather.format(plan.weather)}`,
    ...plan.script.toSorted((one, other) => one.at - other.at).map((op) => `  ${Script.format(op)}`),
    ...plan.faults.map((fault) => `  ! ${Fault.format(fault)}`)
  ].join("\n")
