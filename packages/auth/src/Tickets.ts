/**
 * What a client holds after it has authenticated: its id and a ticket for every service it may talk to.
 *
 * **Source** Ceph `src/auth/cephx/CephxProtocol.h`, `CephXTicketManager`
 */
import type { CryptoKey } from "./CryptoKey.ts"
import type { CephXServiceTicket, CephXTicketBlob } from "./Ticket.ts"
import { keep } from "./Ticket.ts"
import * as UTime from "@msgr2/wire/UTime"

/**
 * A ticket together with the key that makes it usable.
 *
 * **Units** `expiresAt` and `renewAt` in milliseconds since 1970 by the client's own clock.
 */
export interface Held {
  readonly service: number
  readonly sessionKey: CryptoKey
  readonly blob: CephXTicketBlob
  readonly expiresAt: number
  readonly renewAt: number
}

/**
 * **Shape** `auth` renews the others and proves the right to `globalId` on a later connection; `services` has the rest by
 * entity type.
 */
export interface Tickets {
  readonly globalId: bigint
  readonly auth: Held
  readonly services: ReadonlyMap<number, Held>
}

/** A ticket is due for renewal when a quarter of its life is left. */
export const hold = (service: number, ticket: CephXServiceTicket, blob: CephXTicketBlob, now: number): Held => {
  const validity = UTime.toMillis(ticket.validity)
  return {
    service,
    sessionKey: ticket.sessionKey,
    blob: keep(blob),
    expiresAt: now + validity,
    renewAt: now + validity - validity / 4
  }
}
