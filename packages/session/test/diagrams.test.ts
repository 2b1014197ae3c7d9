/**
 * The machines as drawn from the code, against the file that shows them and against the digraphs of the protocol.
 */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { acceptingPart, file, isBookkeeping, render } from "../../../scripts/diagrams.ts"
import * as Machines from "../../../scripts/machines/explore.ts"

const client = Machines.client()
const server = Machines.server()

/** An edge of a digraph, the event that it is here, and why it does not join the same states, if it does not. */
type Drawn = readonly [from: string, to: string, label: string, event: string, instead?: Instead]
interface Instead {
  readonly from?: string
  readonly to?: string
  readonly because: string
  /** Why the edge as drawn exists all the same. */
  readonly also?: string
}

const inOrder: Instead["because"] = "banner and HELLO are passed in order: the subgraph is a line, not a circle"

// Origin: msgr2 (Quincy), `digraph lossy_client`.
const clientDigraph: ReadonlyArray<Drawn> = [
  ["start_connect", "banner_connecting", "<connected>", "Connected"],
  ["banner_connecting", "hello_connecting", "banner exchange", "Banner"],
  ["hello_connecting", "banner_connecting", "hello exchange", "Hello", { to: "auth_connecting", because: inOrder }],
  ["banner_connecting", "auth_connecting", "<exchange done>", "Hello", { from: "hello_connecting", because: inOrder }],
  ["auth_connecting", "auth_connecting", "auth reply more", "AuthReplyMore"],
  ["auth_connecting", "auth_connecting", "auth bad method", "AuthBadMethod"],
  ["auth_connecting", "auth_connecting_sign", "auth done", "AuthGranted"],
  ["auth_connecting_sign", "session_connecting", "auth signature", "Verified"],
  ["session_connecting", "wait", "wait", "Wait"],
  ["wait", "start_connect", "<backoff>", "BackoffOver"],
  ["session_connecting", "closed", "ident missing features", "IdentMissingFeatures"],
  ["session_connecting", "ready", "server ident", "ServerIdent"],
  ["ready", "ready", "keep alive", "Keepalive2"]
]

const busy: Instead = { to: "closed", because: "Ceph closes: there is no session yet that could stand by" }

// Origin: msgr2 (Quincy), `digraph lossy_server`.
const serverDigraph: ReadonlyArray<Drawn> = [
  ["start_accept", "banner_accepting", "<accepted>", "Accepted"],
  ["banner_accepting", "hello_accepting", "banner exchange", "Banner"],
  ["hello_accepting", "banner_accepting", "hello exchange", "Hello", { to: "auth_accepting", because: inOrder }],
  ["banner_accepting", "auth_accepting", "<exchange done>", "Hello", { from: "hello_accepting", because: inOrder }],
  ["auth_accepting", "auth_accepting_more", "auth_request => 0", "AuthAnswer"],
  ["auth_accepting", "auth_accepting_sign", "auth_request => 1", "AuthAccepted"],
  ["auth_accepting_more", "auth_accepting_more", "auth_request => 0", "AuthAnswer"],
  ["auth_accepting_more", "auth_accepting_sign", "auth_request => 1", "AuthAccepted"],
  ["auth_accepting_more", "standby", "auth_request => EBUSY", "AuthBusy", busy],
  [
    "auth_accepting_more",
    "auth_accepting_more",
    "auth_request => *",
    "AuthRefused",
    { to: "auth_accepting", because: "the challenge of a refused proof is used up: the client begins again" }
  ],
  ["auth_accepting", "standby", "auth_request => EBUSY", "AuthBusy", busy],
  ["auth_accepting", "auth_accepting", "send <auth bad method>", "AuthRefused"],
  ["auth_accepting_sign", "session_accepting", "auth signature", "Verified"],
  ["session_accepting", "session_accepting", "reconnect", "Reconnect"],
  [
    "session_accepting",
    "closed",
    "ident missing features",
    "ClientIdent",
    {
      to: "session_accepting",
      because: "Ceph reads on: the client may ask again",
      also: "an ident without an address, or for another server, does end it"
    }
  ],
  ["session_accepting", "ready", "client ident", "Admitted"],
  ["ready", "ready", "keep alive", "Keepalive2"]
]

