import { assert, describe, it } from "@effect/vitest"
import { type ControlFrame, Features, Ids } from "@msgr2/wire"
import { type Action, type Arbiter, type Event, Policy, Session, type State } from "../src/index.ts"
import {
  after,
  asLiving,
  disconnected,
  type Facts,
  letter,
  living,
  local,
  own,
  peer,
  pending,
  progressOf,
  step,
  tags,
  visitor
} from "./living.ts"
import { addr } from "./pair.ts"

const ident: ControlFrame.Of<"ClientIdent"> = {
  _tag: "ClientIdent",
  addrs: [peer],
  target: own,
  gid: 2n,
  globalSeq: Ids.globalSeq(31n),
  supported: Features.pacific & ~Features.mask("CrushV4"),
  required: Features.required,
  flags: 0n,
  cookie: Ids.cookie(0xc0n)
}
const reconnect = (msgSeq: number): ControlFrame.Of<"Reconnect"> => ({
  _tag: "Reconnect",
  addrs: [peer],
  clientCookie: Ids.cookie(5n),
  serverCookie: Ids.cookie(7n),
  globalSeq: Ids.globalSeq(32n),
  connectSeq: Ids.connectSeq(8n),
  msgSeq: Ids.msgSeq(msgSeq)
})
const reuse = (request: Arbiter.SessionRequest, reset = false): Event.Event => ({
  _tag: "Reuse",
  visitor: { ...visitor, mode: 2, revision: 0 },
  compression: 3,
  request,
  cookie: Ids.cookie(0x5e5n),
  globalSeq: Ids.globalSeq(77n),
  reset
})

/** Received 6, sent 4 and not acknowledged, one more waits; as it is while the session is open, and when it is not. */
const open = progressOf({ received: 6, sent: 4, waiting: [letter(9)] })
const lost = Session.requeue(open)
const busy = (tag: (typeof tags)[number], facts: Facts = {}): State.Living =>
  living(tag, { progress: tag === "Ready" ? open : lost, ...facts })

const told = (actions: ReadonlyArray<Action.Action>): ReadonlyArray<string> =>
  actions.map((action) => (action._tag === "Send" ? action.frame._tag : action._tag))

