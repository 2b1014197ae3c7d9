/**
 * A lossless client and a stateful server: faults before, while and after their session is made, and on the way back to
 * it.
 *
 * **Source** Ceph `src/test/crimson/test_messenger.cc`, counters included.
 */
import { Policy } from "@msgr2/session"
import { fault, type Point } from "./support/breakpoints.ts"
import { type Entry, entry } from "./support/ledger.ts"
import { each, rows } from "./support/rows.ts"

const client = { me: Policy.losslessClient, peer: Policy.statefulServer, symmetric: true }
const server = { me: Policy.statefulServer, peer: Policy.losslessClient, symmetric: true }

/** A fault at each pair of points, with the same outcome. */
const both =
  (pairs: ReadonlyArray<readonly [Point, Point]>, ...expected: ReadonlyArray<Entry>) =>
  () =>
    pairs.map(([one, other]) => ({ breakpoints: [fault(one), fault(other)], expected }))

rows("Lossless client and stateful server", [
  {
    ...client,
    id: "C8",
    name: "lossless_connect_fault",
    instances: each(["ClientIdent W", "ServerIdent R"], entry("established", { connect: [2, 2, 0, 1] })),
    play: (stage) => [stage.talk, stage.me.connect, stage.results(1)]
  },
  {
    ...client,
    id: "C9",
    name: "lossless_connected_fault",
    instances: each(["Message W", "Message R"], entry("established", { connect: [2, 1, 1, 2] })),
    play: (stage) => [stage.talk, stage.me.connect, stage.results(1)]
  },
  {
    ...client,
    id: "C10",
    name: "lossless_connected_fault2",
    instances: each(
      ["Ack R", "Ack W", "Keepalive2 R", "Keepalive2 W", "Keepalive2Ack R", "Keepalive2Ack W"],
      entry("established", { connect: [2, 1, 1, 2] })
    ),
    play: ({ established, me, peer, results }) => [
      me.connect,
      established,
      me.send,
      me.keepalive,
      established,
      peer.send,
      peer.keepalive,
      established,
      me.send,
      established,
      peer.send,
      established,
      results(1)
    ]
  },
  {
    ...client,
    id: "C11",
    name: "lossless_reconnect_fault",
    instances: both(
      [
        ["Message W", "Reconnect W"],
        ["Message W", "ReconnectOk R"]
      ],
      entry("established", { connect: [3, 1, 2, 2] })
    ),
    play: (stage) => [stage.talk, stage.me.connect, stage.results(1)]
  },
  {
    ...server,
    id: "C12",
    name: "lossless_accept_fault",
    instances: each(
      ["ClientIdent R"],
      entry("closed", { accept: [1, 1, 0, 0] }),
      entry("established", { accept: [1, 1, 0, 1] })
    ),
    play: (stage) => [stage.talk, stage.peer.connect, stage.results(2)]
  },
  {
    ...server,
    id: "C13",
    name: "lossless_establishing_fault",
    instances: each(
      ["ServerIdent W"],
      entry("established", { accept: [1, 1, 0, 2] }),
      entry("replaced", { accept: [1, 1, 0, 0] })
    ),
    play: (stage) => [stage.talk, stage.peer.connect, stage.results(2)]
  },
  {
    ...server,
    id: "C14",
    name: "lossless_accepted_fault",
    // Crimson leaves open how the client comes back. It has seen SERVER_IDENT, so it returns to the session.
    instances: each(
      ["Message W", "Message R"],
      entry("established", { accept: [1, 1, 0, 2] }),
      entry("replaced", { accept: [1, 0, 1, 0] })
    ),
    play: (stage) => [stage.talk, stage.peer.connect, stage.results(2)]
  },
  {
    ...server,
    id: "C15",
    name: "lossless_reaccept_fault",
    instances: () => [
      {
        breakpoints: [fault("Message R"), fault("Reconnect R")],
        expected: [
          entry("established", { accept: [1, 1, 0, 2] }),
          entry("closed", { accept: [1, 0, 1, 0] }),
          entry("replaced", { accept: [1, 0, 1, 0] })
        ]
      },
      {
        breakpoints: [fault("Message R"), fault("ReconnectOk W")],
        expected: [
          entry("established", { accept: [1, 1, 0, 3] }),
          entry("replaced", { accept: [1, 0, 1, 0] }),
          entry("replaced", { accept: [1, 0, 1, 0] })
        ]
      }
    ],
    play: (stage) => [stage.talk, stage.peer.connect, stage.results(3)]
  }
])
