/**
 * The worlds that are explored: who meets whom, what may go wrong, and what must be seen to happen.
 */
import * as Policy from "@msgr2/session/Policy"
import type { Budget, EndSetup, Setup } from "./World.ts"
import type { Reach } from "./WorldReaches.ts"

/** A setup, and what it is there to show. */
export interface Exploration {
  readonly setup: Setup
  readonly reaches: ReadonlyArray<Reach>
  /** Places of ends that are alike in everything but their name. */
  readonly alike?: ReadonlyArray<number>
}

const nothing: Omit<Budget, "submits"> = {
  cuts: 0,
  refusals: 0,
  timeouts: 0,
  markDowns: 0,
  expiries: 0,
  restarts: 0
}

type Choices = Partial<Omit<Setup, "ends" | "budget">> & Partial<Budget>

const world = (ends: ReadonlyArray<EndSetup>, choices: Choices): Setup => {
  const { cuts, expiries, markDowns, refusals, restarts, submits, timeouts, ...rest } = choices
  const budget = { ...nothing, ...defined({ cuts, expiries, markDowns, refusals, restarts, timeouts }) }
  return {
    ends,
    budget: { ...budget, submits: submits ?? ends.map(() => 1) },
    links: 3,
    priorities: [127],
    restarting: ends.map((_, end) => end),
    renewed: false,
    counter: "clock",
    detail: "session",
    acks: "eager",
    writes: "eager",
    handover: "eager",
    ...rest
  }
}

const defined = (counts: { readonly [name: string]: number | undefined }): Partial<Budget> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined))

/** A client without an address of its own, and a server. */
export const clientAndServer = (client: Policy.Policy, server: Policy.Policy, choices: Choices = {}): Setup =>
  world(
    [
      { name: "client", address: "v2:10.0.0.1:50000/7", listens: false, policies: [client, client] },
      { name: "server", address: "v2:10.0.0.2:6800/1", listens: true, policies: [server, server] }
    ],
    choices
  )

/** Ends that all dial each other; the first has the smallest address, unless `reversed`. */
export const peers = (names: ReadonlyArray<string>, policy: Policy.Policy, choices: Choices, reversed = false): Setup =>
  world(
    names.map((name, i) => ({
      name,
      address: `v2:10.0.0.${reversed ? names.length - i : i + 1}:6800/1`,
      listens: true,
      policies: names.map(() => policy)
    })),
    choices
  )

const two = ["A", "B"]

/** Several clients of one server. */
export const clients = (count: number, client: Policy.Policy, server: Policy.Policy, choices: Choices): Setup => {
  const all = Array.from({ length: count + 1 }, (_, end) => (end === 0 ? server : client))
  return world(
    all.map((policy, end) => ({
      name: end === 0 ? "server" : `client ${end}`,
      address: end === 0 ? "v2:10.0.0.9:6800/1" : `v2:10.0.0.${end}:50000/${end}`,
      listens: end === 0,
      policies: all.map(() => policy)
    })),
    choices
  )
}

const { losslessClient, losslessPeer, losslessPeerReuse, lossyClient } = Policy
const { statefulServer, statelessRegisteredServer, statelessServer } = Policy

