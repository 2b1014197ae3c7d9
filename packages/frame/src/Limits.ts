/**
 * How large a frame may be that a peer announces. Checked before anything is allocated.
 *
 * **Source** Linux `include/linux/ceph/libceph.h` (`CEPH_MSG_MAX_*`), Ceph `osd_max_object_size`
 */
import type { Refuse } from "./FrameError.ts"

/**
 * **Units** bytes of segments without padding and checks; `segments` by position (a control frame has only the first),
 * `frame` for their sum. Compressed segments must keep both limits before and after they are inflated.
 */
export interface Limits {
  readonly segments: readonly [control: number, front: number, middle: number, data: number]
  readonly frame: number
}

const MiB = 1024 * 1024

/** Beyond this nothing is read or written, whatever the limits say: node:crypto takes less than 2 GiB at a time. */
export const HIGHEST = 1024 * MiB

/** Nobody has proved who they are. The longest honest frame of a handshake has a few kilobytes. */
export const beforeAuth: Limits = { segments: [65536, 65536, 65536, 65536], frame: 65536 }

/** The Linux client's limits, with room in the data for the largest object that an OSD stores. */
export const afterAuth: Limits = { segments: [16 * MiB, 16 * MiB, 16 * MiB, 128 * MiB], frame: 160 * MiB }

/** What all segments together may have. */
export const whole = (limits: Limits): number => Math.min(limits.frame, HIGHEST)

/**
 * Compares the first `count` of `lengths`, unsigned, with `limits`.
 *
 * **Errors** `TooLarge`.
 */
export const check = (limits: Limits, lengths: Uint32Array, count: number, refuse: Refuse): void => {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const length = lengths[i]!
    if (length > limits.segments[i]!) refuse("TooLarge", i, `at most ${limits.segments[i]} bytes, got ${length}`)
    sum += length
  }
  if (sum > whole(limits)) refuse("TooLarge", -1, `at most ${whole(limits)} bytes in all segments, got ${sum}`)
}
