/**
 * Bugs put back into the machines that ship, one at a time: a checker that has never failed proves nothing.
 *
 * Each is a patch around the real step, or around the real arbiter, and a small world in which it shows.
 */
import { Message } from "@msgr2/wire"
import { Arbiter, Endpoint, Fifo, Outbox, Policy, Session, type State } from "@msgr2/session"
import type { Action, Event } from "@msgr2/session"
import * as Ids from "@msgr2/wire/Ids"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import { Check, World, WorldModel, WorldSetups } from "../src/index.ts"

type Step = readonly [State.State, ReadonlyArray<Action.Action>]
type Real = (state: State.State, event: Event.Event) => Step
type Case<T extends Event.Event["_tag"]> = Extract<Event.Event, { readonly _tag: T }>
type Arbitrate = typeof Arbiter.arbitrate

export interface Mutant {
  readonly name: string
  /** Where the bug was, or why somebody might write it. */
  readonly origin: string
  readonly machines: World.Machines
  readonly setup: World.Setup
  /** The property that kills it. */
  readonly property: string
}

// --- ways to put them back

const around = (patch: (real: Real, state: State.State, event: Event.Event) => Step): World.Machines => {
  const wrap = (endpoint: Endpoint.Endpoint): Endpoint.Endpoint => ({
    initial: endpoint.initial,
    step: (state, event) => patch(endpoint.step, state, event)
  })
  return {
    ...WorldModel.shipped,
    client: (options) => wrap(Endpoint.client(options)),
    server: (options) => wrap(Endpoint.server(options))
  }
}

/** The step as it is, and then something else of it. */
const after = <T extends Event.Event["_tag"]>(
  tag: T,
  patch: (step: Step, state: State.State, event: Case<T>) => Step
): World.Machines =>
  around((real, state, event) => {
    const step = real(state, event)
    return event._tag === tag ? patch(step, state, event as Case<T>) : step
  })

/** The step for another event than the one that came. */
const instead = <T extends Event.Event["_tag"]>(
  tag: T,
  patch: (event: Case<T>, state: State.State) => Event.Event
): World.Machines =>
  around((real, state, event) => real(state, event._tag === tag ? patch(event as Case<T>, state) : event))

/** Nothing happens. */
const ignored = (tag: Event.Event["_tag"], states: ReadonlyArray<string>): World.Machines =>
  around((real, state, event) => (event._tag === tag && states.includes(state._tag) ? [state, []] : real(state, event)))

const judged = (
  patch: (real: Arbitrate, ...question: Parameters<Arbitrate>) => Arbiter.Arbitration
): World.Machines => ({
  ...WorldModel.shipped,
  arbitrate: (...question) => patch(Arbiter.arbitrate, ...question)
})

/** The arbiter sees the session that exists otherwise than it is. */
const misjudged = (
  patch: (session: Session.Session, request: Arbiter.SessionRequest) => Partial<Session.Session>
): World.Machines =>
  judged((real, question, state, request, means) => {
    const { existing } = question
    if (existing === undefined || !("session" in existing)) return real(question, state, request, means)
    const session = { ...existing.session, ...patch(existing.session, request) }
    return real({ ...question, existing: { ...existing, session } }, state, request, means)
  })

const withSession = (state: State.State, session: Partial<Session.Session>): State.State =>
  "session" in state ? { ...state, session: { ...state.session, ...session } } : state
const withProgress = (state: State.State, progress: Partial<Session.Progress>): State.State =>
  "progress" in state ? { ...state, progress: { ...state.progress, ...progress } } : state
const withOutbox = (state: State.State, outbox: (now: Outbox.Outbox) => Partial<Outbox.Outbox>): State.State =>
  "progress" in state
    ? withProgress(state, { outbox: { ...state.progress.outbox, ...outbox(state.progress.outbox) } })
    : state
const inSeqOf = (state: State.State): number => ("progress" in state ? state.progress.inSeq : 0)

const fifo = <A>(items: ReadonlyArray<A>): Fifo.Fifo<A> =>
  items.reduce((all: Fifo.Fifo<A>, item) => Fifo.push(all, item), Fifo.empty)