/** `auth_connecting_sign` is `AuthConnectingSign`. */
const pascal = (name: string): string => name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())
const text = ({ event, from, to }: { readonly event: string; readonly from: string; readonly to: string }): string =>
  `${from} --${event}--> ${to}`
/** As the digraph joins the states, and as the code does. */
const drawnAs = ([from, to, , event]: Drawn): string => text({ event, from: pascal(from), to: pascal(to) })
const codedAs = ([from, to, , event, instead]: Drawn): string =>
  text({ event, from: pascal(instead?.from ?? from), to: pascal(instead?.to ?? to) })

type Edge = Machines.Edge
/** A kind of edge that no digraph draws, and why there is one. */
type Reason = readonly [why: string, isOne: (edge: Edge) => boolean]

const faultEvents = ["Disconnected", "Failed", "HandshakeTimeout", "IdleTimeout", Machines.OTHER]
const lost = ["Wait", "Standby", "StartConnect", "Closed"]
/** What each state reads closely enough to find fault with. */
const checked: { readonly [state: string]: ReadonlyArray<string> } = {
  BannerConnecting: ["Banner"],
  HelloConnecting: ["Hello"],
  AuthConnecting: ["AuthDone", "AuthReplyMore", "AuthBadMethod"],
  AuthConnectingSign: ["Verified"],
  CompressionConnecting: ["CompressionDone"],
  SessionConnecting: ["ServerIdent"],
  SessionReconnecting: ["ResetSession", "RetrySession", "RetryGlobal"],
  BannerAccepting: ["Banner"],
  AuthAccepting: ["AuthRequest"],
  AuthAcceptingMore: ["AuthRequestMore"],
  AuthAcceptingSign: ["Verified"],
  SessionAccepting: ["ClientIdent", "Reconnect"]
}
/** Ways into and out of the state that asks to return to a session, besides those that fail. */
const returning = [
  "AuthConnectingSign --Verified--> SessionReconnecting",
  "CompressionConnecting --CompressionDone--> SessionReconnecting",
  "SessionReconnecting --ReconnectOk--> Ready",
  "SessionReconnecting --ResetSession--> SessionConnecting",
  "SessionReconnecting --RetrySession--> SessionReconnecting",
  "SessionReconnecting --RetryGlobal--> SessionReconnecting",
  "SessionReconnecting --GlobalSeqTaken--> SessionReconnecting"
]

