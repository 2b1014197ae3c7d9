/**
 * Points in time as monitors store them.
 *
 * **Source** Ceph `src/include/utime.h`
 */
import * as Codec from "@msgr2/wire/Codec"

/**
 * `utime_t`: time since 1970 in UTC.
 *
 * **Shape** `sec:le32 nsec:le32`; `nsec` of a second and more is kept as it came.
 */
export const Utime = Codec.struct("Utime", { sec: Codec.u32, nsec: Codec.u32 })
export type Utime = Codec.Type<typeof Utime>

export const zero: Utime = { sec: 0, nsec: 0 }

/** **Units** milliseconds since 1970, from 0 up to the year 2106; what is outside becomes the nearest end. */
export const fromMillis = (millis: number): Utime => {
  const clamped = Math.min(Math.max(Math.floor(millis), 0), 0xffff_ffff * 1000 + 999)
  const sec = Math.floor(clamped / 1000)
  return { sec, nsec: (clamped - sec * 1000) * 1_000_000 }
}

/** **Units** milliseconds since 1970; the fraction of a millisecond is dropped. */
export const toMillis = ({ sec, nsec }: Utime): number => sec * 1000 + Math.floor(nsec / 1_000_000)

/** `2026-11-21T21:27:03.123456789Z`. */
export const format = ({ sec, nsec }: Utime): string => {
  const whole = new Date((sec + Math.floor(nsec / 1_000_000_000)) * 1000).toISOString()
  return `${whole.slice(0, -5)}.${String(nsec % 1_000_000_000).padStart(9, "0")}Z`
}
