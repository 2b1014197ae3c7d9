import { assert, describe, it } from "@effect/vitest"
import { ControlFrame, EntityAddr, Features, Ids, Message } from "@msgr2/wire"
import { Arbitrary, Schema } from "effect"
import { type Action, Endpoint, type Event, Machine, Options, Policy, type State } from "../src/index.ts"
import {
  addr,
  answers,
  clientOptions,
  closedFor,
  dial,
  droppedFor,
  feed,
  makeEnd,
  meet,
  onceOptions,
  ready,
  serverOptions,
  settle
} from "./pair.ts"

const withAnswer = (tag: Action.QuestionTag, answer: Event.Event) => (question: Action.Question) =>
  question._tag === tag ? answer : answers(question)

/** Runs two ends and stops the first time `end` is in `state`. */
const until = (tag: State.State["_tag"], options = onceOptions) => {
  const pair = dial(options)
  while (pair.client.state._tag !== tag && pair.server.state._tag !== tag) {
    const toClient = pair.client.inbound.shift()
    if (toClient !== undefined) feed(pair.client, pair.server, toClient)
    if (pair.client.state._tag === tag || pair.server.state._tag === tag) break
    const toServer = pair.server.inbound.shift()
    if (toServer !== undefined) feed(pair.server, pair.client, toServer)
    if (toClient === undefined && toServer === undefined) assert.fail(`never in ${tag}`)
  }
  return pair.client.state._tag === tag
    ? { end: pair.client, peer: pair.server }
    : { end: pair.server, peer: pair.client }
}

describe("handshake", () => {
  it("two ends exchange the frames of the sequence chart", () => {
    const { client, server } = meet()
    assert.deepStrictEqual(client.log.sent, [
      "Banner",
      "Hello",
      "AuthRequest",
      "AuthRequestMore",
      "AuthSignature",
      "CompressionRequest",
      "ClientIdent"
    ])
    assert.deepStrictEqual(server.log.sent, [
      "Banner",
      "Hello",
      "AuthReplyMore",
      "AuthDone",
      "AuthSignature",
      "CompressionDone",
      "ServerIdent"
    ])
    assert.strictEqual(ready(client).session.clientCookie, ready(server).session.clientCookie)
    assert.strictEqual(ready(client).session.serverCookie, ready(server).session.serverCookie)
    assert.strictEqual(ready(client).session.lossy, false)
    assert.strictEqual(ready(server).peer.authenticatedAs?.id, "admin")
  })
  it("compression frames are exchanged only when both banners have the bit", () => {
    const { client, server } = meet({ ...clientOptions, msgr2Supported: 1n }, { ...serverOptions, msgr2Supported: 1n })
    assert.notInclude(client.log.sent, "CompressionRequest")
    assert.notInclude(server.log.sent, "CompressionDone")
    assert.strictEqual(ready(client).peer.revision, 1)
  })
  it("the revision is 2.0 when one end does not offer 2.1", () => {
    const { client, server } = meet({ ...clientOptions, msgr2Supported: 0n }, { ...serverOptions, msgr2Supported: 0n })
    assert.strictEqual(ready(client).peer.revision, 0)
    assert.strictEqual(ready(server).peer.revision, 0)
  })
  it("the mode changes after AuthDone and before the signature, on both ends", () => {
    const { client, server } = meet()
    for (const end of [client, server]) {
      const tags = end.log.commands.map((action) => (action._tag === "Send" ? action.frame._tag : action._tag))
      assert.isBelow(tags.indexOf("SetMode"), tags.indexOf("AuthSignature"))
      assert.strictEqual(tags[tags.indexOf("SetMode") + 1], "Sign")
    }
    const sent = server.log.commands.map((action) => (action._tag === "Send" ? action.frame._tag : action._tag))
    assert.strictEqual(sent[sent.indexOf("SetMode") - 1], "AuthDone")
  })
  it("the client adopts the server's word on lossy", () => {
    const { client, server } = meet(clientOptions, {
      ...serverOptions,
      policies: { otherwise: Policy.statelessServer }
    })
    assert.isTrue(ready(client).session.lossy)
    assert.isTrue(ready(server).session.lossy)
    assert.strictEqual(ready(client).session.serverCookie, 0n)
  })
  it("each end goes by the number that its attempt was given, and remembers that of the other", () => {
    const { client, server } = meet()
    const numbers = [client, server].map((end) => [ready(end).session.globalSeq, ready(end).session.peerGlobalSeq])
    assert.deepStrictEqual(numbers, [
      [1n, 9n],
      [9n, 1n]
    ])
  })
  it("a lossy client sends cookie 0 and the flag", () => {
    const { server } = meet({ ...clientOptions, policy: Policy.lossyClient })
    assert.strictEqual(ready(server).session.clientCookie, 0n)
  })
  it("a client that listens nowhere declares where the server sees it, with port 0 and its own nonce", () => {
    const { server } = meet()
    assert.deepStrictEqual(ready(server).peer.addrs, [addr("any:127.0.0.1:0/77")])
  })
  it("a policy applies by the type that HELLO tells", () => {
    const policies = { otherwise: Policy.statelessServer, byType: { 8: Policy.statefulServer } }
    assert.isFalse(ready(meet(clientOptions, { ...serverOptions, policies }).server).session.lossy)
    const { client } = meet({ ...clientOptions, entityType: 4 }, { ...serverOptions, policies })
    assert.isTrue(ready(client).session.lossy)
  })
})

