/**
 * The sender's last word on a frame: `late_flags` in revision 0, `late_status` in revision 1.
 *
 * A sender that runs out of its data in the middle of a frame fills the rest with anything and says here that it aborted.
 * Receivers check such a frame and drop it. `FrameWriter` is the only one here that writes them.
 *
 * **Source** msgr2, "Frame format"; Ceph `src/msg/async/frames_v2.h`
 */
import type { Refuse } from "./FrameError.ts"
import type { Revision } from "./Mode.ts"

/** `FRAME_LATE_FLAG_ABORTED`, the only bit of `late_flags`. */
export const ABORTED_FLAG = 1

/** The low nibble of `late_status`. Four bits apart, so that no flipped bit turns one into the other. */
export const Status = { Aborted: 0x1, Complete: 0xe } as const

/** What a complete frame says, by revision. */
export const complete = (revision: Revision): number => (revision === 0 ? 0 : Status.Complete)

/** What an aborted frame says, by revision. */
export const aborted = (revision: Revision): number => (revision === 0 ? ABORTED_FLAG : Status.Aborted)

/** `undefined` when `late` says neither. The high nibble of `late_status` is reserved and ignored. */
export const read = (revision: Revision, late: number): "Complete" | "Aborted" | undefined => {
  if (revision === 0) return (late & ABORTED_FLAG) === 0 ? "Complete" : "Aborted"
  const status = late & 0xf
  return status === Status.Complete ? "Complete" : status === Status.Aborted ? "Aborted" : undefined
}

/** Refuses the frame that ends in `late`. */
export const refuse = (late: number, fail: Refuse): never =>
  fail("LateStatus", -1, `a late_status of 0x.e (complete) or 0x.1 (aborted), got 0x${late.toString(16)}`)
