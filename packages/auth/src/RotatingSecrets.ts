/**
 * The secrets that tickets are sealed with. Three are held, so that a ticket of the last period still opens and services
 * learn the next secret before it is used.
 *
 * **Source** Ceph `src/auth/Auth.h`, `RotatingSecrets`; `src/auth/cephx/CephxKeyServer.cc`
 */
import * as Codec from "@msgr2/wire/Codec"
import * as CryptoKey from "./CryptoKey.ts"
import type { Entropy } from "./Entropy.ts"
import { structV } from "./StructV.ts"
import * as UTime from "@msgr2/wire/UTime"

const HELD = 3

/** **Shape** `1:u8 key:CryptoKey expiration:utime` */
export const ExpiringCryptoKey = structV(
  1,
  Codec.struct("ExpiringCryptoKey", { key: CryptoKey.CryptoKey, expiration: UTime.UTime })
)
export type ExpiringCryptoKey = Codec.Type<typeof ExpiringCryptoKey>

/**
 * **Shape** `1:u8 count:le32 (id:le64 ExpiringCryptoKey)* maxVersion:le64`, ids ascending: previous, current, next.
 */
export const RotatingSecrets = structV(
  1,
  Codec.struct("RotatingSecrets", { secrets: Codec.map(Codec.u64, ExpiringCryptoKey), maxVersion: Codec.u64 })
)
export type RotatingSecrets = Codec.Type<typeof RotatingSecrets>

export const empty: RotatingSecrets = { secrets: [], maxVersion: 0n }

type Numbered = RotatingSecrets["secrets"][number]

const expired = (secret: Numbered | undefined, now: number): boolean =>
  secret === undefined || UTime.toMillis(secret[1].expiration) <= now

/**
 * The secret to seal with: the second oldest, or the one after it once that has expired. `undefined` while there is none.
 *
 * **Units** `now` in milliseconds since 1970.
 */
export const current = ({ secrets }: RotatingSecrets, now: number): Numbered | undefined =>
  expired(secrets[1], now) ? (secrets[2] ?? secrets.at(-1)) : secrets[1]

/** The secret number `id`, while it is held. */
export const find = ({ secrets }: RotatingSecrets, id: bigint): CryptoKey.CryptoKey | undefined =>
  secrets.find(([held]) => held === id)?.[1].key

/**
 * Whether there are secrets that are not held yet: the second one is no good any more at `now`, or there is none.
 *
 * **Units** `now` in milliseconds since 1970.
 *
 * **Source** Ceph `src/auth/Auth.h`, `RotatingSecrets::need_new_secrets`
 */
export const isDue = ({ secrets }: RotatingSecrets, now: number): boolean =>
  secrets.length < HELD || expired(secrets[1], now)

/**
 * Adds secrets until three are held and the second one is good at `now`; the same value when nothing is due.
 *
 * **Units** `now` in milliseconds since 1970, `lifetime` in seconds.
 */
export const rotate = (rotating: RotatingSecrets, now: number, lifetime: number, entropy: Entropy): RotatingSecrets => {
  let { secrets, maxVersion } = rotating
  while (isDue({ secrets, maxVersion }, now)) {
    const newest = secrets.at(-1)
    const begins = newest === undefined ? now : Math.max(now + lifetime * 1000, UTime.toMillis(newest[1].expiration))
    maxVersion += 1n
    const secret: ExpiringCryptoKey = {
      key: CryptoKey.generate(entropy, now),
      expiration: UTime.fromMillis(begins + lifetime * 1000)
    }
    secrets = [...secrets.slice(1 - HELD), [maxVersion, secret]]
  }
  return maxVersion === rotating.maxVersion ? rotating : { secrets, maxVersion }
}
