import { assert, describe, it } from "@effect/vitest"
import { Features, Ids } from "@msgr2/wire"
import { type Action, type Event, Fault, Policy, ProtocolError, Session, type State } from "../src/index.ts"
import {
  after,
  asLiving,
  connecting,
  disconnected,
  type Facts,
  letter,
  living,
  pending,
  policies,
  progressOf,
  reasonOf,
  step,
  type Tag
} from "./living.ts"
import { serverAddr } from "./pair.ts"

const waiting = progressOf({ waiting: [letter(1)] })
const failed: Event.Event = { _tag: "Failed" }
const timeout: Event.Event = { _tag: "HandshakeTimeout" }
const names = Object.keys(policies) as ReadonlyArray<keyof typeof policies>

/** Where each policy leads: with nothing to send, and with something. */
type Table = { readonly [P in keyof typeof policies]: readonly [idle: string, busy: string] }

const lands = (tag: Tag, facts: Facts, event: Event.Event = disconnected): string =>
  step(living(tag, facts), event)[0]._tag

// The numbers are those of Ceph's `_fault`.
describe("a lost connection", () => {
  it("1. means nothing to a session that is over", () => {
    const closed: State.State = { _tag: "Closed", error: undefined }
    assert.deepStrictEqual(step(closed, disconnected), [closed, []])
  })
  // Rules 2, 6, 7 and 8.
  const open: Table = {
    initiator: ["StartConnect", "StartConnect"],
    statefulServer: ["Standby", "Standby"],
    statelessRegisteredServer: ["Closed", "Closed"],
    statelessServer: ["Closed", "Closed"],
    losslessPeer: ["Standby", "StartConnect"],
    losslessPeerReuse: ["Standby", "StartConnect"],
    lossyClient: ["Closed", "Closed"],
    losslessClient: ["StartConnect", "StartConnect"]
  }
  // Rules 6, 7 and 9. A lossy session that is not yet open is tried again, where its owner wants that.
  const early: Table = {
    initiator: ["Wait", "Wait"],
    statefulServer: ["Standby", "Standby"],
    statelessRegisteredServer: ["Standby", "Standby"],
    statelessServer: ["Standby", "Standby"],
    losslessPeer: ["Standby", "Wait"],
    losslessPeerReuse: ["Standby", "Wait"],
    lossyClient: ["Wait", "Wait"],
    losslessClient: ["Wait", "Wait"]
  }
  for (const name of names) {
    const policy = policies[name]
    it(`of an open session under ${name} leads to ${open[name].join(", or with something to send ")}`, () => {
      assert.deepStrictEqual(
        [lands("Ready", { policy }), lands("Ready", { policy, progress: waiting })],
        [...open[name]]
      )
    })
    it(`of an attempt under ${name} leads to ${early[name].join(", or with something to send ")}`, () => {
      for (const tag of connecting) {
        assert.deepStrictEqual(
          [lands(tag, { policy }), lands(tag, { policy, progress: waiting })],
          [...early[name]],
          tag
        )
      }
    })
  }
  it("2. ends a session that the server has made lossy, and keeps one that it has made lossless", () => {
    assert.strictEqual(lands("Ready", { policy: Policy.losslessClient, lossy: true }), "Closed")
    assert.strictEqual(lands("Ready", { policy: Policy.lossyClient, lossy: false }), "StartConnect")
  })
  it("3. what was sent and not acknowledged goes again, before what waits, with the same numbers", () => {
    const progress = progressOf({ received: 4, sent: 3, waiting: [letter(9, 255)] })
    const [state, actions] = step(living("Ready", { progress }), disconnected)
    assert.deepStrictEqual(pending(state), [1, 2, 3, 9])
    const { outSeq, inSeq, unreported, outbox } = asLiving(state).progress
    assert.deepStrictEqual([outSeq, inSeq, unreported, outbox.sent.size, outbox.replay.size], [0, 4, 0, 0, 3])
    assert.isFalse(actions.some(({ _tag }) => _tag === "SendMessage"))
  })
  it("3. an attempt that is lost before the session is open requeues nothing twice", () => {
    const progress = Session.requeue(progressOf({ sent: 3 }))
    assert.strictEqual(asLiving(step(living("Wait", { progress }), disconnected)[0]).progress, progress)
    const [state] = step(living("SessionReconnecting", { progress }), disconnected)
    assert.strictEqual(asLiving(state).progress, progress)
  })
  it("5. drops the socket first, then dials or waits, and never hangs up", () => {
    const tags = (actions: ReadonlyArray<Action.Action>) => actions.map(({ _tag }) => _tag)
    assert.deepStrictEqual(tags(step(living("Ready", { progress: waiting }), disconnected)[1]), ["Disconnect", "Dial"])
    assert.deepStrictEqual(tags(step(living("Ready"), disconnected)[1]), ["Disconnect"])
    for (const tag of connecting) {
      const [, actions] = step(living(tag, { progress: waiting }), disconnected)
      assert.deepStrictEqual(tags(actions), ["Disconnect", "Backoff"], tag)
    }
  })
  it("6. a session that is wanted, or kept alive, does not stand by", () => {
    assert.strictEqual(lands("SessionConnecting", { wanted: true }), "Wait")
    const woken = after(living("Standby"), { _tag: "KeepaliveDue", sec: 1, nsec: 0 }, disconnected)
    assert.strictEqual(woken._tag, "Wait")
  })
  it("7. an end that cannot dial stands by, whatever it has to send", () => {
    assert.strictEqual(lands("Ready", { target: undefined, progress: waiting }), "Standby")
    assert.strictEqual(lands("Ready", { target: undefined, policy: Policy.losslessClient }), "Standby")
  })
  it("8. an open session is dialled again at once, and counts it", () => {
    const [state, actions] = step(living("Ready", { progress: waiting, connectSeq: 3n }), disconnected)
    assert.strictEqual(asLiving(state).session.connectSeq, 4n)
    assert.strictEqual(asLiving(state).session.attempts, 0)
    assert.deepInclude(actions, { _tag: "Dial", target: asLiving(state).session.remote.target ?? serverAddr })
  })
  it("9. each attempt that fails is counted too, once the session has a name", () => {
    for (const tag of connecting) {
      const count = (facts: Facts) => asLiving(step(living(tag, facts), disconnected)[0]).session.connectSeq
      assert.strictEqual(count({ progress: waiting }), 4n, tag)
      assert.strictEqual(count({ progress: waiting, serverCookie: 0n, connectSeq: 0n }), 0n, tag)
    }
  })
  it("standing by is not an attempt, and is not counted", () => {
    assert.strictEqual(asLiving(step(living("Ready"), disconnected)[0]).session.connectSeq, 3n)
  })
  it("closes a visitor that has no session, without blaming anybody", () => {
    const visitor: State.State = { _tag: "BannerAccepting", remote: serverAddr }
    for (const event of [disconnected, failed]) assert.strictEqual(reasonOf(step(visitor, event)[0]), "no error")
  })
})

