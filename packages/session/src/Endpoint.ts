/**
 * One end of a session as a machine: handshakes, the open session, the times between connections, the end.
 */
import type { Action } from "./Action.ts"
import * as ClientHandshake from "./ClientHandshake.ts"
import { violation } from "./Close.ts"
import type { Event } from "./Event.ts"
import { survive } from "./Fault.ts"
import { allowed, follow, type Machine, type Table } from "./Machine.ts"
import type { Client, Local, Server } from "./Options.ts"
import * as Ready from "./Ready.ts"
import * as Resume from "./Resume.ts"
import * as ServerHandshake from "./ServerHandshake.ts"
import * as Session from "./Session.ts"
import type { State } from "./State.ts"

export type Endpoint = Machine<State, Event, Action>

const machine = (options: Local, rules: Table<State, Event, Action>, initial: State): Endpoint => ({
  initial,
  step: (state, event) =>
    // Over is over: what still arrives belongs to nobody.
    state._tag === "Closed"
      ? [state, []]
      : survive(
          options,
          state,
          follow(rules, state, event, () =>
            violation(state, event, "UnexpectedFrame", allowed(rules, state).join(", ") || "nothing")
          )
        )
})

/** The table of a dialling end, for drawing it. */
export const clientTable = (options: Local): Table<State, Event, Action> => ({
  ...ClientHandshake.table(options),
  ...Resume.table(options),
  ...Ready.table(options)
})

/** The table of an accepting end, for drawing it: it may come to dial, when its session can last. */
export const serverTable = (options: Server): Table<State, Event, Action> => ({
  ...ServerHandshake.table(options),
  ...clientTable(options)
})

/** An end that dials, and wants an open connection. `rules` spares a messenger a table for each session. */
export const client = (options: Client, rules = clientTable(options)): Endpoint => {
  const { policy, target } = options
  const remote: Session.Remote = {
    addrs: options.targetAddrs ?? [target],
    target,
    entityType: options.targetType,
    policy,
    retries: options.retries
  }
  const session = { ...Session.fresh(remote), wanted: true }
  return machine(options, rules, { _tag: "StartConnect", target, session, progress: Session.start })
}

/** An end that was dialled. */
export const server = (options: Server): Endpoint => machine(options, serverTable(options), { _tag: "StartAccept" })
