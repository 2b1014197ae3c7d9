/**
 * How a simulated network behaves on its good days: no fault, and yet no two runs alike.
 */
import * as Schema from "effect/Schema"
import type { Chance } from "./Chance.ts"

/** **Units** milliseconds of the simulation. */
export const Millis = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

/**
 * **Shape** `latency` from least to most, drawn for each piece; pieces never overtake each other. `cutting` is the
 * probability with which a piece ends before everything that could leave has left.
 *
 * **Units** `window` in bytes: how much may be on its way or wait for its reader, in one direction.
 */
export const Weather = Schema.Struct({
  latency: Schema.Tuple([Millis, Millis]),
  cutting: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  window: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1 << 24 }))
})
export type Weather = typeof Weather.Type

/** Nothing is cut, nothing waits. */
export const calm: Weather = { latency: [1, 1], cutting: 0, window: 1 << 20 }

export const draw = (chance: Chance): Weather => {
  const least = chance.pick([0, 0.05, 1, 20])
  return {
    latency: [least, least + chance.pick([0, 0.1, 5, 100])],
    cutting: chance.pick([0, 0.1, 0.3, 0.7]),
    window: chance.pick([512, 4096, 65_536, 262_144])
  }
}

export const format = ({ cutting, latency: [least, most], window }: Weather): string =>
  `${least}-${most} ms on the way, ${100 * cutting} % cut, ${window} bytes in flight`
