/**
 * The lives of sessions under each policy: set up, closed by the end that dials, closed by the end that accepts, and
 * dialled again.
 *
 * **Source** Ceph `src/test/crimson/test_messenger.cc`, counters included.
 */
import { Policy } from "@msgr2/session"
import { type Entry, entry } from "./support/ledger.ts"
import { type Row, rows } from "./support/rows.ts"

const dialled = entry("established", { connect: [1, 1, 0, 1] })
const visited = entry("established", { accept: [1, 1, 0, 1] })
const closed = (of: Entry, reset: Entry["reset"] = of.reset): Entry => ({ ...of, state: "closed", reset })

const once =
  (...expected: ReadonlyArray<Entry>) =>
  () => [{ breakpoints: [], expected }]

/** Of a session that the peer has lost: RECONNECT is answered by a reset, and a new session is asked for. */
const renewed = entry("established", { connect: [2, 2, 1, 2], reset: [0, 1] })
/** Of a visitor whose RECONNECT found nothing. */
const returned = entry("established", { accept: [1, 1, 1, 1] })
/** Of a visitor that was recognised. */
const recognised = entry("replaced", { accept: [1, 1, 0, 0] })

rows("Policies, and what becomes of their sessions", [
  {
    id: "C32",
    name: "lossy_client",
    me: Policy.lossyClient,
    peer: Policy.statelessServer,
    symmetric: true,
    instances: once(closed(dialled), closed(dialled, [1, 0]), dialled),
    play: ({ acked, holds, me, peer, results, talk }) => [
      me.connect,
      talk,
      results(1),
      holds(dialled),
      acked,
      me.close,
      me.connect,
      me.send,
      results(2),
      holds(closed(dialled), dialled),
      acked,
      peer.close,
      results(2),
      holds(closed(dialled), closed(dialled, [1, 0])),
      me.connect,
      me.send,
      results(3)
    ]
  },
  {
    id: "C33",
    name: "stateless_server",
    me: Policy.statelessServer,
    peer: Policy.lossyClient,
    symmetric: true,
    instances: once(closed(visited, [1, 0]), closed(visited), visited),
    play: ({ acked, holds, me, peer, results, talk }) => [
      peer.connect,
      talk,
      results(1),
      holds(visited),
      acked,
      peer.close,
      peer.connect,
      peer.send,
      results(2),
      holds(closed(visited, [1, 0]), visited),
      acked,
      me.close,
      results(2),
      holds(closed(visited, [1, 0]), closed(visited)),
      peer.connect,
      peer.send,
      results(3)
    ]
  },
  {
    id: "C34",
    name: "lossless_client",
    me: Policy.losslessClient,
    peer: Policy.statefulServer,
    symmetric: true,
    instances: once(closed(dialled), renewed),
    play: ({ acked, holds, me, peer, results, talk }) => [
      me.connect,
      talk,
      results(1),
      holds(dialled),
      acked,
      me.close,
      me.connect,
      me.send,
      results(2),
      holds(closed(dialled), dialled),
      acked,
      peer.close,
      results(2),
      // The client comes back by itself.
      holds(closed(dialled), renewed),
      // And finds the session that there is.
      me.connect,
      me.send,
      results(2)
    ]
  },
  {
    id: "C35",
    name: "stateful_server",
    me: Policy.statefulServer,
    peer: Policy.losslessClient,
    symmetric: true,
    instances: once(entry("closed", { accept: [1, 1, 0, 2], reset: [0, 1] }), recognised, returned),
    play: ({ acked, holds, me, peer, results, talk }) => [
      peer.connect,
      talk,
      results(1),
      holds(visited),
      acked,
      peer.close,
      peer.connect,
      peer.send,
      results(2),
      holds(entry("established", { accept: [1, 1, 0, 2], reset: [0, 1] }), recognised),
      acked,
      me.close,
      results(3),
      holds(entry("closed", { accept: [1, 1, 0, 2], reset: [0, 1] }), recognised, returned),
      peer.connect,
      peer.send,
      results(3)
    ]
  },
  ...[
    { ids: ["C36", "C37"], reset: 1, policy: Policy.losslessPeerReuse, name: "peer_reuse" },
    // Without resetCheck nobody is told that the peer has lost the session.
    { ids: ["C38", "C39"], reset: 0, policy: Policy.losslessPeer, name: "lossless_peer" }
  ].flatMap(({ ids, name, policy, reset }): ReadonlyArray<Row> => [
    {
      id: `${ids[0]}`,
      name: `${name}_connector`,
      me: policy,
      peer: policy,
      instances: once(closed(dialled), renewed),
      play: ({ acked, holds, me, peer, results, standby, talk }) => [
        me.connect,
        talk,
        results(1),
        holds(dialled),
        acked,
        me.close,
        me.connect,
        me.send,
        results(2),
        holds(closed(dialled), dialled),
        acked,
        peer.close,
        standby,
        me.connect,
        me.trySend,
        results(2)
      ]
    },
    {
      id: `${ids[1]}`,
      name: `${name}_acceptor`,
      me: policy,
      peer: policy,
      instances: once(entry("closed", { accept: [1, 1, 0, 2], reset: [0, reset] }), recognised, returned),
      play: ({ acked, holds, me, peer, results, talk }) => [
        peer.connect,
        talk,
        results(1),
        holds(visited),
        acked,
        peer.close,
        peer.connect,
        peer.send,
        results(2),
        holds(entry("established", { accept: [1, 1, 0, 2], reset: [0, reset] }), recognised),
        acked,
        me.close,
        results(2),
        holds(entry("closed", { accept: [1, 1, 0, 2], reset: [0, reset] }), recognised),
        acked,
        peer.connect,
        peer.trySend,
        results(3)
      ]
    }
  ])
])
