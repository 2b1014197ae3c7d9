/**
 * A lossy client and a stateless server, and faults at every step.
 *
 * **Source** Ceph `src/test/crimson/test_messenger.cc`, counters included. A lossy session of ours gives up at the first
 * attempt that fails, unless it is given `retries`, as here.
 */
import { Policy } from "@msgr2/session"
import { entry } from "./support/ledger.ts"
import { each, rows } from "./support/rows.ts"

const client = { me: Policy.lossyClient, peer: Policy.statelessServer, symmetric: true }
const server = { me: Policy.statelessServer, peer: Policy.lossyClient, symmetric: true }

const opened = entry("established", { accept: [1, 1, 0, 1] })

rows("Lossy client and stateless server", [
  {
    ...client,
    id: "C1",
    name: "lossy_early_connect_fault",
    instances: each(
      [
        "Banner W",
        "Banner R",
        "BannerPayload R",
        "Connecting W",
        "Hello W",
        "Hello R",
        "AuthRequest W",
        "AuthDone R",
        "AuthSignature W",
        "AuthSignature R"
      ],
      entry("established", { connect: [2, 1, 0, 1] })
    ),
    play: (stage) => [stage.me.send, stage.me.connect, stage.results(1)]
  },
  {
    ...client,
    id: "C2",
    name: "lossy_connect_fault",
    instances: each(["ClientIdent W", "ServerIdent R"], entry("established", { connect: [2, 2, 0, 1] })),
    play: (stage) => [stage.me.send, stage.me.connect, stage.results(1)]
  },
  {
    ...client,
    id: "C3",
    name: "lossy_connected_fault",
    instances: each(["Message W", "Message R"], entry("closed", { connect: [1, 1, 0, 1], reset: [1, 0] })),
    play: (stage) => [stage.talk, stage.me.connect, stage.results(1)],
    lossy: true
  },
  {
    ...server,
    id: "C4",
    name: "lossy_early_accept_fault",
    instances: each(
      [
        "Banner W",
        "Banner R",
        "BannerPayload R",
        "Hello W",
        "Hello R",
        "AuthRequest R",
        "AuthDone W",
        "AuthSignature W",
        "AuthSignature R"
      ],
      entry("closed", { accept: [1, 0, 0, 0] }),
      opened
    ),
    play: (stage) => [stage.peer.send, stage.peer.connect, stage.results(2)]
  },
  {
    ...server,
    id: "C5",
    name: "lossy_accept_fault",
    instances: each(["ClientIdent R"], entry("closed", { accept: [1, 1, 0, 0] }), opened),
    play: (stage) => [stage.peer.send, stage.peer.connect, stage.results(2)]
  },
  {
    ...server,
    id: "C6",
    name: "lossy_establishing_fault",
    instances: each(["ServerIdent W"], entry("closed", { accept: [1, 1, 0, 1], reset: [1, 0] }), opened),
    play: (stage) => [stage.peer.send, stage.peer.connect, stage.results(2)]
  },
  {
    ...server,
    id: "C7",
    name: "lossy_accepted_fault",
    instances: each(["Message W", "Message R"], entry("closed", { accept: [1, 1, 0, 1], reset: [1, 0] })),
    play: (stage) => [stage.talk, stage.peer.connect, stage.results(1)],
    lossy: true
  }
])
