/**
 * `utime_t`: a moment, or a span of time.
 *
 * **Source** Ceph `src/include/utime.h`
 */
import * as Codec from "@msgr2/wire/Codec"

/**
 * **Shape** `sec:le32 nsec:le32`
 *
 * **Units** seconds since 1970 and nanoseconds, or a span in both.
 */
export const UTime = Codec.struct("UTime", { sec: Codec.u32, nsec: Codec.u32 })
export type UTime = Codec.Type<typeof UTime>

export const zero: UTime = { sec: 0, nsec: 0 }

export const seconds = (sec: number): UTime => ({ sec, nsec: 0 })

export const fromMillis = (millis: number): UTime => ({
  sec: Math.floor(millis / 1000),
  nsec: Math.floor(millis % 1000) * 1_000_000
})

export const toMillis = ({ sec, nsec }: UTime): number => sec * 1000 + nsec / 1_000_000
