/**
 * What a monitor shows to another monitor. Nobody issues it: whoever has the key of `mon.`, which all monitors share,
 * makes the ticket.
 *
 * **Source** Ceph `src/mon/Monitor.cc`, `get_authorizer`
 */
import { type EntityName, EntityType } from "@msgr2/wire/EntityName"
import * as Result from "effect/Result"
import type { AuthError } from "./AuthError.ts"
import type { CryptoKey } from "./CryptoKey.ts"
import type { Entropy } from "./Entropy.ts"
import * as SealedTicket from "./SealedTicket.ts"
import type { Pass } from "./Tickets.ts"

/** Whose key it is. All monitors have this one name towards each other. */
export const name: EntityName = { type: EntityType.Mon, id: "" }

/** **Units** seconds. */
const LIFETIME = 3600

/**
 * A fresh pass from one monitor to another, made from the key of `mon.`.
 *
 * **Units** `now` in milliseconds since 1970.
 *
 * **Errors** `UnsupportedCipher`.
 */
export const make = (key: CryptoKey, now: number, entropy: Entropy): Result.Result<Pass, AuthError> => {
  const holder = { name, globalId: 0n, caps: undefined, lifetime: LIFETIME, keyType: key.type }
  const expiresAt = now + LIFETIME * 1000
  return Result.map(
    SealedTicket.mint({ id: SealedTicket.LONG_LIVED, key }, holder, now, entropy),
    ({ blob, sessionKey }) => ({
      globalId: 0n,
      ticket: { service: EntityType.Mon, sessionKey, blob, expiresAt, renewAt: expiresAt }
    })
  )
}
