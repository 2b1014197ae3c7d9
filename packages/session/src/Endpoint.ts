/**
 * One end of a connection as a machine: handshake, open session, end.
 */
import type { Action } from "./Action.ts"
import * as ClientHandshake from "./ClientHandshake.ts"
import { violation } from "./Close.ts"
import type { Event } from "./Event.ts"
import { allowed, follow, type Machine, type Table } from "./Machine.ts"
import type { Client, Server } from "./Options.ts"
import * as Ready from "./Ready.ts"
import * as ServerHandshake from "./ServerHandshake.ts"
import type { State } from "./State.ts"

export type Endpoint = Machine<State, Event, Action>

const machine = (rules: Table<State, Event, Action>, initial: State): Endpoint => ({
  initial,
  step: (state, event) =>
    // Over is over: what still arrives belongs to nobody.
    state._tag === "Closed"
      ? [state, []]
      : follow(rules, state, event, () =>
          violation(state, event, "UnexpectedFrame", allowed(rules, state).join(", ") || "nothing")
        )
})

/** The table of a dialling end, for drawing it. */
export const clientTable = (options: Client): Table<State, Event, Action> => ({
  ...ClientHandshake.table(options),
  ...Ready.table
})

/** The table of an accepting end, for drawing it. */
export const serverTable = (options: Server): Table<State, Event, Action> => ({
  ...ServerHandshake.table(options),
  ...Ready.table
})

export const client = (options: Client): Endpoint => machine(clientTable(options), { _tag: "StartConnect" })
export const server = (options: Server): Endpoint => machine(serverTable(options), { _tag: "StartAccept" })
