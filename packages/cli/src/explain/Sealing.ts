/**
 * What secrets do to recorded frames: they open sealed ones, and tell who signed a handshake.
 */
import * as Signature from "@msgr2/auth/Signature"
import * as FrameDecoder from "@msgr2/frame/FrameDecoder"
import type { FrameError } from "@msgr2/frame/FrameError"
import * as Mode from "@msgr2/frame/Mode"
import { AuthMethod } from "@msgr2/wire/AuthMethod"
import * as Bytes from "@msgr2/wire/Bytes"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Secret } from "./Keys.ts"

/** AUTH_SIGNATURE in secure mode: the first sealed frame of either direction, in both revisions. */
export const FIRST_SEALED = 96

/** Who sealed a frame, in which revision. */
export interface Sender {
  readonly isClient: boolean
  readonly revision: Mode.Revision
}

/**
 * The mode in which frames of `sender` are read: with the eyes of the other end.
 *
 * **Errors** `SecretTooShort`.
 */
export const modeOf = ({ isClient, revision }: Sender, secret: Secret): Result.Result<Mode.Mode, FrameError> =>
  Mode.secure({ role: isClient ? "server" : "client", revision, secret })

/** Which of several secrets opens the first frame that `sender` sealed; the first one if none does. */
export const choose = (secrets: ReadonlyArray<Secret>, sender: Sender, frame: Uint8Array): Secret | undefined =>
  secrets.find((secret) => {
    const mode = modeOf(sender, secret)
    if (Result.isFailure(mode)) return false
    const decoder = FrameDecoder.make({ mode: mode.success })
    decoder.push(frame)
    return Result.isSuccess(decoder.next())
  }) ?? secrets[0]

/** Whether the signature over what its sender has heard is right; `undefined` when there is no key to tell. */
export const isSigned = (
  method: number | undefined,
  sessionKeys: ReadonlyArray<Secret>,
  heard: ReadonlyArray<Uint8Array>,
  digest: Uint8Array
): boolean | undefined => {
  const keys = method === AuthMethod.None ? [Redacted.make(Bytes.empty)] : sessionKeys
  return keys.length === 0 ? undefined : keys.some((key) => Signature.verify(key, heard, digest))
}