describe("a connection of the peer takes the place of what there was", () => {
  for (const tag of tags) {
    it(`in ${tag}, by CLIENT_IDENT: the session begins anew, and what was to be sent still is`, () => {
      const [state, actions] = step(busy(tag, { attempts: 4, wanted: true }), reuse(ident))
      assert.strictEqual(state._tag, "Ready")
      assert.deepStrictEqual(told(actions), ["ServerIdent", "Opened"])
      assert.deepStrictEqual(actions.at(-1), { _tag: "Opened", resumed: false })
      const { progress, session } = asLiving(state)
      assert.deepInclude(session, {
        clientCookie: ident.cookie,
        serverCookie: Ids.cookie(0x5e5n),
        globalSeq: Ids.globalSeq(77n),
        peerGlobalSeq: ident.globalSeq,
        connectSeq: Ids.connectSeq(0n),
        attempts: 0,
        wanted: false,
        lossy: false
      })
      assert.deepStrictEqual([progress.inSeq, progress.outSeq, progress.unreported], [0, 0, 0])
      assert.deepStrictEqual(pending(state), [1, 2, 3, 4, 9])
    })
    it(`in ${tag}, by CLIENT_IDENT of a peer that has lost the session: the owner hears it, nothing is kept`, () => {
      const [state, actions] = step(busy(tag), reuse(ident, true))
      assert.deepStrictEqual(told(actions), ["RemoteReset", "ServerIdent", "Opened"])
      assert.deepStrictEqual(pending(state), [])
      const { progress } = asLiving(state)
      assert.deepStrictEqual([progress.inSeq, progress.outSeq, progress.outbox.size], [0, 0, 0])
    })
    it(`in ${tag}, by RECONNECT: the session goes on, and only what the peer lacks goes again`, () => {
      const [state, actions] = step(busy(tag, { attempts: 4, wanted: true }), reuse(reconnect(3)))
      assert.strictEqual(state._tag, "Ready")
      assert.deepStrictEqual(actions, [
        { _tag: "Send", frame: { _tag: "ReconnectOk", msgSeq: Ids.msgSeq(6) } },
        { _tag: "Opened", resumed: true }
      ])
      const { progress, session } = asLiving(state)
      assert.deepInclude(session, {
        clientCookie: Ids.cookie(5n),
        serverCookie: Ids.cookie(7n),
        globalSeq: Ids.globalSeq(4n),
        peerGlobalSeq: Ids.globalSeq(32n),
        connectSeq: Ids.connectSeq(8n),
        attempts: 0,
        wanted: false
      })
      assert.deepStrictEqual([progress.inSeq, progress.outSeq], [6, 3])
      assert.deepStrictEqual(pending(state), [4, 9])
    })
  }

  it("a session that begins anew counts from 1, however many messages the old one has settled", () => {
    const settled = Session.acknowledge(open, 3)
    for (const reset of [false, true]) {
      const state = after(living("Ready", { progress: settled }), reuse(ident, reset))
      assert.deepStrictEqual(pending(state), reset ? [] : [4, 9])
      assert.strictEqual(asLiving(state).progress.outSeq, 0)
    }
    assert.strictEqual(asLiving(after(living("Ready", { progress: settled }), reuse(reconnect(3)))).progress.outSeq, 3)
  })
  it("what goes again goes with the numbers it had, before what waits, and is not kept twice", () => {
    const [state, actions] = step(after(busy("Ready"), reuse(reconnect(2))), { _tag: "Writable", count: 10 })
    assert.deepStrictEqual(
      actions.map((action) => (action._tag === "SendMessage" ? [action.seq, Number(action.message.header.tid)] : [])),
      [
        [3, 3],
        [4, 4],
        [5, 9]
      ]
    )
    assert.deepStrictEqual(pending(after(state, disconnected)), [3, 4, 9])
  })
  it("a number beyond anything sent settles all that was sent, and nothing that was not", () => {
    const state = after(busy("Ready"), reuse(reconnect(Number.MAX_SAFE_INTEGER)))
    assert.deepStrictEqual(pending(state), [9])
    assert.strictEqual(asLiving(state).progress.outSeq, 4)
  })
  it("what the new connection has agreed holds, not what the old one had", () => {
    for (const request of [ident, reconnect(0)]) {
      for (const tag of ["Ready", "Standby", "SessionReconnecting"] as const) {
        const state = after(busy(tag), reuse(request))
        if (state._tag !== "Ready") return assert.fail(state._tag)
        assert.deepInclude(state.peer, { mode: 2, revision: 0, compression: 3, authenticatedAs: visitor.name })
        assert.strictEqual(state.session.peer, state.peer)
      }
    }
  })
  it("features come with an ident, and stay with a return", () => {
    const named = after(busy("Standby"), reuse(ident))
    assert.strictEqual(named._tag === "Ready" ? named.peer.features : 0n, ident.supported & local.features)
    const back = after(named, disconnected, reuse(reconnect(0)))
    assert.strictEqual(back._tag === "Ready" ? back.peer.features : 0n, ident.supported & local.features)
    assert.strictEqual(back._tag === "Ready" ? back.peer.gid : 0n, 2n)
  })
  it("by RECONNECT, the name by which the peer knows the session becomes this end's too", () => {
    const request = { ...reconnect(3), serverCookie: Ids.cookie(0x77n) }
    assert.strictEqual(asLiving(after(busy("Standby"), reuse(request))).session.serverCookie, 0x77n)
  })
  it("SERVER_IDENT says what this end is, and that the session lasts", () => {
    const [, actions] = step(
      busy("Standby", { policy: Policy.requiring(Policy.losslessPeer, 1n << 40n) }),
      reuse(ident)
    )
    assert.deepStrictEqual(actions[0], {
      _tag: "Send",
      frame: {
        _tag: "ServerIdent",
        addrs: [own],
        gid: 1n,
        globalSeq: Ids.globalSeq(77n),
        supported: local.features,
        required: (1n << 40n) | Features.required,
        flags: 0n,
        cookie: Ids.cookie(0x5e5n)
      }
    })
  })
  it("keeps where the peer is found, and how it is treated", () => {
    const before = busy("Standby")
    for (const request of [ident, reconnect(0)]) {
      assert.strictEqual(asLiving(after(before, reuse(request))).session.remote, before.session.remote)
    }
  })
  it("the old connection's back-off and dial are over: what follows is a lost connection like any other", () => {
    for (const tag of tags) {
      const [state, actions] = step(after(busy(tag), reuse(reconnect(0))), disconnected)
      assert.deepStrictEqual(
        [state._tag, ...actions.map(({ _tag }) => _tag)],
        ["StartConnect", "Disconnect", "Dial"],
        tag
      )
      assert.strictEqual(asLiving(state).session.connectSeq, 9n)
    }
  })
})

describe("a newcomer is admitted", () => {
  const admitted: Event.Event = { _tag: "Admitted", cookie: Ids.cookie(0x5e5n), globalSeq: Ids.globalSeq(77n) }
  const asks = (over: Partial<ControlFrame.Of<"ClientIdent">>, policy = Policy.losslessPeer): State.State => ({
    _tag: "SessionAccepting",
    visitor: { ...visitor, policy },
    compression: undefined,
    ident: { ...ident, ...over }
  })
  const targetOf = (over: Partial<ControlFrame.Of<"ClientIdent">>) =>
    asLiving(after(asks(over), admitted)).session.remote.target

  it("with its cookie, a name of this end's, and the addresses by which it will be found", () => {
    const { session } = asLiving(after(asks({}), admitted))
    assert.deepInclude(session, { clientCookie: ident.cookie, serverCookie: Ids.cookie(0x5e5n), lossy: false })
    assert.deepStrictEqual(session.remote.addrs, [peer])
  })
  it("without a name where nothing is kept, and hears that it is so", () => {
    const [state, actions] = step(asks({}, Policy.statelessServer), admitted)
    assert.strictEqual(asLiving(state).session.serverCookie, 0n)
    const [answer] = actions
    assert.deepInclude(answer?._tag === "Send" ? answer.frame : {}, { flags: 1n, cookie: Ids.cookie(0n) })
  })
  it("can be dialled where it listens, and not where it does not", () => {
    assert.deepStrictEqual(targetOf({}), peer)
    for (const text of ["any:10.0.0.2:6800/1", "v1:10.0.0.2:6800/1", "v2:10.0.0.2:0/1"]) {
      assert.isUndefined(targetOf({ addrs: [addr(text)] }), text)
    }
    assert.deepStrictEqual(targetOf({ addrs: [addr("v1:10.0.0.2:6789/0"), peer] }), peer)
  })
  it("only after it has said who it is", () => {
    const silent: State.State = { _tag: "SessionAccepting", visitor, compression: undefined, ident: undefined }
    assert.strictEqual(after(silent, admitted)._tag, "Closed")
  })
})