/** The step, with another frame in place of those of that kind. */
const sending = ([state, actions]: Step, change: (frame: Event.Event) => Event.Event | undefined): Step => [
  state,
  actions.map((action) =>
    action._tag === "Send" ? ({ ...action, frame: change(action.frame) ?? action.frame } as Action.Action) : action
  )
]

const waits: Arbiter.Arbitration = {
  existing: { _tag: "Proceed" },
  newcomer: { _tag: "PutOff", frame: { _tag: "Wait" } }
}

/** Takes the newcomer's socket, whatever the rules say. */
const takes = ([, state, request, means]: Parameters<Arbitrate>, reset = false): Arbiter.Arbitration => ({
  existing: { _tag: "Reuse", visitor: state.visitor, compression: state.compression, request, reset, ...means },
  newcomer: { _tag: "HandedOver" }
})

const isAsking = (state: State.State | undefined): boolean =>
  state !== undefined && "session" in state && state._tag !== "Ready" && state._tag !== "Standby"

// --- worlds

const { clientAndServer, peers } = WorldSetups
const { losslessClient, losslessPeer, losslessPeerReuse, lossyClient, statefulServer, statelessServer } = Policy
const two = ["A", "B"]
const lossless = clientAndServer(losslessClient, statefulServer, { submits: [1, 1], cuts: 1 })
const busy = clientAndServer(losslessClient, statefulServer, { submits: [2, 1], cuts: 1 })
const slow = clientAndServer(losslessClient, statefulServer, { submits: [2, 0], cuts: 1, writes: "lazy", acks: "lazy" })
const pair = peers(two, losslessPeer, { submits: [1, 1], cuts: 1 })
const race = peers(two, losslessPeer, { submits: [1, 1] })
const announcing = peers(two, losslessPeerReuse, { submits: [1, 1], cuts: 1 })
const farBehind = peers(two, losslessPeer, { submits: [1, 1], cuts: 1, restarts: 1, counter: "far behind" })
const forgetting = peers(two, losslessPeer, { submits: [1, 1], cuts: 1, markDowns: 1 })

/** As text, 10.0.0.10 goes before 10.0.0.9. */
const tens: World.Setup = {
  ...race,
  ends: race.ends.map((end, i) => ({ ...end, address: `v2:10.0.0.${i === 0 ? 9 : 10}:6800/1` }))
}

const once = "a message is delivered at most once in a session"
const urgent = "what is more urgent leaves first, and what was sent before leaves before that"
const reset = "a session is reset only after one of its ends was lost"
const ending = "a lossless session ends only when an owner says so or the peer was lost"
const numbers = "between honest ends no number is skipped and none comes twice"
const acks = "nobody acknowledges what was never sent"
const grows = "counters of a session only grow"
const told = "who is told a number comes back with a higher one"
const kept = "no message is forgotten"
const arrives = "when nothing breaks any more, sessions are open or stand by and every message has arrived"
const noLoop = "no resetting, retrying or waiting for ever"