/** Explored by every run of the tests. */
export const all = {
  "lossy client, stateless server": {
    setup: clientAndServer(lossyClient, statelessServer, {
      submits: [2, 1],
      cuts: 2,
      refusals: 1,
      timeouts: 1,
      markDowns: 1,
      restarts: 1
    }),
    reaches: []
  },
  "lossy client, stateless registered server": {
    setup: clientAndServer(lossyClient, statelessRegisteredServer, {
      submits: [2, 1],
      cuts: 2,
      refusals: 1,
      markDowns: 1,
      restarts: 1
    }),
    reaches: ["a lossy session displaced", "a stale attempt refused"]
  },
  "client that wants a session, server that keeps none": {
    setup: clientAndServer(losslessClient, statelessServer, { submits: [2, 2], cuts: 2 }),
    reaches: []
  },
  "client that wants no session, server that keeps one": {
    setup: clientAndServer(lossyClient, statefulServer, { submits: [2, 2], cuts: 2 }),
    reaches: ["resumed"]
  },
  "lossless client, stateful server": {
    setup: clientAndServer(losslessClient, statefulServer, {
      submits: [2, 2],
      cuts: 2,
      acks: "lazy",
      writes: "lazy"
    }),
    reaches: [
      "resumed",
      "resumed, with something that had arrived",
      "a live session taken over",
      "a stale attempt refused"
    ]
  },
  "the same, with priorities": {
    setup: clientAndServer(losslessClient, statefulServer, {
      submits: [3, 0],
      cuts: 2,
      writes: "lazy",
      priorities: [127, 196]
    }),
    reaches: ["resumed"]
  },
  "the same, and owners and processes that forget": {
    setup: clientAndServer(losslessClient, statefulServer, {
      submits: [2, 1],
      cuts: 1,
      markDowns: 1,
      expiries: 1,
      restarts: 1
    }),
    reaches: ["RESET, full", "a session reset by another"]
  },
  "the same, and a client that comes back with another address": {
    setup: clientAndServer(losslessClient, statefulServer, {
      submits: [2, 1],
      cuts: 2,
      restarts: 1,
      renewed: true,
      restarting: [0]
    }),
    reaches: []
  },
  "lossless peers": {
    setup: peers(two, losslessPeer, { submits: [1, 1], cuts: 2 }),
    reaches: ["RETRY", "WAIT", "RESET, partial", "both sides ask", "both sides return", "an answer that is void"]
  },
  "lossless peers, the other way round": {
    setup: peers(two, losslessPeer, { submits: [2, 1], cuts: 1 }, true),
    reaches: ["RETRY", "WAIT", "RESET, partial", "both sides ask", "both sides return", "an answer that is void"]
  },
  "lossless peers, with timers": {
    setup: peers(two, losslessPeer, { submits: [1, 1], refusals: 1, timeouts: 1 }),
    reaches: ["RETRY", "WAIT"]
  },
  "lossless peers that forget": {
    setup: peers(two, losslessPeer, { submits: [1, 1], cuts: 1, restarts: 1 }),
    reaches: ["RESET, full", "RESET, partial"]
  },
  "lossless peers that announce resets": {
    setup: peers(two, losslessPeerReuse, { submits: [1, 1], cuts: 1, restarts: 1, markDowns: 1 }),
    reaches: ["RESET, full", "a session reset by another", "RETRY", "WAIT"]
  },
  "lossless peers that start behind": {
    setup: peers(two, losslessPeerReuse, { submits: [1, 1], cuts: 1, restarts: 1, counter: "behind" }),
    reaches: ["a stale attempt refused", "RESET, full"]
  },
  "lossless peers that start far behind": {
    setup: peers(two, losslessPeer, {
      submits: [2, 1],
      cuts: 1,
      restarts: 1,
      restarting: [0],
      counter: "far behind"
    }),
    reaches: ["a stale attempt refused", "RESET, partial", "WAIT"]
  },
  "lossless peers, with sockets that change hands slowly": {
    setup: peers(two, losslessPeer, { submits: [1, 1], cuts: 2, handover: "lazy" }),
    reaches: ["RETRY_GLOBAL", "WAIT"]
  },
  "lossless peers, with every frame of the handshake": {
    setup: peers(two, losslessPeer, { submits: [1, 1], cuts: 1, links: 2, detail: "full" }),
    reaches: ["RETRY", "WAIT"]
  },
  "three peers": {
    setup: peers(["A", "B", "C"], losslessPeer, { submits: [1, 1, 0], cuts: 1, links: 4 }),
    reaches: ["RETRY", "WAIT"]
  },
  "two clients of one server": {
    setup: clients(2, losslessClient, statefulServer, { submits: [1, 1, 1], cuts: 2, links: 4 }),
    reaches: ["resumed"],
    alike: [1, 2]
  }
} as const satisfies { readonly [name: string]: Exploration }

/** The same with more of everything: for a machine that has ten minutes. */
export const deep = {
  "lossy client, stateless server": clientAndServer(lossyClient, statelessServer, {
    submits: [3, 2],
    cuts: 2,
    refusals: 1,
    timeouts: 1,
    markDowns: 1,
    restarts: 1
  }),
  "lossless client, stateful server": clientAndServer(losslessClient, statefulServer, {
    submits: [3, 2],
    cuts: 3,
    acks: "lazy",
    writes: "lazy"
  }),
  "the same, and owners and processes that forget": clientAndServer(losslessClient, statefulServer, {
    submits: [2, 2],
    cuts: 2,
    markDowns: 1,
    expiries: 1,
    restarts: 1
  }),
  "lossless peers": peers(two, losslessPeer, { submits: [2, 2], cuts: 3 }),
  "lossless peers, the other way round": peers(two, losslessPeer, { submits: [2, 1], cuts: 3, links: 4 }, true),
  "lossless peers, with timers": peers(two, losslessPeer, { submits: [1, 1], cuts: 2, refusals: 1, timeouts: 1 }),
  "lossless peers that forget": peers(two, losslessPeer, { submits: [1, 1], cuts: 2, restarts: 1, markDowns: 1 }),
  "lossless peers that announce resets": peers(two, losslessPeerReuse, {
    submits: [2, 1],
    cuts: 2,
    restarts: 1,
    markDowns: 1
  }),
  "lossless peers that start behind": peers(two, losslessPeerReuse, {
    submits: [2, 1],
    cuts: 2,
    restarts: 2,
    counter: "behind"
  }),
  "lossless peers that start far behind": peers(two, losslessPeer, {
    submits: [2, 1],
    cuts: 2,
    restarts: 2,
    counter: "far behind"
  }),
  "lossless peers, with sockets that change hands slowly": peers(two, losslessPeer, {
    submits: [2, 1],
    cuts: 2,
    handover: "lazy"
  }),
  "lossless peers, with every frame of the handshake": peers(two, losslessPeer, {
    submits: [1, 1],
    cuts: 2,
    detail: "full"
  }),
  "three peers": peers(["A", "B", "C"], losslessPeer, { submits: [1, 1, 1], cuts: 1, links: 4 }),
  "two clients of one server": clients(2, losslessClient, statefulServer, { submits: [2, 1, 1], cuts: 3, links: 4 })
} as const satisfies { readonly [N in Name]?: Setup }

export type Name = keyof typeof all