const backoffs = (events: ReadonlyArray<Event.Event>, facts: Facts = {}): ReadonlyArray<number> => {
  let state: State.State = living("StartConnect", { wanted: true, ...facts })
  const delays: Array<number> = []
  for (const event of events) {
    const [next, actions] = step(state, event)
    for (const action of actions) if (action._tag === "Backoff") delays.push(action.after)
    state = after(next, { _tag: "BackoffOver" })
  }
  return delays
}

describe("back-off", () => {
  it("is 0.2 s, doubles with each attempt that fails, and stops at 15 s", () => {
    const delays = backoffs(Array.from({ length: 10 }, () => disconnected))
    assert.deepStrictEqual(delays, [200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000, 15_000])
  })
  it("stays at 15 s however often an attempt has failed", () => {
    assert.deepStrictEqual(backoffs([disconnected], { attempts: 1_000_000 }), [15_000])
  })
  it("is the same for a handshake that took too long", () => {
    assert.deepStrictEqual(backoffs([timeout, disconnected, timeout]), [200, 400, 800])
  })
  it("begins anew after an open session", () => {
    const state = living("SessionReconnecting", { progress: waiting, attempts: 6 })
    const open = after(state, { _tag: "ReconnectOk", msgSeq: Ids.msgSeq(0) })
    assert.strictEqual(asLiving(open).session.attempts, 0)
    const [, actions] = step(after(open, disconnected), disconnected)
    assert.deepInclude(actions, { _tag: "Backoff", after: 200 })
  })
  it("is 15 s for an end that was told to wait, however few its attempts, and although it has nothing to send", () => {
    for (const tag of ["SessionConnecting", "SessionReconnecting"] as const) {
      for (const facts of [
        {},
        { progress: waiting },
        { attempts: 3 },
        { serverCookie: tag === "SessionConnecting" ? 0n : 7n }
      ]) {
        const [state, actions] = step(living(tag, facts), { _tag: "Wait" })
        assert.strictEqual(state._tag, "Wait")
        assert.deepStrictEqual(
          actions.map(({ _tag }) => _tag),
          ["Disconnect", "Backoff"]
        )
        assert.deepInclude(actions, { _tag: "Backoff", after: 15_000 })
      }
    }
  })
  it("ends with a dial to the same target, which is no further attempt", () => {
    const waits = asLiving(after(living("StartConnect", { wanted: true }), disconnected))
    const [state, actions] = step(waits, { _tag: "BackoffOver" })
    assert.strictEqual(state._tag, "StartConnect")
    assert.strictEqual(asLiving(state).session, waits.session)
    assert.deepStrictEqual(
      actions.map(({ _tag }) => _tag),
      ["Dial"]
    )
  })
  it("is cut short when the peer was told to wait for this end", () => {
    const waits = after(living("StartConnect", { wanted: true }), disconnected)
    assert.deepStrictEqual(step(waits, { _tag: "Proceed" }), step(waits, { _tag: "BackoffOver" }))
  })
  it("does not mind news of the socket that is no more", () => {
    const waits = living("Wait")
    for (const event of [disconnected, failed]) assert.deepStrictEqual(step(waits, event), [waits, []])
  })
})