// --- the bugs

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a fault while connecting resets the session",
    origin: "Ceph #25343 (tracker 36612)",
    machines: after("Disconnected", ([next, actions], state) =>
      state._tag === "SessionReconnecting" && "session" in next
        ? [withProgress(withSession(next, Session.forget(next.session, true)), Session.start), actions]
        : [next, actions]
    ),
    setup: { ...lossless, budget: { ...lossless.budget, cuts: 2 } },
    property: kept
  },
  {
    name: "a session that stands by and was never returned to answers RETRY with 0",
    origin: "Ceph #17276: RESET and RETRY in turn, for ever",
    machines: judged((real, question, ...rest) => {
      const { existing } = question
      return existing?._tag === "Standby" && existing.session.connectSeq === 0n && rest[1]._tag === "Reconnect"
        ? {
            existing: undefined,
            newcomer: { _tag: "PutOff", frame: { _tag: "RetrySession", connectSeq: Ids.connectSeq(0n) } }
          }
        : real(question, ...rest)
    }),
    setup: lossless,
    property: noLoop
  },
  {
    name: "connect_seq is not counted up",
    origin: "Ceph #3797",
    machines: around((real, state, event) => {
      const [next, actions] = real(state, event)
      const isOwn = event._tag === "Disconnected" || event._tag === "Submitted" || event._tag === "Wait"
      return isOwn && "session" in state
        ? [withSession(next, { connectSeq: state.session.connectSeq }), actions]
        : [next, actions]
    }),
    setup: pair,
    property: noLoop
  },
  {
    name: "a session without cookies counts as one that the peer has lost",
    origin: "Ceph #26256 (tracker 38118)",
    machines: misjudged(({ clientCookie, serverCookie }, request) =>
      request._tag === "ClientIdent"
        ? {
            clientCookie: clientCookie === 0n ? Ids.cookie(1n << 60n) : clientCookie,
            serverCookie: serverCookie === 0n ? Ids.cookie(1n << 60n) : serverCookie
          }
        : {}
    ),
    setup: peers(two, losslessPeerReuse, { submits: [1, 1] }),
    property: reset
  },
  {
    name: "one cookie for both ends",
    origin: "Ceph #26484",
    machines: after("ServerIdent", ([next, actions], _, { cookie }) => [
      next._tag === "Ready" ? withSession(next, { clientCookie: cookie }) : next,
      actions
    ]),
    setup: lossless,
    property: "two ends that are READY on one connection mean the same session"
  },
  {
    name: "a restarted peer is known by its lower global_seq",
    origin: "Ceph #64122, given up in 2026",
    machines: judged((real, question, state, request, means) => {
      const { existing } = question
      if (request._tag !== "ClientIdent" || existing === undefined || !("session" in existing)) {
        return real(question, state, request, means)
      }
      const { clientCookie, peerGlobalSeq } = existing.session
      const isOther = clientCookie !== 0n && request.cookie !== 0n && clientCookie !== request.cookie
      return peerGlobalSeq > request.globalSeq && isOther && isAsking(existing)
        ? { existing: { _tag: "Displaced" }, newcomer: { _tag: "Admitted", ...means } }
        : real(question, state, request, means)
    }),
    setup: pair,
    property: ending
  },
  {
    name: "an answer counts that was given before its session was begun anew",
    origin: "Ceph: RESET(partial) while SERVER_IDENT is still to be read",
    machines: ignored("Superseded", ["SessionConnecting"]),
    setup: pair,
    property: once
  },
  {
    name: "the same cookie goes before a race",
    origin: "Ceph: two requests for one session that cross",
    machines: judged((real, ...all) => {
      const [{ existing }, , request] = all
      return request._tag === "ClientIdent" &&
        isAsking(existing) &&
        existing !== undefined &&
        "session" in existing &&
        existing.session.clientCookie === request.cookie &&
        existing.session.peerGlobalSeq <= request.globalSeq
        ? takes(all)
        : real(...all)
    }),
    setup: announcing,
    property: reset
  },
  {
    name: "the server cookie is not compared",
    origin: "Ceph",
    machines: misjudged(({ serverCookie }, request) =>
      request._tag === "Reconnect" && serverCookie !== 0n ? { serverCookie: request.serverCookie } : {}
    ),
    setup: forgetting,
    property: acks
  },
  {
    name: "RETRY counts up the client's own number",
    origin: "not the server's, as it has to",
    machines: after("RetrySession", ([next, actions], state) => {
      if (!("session" in state)) return [next, actions]
      const connectSeq = Ids.connectSeq(state.session.connectSeq + 1n)
      return sending([withSession(next, { connectSeq }), actions], (frame) =>
        frame._tag === "Reconnect" ? { ...frame, connectSeq } : undefined
      )
    }),
    setup: pair,
    property: told
  },
  {
    name: "RETRY_GLOBAL is answered with the next number, however low",
    origin: "a counter for each connection",
    machines: after("RetryGlobal", ([next, actions]) => [
      next,
      actions.map((action) => (action._tag === "TakeGlobalSeq" ? { ...action, above: Ids.globalSeq(0n) } : action))
    ]),
    setup: peers(two, losslessPeer, { submits: [1, 1], cuts: 2, handover: "lazy" }),
    property: told
  },
  {
    name: "WAIT is not heeded: the client keeps reading",
    origin: "the peer will never say any more",
    machines: ignored("Wait", ["SessionConnecting", "SessionReconnecting"]),
    setup: peers(two, losslessPeer, { submits: [1, 1], markDowns: 1 }),
    property: arrives
  },
  {
    name: "WAIT in answer to CLIENT_IDENT is unknown",
    origin: "Linux: does not implement it",
    machines: around((real, state, event) =>
      event._tag === "Wait" && state._tag === "SessionConnecting" ? real(state, { _tag: "Stale" }) : real(state, event)
    ),
    setup: race,
    property: ending
  },
  {
    name: "who was told to wait is not helped by the one it waits for",
    origin: "a WAIT after which nobody dials",
    machines: ignored("Proceed", ["Standby", "Wait"]),
    setup: forgetting,
    property: noLoop
  },
  {
    name: "in_seq is forgotten with the connection",
    origin: "forgetting what the peer will ask for",
    machines: after("Disconnected", ([next, actions], state) => [
      state._tag === "Ready" ? withProgress(next, { inSeq: 0 }) : next,
      actions
    ]),
    setup: lossless,
    property: grows
  },
  {
    name: "in_seq survives a reset",
    origin: "the peer counts from 1 again",
    machines: around((real, state, event) => {
      const [next, actions] = real(state, event)
      return event._tag === "ResetSession" || event._tag === "ServerIdent"
        ? [withProgress(next, { inSeq: inSeqOf(state) }), actions]
        : [next, actions]
    }),
    setup: clientAndServer(losslessClient, statefulServer, { submits: [1, 2], markDowns: 1 }),
    property: numbers
  },
  {
    name: "in_seq survives the server's own SERVER_IDENT",
    origin: "Ceph sets it to 0 there",
    machines: after("Reuse", ([next, actions], state, { request }) => [
      request._tag === "ClientIdent" ? withProgress(next, { inSeq: inSeqOf(state) }) : next,
      actions
    ]),
    setup: clientAndServer(losslessClient, statefulServer, { submits: [2, 1], markDowns: 1 }),
    property: numbers
  },
  {
    name: "what is sent again gets new numbers",
    origin: "Ceph: requeue_sent lowers out_seq",
    machines: after("Disconnected", ([next, actions], state) => [
      state._tag === "Ready" ? withProgress(next, { outSeq: state.progress.outSeq }) : next,
      actions
    ]),
    setup: lossless,
    property: numbers
  },
  {
    name: "what is sent again loses its order",
    origin: "Ceph: requeue_sent goes backwards through the list",
    machines: after("Disconnected", ([next, actions], state) => [
      state._tag === "Ready"
        ? withOutbox(next, ({ replay }) => ({ replay: fifo(Fifo.toArray(replay).toReversed()) }))
        : next,
      actions
    ]),
    setup: busy,
    property: "no message is skipped"
  },
  {
    name: "what is sent again goes behind what waits",
    origin: "Ceph: priority 255 and its front are for that",
    machines: after("Disconnected", ([next, actions], state) => {
      if (state._tag !== "Ready" || !("progress" in next)) return [next, actions]
      const { outbox } = next.progress
      const again = Fifo.toArray(outbox.replay).map(({ message }) => message)
      const emptied = { ...outbox, replay: Fifo.empty }
      return [withProgress(next, { outbox: again.reduce(Outbox.enqueue, emptied) }), actions]
    }),
    setup: slow,
    property: grows
  },
  {
    name: "what was sent is lost with the connection",
    origin: "a lossy session's rule for every session",
    machines: after("Disconnected", ([next, actions], state) => [
      state._tag === "Ready" ? withOutbox(next, () => ({ replay: Fifo.empty })) : next,
      actions
    ]),
    setup: lossless,
    property: kept
  },
  {
    name: "a new message overtakes those that wait to be sent again",
    origin: "sending at once because the session is open",
    machines: around((real, state, event) => {
      if (event._tag !== "Submitted" || state._tag !== "Ready") return real(state, event)
      const { outbox } = state.progress
      const [next, actions] = real(
        withOutbox(state, () => ({ waiting: undefined, replay: Fifo.empty })),
        event
      )
      return [withOutbox(next, () => ({ waiting: outbox.waiting, replay: outbox.replay })), actions]
    }),
    setup: slow,
    property: urgent
  },
  {
    name: "the number in RECONNECT_OK is not looked at",
    origin: "everything is sent again",
    machines: instead("ReconnectOk", (event) => ({ ...event, msgSeq: Ids.msgSeq(0) })),
    setup: lossless,
    property: numbers
  },
  {
    name: "the server answers RECONNECT_OK(0)",
    origin: "everything is sent again",
    machines: after("Reuse", (step) =>
      sending(step, (frame) => (frame._tag === "ReconnectOk" ? { ...frame, msgSeq: Ids.msgSeq(0) } : undefined))
    ),
    setup: lossless,
    property: numbers
  },
  {
    name: "the number in RECONNECT is not looked at",
    origin: "everything is sent again",
    machines: instead("Reuse", (event) =>
      event.request._tag === "Reconnect" ? { ...event, request: { ...event.request, msgSeq: Ids.msgSeq(0) } } : event
    ),
    setup: lossless,
    property: numbers
  },
  {
    name: "an ack names the next number",
    origin: "off by one",
    machines: after("Drained", (step) =>
      sending(step, (frame) => (frame._tag === "Ack" ? { ...frame, msgSeq: Ids.msgSeq(frame.msgSeq + 1) } : undefined))
    ),
    setup: lossless,
    property: acks
  },
  {
    name: "an ack settles one message more",
    origin: "off by one",
    machines: instead("Ack", (event) => ({ ...event, msgSeq: Ids.msgSeq(event.msgSeq + 1) })),
    setup: busy,
    property: kept
  },
  {
    name: "an ack that rides along settles one message more",
    origin: "off by one",
    machines: instead("Message", (event) => ({
      ...event,
      header: { ...event.header, ackSeq: Ids.msgSeq(event.header.ackSeq + 1) }
    })),
    setup: busy,
    property: kept
  },
  {
    name: "both ends of a race give way",
    origin: "the address order the wrong way round at one end",
    machines: judged((real, ...all) => (isAsking(all[0].existing) ? waits : real(...all))),
    setup: race,
    property: arrives
  },
  {
    name: "both ends of a race win",
    origin: "no address order",
    machines: judged((real, ...all) =>
      all[2]._tag === "ClientIdent" && isAsking(all[0].existing) ? takes(all) : real(...all)
    ),
    setup: announcing,
    property: reset
  },
  {
    name: "one end compares addresses as text",
    origin: "the order of texts is not that of bytes",
    machines: judged((real, ...all) => {
      const [{ existing, own }, , request] = all
      const isText = EntityAddr.formatVec(own).includes("10.0.0.9:")
      const isRace = isText && request._tag === "ClientIdent" && isAsking(existing)
      return isRace && EntityAddr.formatVec(request.addrs) < EntityAddr.formatVec(own) ? takes(all) : real(...all)
    }),
    setup: { ...tens, ends: tens.ends.map((end) => ({ ...end, policies: two.map(() => losslessPeerReuse) })) },
    property: reset
  },
  {
    name: "a stale attempt is taken for a new one",
    origin: "no look at global_seq",
    machines: misjudged(() => ({ peerGlobalSeq: Ids.globalSeq(0n) })),
    setup: lossless,
    property: reset
  },
  {
    name: "global_seq counts for each connection",
    origin: "not for the process",
    machines: instead("Connected", (event) => ({ ...event, globalSeq: Ids.globalSeq(1n) })),
    setup: lossless,
    property: reset
  },
  {
    name: "a RECONNECT with a low global_seq is late, and the answer under way counts",
    origin: "it may be another process, one that counts from the beginning",
    machines: judged((real, ...all) => {
      const judgement = real(...all)
      const { existing } = all[0]
      return judgement.existing?._tag === "Superseded" &&
        existing?._tag === "SessionConnecting" &&
        judgement.existing.globalSeq < (existing.superseded ?? existing.session.peerGlobalSeq)
        ? { ...judgement, existing: undefined }
        : judgement
    }),
    setup: farBehind,
    property: once
  },
  {
    name: "WAIT leaves the peer's global_seq as it was",
    origin: "Ceph: the request that is waited for is then refused",
    machines: after("Wait", ([next, actions], state) => [
      "session" in state ? withSession(next, { peerGlobalSeq: state.session.peerGlobalSeq }) : next,
      actions
    ]),
    setup: WorldSetups.all["lossless peers that start far behind"].setup,
    property: noLoop
  },
  {
    name: "the client does not note the server's global_seq",
    origin: "late requests of a race that is over",
    machines: after("ServerIdent", ([next, actions], state) => [
      "session" in state ? withSession(next, { peerGlobalSeq: state.session.peerGlobalSeq }) : next,
      actions
    ]),
    setup: announcing,
    property: reset
  },
  {
    name: "a live session answers RECONNECT with RESET(full)",
    origin: "no table of sessions",
    machines: judged((real, ...all) =>
      all[0].existing?._tag === "Ready" && all[2]._tag === "Reconnect"
        ? { existing: undefined, newcomer: { _tag: "PutOff", frame: { _tag: "ResetSession", full: true } } }
        : real(...all)
    ),
    setup: lossless,
    property: reset
  },
  {
    name: "CLIENT_IDENT is refused while there is a session",
    origin: "an interrupted beginning is not gone on with",
    machines: judged((real, ...all) =>
      all[0].existing !== undefined && all[2]._tag === "ClientIdent"
        ? { existing: undefined, newcomer: { _tag: "Stale" } }
        : real(...all)
    ),
    setup: lossless,
    property: arrives
  },
  {
    name: "the server's lossy flag is not adopted",
    origin: "the client's own policy decides",
    machines: after("ServerIdent", ([next, actions]) => [
      next._tag === "Ready" ? withSession(next, { lossy: next.session.remote.policy.lossy }) : next,
      actions
    ]),
    setup: clientAndServer(losslessClient, statelessServer, { submits: [1, 1], cuts: 1 }),
    property: "two ends that are READY on one connection mean the same session"
  },
  {
    name: "a session stands by although something waits",
    origin: "standby without a look at the queue",
    machines: after("Disconnected", ([next, actions], state) =>
      state._tag === "Ready" && "session" in next
        ? [
            { _tag: "Standby", session: next.session, progress: next.progress },
            actions.filter(({ _tag }) => _tag !== "Dial")
          ]
        : [next, actions]
    ),
    setup: pair,
    property: arrives
  },
  {
    name: "a lossy session sends again",
    origin: "no look at what the server said",
    machines: after("Disconnected", ([next, actions], state) =>
      state._tag === "Ready" && state.session.lossy && next._tag === "Closed"
        ? [
            { _tag: "Standby", session: state.session, progress: Session.requeue(state.progress) },
            [{ _tag: "Disconnect", error: undefined }]
          ]
        : [next, actions]
    ),
    setup: clientAndServer(lossyClient, statelessServer, { submits: [1, 1], cuts: 1 }),
    property: arrives
  },
  {
    name: "a message is changed on its way through the outbox",
    origin: "the priority of what is sent again",
    machines: after("Disconnected", ([next, actions], state) => [
      state._tag === "Ready"
        ? withOutbox(next, ({ replay }) => ({
            replay: fifo(
              Fifo.toArray(replay).map(({ message, seq }) => ({
                seq,
                message: { ...message, header: { ...message.header, priority: Message.Priority.Highest } }
              }))
            )
          }))
        : next,
      actions
    ]),
    setup: lossless,
    property: "what is delivered is what was sent"
  }
]

