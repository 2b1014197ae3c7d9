import { assert, describe, it } from "@effect/vitest"
import { type Event, Policy } from "../src/index.ts"
import {
  after,
  asLiving,
  disconnected,
  type Facts,
  letter,
  living,
  pending,
  progressOf,
  reasonOf,
  step
} from "./living.ts"

const submitted = (tid: number): Event.Event => ({ _tag: "Submitted", message: letter(tid) })
const keepalive: Event.Event = { _tag: "KeepaliveDue", sec: 1, nsec: 2 }
const standby = (facts: Facts = {}) => living("Standby", facts)

describe("a session that stands by", () => {
  const reasons: ReadonlyArray<Event.Event> = [submitted(1), { _tag: "Wanted" }, keepalive]
  for (const event of reasons) {
    it(`dials when there is a reason to, such as ${event._tag}, and counts the attempt`, () => {
      const [state, actions] = step(standby({ connectSeq: 3n }), event)
      assert.strictEqual(state._tag, "StartConnect")
      assert.deepStrictEqual(
        actions.map(({ _tag }) => _tag),
        ["Dial"]
      )
      assert.strictEqual(asLiving(state).session.connectSeq, 4n)
    })
    it(`stays when it is not for this end to dial, whatever ${event._tag} says`, () => {
      for (const facts of [{ policy: Policy.statefulServer }, { target: undefined }]) {
        const [state, actions] = step(standby(facts), event)
        assert.deepStrictEqual([state._tag, actions], ["Standby", []])
      }
    })
  }
  it("that has no name at the server counts no attempt", () => {
    const { session } = asLiving(after(standby({ serverCookie: 0n, connectSeq: 0n }), { _tag: "Wanted" }))
    assert.strictEqual(session.connectSeq, 0n)
  })
  it("keeps what is to be sent, in order, until the peer returns", () => {
    const facts = { policy: Policy.statefulServer, progress: progressOf({ waiting: [letter(1)] }) }
    assert.deepStrictEqual(pending(after(standby(facts), submitted(2), submitted(3))), [1, 2, 3])
  })
  it("sends nothing, and sends the message for which it dialled once it is open", () => {
    const dialled = after(standby(), submitted(1))
    assert.deepStrictEqual(pending(dialled), [1])
    const [, actions] = step(
      { ...asLiving(living("Ready")), progress: asLiving(dialled).progress },
      {
        _tag: "Writable",
        count: 1
      }
    )
    assert.deepStrictEqual(
      actions.map((action) => (action._tag === "SendMessage" ? action.seq : action._tag)),
      [1]
    )
  })
  it("dials once for any number of messages", () => {
    const [state, actions] = step(after(standby(), submitted(1)), submitted(2))
    assert.deepStrictEqual([state._tag, actions], ["StartConnect", []])
    assert.deepStrictEqual(pending(state), [1, 2])
  })
  it("that was woken tries until it is open, and then may stand by again", () => {
    const woken = after(standby(), keepalive)
    const again = after(woken, disconnected, { _tag: "BackoffOver" }, disconnected, { _tag: "BackoffOver" })
    assert.strictEqual(again._tag, "StartConnect")
    const open = { ...asLiving(living("Ready")), session: { ...asLiving(again).session, wanted: false } }
    assert.strictEqual(after(open, disconnected)._tag, "Standby")
  })
  it("does not mind what concerns only connections", () => {
    const events: ReadonlyArray<Event.Event> = [
      disconnected,
      { _tag: "Failed" },
      { _tag: "Drained" },
      { _tag: "Writable", count: 9 }
    ]
    const state = standby({ progress: progressOf({ waiting: [letter(1)] }) })
    for (const event of events) assert.deepStrictEqual(step(state, event), [state, []], event._tag)
  })
  it("dials when the peer was told to wait for it", () => {
    const state = standby()
    assert.deepStrictEqual(step(state, { _tag: "Proceed" }), step(state, { _tag: "Wanted" }))
    assert.strictEqual(after(state, { _tag: "Proceed" })._tag, "StartConnect")
  })
  it("ends when its owner, its table or a newer connection says so", () => {
    const ends = [
      ["MarkedDown", "no error"],
      ["Expired", "SessionExpired"],
      ["Displaced", "SessionDisplaced"]
    ] as const
    for (const [_tag, reason] of ends) assert.strictEqual(reasonOf(after(standby(), { _tag })), reason)
  })
})
