import { assert, describe, it } from "@effect/vitest"
import { ControlFrame, Ids } from "@msgr2/wire"
import type { Event, State } from "../src/index.ts"
import { asLiving, living, local, peer, step, tags } from "./living.ts"

const superseded = (globalSeq: bigint): Event.Event => ({ _tag: "Superseded", globalSeq: Ids.globalSeq(globalSeq) })
const take = (state: State.State, event: Event.Event) => step(state, event)[0]

const serverIdent = (globalSeq: bigint): ControlFrame.Of<"ServerIdent"> => ({
  _tag: "ServerIdent",
  addrs: [peer],
  gid: 2n,
  globalSeq: Ids.globalSeq(globalSeq),
  supported: local.features,
  required: 0n,
  flags: 0n,
  cookie: Ids.cookie(77n)
})

// The peer has come back to a session that this end has only asked for, and was told to ask for it itself.
describe("a session that the peer was told to begin anew", () => {
  const asking = living("SessionConnecting", { serverCookie: 0n, invited: true, peerGlobalSeq: 3n, wanted: true })

  it("takes no answer from before that: the connection counts as lost", () => {
    const state = take(asking, superseded(20n))
    assert.strictEqual(take(state, serverIdent(19n))._tag, "Wait")
    assert.strictEqual(take(state, serverIdent(21n))._tag, "Ready")
    assert.strictEqual(take(asking, serverIdent(19n))._tag, "Ready")
  })
  it("takes none that came before the last of several attempts, in whatever order these arrive", () => {
    for (const [one, other] of [
      [20n, 10n],
      [10n, 20n]
    ] as const) {
      assert.strictEqual(take(take(take(asking, superseded(one)), superseded(other)), serverIdent(15n))._tag, "Wait")
    }
  })
  it("takes none from before that of a process that counts from the beginning either", () => {
    const late = living("SessionConnecting", { serverCookie: 0n, invited: true, peerGlobalSeq: 1000n, wanted: true })
    assert.strictEqual(take(take(late, superseded(20n)), serverIdent(19n))._tag, "Wait")
    assert.strictEqual(take(take(late, superseded(20n)), serverIdent(21n))._tag, "Ready")
  })
  it("is still invited when the attempt came late, and takes the answer to its own", () => {
    const state = asLiving(take(asking, superseded(2n)))
    assert.deepStrictEqual([state.session.invited, state.session.peerGlobalSeq], [true, 3n])
    assert.strictEqual(take(state, serverIdent(4n))._tag, "Ready")
  })
  it("takes the peer's request from then on, and none from before that", () => {
    for (const tag of tags.filter((tag) => tag !== "Ready")) {
      const state = asLiving(take(living(tag, { serverCookie: 0n, invited: true, peerGlobalSeq: 3n }), superseded(20n)))
      assert.deepStrictEqual([state._tag, state.session.invited, state.session.peerGlobalSeq], [tag, false, 20n])
    }
  })
  it("keeps the highest number it has heard", () => {
    const { session } = asLiving(take(living("Wait", { serverCookie: 0n, peerGlobalSeq: 30n }), superseded(20n)))
    assert.deepStrictEqual(session.peerGlobalSeq, Ids.globalSeq(30n))
  })
})

describe("a session that this end was told to begin anew", () => {
  const told = (full: boolean) => asLiving(take(living("SessionReconnecting"), { _tag: "ResetSession", full })).session

  it("keeps its name and wants to be asked for, with or without something to send", () => {
    const { clientCookie, invited, serverCookie, wanted } = told(false)
    assert.deepStrictEqual([clientCookie, serverCookie, invited, wanted], [5n, 0n, true, true])
  })
  it("takes another name when it is told to wait for the third time: the peer may have been told to ask as well", () => {
    const names = [0, 1, 2].map((attempts) => {
      const asking = living("SessionConnecting", { serverCookie: 0n, invited: true, attempts, wanted: true })
      const { session } = asLiving(take(asking, { _tag: "Wait" }))
      return [session.clientCookie, session.invited]
    })
    assert.deepStrictEqual(names, [
      [5n, true],
      [5n, true],
      [0n, false]
    ])
  })
  it("hears the request it is to wait for, even if the peer counts from the beginning by now", () => {
    const asking = living("SessionConnecting", { serverCookie: 0n, peerGlobalSeq: 1000n })
    assert.strictEqual(asLiving(take(asking, { _tag: "Wait" })).session.peerGlobalSeq, 0n)
  })
  it("is another one after a full reset: nobody waits for it", () => {
    const { clientCookie, invited, peerGlobalSeq, wanted } = told(true)
    assert.notStrictEqual(clientCookie, 5n)
    assert.deepStrictEqual([invited, peerGlobalSeq, wanted], [false, 0n, false])
  })
})