describe("handshake refusals", () => {
  it("a peer that requires an unknown msgr2 feature is left", () => {
    const { end, peer } = until("BannerConnecting")
    feed(end, peer, { _tag: "Banner", supported: 3n, required: 4n })
    assert.strictEqual(closedFor(end), "MissingMsgr2Features")
  })
  it("a peer that lacks a required msgr2 feature is left", () => {
    const { server } = meet(clientOptions, { ...serverOptions, msgr2Supported: 7n, msgr2Required: 4n })
    assert.strictEqual(closedFor(server), "MissingMsgr2Features")
  })
  it("a peer of another type is left", () => {
    assert.strictEqual(closedFor(meet({ ...clientOptions, targetType: 4 }).client), "WrongPeerType")
  })
  it("a peer of any type will do when none is expected", () => {
    assert.strictEqual(ready(meet({ ...clientOptions, targetType: undefined }).client).peer.entityType, 1)
  })
  it("a mode that was not offered is refused, and the keys are not even looked at", () => {
    const offer: Event.Event = { _tag: "AuthOffer", method: 2, modes: [1], payload: new Uint8Array(0) }
    const { client } = meet(clientOptions, serverOptions, withAnswer("AuthBegin", offer))
    assert.strictEqual(closedFor(client), "ModeNotOffered")
    assert.isFalse(client.log.commands.some(({ _tag }) => _tag === "AuthFinish"))
  })
  it("a bad signature ends the connection on the end that finds it", () => {
    const { client, server } = meet(
      clientOptions,
      serverOptions,
      withAnswer("Verify", { _tag: "Verified", valid: false })
    )
    assert.strictEqual(closedFor(client), "BadSignature")
    assert.strictEqual(closedFor(server), "BadSignature")
  })
  it("a refused client may begin again on the same connection", () => {
    let refusals = 1
    const ask = (question: Action.Question): Event.Event =>
      question._tag === "AuthJudge" && refusals-- > 0
        ? { _tag: "AuthRefused", method: 1, result: -95, allowedMethods: [2], allowedModes: [2, 1] }
        : answers(question)
    const { client, server } = meet(clientOptions, serverOptions, ask)
    assert.include(server.log.sent, "AuthBadMethod")
    ready(client)
  })
  it("a busy authenticator hangs up", () => {
    const { server } = meet(clientOptions, serverOptions, withAnswer("AuthJudge", { _tag: "AuthBusy" }))
    assert.strictEqual(closedFor(server), "AuthBusy")
  })
  it("an authentication that goes round and round is ended by both ends", () => {
    const again = withAnswer("AuthJudgeMore", { _tag: "AuthAnswer", payload: new Uint8Array(0) })
    const { client, server } = meet(clientOptions, serverOptions, again)
    assert.include([closedFor(client), closedFor(server)], "AuthRounds")
    assert.isAtMost(client.log.sent.length, Options.MAX_ROUNDS + 4)
  })
  it("compression that nobody asked for is refused", () => {
    const { end, peer } = until("CompressionConnecting")
    feed(end, peer, { _tag: "CompressionDone", isCompress: true, method: 1 })
    assert.strictEqual(closedFor(end), "CompressionNotAsked")
  })
  it("a server that does not own the dialled address is left, nonce included", () => {
    const { end, peer } = until("SessionConnecting")
    const ident = ControlFrame.codec("ServerIdent")
    assert.strictEqual(ident.tag, 9)
    feed(end, peer, {
      _tag: "ServerIdent",
      addrs: [addr("v2:127.0.0.1:3300/1")],
      gid: 0n,
      globalSeq: Ids.globalSeq(1n),
      supported: Features.required,
      required: 0n,
      flags: 0n,
      cookie: Ids.cookie(1n)
    })
    assert.strictEqual(closedFor(end), "WrongTarget")
  })
  it("a client told to wait says so", () => {
    const { end, peer } = until("SessionConnecting")
    feed(end, peer, { _tag: "Wait" })
    assert.strictEqual(closedFor(end), "AskedToWait")
  })
  it("a client told of missing features names them", () => {
    const { end, peer } = until("SessionConnecting")
    feed(end, peer, { _tag: "IdentMissingFeatures", features: Features.mask("CrushV4") })
    assert.strictEqual(closedFor(end), "MissingFeatures")
    assert.include(end.state._tag === "Closed" ? end.state.error?.message : "", "CrushV4")
  })
})

