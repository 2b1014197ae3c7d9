import { assert, describe, it } from "@effect/vitest"
import { ControlFrame, EntityAddr, Features, Ids } from "@msgr2/wire"
import { type Action, type Event, Options, Policy, type State } from "../src/index.ts"
import {
  accepting,
  after,
  asLiving,
  disconnected,
  type Facts,
  letter,
  living,
  own,
  peer,
  pending,
  progressOf,
  reasonOf,
  step,
  tags
} from "./living.ts"

/** Received 6, sent 4 that may have to go again, one more waits. */
const facts: Facts = {
  progress: (() => {
    const lost = after(living("Ready", { progress: progressOf({ received: 6, sent: 4 }) }), disconnected)
    return asLiving(after(lost, { _tag: "Submitted", message: letter(9) })).progress
  })()
}
const reconnecting = (over: Facts = {}): State.State => living("SessionReconnecting", { ...facts, ...over })

/** Frames by their fields, to be compared with plain numbers. */
type Fields = { readonly [field: string]: unknown }

const sent = (actions: ReadonlyArray<Action.Action>): ReadonlyArray<Fields> =>
  actions.flatMap((action) => (action._tag === "Send" ? [action.frame] : []))
const droppedFor = (actions: ReadonlyArray<Action.Action>): string | undefined => {
  const drop = actions.find(({ _tag }) => _tag === "Disconnect")
  return drop?._tag === "Disconnect" ? drop.error?.reason : undefined
}

const retry = (connectSeq: bigint): Event.Event => ({ _tag: "RetrySession", connectSeq: Ids.connectSeq(connectSeq) })
const retryGlobal = (globalSeq: bigint): Event.Event => ({ _tag: "RetryGlobal", globalSeq: Ids.globalSeq(globalSeq) })
const ok = (msgSeq: number): Event.Event => ({ _tag: "ReconnectOk", msgSeq: Ids.msgSeq(msgSeq) })
const serverIdent = (over: Partial<ControlFrame.Of<"ServerIdent">> = {}): ControlFrame.Of<"ServerIdent"> => ({
  _tag: "ServerIdent",
  addrs: [peer],
  gid: 2n,
  globalSeq: Ids.globalSeq(20n),
  supported: Features.pacific,
  required: Features.required,
  flags: 0n,
  cookie: Ids.cookie(0xbn),
  ...over
})

describe("RECONNECT", () => {
  it("is sent when the server has a name for the session, with all its names and numbers", () => {
    const state = living("AuthConnectingSign", { ...facts, connectSeq: 4n, globalSeq: 12n })
    if (state._tag !== "AuthConnectingSign") return assert.fail(state._tag)
    const [next, actions] = step(
      { ...state, dial: { ...state.dial, compression: false } },
      { _tag: "Verified", valid: true }
    )
    assert.strictEqual(next._tag, "SessionReconnecting")
    assert.deepStrictEqual(sent(actions), [
      {
        _tag: "Reconnect",
        addrs: [own],
        clientCookie: 5n,
        serverCookie: 7n,
        globalSeq: 12n,
        connectSeq: 4n,
        msgSeq: 6
      }
    ])
  })
  it("is sent with client cookie 0 by a lossy client whose server is not", () => {
    const state = living("CompressionConnecting", { policy: Policy.lossyClient, lossy: false, clientCookie: 0n })
    const frames = sent(step(state, { _tag: "CompressionDone", isCompress: false, method: 0 })[1])
    assert.deepInclude(frames[0], { _tag: "Reconnect", clientCookie: 0n, serverCookie: 7n })
  })
  it("is not sent while the server has no name for it: CLIENT_IDENT is, with the same cookie", () => {
    const state = living("CompressionConnecting", { ...facts, serverCookie: 0n, connectSeq: 0n })
    const [next, actions] = step(state, { _tag: "CompressionDone", isCompress: false, method: 0 })
    assert.strictEqual(next._tag, "SessionConnecting")
    assert.deepInclude(sent(actions)[0], { _tag: "ClientIdent", cookie: 5n, flags: 0n })
  })
})