// The digraphs are those of lossy ends without compression, and draw only what goes well.
const reasons: ReadonlyArray<Reason> = [
  [
    "compression has a state of its own, between the signature and the session",
    ({ event, from, to }) =>
      (from.endsWith("Sign") && event === "Verified" && to.startsWith("Compression")) ||
      (from === "CompressionConnecting" && event === "CompressionDone" && to === "SessionConnecting") ||
      (from === "CompressionAccepting" && event === "CompressionRequest" && to === "SessionAccepting")
  ],
  [
    "a connection that is lost: the session waits, stands by, dials or ends",
    ({ event, to }) => faultEvents.includes(event) && lost.includes(to)
  ],
  [
    "a frame that breaks a rule counts as a lost connection, or ends a visit",
    ({ event, from, to }) => (checked[from] ?? []).includes(event) && lost.includes(to)
  ],
  [
    "told to wait, an end that has no more attempts is done, and one that does not dial stands by",
    ({ event, from, to }) =>
      event === "Wait" && (from === "SessionConnecting" || from === "SessionReconnecting") && lost.includes(to)
  ],
  [
    "a session that lasts is returned to, and the server has six answers to that",
    (edge) => returning.includes(text(edge))
  ],
  ["a connection of the peer's takes over the session", ({ event, to }) => event === "Reuse" && to === "Ready"],
  [
    "the session ends because the messenger, or its owner, says so",
    ({ event, to }) => ["MarkedDown", "Displaced", "Expired"].includes(event) && to === "Closed"
  ],
  [
    "the peer was told to wait for this end, which does not wait any longer",
    ({ event, from, to }) => event === "Proceed" && (from === "Wait" || from === "Standby") && to === "StartConnect"
  ],
  [
    "a session that stands by dials when there is a reason to",
    ({ event, from, to }) =>
      from === "Standby" && to === "StartConnect" && ["KeepaliveDue", "Submitted", "Wanted"].includes(event)
  ],
  [
    "a step of the handshake is a question to whoever has the keys, and its answer",
    ({ event, from, to }) =>
      from === to &&
      from.startsWith("Auth") &&
      ["AuthOffer", "AuthAnswer", "AuthDone", "AuthSignature", "Signed", "AuthRequest", "AuthRequestMore"].includes(
        event
      )
  ],
  [
    "a visitor is put off, turned away, or hands its socket to the session that it asked for",
    ({ event, from, to }) =>
      from === "SessionAccepting" &&
      ((event === "PutOff" && to === from) || (["Stale", "Foreign", "HandedOver"].includes(event) && to === "Closed"))
  ],
  [
    "an open session carries messages",
    ({ event, from, to }) => from === "Ready" && to === from && ["Message", "Ack", "Keepalive2Ack"].includes(event)
  ]
]

describe("docs/machines.md", () => {
  it("is what `npm run docs:diagrams` draws", () => {
    assert.strictEqual(readFileSync(file, "utf8"), render(client, server))
  })
  it("draws the machines with every entry of their tables", () => {
    assert.deepStrictEqual(client.unused, [])
    assert.deepStrictEqual(server.unused, [])
  })
  it("need not draw the dialling part of an accepting end: it is that of the dialling end", () => {
    const own = new Set(acceptingPart(server.edges))
    const dialling = server.edges.filter((edge) => !own.has(edge) && !isBookkeeping(edge)).map(text)
    assert.isAbove(dialling.length, 50)
    const known = new Set(client.edges.map(text))
    assert.deepStrictEqual(
      dialling.filter((edge) => !known.has(edge)),
      []
    )
  })
  it("leaves out only what leads nowhere", () => {
    const left = [...client.edges, ...server.edges].filter(isBookkeeping)
    assert.deepStrictEqual(
      left.filter(({ from, to }) => from !== to),
      []
    )
  })
})

const used = new Set<string>()
for (const [name, digraph, all] of [
  ["client", clientDigraph, client.edges],
  ["server", serverDigraph, acceptingPart(server.edges)]
] as const) {
  const edges = all.filter((edge) => !isBookkeeping(edge))
  const coded = new Set(edges.map(text))
  describe(`the digraph of the ${name}`, () => {
    for (const drawn of digraph) {
      const [from, to, label, , instead] = drawn
      it(`${from} -> ${to} [${label}]${instead === undefined ? "" : ` is not so here: ${instead.because}`}`, () => {
        assert.isTrue(coded.has(codedAs(drawn)), codedAs(drawn))
        // A difference that is none any more is a lie.
        if (instead !== undefined) assert.strictEqual(coded.has(drawnAs(drawn)), instead.also !== undefined)
      })
    }
    it("lacks nothing that is without a reason", () => {
      const known = new Set(digraph.map(codedAs))
      const rest = edges.filter((edge) => !known.has(text(edge)))
      assert.isAbove(rest.length, digraph.length)
      const unexplained = rest.filter((edge) => {
        const found = reasons.filter(([, isOne]) => isOne(edge))
        for (const [why] of found) used.add(why)
        return found.length === 0
      })
      assert.deepStrictEqual(unexplained.map(text), [])
    })
  })
}

it("every reason for an edge that no digraph draws is needed", () => {
  assert.sameMembers(
    [...used],
    reasons.map(([why]) => why)
  )
})