describe("retries", () => {
  it("are attempts in a row that may fail: one more is the end", () => {
    for (const retries of [0, 1, 5]) {
      let state: State.State = living("StartConnect", { wanted: true, retries })
      for (let attempt = 0; attempt < retries; attempt++) {
        state = after(state, disconnected)
        assert.strictEqual(state._tag, "Wait")
        state = after(state, { _tag: "BackoffOver" })
      }
      assert.strictEqual(reasonOf(after(state, disconnected)), "no error")
      assert.strictEqual(reasonOf(after(state, timeout)), "HandshakeTimeout")
    }
  })
  it("do not count while a session is open", () => {
    assert.strictEqual(lands("Ready", { retries: 0, progress: waiting }), "StartConnect")
  })
  it("are not used up by standing by", () => {
    const state = after(living("Ready", { retries: 0 }), disconnected)
    assert.strictEqual(state._tag, "Standby")
    assert.strictEqual(after(state, { _tag: "Wanted" })._tag, "StartConnect")
  })
})

describe("a peer that breaks a rule", () => {
  const unknown = { serverCookie: 0n, connectSeq: 0n, wanted: true }
  const stray: Event.Event = { _tag: "Keepalive2", sec: 1, nsec: 1 }

  it("ends a session that has never been open, and is named", () => {
    for (const tag of connecting) {
      if (tag === "SessionReconnecting") continue
      assert.strictEqual(reasonOf(after(living(tag, unknown), stray)), "UnexpectedFrame", tag)
    }
  })
  it("or whom this end does not believe, ends it as well", () => {
    for (const tag of connecting) assert.strictEqual(reasonOf(after(living(tag, unknown), failed)), "no error", tag)
  })
  it("but one that was only slow, or away, is tried again", () => {
    for (const event of [timeout, disconnected]) {
      for (const tag of connecting) assert.strictEqual(after(living(tag, unknown), event)._tag, "Wait", tag)
    }
  })
  it("loses the connection of a session that has been open, not the session", () => {
    for (const tag of connecting) {
      const [state, actions] = step(living(tag, { progress: waiting }), stray)
      assert.strictEqual(state._tag, "Wait", tag)
      const drop = actions[0]
      assert.strictEqual(drop?._tag === "Disconnect" ? drop.error?.state : undefined, tag)
      assert.strictEqual(after(living(tag, { progress: waiting }), failed)._tag, "Wait", tag)
    }
    assert.strictEqual(after(living("Ready", { progress: waiting }), { _tag: "Wait" })._tag, "StartConnect")
    assert.strictEqual(after(living("Ready", { progress: waiting }), failed)._tag, "StartConnect")
  })
  it("loses the connection, not the session, of one that the peer has only forgotten", () => {
    for (const full of [false, true]) {
      const reset: Event.Event = { _tag: "ResetSession", full }
      const asked = after(living("SessionReconnecting", { progress: waiting }), reset)
      for (const event of [stray, failed]) {
        const state = after(asked, { _tag: "Submitted", message: letter(2) }, event)
        assert.strictEqual(state._tag, "Wait")
        assert.deepStrictEqual(pending(state), full ? [2] : [1, 2])
      }
    }
  })
  it("ends a lossy session, and is named", () => {
    const lossy = { policy: Policy.lossyClient }
    assert.strictEqual(reasonOf(after(living("Ready", lossy), { _tag: "Wait" })), "UnexpectedFrame")
    assert.strictEqual(reasonOf(after(living("Ready", lossy), { _tag: "IdleTimeout" })), "IdleTimeout")
  })

  // What no further attempt can change ends a session for good, with all that it has to send.
  const finals: ReadonlyArray<readonly [reason: string, tag: Tag, event: Event.Event]> = [
    ["MissingMsgr2Features", "BannerConnecting", { _tag: "Banner", supported: 3n, required: 1n << 40n }],
    ["WrongPeerType", "HelloConnecting", { _tag: "Hello", entityType: 1, peerAddr: serverAddr }],
    ["MissingFeatures", "SessionConnecting", { _tag: "IdentMissingFeatures", features: Features.mask("CrushV4") }],
    ...(["StartConnect", "SessionReconnecting", "Wait", "Standby", "Ready"] as const).flatMap(
      (tag): ReadonlyArray<readonly [string, Tag, Event.Event]> => [
        ["SessionDisplaced", tag, { _tag: "Displaced" }],
        ["SessionExpired", tag, { _tag: "Expired" }]
      ]
    )
  ]
  for (const [reason, tag, event] of finals) {
    it(`${reason} in ${tag} is final`, () => {
      for (const name of names) {
        const [state, actions] = step(living(tag, { policy: policies[name], progress: waiting }), event)
        assert.strictEqual(reasonOf(state), reason)
        assert.deepStrictEqual(
          actions.map(({ _tag }) => _tag),
          ["Hangup"]
        )
      }
    })
  }
  it("no other reason is final", () => {
    const reasons = ProtocolError.Reason.literals.filter((reason) =>
      Fault.isFinal(new ProtocolError.ProtocolError({ reason, state: "", received: "", expected: "" }))
    )
    assert.sameMembers([...reasons], [...new Set(finals.map(([reason]) => reason))])
  })
})
