/**
 * How frames look on the wire between one point of a connection and the next: checked or sealed, old or new layout.
 *
 * **Source** msgr2, "Frame format", "Post-auth frame format"
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Aead from "./Aead.ts"
import type { Compressor } from "./Compression.ts"
import * as Crc32c from "./Crc32c.ts"
import { FrameError } from "./FrameError.ts"
import * as AesGcm from "./internal/aesGcm.ts"
import * as Layout from "./Layout.ts"
import { Nonce, SIZE as NONCE_SIZE } from "./Nonce.ts"

/** 1 when both banners offer `Features.Msgr2.Revision1`, else 0: msgr2.1 and msgr2.0. */
export type Revision = 0 | 1

interface Common {
  readonly revision: Revision
  readonly compression: Compressor | undefined
}

/** Checksums only. `dataCrc: false`, which both ends must be told: those of segments are 0 and not looked at. */
export interface Crc extends Common {
  readonly _tag: "Crc"
  readonly dataCrc: boolean
  readonly crc32c: Crc32c.Engine
}

/**
 * Every byte sealed. The two nonces count and belong to one connection: the value may be set again, with another
 * compressor say, and goes on counting where it was.
 */
export interface Secure extends Common {
  readonly _tag: "Secure"
  readonly aead: Aead.Aead
  readonly tx: Nonce
  readonly rx: Nonce
}

export type Mode = Crc | Secure

/** Mode of the frames before AUTH_DONE, and after it when both ends agreed on `crc`. */
export const crc = (
  revision: Revision,
  options: {
    readonly compression?: Compressor | undefined
    readonly dataCrc?: boolean
    /** Another implementation of CRC-32C than the one built in. */
    readonly engine?: Crc32c.Engine
  } = {}
): Crc => ({
  _tag: "Crc",
  revision,
  compression: options.compression,
  dataCrc: options.dataCrc ?? true,
  crc32c: options.engine ?? Crc32c.builtIn
})

/** Fewest bytes of a connection secret that hold a key and two nonces; real ones have 64. */
export const SECRET_SIZE = Aead.KEY_SIZE + 2 * NONCE_SIZE

/**
 * Mode of the frames after AUTH_DONE when both ends agreed on `secure`. The client is the end that connected.
 *
 * **Shape** `secret` is `key:16 serverNonce:12 clientNonce:12` and more that is not used.
 *
 * **Errors** `SecretTooShort`.
 */
export const secure = (options: {
  readonly role: "client" | "server"
  readonly revision: Revision
  readonly secret: Redacted.Redacted<Uint8Array>
  readonly compression?: Compressor | undefined
  /** Another implementation of AES-128-GCM than node:crypto. */
  readonly engine?: (key: Uint8Array) => Aead.Aead
}): Result.Result<Secure, FrameError> => {
  const secret = Redacted.value(options.secret)
  if (secret.length < SECRET_SIZE) {
    return Result.fail(
      new FrameError({
        reason: "SecretTooShort",
        tag: -1,
        segment: -1,
        offset: 0,
        expected: `a connection secret of at least ${SECRET_SIZE} bytes, got ${secret.length}`
      })
    )
  }
  const nonce = (at: number) => new Nonce(options.revision, secret.subarray(at, at + NONCE_SIZE))
  const server = nonce(Aead.KEY_SIZE)
  const client = nonce(Aead.KEY_SIZE + NONCE_SIZE)
  return Result.succeed({
    _tag: "Secure",
    revision: options.revision,
    compression: options.compression,
    aead: (options.engine ?? AesGcm.make)(secret.subarray(0, Aead.KEY_SIZE)),
    tx: options.role === "client" ? client : server,
    rx: options.role === "client" ? server : client
  })
}

/** The same mode with compression, which is agreed on after it. */
export const withCompression = <M extends Mode>(mode: M, compression: Compressor | undefined): M => ({
  ...mode,
  compression
})

export const layout = (mode: Mode): Layout.Layout => Layout.table[mode._tag][mode.revision]
