/**
 * Lossless peers, either of which may dial: one fault at a time.
 *
 * **Source** Ceph `src/test/crimson/test_messenger.cc`, counters included.
 */
import { Policy } from "@msgr2/session"
import { entry } from "./support/ledger.ts"
import { each, rows } from "./support/rows.ts"

const peers = { me: Policy.losslessPeer, peer: Policy.losslessPeer }

rows("Lossless peers", [
  {
    ...peers,
    id: "C16",
    name: "peer_connect_fault",
    instances: each(["ClientIdent W", "ServerIdent R"], entry("established", { connect: [2, 2, 0, 1] })),
    play: ({ me, results }) => [me.send, me.connect, results(1)]
  },
  {
    ...peers,
    id: "C17",
    name: "peer_accept_fault",
    instances: each(
      ["ClientIdent R"],
      entry("closed", { accept: [1, 1, 0, 0] }),
      entry("established", { accept: [1, 1, 0, 1] })
    ),
    play: ({ peer, results }) => [peer.send, peer.connect, results(2)]
  },
  {
    ...peers,
    id: "C18",
    name: "peer_establishing_fault",
    instances: each(
      ["ServerIdent W"],
      entry("established", { accept: [1, 1, 0, 2] }),
      entry("replaced", { accept: [1, 1, 0, 0] })
    ),
    play: ({ peer, results }) => [peer.send, peer.connect, results(2)]
  },
  {
    ...peers,
    id: "C19",
    name: "peer_connected_fault_reconnect",
    instances: each(["Message W"], entry("established", { connect: [2, 1, 1, 2] })),
    play: ({ me, results }) => [me.send, me.connect, results(1)]
  },
  {
    ...peers,
    id: "C20",
    name: "peer_connected_fault_reaccept",
    // What I have dialled is revived by the peer, who has something to say.
    instances: each(
      ["Message R"],
      entry("established", { connect: [1, 1, 0, 1], accept: [0, 0, 0, 1] }),
      entry("replaced", { accept: [1, 0, 1, 0] })
    ),
    play: ({ me, peer, results }) => [peer.send, me.connect, results(2)]
  }
])