describe("RECONNECT_OK", () => {
  it("opens the session again, and reports that it was resumed", () => {
    const [state, actions] = step(reconnecting(), ok(2))
    assert.strictEqual(state._tag, "Ready")
    assert.deepStrictEqual(actions, [{ _tag: "Opened", resumed: true }])
    const { session } = asLiving(state)
    assert.deepStrictEqual([session.clientCookie, session.serverCookie, session.connectSeq], [5n, 7n, 3n])
  })
  it("settles what the peer has; the rest goes again with the numbers it had", () => {
    const open = after(reconnecting(), ok(2))
    const [state, actions] = step(open, { _tag: "Writable", count: 10 })
    const numbers = actions.map((action) =>
      action._tag === "SendMessage" ? [Number(action.message.header.tid), action.seq, action.ackSeq] : []
    )
    assert.deepStrictEqual(numbers, [
      [3, 3, 6],
      [4, 4, 6],
      [9, 5, 6]
    ])
    assert.strictEqual(asLiving(state).progress.outSeq, 5)
  })
  it("keeps counting what has been received: the first new message is one more, an old one is dropped", () => {
    const open = after(reconnecting(), ok(4))
    const arrive = (seq: number) => {
      const { header, ...rest } = letter(1)
      return step(open, { ...rest, header: { ...header, seq: Ids.msgSeq(seq) } })[1].map(({ _tag }) => _tag)
    }
    assert.deepStrictEqual([arrive(6), arrive(7), arrive(8)], [["Duplicate"], ["Deliver"], ["Gap", "Deliver"]])
  })
  it("with a number beyond anything sent settles all that was sent, and nothing that was not", () => {
    for (const beyond of [5, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const open = after(reconnecting(), ok(beyond))
      assert.deepStrictEqual(pending(open), [9])
      assert.strictEqual(asLiving(open).progress.outSeq, 4)
    }
  })
})

describe("RESET_SESSION", () => {
  const partial: Event.Event = { _tag: "ResetSession", full: false }
  const full: Event.Event = { _tag: "ResetSession", full: true }

  it("partial: asks for a new session on the same connection, with the old cookie, and keeps what is to be sent", () => {
    const [state, actions] = step(reconnecting(), partial)
    assert.strictEqual(state._tag, "SessionConnecting")
    assert.deepInclude(sent(actions)[0], { _tag: "ClientIdent", cookie: 5n, globalSeq: 4n })
    assert.notInclude(
      actions.map(({ _tag }) => _tag),
      "RemoteReset"
    )
    const { session, progress } = asLiving(state)
    assert.deepStrictEqual([session.serverCookie, session.connectSeq, progress.inSeq, progress.outSeq], [0n, 0n, 0, 0])
    assert.deepStrictEqual(pending(state), [1, 2, 3, 4, 9])
  })
  it("partial: a client that had no cookie gets one now, if the session can last", () => {
    const lasting = { policy: Policy.lossyClient, lossy: false, clientCookie: 0n }
    const [frame] = sent(step(reconnecting(lasting), partial)[1])
    assert.deepInclude(frame, { _tag: "ClientIdent", cookie: 0xd1a1n })
  })
  it("full: the owner is told first, everything is dropped, and the session gets a new name", () => {
    const [state, actions] = step(reconnecting(), full)
    assert.strictEqual(state._tag, "SessionConnecting")
    assert.deepStrictEqual(
      actions.map((action) => (action._tag === "Send" ? action.frame._tag : action._tag)),
      ["RemoteReset", "ClientIdent"]
    )
    assert.deepInclude(sent(actions)[0], { cookie: 0xd1a1n })
    const { session, progress } = asLiving(state)
    assert.deepStrictEqual([session.serverCookie, session.connectSeq, progress.inSeq, progress.outSeq], [0n, 0n, 0, 0])
    assert.deepStrictEqual(pending(state), [])
  })
  it("either way the answer is SERVER_IDENT, and both directions count from 1", () => {
    for (const [reset, left] of [
      [partial, [1, 2, 3, 4, 9]],
      [full, []]
    ] as const) {
      const [state, actions] = step(after(reconnecting(), reset), serverIdent())
      assert.strictEqual(state._tag, "Ready")
      assert.deepStrictEqual(actions, [{ _tag: "Opened", resumed: false }])
      assert.deepStrictEqual(pending(state), left)
      const first = step(state, { _tag: "Submitted", message: letter(10) })
      const next = step(first[0], { _tag: "Writable", count: 1 })
      const seqs = [...first[1], ...next[1]].flatMap((action) => (action._tag === "SendMessage" ? [action.seq] : []))
      assert.deepStrictEqual(seqs, [1])
    }
  })
  it("what is lost again before the new session is open goes again as one that was never open", () => {
    const state = after(reconnecting(), partial, disconnected)
    assert.strictEqual(state._tag, "Wait")
    const { session } = asLiving(state)
    assert.deepStrictEqual([session.clientCookie, session.serverCookie, session.connectSeq], [5n, 0n, 0n])
    assert.deepStrictEqual(pending(state), [1, 2, 3, 4, 9])
  })
})

describe("RETRY", () => {
  it("takes the server's connect_seq and one more, whatever the own one was", () => {
    for (const mine of [0n, 3n, 7n, 1000n]) {
      const [state, actions] = step(reconnecting({ connectSeq: mine }), retry(7n))
      assert.strictEqual(state._tag, "SessionReconnecting")
      assert.deepInclude(sent(actions)[0], { _tag: "Reconnect", connectSeq: 8n, globalSeq: 4n, msgSeq: 6 })
      assert.strictEqual(asLiving(state).session.connectSeq, 8n)
    }
  })
  it("changes nothing else", () => {
    const before = asLiving(reconnecting())
    const state = asLiving(after(before, retry(7n)))
    assert.deepStrictEqual(state.session, { ...before.session, connectSeq: Ids.connectSeq(8n) })
    assert.strictEqual(state.progress, before.progress)
  })
})

describe("RETRY_GLOBAL", () => {
  it("asks for a number above the server's, and goes again with it", () => {
    const [asking, question] = step(reconnecting(), retryGlobal(900n))
    assert.deepStrictEqual(question, [{ _tag: "TakeGlobalSeq", above: Ids.globalSeq(900n) }])
    const [state, actions] = step(asking, { _tag: "GlobalSeqTaken", globalSeq: Ids.globalSeq(901n) })
    assert.strictEqual(state._tag, "SessionReconnecting")
    assert.deepInclude(sent(actions)[0], { _tag: "Reconnect", globalSeq: 901n, connectSeq: 3n, msgSeq: 6 })
    assert.strictEqual(asLiving(state).session.globalSeq, 901n)
  })
})

describe("WAIT", () => {
  it("leaves the connection, and keeps the session and all that is to be sent", () => {
    const [state, actions] = step(reconnecting(), { _tag: "Wait" })
    assert.strictEqual(state._tag, "Wait")
    assert.strictEqual(droppedFor(actions), "AskedToWait")
    assert.deepStrictEqual(pending(state), [1, 2, 3, 4, 9])
    const { clientCookie, connectSeq, serverCookie } = asLiving(state).session
    assert.deepStrictEqual([clientCookie, serverCookie, connectSeq], [5n, 7n, 4n])
  })
})

describe("a server that goes round and round", () => {
  const rounds = (answer: (n: number) => ReadonlyArray<Event.Event>): readonly [number, string | undefined] => {
    let state = reconnecting()
    for (let n = 0; n < 1000; n++) {
      for (const event of answer(n)) {
        const [next, actions] = step(state, event)
        const reason = droppedFor(actions)
        if (reason !== undefined) {
          assert.strictEqual(next._tag, "Wait")
          return [n, reason]
        }
        state = next
      }
    }
    return [1000, undefined]
  }
  it("with RETRY is left after a while, and said to", () => {
    assert.deepStrictEqual(
      rounds((n) => [retry(BigInt(n))]),
      [Options.MAX_ROUNDS, "SessionRounds"]
    )
  })
  it("with RETRY_GLOBAL is left after a while, and said to", () => {
    const answers = rounds((n) => [
      retryGlobal(BigInt(n)),
      { _tag: "GlobalSeqTaken", globalSeq: Ids.globalSeq(BigInt(n) + 1n) }
    ])
    assert.deepStrictEqual(answers, [Options.MAX_ROUNDS, "SessionRounds"])
  })
  it("by turns is no better off", () => {
    const [n, reason] = rounds((n) =>
      n % 2 === 0
        ? [retry(BigInt(n))]
        : [retryGlobal(BigInt(n)), { _tag: "GlobalSeqTaken", globalSeq: Ids.globalSeq(BigInt(n) + 1n) }]
    )
    assert.deepStrictEqual([n, reason], [Options.MAX_ROUNDS, "SessionRounds"])
  })
  it("cannot reset twice on one connection", () => {
    const reset: Event.Event = { _tag: "ResetSession", full: false }
    const [state, actions] = step(after(reconnecting(), reset), reset)
    assert.deepStrictEqual([state._tag, droppedFor(actions)], ["Wait", "UnexpectedFrame"])
  })
})

describe("a client that goes round and round", () => {
  const identify: Event.Event = {
    _tag: "ClientIdent",
    addrs: [peer],
    target: own,
    gid: 2n,
    globalSeq: Ids.globalSeq(1n),
    supported: 0n,
    required: 0n,
    flags: 0n,
    cookie: Ids.cookie(1n)
  }
  const goBack = (connectSeq: bigint): Event.Event => ({
    _tag: "Reconnect",
    addrs: [peer],
    clientCookie: Ids.cookie(5n),
    serverCookie: Ids.cookie(7n),
    globalSeq: Ids.globalSeq(1n),
    connectSeq: Ids.connectSeq(connectSeq),
    msgSeq: Ids.msgSeq(0)
  })
  it("is left after a while, whatever it asks for", () => {
    for (const request of [identify, goBack(1n)]) {
      let state: State.State = accepting
      for (let n = 0; n < Options.MAX_ROUNDS; n++) {
        state = after(state, request)
        assert.strictEqual(state._tag, "SessionAccepting")
      }
      assert.strictEqual(reasonOf(after(state, request)), "SessionRounds")
    }
  })
  it("with a connect_seq from which nobody could count on is refused", () => {
    for (const beyond of [1n << 62n, (1n << 63n) - 1n, (1n << 64n) - 1n]) {
      assert.strictEqual(reasonOf(after(accepting, goBack(beyond))), "SequenceExhausted")
    }
    assert.strictEqual(after(accepting, goBack((1n << 62n) - 1n))._tag, "SessionAccepting")
  })
})

// The numbers are 64 bits on the wire: what is sent must fit.
describe("numbers near the end", () => {
  const last = (1n << 64n) - 1n
  it("below 2^62 are taken, and can be counted up for longer than anybody lives", () => {
    const [, actions] = step(reconnecting(), retry((1n << 62n) - 1n))
    assert.deepInclude(sent(actions)[0], { connectSeq: 1n << 62n })
    const { clientCookie, connectSeq, serverCookie } = asLiving(
      after(reconnecting(), retry((1n << 62n) - 1n), disconnected)
    ).session
    assert.deepStrictEqual([clientCookie, serverCookie, connectSeq], [5n, 7n, (1n << 62n) + 1n])
  })
  it("from 2^62 on end the attempt, and change nothing of the session but its count of attempts", () => {
    for (const beyond of [1n << 62n, (1n << 63n) + 1n, last - 1n, last]) {
      for (const answer of [retry(beyond), retryGlobal(beyond)]) {
        const [state, actions] = step(reconnecting(), answer)
        assert.strictEqual(state._tag, "Wait")
        assert.strictEqual(droppedFor(actions), "SequenceExhausted")
        const { connectSeq, globalSeq } = asLiving(state).session
        assert.deepStrictEqual([connectSeq, globalSeq], [4n, 4n])
      }
    }
  })
  it("in the idents of a peer are only remembered", () => {
    const open = after(
      living("SessionConnecting", { serverCookie: 0n }),
      serverIdent({ globalSeq: Ids.globalSeq(last) })
    )
    assert.strictEqual(asLiving(open).session.peerGlobalSeq, last)
    assert.strictEqual(asLiving(after(open, { _tag: "Submitted", message: letter(1) })).progress.outSeq, 1)
  })
  it("of messages end where they do on the wire, and reading goes on", () => {
    const { header, ...rest } = letter(1)
    const far: Event.Event = { ...rest, header: { ...header, seq: Ids.msgSeq(Number.MAX_SAFE_INTEGER) } }
    const [state, actions] = step(living("Ready"), far)
    assert.deepStrictEqual(
      actions.map(({ _tag }) => _tag),
      ["Gap", "Deliver"]
    )
    assert.deepStrictEqual(
      step(state, far)[1].map(({ _tag }) => _tag),
      ["Duplicate"]
    )
  })
})

describe("the answers to RECONNECT", () => {
  const answers: ReadonlyArray<Event.Event> = [
    ok(0),
    { _tag: "ResetSession", full: true },
    { _tag: "ResetSession", full: false },
    retry(1n),
    retryGlobal(1n),
    { _tag: "Wait" },
    { _tag: "GlobalSeqTaken", globalSeq: Ids.globalSeq(1n) }
  ]
  for (const tag of tags.filter((tag) => tag !== "SessionReconnecting")) {
    it(`are out of place in ${tag}`, () => {
      for (const answer of answers.filter(({ _tag }) => !(tag === "SessionConnecting" && _tag === "Wait"))) {
        const [, actions] = step(living(tag, facts), answer)
        assert.strictEqual(droppedFor(actions), "UnexpectedFrame", answer._tag)
      }
    })
  }
  it("SERVER_IDENT is none of them", () => {
    assert.strictEqual(droppedFor(step(reconnecting(), serverIdent())[1]), "UnexpectedFrame")
  })
})

describe("SERVER_IDENT for a session that exists", () => {
  const connecting = (over: Facts = {}) => living("SessionConnecting", { ...facts, serverCookie: 0n, ...over })

  it("begins it anew: names and numbers are new, and what was to be sent still is", () => {
    const [state, actions] = step(connecting({ attempts: 3, wanted: true }), serverIdent())
    assert.deepStrictEqual(actions, [{ _tag: "Opened", resumed: false }])
    const { progress, session } = asLiving(state)
    assert.deepStrictEqual(
      [session.clientCookie, session.serverCookie, session.peerGlobalSeq, session.attempts, session.wanted],
      [5n, 0xbn, 20n, 0, false]
    )
    assert.deepStrictEqual([progress.inSeq, progress.outSeq, progress.unreported], [0, 0, 0])
    assert.deepStrictEqual(pending(state), [1, 2, 3, 4, 9])
  })
  it("that is lossy is believed, and one that is not is too", () => {
    const lossy = after(connecting(), serverIdent({ flags: 1n, cookie: Ids.cookie(0n) }))
    assert.isTrue(asLiving(lossy).session.lossy)
    const lasting = after(connecting({ policy: Policy.lossyClient, clientCookie: 0n }), serverIdent())
    assert.isFalse(asLiving(lasting).session.lossy)
    assert.strictEqual(asLiving(lasting).session.clientCookie, 0n)
  })
  it("from somebody else changes nothing", () => {
    const stranger = EntityAddr.make("10.0.0.9", 6800, 1)
    if (stranger === undefined) return assert.fail()
    const [state, actions] = step(connecting({ serverCookie: 7n }), serverIdent({ addrs: [stranger] }))
    assert.strictEqual(droppedFor(actions), "WrongTarget")
    assert.deepStrictEqual(pending(state), [1, 2, 3, 4, 9])
  })
})