describe("CLIENT_IDENT at a server", () => {
  const visit = (change: Partial<ControlFrame.Of<"ClientIdent">>, options = serverOptions) => {
    const { client, server } = dial(clientOptions, options)
    while (server.state._tag !== "SessionAccepting") {
      const toClient = client.inbound.shift()
      if (toClient !== undefined) feed(client, server, toClient)
      const toServer = server.inbound.shift()
      if (toServer !== undefined && toServer._tag !== "ClientIdent") feed(server, client, toServer)
    }
    const ident: ControlFrame.Of<"ClientIdent"> = {
      _tag: "ClientIdent",
      addrs: [addr("any:127.0.0.1:0/77")],
      target: addr("v2:127.0.0.1:3300/0"),
      gid: -1n,
      globalSeq: Ids.globalSeq(1n),
      supported: Features.pacific,
      required: Features.required,
      flags: 0n,
      cookie: Ids.cookie(5n),
      ...change
    }
    feed(server, client, ident)
    return { client, server, ident }
  }
  it("opens a session", () => {
    assert.strictEqual(ready(visit({}).server).session.clientCookie, 5n)
  })
  it("without an address is refused", () => {
    assert.strictEqual(closedFor(visit({ addrs: [] }).server), "BlankAddress")
    assert.strictEqual(closedFor(visit({ addrs: [EntityAddr.blank] }).server), "BlankAddress")
  })
  it("for another nonce, port or type of address is refused", () => {
    for (const target of ["v2:127.0.0.1:3300/1", "v2:127.0.0.1:3301/0", "any:127.0.0.1:3300/0"]) {
      assert.strictEqual(closedFor(visit({ target: addr(target) }).server), "WrongTarget")
    }
  })
  it("that lacks features is told which, and may try again on the same connection", () => {
    const policies = { otherwise: Policy.requiring(Policy.statefulServer, Features.mask("CrushV4")) }
    const { client, ident, server } = visit({ supported: 0n }, { ...serverOptions, policies })
    assert.deepStrictEqual(client.inbound.at(-1), {
      _tag: "IdentMissingFeatures",
      features: Features.mask("CrushV4") | Features.required
    })
    feed(server, client, { ...ident, supported: Features.pacific })
    ready(server)
  })
  it("may follow a RECONNECT that was answered by a full reset", () => {
    const { client, server } = visit({ supported: 0n })
    feed(server, client, {
      _tag: "Reconnect",
      addrs: [addr("any:127.0.0.1:0/77")],
      clientCookie: Ids.cookie(5n),
      serverCookie: Ids.cookie(6n),
      globalSeq: Ids.globalSeq(2n),
      connectSeq: Ids.connectSeq(1n),
      msgSeq: Ids.msgSeq(0)
    })
    assert.deepStrictEqual(client.inbound.at(-1), { _tag: "ResetSession", full: true })
    assert.strictEqual(server.state._tag, "SessionAccepting")
  })
})

