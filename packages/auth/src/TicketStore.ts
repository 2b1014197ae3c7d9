/**
 * Where the tickets of one entity are kept between the login that brings them and the connections that need them.
 *
 * **Source** Ceph `src/mon/MonClient.cc`, `build_authorizer`, `_check_auth_tickets`
 */
import * as Effect from "effect/Effect"
import * as Tickets from "./Tickets.ts"

export interface TicketStore {
  /** What is held; `undefined` until somebody has logged in. */
  readonly get: Effect.Effect<Tickets.Tickets | undefined>
  /** Takes what a login or a renewal has brought, in place of all that was held. */
  readonly put: (tickets: Tickets.Tickets) => Effect.Effect<void>
  /** A service does not accept this ticket: it is due for renewal, though still good for other daemons of its kind. */
  readonly refused: (ticket: Tickets.Held) => Effect.Effect<void>
}

/** A store of its own, which holds `initial`. */
export const make = (initial?: Tickets.Tickets): Effect.Effect<TicketStore> => Effect.sync(() => makeUnsafe(initial))

/** `make` outside an Effect. */
export const makeUnsafe = (initial?: Tickets.Tickets): TicketStore => {
  let tickets = initial
  return {
    get: Effect.sync(() => tickets),
    put: (brought) =>
      Effect.sync(() => {
        tickets = brought
      }),
    refused: (ticket) =>
      Effect.sync(() => {
        if (tickets?.services.get(ticket.service) !== ticket) return
        tickets = Tickets.renew(tickets, [{ ...ticket, renewAt: 0 }])
      })
  }
}
