/**
 * Attempts that are overtaken: a socket dies while this end is still busy with what came through it, and the peer, who
 * knows, is back before this end goes on.
 *
 * **Source** Ceph `src/test/crimson/test_messenger.cc`, counters included.
 */
import { Policy } from "@msgr2/session"
import { fault, stall } from "./support/breakpoints.ts"
import { entry } from "./support/ledger.ts"
import { rows } from "./support/rows.ts"

const peers = { me: Policy.losslessPeer, peer: Policy.losslessPeer }

rows("Stale attempts of lossless peers", [
  {
    ...peers,
    id: "C27",
    name: "stale_connect",
    instances: () => [
      {
        breakpoints: [stall("ServerIdent R")],
        expected: [
          entry("established", { connect: [1, 1, 0, 0], accept: [0, 0, 0, 1] }),
          entry("replaced", { accept: [1, 1, 1, 0] })
        ]
      }
    ],
    play: ({ held, me, peer, release, replaced, results }) => [
      me.connect,
      held,
      peer.send,
      replaced,
      release,
      results(2)
    ]
  },
  {
    ...peers,
    id: "C28",
    name: "stale_reconnect",
    instances: () => [
      {
        breakpoints: [fault("Message W"), stall("ReconnectOk R")],
        expected: [
          entry("established", { connect: [2, 1, 1, 1], accept: [0, 0, 0, 1] }),
          entry("replaced", { accept: [1, 0, 1, 0] })
        ]
      }
    ],
    play: ({ held, me, peer, release, replaced, results }) => [
      me.send,
      me.connect,
      held,
      peer.send,
      replaced,
      release,
      results(2)
    ]
  },
  {
    ...peers,
    id: "C29",
    name: "stale_accept",
    instances: () => [
      {
        breakpoints: [stall("ClientIdent R")],
        expected: [entry("closed", { accept: [1, 1, 0, 0] }), entry("established", { accept: [1, 1, 0, 1] })]
      }
    ],
    play: ({ established, held, peer, release, results }) => [
      peer.connect,
      held,
      peer.send,
      established,
      release,
      results(2)
    ]
  },
  {
    ...peers,
    id: "C30",
    name: "stale_establishing",
    // Crimson leaves open how the peer comes back. It has seen SERVER_IDENT, so it returns to the session.
    instances: () => [
      {
        breakpoints: [stall("ServerIdent W")],
        expected: [entry("established", { accept: [1, 1, 0, 2] }), entry("replaced", { accept: [1, 0, 1, 0] })]
      }
    ],
    play: ({ held, peer, release, replaced, results }) => [peer.connect, held, peer.send, replaced, release, results(2)]
  },
  {
    ...peers,
    id: "C31",
    name: "stale_reaccept",
    instances: () => [
      {
        breakpoints: [fault("Message R"), stall("ReconnectOk W")],
        expected: [
          entry("established", { accept: [1, 1, 0, 3] }),
          entry("replaced", { accept: [1, 0, 1, 0] }),
          entry("replaced", { accept: [1, 0, 1, 0] })
        ]
      }
    ],
    play: ({ aWhile, held, peer, release, results }) => [peer.send, peer.connect, held, aWhile, release, results(3)]
  }
])