// A frame that a state does not list is a violation, in every state of both roles.
describe("frames out of place", () => {
  const states = [
    "BannerConnecting",
    "HelloConnecting",
    "AuthConnecting",
    "AuthConnectingSign",
    "CompressionConnecting",
    "SessionConnecting",
    "BannerAccepting",
    "HelloAccepting",
    "AuthAccepting",
    "AuthAcceptingMore",
    "AuthAcceptingSign",
    "CompressionAccepting",
    "SessionAccepting",
    "Ready"
  ] as const
  const frame = Arbitrary.schema(Schema.Union([ControlFrame.schema, Message.schema]))
  for (const tag of states) {
    const rules =
      tag.endsWith("Connecting") || (tag.endsWith("Sign") && tag.startsWith("AuthConnecting"))
        ? Endpoint.clientTable(clientOptions)
        : Endpoint.serverTable(serverOptions)
    it.prop(`${tag} closes on every frame it does not list, and says what it lists`, [frame], ([frame]) => {
      const { end, peer } = until(tag)
      const listed = Machine.allowed(rules, end.state)
      feed(end, peer, frame)
      if (listed.includes(frame._tag)) return
      assert.strictEqual(droppedFor(end), "UnexpectedFrame")
      // A session that has been open survives the connection.
      assert.strictEqual(end.state._tag, tag === "Ready" ? "Standby" : "Closed")
      const drop = end.log.commands.at(-1)
      assert.strictEqual(drop?._tag, tag === "Ready" ? "Disconnect" : "Hangup")
      if (drop !== undefined && "error" in drop) assert.strictEqual(drop.error?.expected, listed.join(", "))
    })
  }
  it("over is over", () => {
    const { end, peer } = until("HelloConnecting")
    feed(end, peer, { _tag: "Ack", msgSeq: Ids.msgSeq(1) })
    const before = end.log.commands.length
    feed(end, peer, { _tag: "Submitted", message: Message.make({ type: 2 }) })
    assert.strictEqual(closedFor(end), "UnexpectedFrame")
    assert.strictEqual(end.log.commands.length, before)
  })
  it("a handshake that takes too long is ended, an open session is not", () => {
    for (const tag of states) {
      const { end, peer } = until(tag)
      feed(end, peer, { _tag: "HandshakeTimeout" })
      assert.strictEqual(closedFor(end), tag === "Ready" ? undefined : "HandshakeTimeout")
    }
  })
  it("a socket that goes away closes every state before the first session without blaming anybody", () => {
    for (const tag of states.filter((tag) => tag !== "Ready")) {
      const { end, peer } = until(tag)
      feed(end, peer, { _tag: "Disconnected" })
      assert.strictEqual(closedFor(end), "no error")
    }
  })
  it("an open session stays when its socket goes away, and nobody is blamed", () => {
    const { end, peer } = until("Ready")
    feed(end, peer, { _tag: "Disconnected" })
    assert.strictEqual(end.state._tag, "Standby")
    assert.strictEqual(droppedFor(end), "no error")
  })
  it("nothing is sent before the other's banner but the own one", () => {
    const client = makeEnd(Endpoint.client(clientOptions))
    const server = makeEnd(Endpoint.server(serverOptions))
    settle(client, server)
    assert.deepStrictEqual([client.log.sent, server.log.sent], [[], []])
  })
})
