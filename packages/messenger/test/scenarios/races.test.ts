/**
 * Lossless peers that dial each other at the same time: of two attempts, that of the smaller address goes on.
 *
 * Crimson plays each race in the one order of addresses in which it knows the outcome. Here each is played in both: the
 * end that would lose is told to WAIT, and the held attempt, let go, is the one that comes through.
 *
 * **Source** Ceph `src/test/crimson/test_messenger.cc`, counters included where the function plays that order;
 * `src/msg/async/ProtocolV2.cc` (`handle_existing_connection`, `handle_reconnect`) for the other.
 */
import { Policy } from "@msgr2/session"
import { block, fault, type Point } from "./support/breakpoints.ts"
import { type Entry, entry } from "./support/ledger.ts"
import { type Row, rows } from "./support/rows.ts"

const peers = { me: Policy.losslessPeer, peer: Policy.losslessPeer }

/** The steps of a socket that I accept, and of one that I dial, up to the request for a session. */
const accepting: ReadonlyArray<Point> = [
  "Banner W",
  "Banner R",
  "BannerPayload R",
  "Hello W",
  "Hello R",
  "AuthRequest R",
  "AuthDone W",
  "AuthSignature W",
  "AuthSignature R"
]
const dialling: ReadonlyArray<Point> = [
  "Banner W",
  "Banner R",
  "BannerPayload R",
  "Hello W",
  "Hello R",
  "AuthRequest W",
  "AuthDone R",
  "AuthSignature W",
  "AuthSignature R"
]

type Outcome = (asked: 0 | 1) => ReadonlyArray<Entry>

/**
 * A socket held at each step, of which it is the `nth`, and at the request for a session, which comes for the first
 * time. `asked` is whether that request has got to its point.
 */
const heldAt =
  (
    steps: ReadonlyArray<Point>,
    nth: number,
    request: Point,
    before: ReadonlyArray<Point>,
    mine: Outcome,
    theirs: Outcome
  ): Row["instances"] =>
  (first) => {
    const outcome = first === "me" ? mine : theirs
    const faults = before.map((point) => fault(point))
    return [
      ...steps.map((step) => ({ breakpoints: [...faults, block(step, nth)], expected: outcome(0) })),
      { breakpoints: [...faults, block(request)], expected: outcome(1) }
    ]
  }

rows("Racing peers", [
  {
    ...peers,
    id: "C21",
    name: "racing_reconnect_win",
    instances: heldAt(
      accepting,
      2,
      "Reconnect R",
      ["Message R"],
      // My attempt takes the session while the peer's is held.
      (asked) => [
        entry("established", { connect: [1, 0, 1, 1], accept: [1, 1, 0, 1] }),
        entry("closed", { accept: [1, 0, asked, 0] })
      ],
      // I am told to WAIT. The peer's attempt is behind mine by then: it hears RETRY, and asks again.
      () => [
        entry("established", { connect: [1, 0, 1, 0], accept: [1, 1, 0, 2] }),
        entry("replaced", { accept: [1, 0, 2, 0] })
      ]
    ),
    play: ({ established, held, me, peer, putOff, release, results }, first) => [
      peer.send,
      peer.connect,
      held,
      me.send,
      first === "me" ? established : putOff,
      release,
      results(2)
    ]
  },
  {
    ...peers,
    id: "C22",
    name: "racing_reconnect_lose",
    instances: heldAt(
      dialling,
      2,
      "Reconnect W",
      ["Message W"],
      // The peer is told to WAIT, and counts that as an attempt: mine hears RETRY, and asks again.
      () => [entry("established", { connect: [2, 1, 2, 2] }), entry("closed", { accept: [1, 0, 1, 0] })],
      (asked) => [
        entry("established", { connect: [2, 1, asked, 1], accept: [0, 0, 0, 1] }),
        entry("replaced", { accept: [1, 0, 1, 0] })
      ]
    ),
    play: ({ held, me, peer, putOff, release, replaced, results }, first) => [
      me.send,
      me.connect,
      held,
      peer.send,
      first === "me" ? putOff : replaced,
      release,
      results(2)
    ]
  },
  {
    ...peers,
    id: "C23",
    name: "racing_connect_win",
    instances: heldAt(
      accepting,
      1,
      "ClientIdent R",
      [],
      (asked) => [entry("closed", { accept: [1, asked, 0, 0] }), entry("established", { connect: [1, 1, 0, 1] })],
      () => [
        entry("replaced", { accept: [1, 1, 0, 0] }),
        entry("established", { connect: [1, 1, 0, 0], accept: [0, 0, 0, 1] })
      ]
    ),
    play: ({ established, held, me, peer, putOff, release, results }, first) => [
      peer.send,
      peer.connect,
      held,
      me.send,
      me.connect,
      first === "me" ? established : putOff,
      release,
      results(2)
    ]
  },
  {
    ...peers,
    id: "C24",
    name: "racing_connect_lose",
    instances: heldAt(
      dialling,
      1,
      "ClientIdent W",
      [],
      () => [entry("established", { connect: [1, 1, 0, 1] }), entry("closed", { accept: [1, 1, 0, 0] })],
      (asked) => [
        entry("established", { connect: [1, asked, 0, 0], accept: [0, 0, 0, 1] }),
        entry("replaced", { accept: [1, 1, 0, 0] })
      ]
    ),
    play: ({ held, me, peer, putOff, release, replaced, results }, first) => [
      me.send,
      me.connect,
      held,
      peer.send,
      peer.connect,
      first === "me" ? putOff : replaced,
      release,
      results(2)
    ]
  },
  {
    ...peers,
    id: "C25",
    name: "racing_connect_reconnect_lose",
    // The peer has a session that I have never heard of: it is put back to CLIENT_IDENT, and that is newer than mine.
    instances: () => [
      {
        breakpoints: [fault("ServerIdent R"), block("ClientIdent W", 2)],
        expected: [
          entry("established", { connect: [2, 2, 0, 0], accept: [0, 0, 0, 1] }),
          entry("replaced", { accept: [1, 1, 1, 0] })
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
    id: "C26",
    name: "racing_connect_reconnect_win",
    instances: () => [
      {
        breakpoints: [fault("ServerIdent R"), block("Reconnect R")],
        expected: [entry("established", { connect: [2, 2, 0, 1] }), entry("closed", { accept: [1, 0, 1, 0] })]
      }
    ],
    play: ({ established, held, me, peer, release, results }) => [
      peer.send,
      me.connect,
      held,
      me.send,
      established,
      release,
      results(2)
    ]
  }
])
