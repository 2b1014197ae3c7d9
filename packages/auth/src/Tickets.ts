/**
 * What a client holds after it has authenticated: its id and a ticket for every service it may talk to.
 *
 * **Source** Ceph `src/auth/cephx/CephxProtocol.h`, `CephXTicketManager`
 */
import * as EntityName from "@msgr2/wire/EntityName"
import * as UTime from "@msgr2/wire/UTime"
import * as Result from "effect/Result"
import * as AuthError from "./AuthError.ts"
import type { CryptoKey } from "./CryptoKey.ts"
import type { CephXServiceTicket, CephXTicketBlob } from "./Ticket.ts"
import { keep } from "./Ticket.ts"

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

/** A ticket and the id it was given to: all that an authorizer needs. */
export interface Pass {
  readonly globalId: bigint
  readonly ticket: Held
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

/**
 * The ticket for one service, while it is good.
 *
 * **Units** `service` is an entity type, `now` in milliseconds since 1970, here and below.
 *
 * **Errors** `NoTicket`, `TicketExpired`.
 */
export const pass = (
  tickets: Tickets | undefined,
  service: number,
  now: number
): Result.Result<Pass, AuthError.AuthError> => {
  const ticket = service === EntityName.EntityType.Auth ? tickets?.auth : tickets?.services.get(service)
  const name = EntityName.formatType(service)
  if (tickets === undefined || ticket === undefined) {
    return Result.fail(AuthError.local("NoTicket", `a ticket for ${name} from a monitor`))
  }
  return now < ticket.expiresAt
    ? Result.succeed({ globalId: tickets.globalId, ticket })
    : Result.fail(AuthError.local("TicketExpired", `a ticket for ${name} that has been renewed in time`))
}

const { Mon, Mds, Osd, Mgr } = EntityName.EntityType

/**
 * Which of the wanted tickets to ask for now: those not held, and those that have come to the last quarter of their life.
 *
 * **Shape** `wanted` and the answer are masks of entity types. The ticket for the authentication service is never among
 * them: it takes another login to renew that one.
 */
export const due = ({ services }: Tickets, wanted: number, now: number): number =>
  [Mon, Mds, Osd, Mgr].reduce((mask, service) => {
    const held = services.get(service)
    return (wanted & service) !== 0 && (held === undefined || held.renewAt <= now) ? mask | service : mask
  }, 0)

/** With `renewed` in place of the tickets for the same services. */
export const renew = (tickets: Tickets, renewed: Iterable<Held>): Tickets => {
  const services = new Map(tickets.services)
  for (const held of renewed) services.set(held.service, held)
  return { ...tickets, services }
}