export interface Hunt {
  readonly mutant: Mutant
  /** What was found first, `undefined` when nothing was. */
  readonly property: string | undefined
  readonly moves: number
  readonly states: number
}

export const hunt = (mutant: Mutant): Hunt => {
  const model = WorldModel.model({ setup: mutant.setup, reaches: [] }, mutant.machines)
  const { states, violations } = Check.check(model, { maxStates: 100_000 })
  // What is decided at the end is decided for all properties.
  const found = violations.find(({ property }) => property === mutant.property) ?? violations[0]
  return { mutant, property: found?.property, moves: found?.path.moves.length ?? 0, states }
}

const cells = (hunts: ReadonlyArray<Hunt>): ReadonlyArray<ReadonlyArray<string>> =>
  hunts.map(({ moves, mutant, property, states }) => [
    mutant.name,
    mutant.origin,
    property ?? "survives",
    String(moves),
    String(states)
  ])

/** The rows of `docs/mutants.md`. */
export const table = (hunts: ReadonlyArray<Hunt>): string => {
  const rows = [["Bug", "Known from", "Killed by", "Moves", "States"], ...cells(hunts)]
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? []
  const line = (row: ReadonlyArray<string>) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`
  const [title = [], ...rest] = rows
  return `${[line(title), rule, ...rest.map(line)].join("\n")}\n`
}
