/**
 * What a recorded conversation turns out to be: one entry per banner and frame, and notes where reading ended.
 */
import type { FrameError } from "@msgr2/frame/FrameError"
import type { Banner } from "@msgr2/wire/Banner"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import type { Message } from "@msgr2/wire/Message"
import type { WireError } from "@msgr2/wire/WireError"
import type { Context } from "./AuthPayload.ts"

export type Direction = "c2s" | "s2c"

/** How frames of a connection were protected when one was sent. */
export type Protection = "crc" | "secure"

/** Bytes of an entry that are kept for showing. */
export const SHOWN = 4096

/**
 * One banner or frame.
 *
 * **Shape** `tag` is -1 for a banner and for a frame that broke before its tag could be trusted. `value` is `undefined`
 * when the entry does not decode; then `error` says which rule it broke and where. `verified`: whether a signature is
 * right, as far as the key is known. `auth` is what one needs to read payloads of authentication.
 *
 * **Units** `offset` and `size` in bytes of the direction's stream; `size` is 0 for a frame whose length is not known.
 * `time` in microseconds since 1970: when the last byte was captured. `wire` and `segments` hold at most `SHOWN` bytes
 * of the whole, as sent and as decoded.
 */
export interface Entry {
  readonly direction: Direction
  readonly offset: number
  readonly size: number
  readonly time: number
  readonly tag: number
  readonly protection: Protection
  readonly compressed: boolean
  readonly wire: Uint8Array
  readonly segments: ReadonlyArray<Uint8Array>
  readonly value: BannerValue | ControlFrame.ControlFrame | Message | undefined
  readonly error: FrameError | WireError | undefined
  readonly verified: boolean | undefined
  readonly auth: Context | undefined
}

export interface BannerValue extends Banner {
  readonly _tag: "Banner"
}

/** Where and why reading one direction ended, or something about a connection that is no error. */
export interface Note {
  readonly direction: Direction | undefined
  readonly text: string
}

/** Ceph's name of the frame, or `banner`. */
export const nameOf = ({ error, tag, value }: Pick<Entry, "error" | "tag" | "value">): string =>
  value?._tag === "Banner" || (error?._tag === "WireError" && error.type === "Banner")
    ? "banner"
    : tag < 0
      ? "unknown"
      : ControlFrame.cephName(tag)
