/**
 * Tickets under the secret of their service: how they are made, and how the service reads them.
 *
 * **Source** Ceph `src/auth/cephx/CephxProtocol.cc`, `cephx_build_service_ticket_blob`;
 * `src/auth/cephx/CephxKeyServer.cc`, `build_session_auth_info`
 */
import * as Codec from "@msgr2/wire/Codec"
import type { EntityName } from "@msgr2/wire/EntityName"
import * as UTime from "@msgr2/wire/UTime"
import * as Result from "effect/Result"
import type { AuthError } from "./AuthError.ts"
import * as Cipher from "./Cipher.ts"
import * as CryptoKey from "./CryptoKey.ts"
import type { Entropy } from "./Entropy.ts"
import * as Sealed from "./Sealed.ts"
import { CephXServiceTicketInfo, type CephXTicketBlob, NO_AUID } from "./Ticket.ts"

/** The number of the secret that is not one of the rotating ones: the key that all monitors share. */
export const LONG_LIVED = 0xffff_ffff_ffff_ffffn

/** A secret and the number by which tickets name it. */
export interface Secret {
  readonly id: bigint
  readonly key: CryptoKey.CryptoKey
}

/**
 * Who a ticket is for.
 *
 * **Units** `lifetime` in seconds. `caps` are `undefined` for services that look them up themselves.
 */
export interface Holder {
  readonly name: EntityName
  readonly globalId: bigint
  readonly caps: string | undefined
  readonly lifetime: number
  /** The type of the session key. */
  readonly keyType: number
}

/** A ticket and the session key in it, which the holder has to be told by other means. */
export interface Minted {
  readonly blob: CephXTicketBlob
  readonly sessionKey: CryptoKey.CryptoKey
}

/**
 * A ticket with a fresh session key.
 *
 * **Units** `now` in milliseconds since 1970.
 *
 * **Errors** `UnsupportedCipher`.
 */
export const mint = (
  secret: Secret,
  { name, globalId, caps, lifetime, keyType }: Holder,
  now: number,
  entropy: Entropy
): Result.Result<Minted, AuthError> => {
  const sessionKey = CryptoKey.generate(entropy, now, keyType)
  const info: CephXServiceTicketInfo = {
    ticket: {
      name,
      globalId,
      auid: NO_AUID,
      created: UTime.fromMillis(now),
      expires: UTime.fromMillis(now + lifetime * 1000),
      caps: { allowAll: false, caps: caps === undefined ? new Uint8Array(0) : Codec.encode(Codec.string, caps) },
      flags: 0
    },
    sessionKey
  }
  return Result.map(
    Sealed.seal(secret.key, Cipher.Usage.TicketInfo, CephXServiceTicketInfo, info, entropy),
    (blob) => ({ blob: { secretId: secret.id, blob }, sessionKey })
  )
}

/**
 * What a ticket says. That it opens is the only proof that somebody with the secret has made it.
 *
 * **Errors** those of `Sealed.open`.
 */
export const open = (
  key: CryptoKey.CryptoKey,
  { blob }: CephXTicketBlob
): Result.Result<CephXServiceTicketInfo, AuthError> =>
  Sealed.open(key, Cipher.Usage.TicketInfo, CephXServiceTicketInfo, blob)
