/**
 * `utime_t`: a moment, or a span of time.
 *
 * **Source** Ceph `src/include/utime.h`
 */
import * as Codec from "./Codec.ts"

/**
 * **Shape** `sec:le32 nsec:le32`; `nsec` of a second and more is kept as it came.
 *
 * **Units** seconds since 1970 in UTC and nanoseconds, or a span in both.
 */
export const UTime = Codec.struct("UTime", { sec: Codec.u32, nsec: Codec.u32 })
export type UTime = Codec.Type<typeof UTime>

export const zero: UTime = { sec: 0, nsec: 0 }

export const seconds = (sec: number): UTime => ({ sec, nsec: 0 })

/** **Units** milliseconds since 1970, from 0 up to the year 2106; what is outside becomes the nearest end. */
export const fromMillis = (millis: number): UTime => {
  const clamped = Math.min(Math.max(Math.floor(millis), 0), 0xffff_ffff * 1000 + 999)
  const sec = Math.floor(clamped / 1000)
  return { sec, nsec: (clamped - sec * 1000) * 1_000_000 }
}

/** **Units** milliseconds since 1970; the fraction of a millisecond is dropped. */
export const toMillis = ({ sec, nsec }: UTime): number => sec * 1000 + Math.floor(nsec / 1_000_000)

/** `2026-11-21T21:27:03.123456789Z`. */
export const format = ({ sec, nsec }: UTime): string => {
  const whole = new Date((sec + Math.floor(nsec / 1_000_000_000)) * 1000).toISOString()
  return `${whole.slice(0, -5)}.${String(nsec % 1_000_000_000).padStart(9, "0")}Z`
}
