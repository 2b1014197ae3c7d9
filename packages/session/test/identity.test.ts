import { assert, describe, it } from "@effect/vitest"
import { EntityAddr, EntityName } from "@msgr2/wire"
import { type Action, Endpoint, type Event, type State } from "../src/index.ts"
import { addr } from "./pair.ts"
import { living, local } from "./living.ts"

const { Mon, Osd } = EntityName.EntityType
const nowhere = { ...local, entityType: EntityName.EntityType.Client, gid: -1n, addrs: [], nonce: 77 }
const { step } = Endpoint.server(nowhere)

const seenAt = (text: string): Event.Event => ({ _tag: "Hello", entityType: Osd, peerAddr: addr(text) })
const asConnecting = (state: State.State) =>
  state._tag === "AuthConnecting" ? state : assert.fail(`AuthConnecting was expected, got ${state._tag}`)

describe("an end that listens nowhere", () => {
  const first = living("HelloConnecting")
  const hello = (state: State.State, text: string) => asConnecting(step(state, seenAt(text))[0])

  it("goes by the address at which the peer first saw it, also when it has moved since", () => {
    const { session } = hello(first, "v2:192.0.2.1:50000/0")
    const { dial, session: later } = hello({ ...first, session } as State.State, "v2:192.0.2.9:50001/0")
    assert.strictEqual(EntityAddr.format(dial.local), "any:192.0.2.1:0/77")
    assert.deepStrictEqual(later.own, dial.local)
  })
  it("goes by the address of its socket when the peer does not tell any", () => {
    const { session } = hello(first, "v2:0.0.0.0:0/0")
    assert.strictEqual(session.own === undefined ? "" : EntityAddr.format(session.own), "any:10.0.0.1:0/77")
  })
})

describe("the gid of CLIENT_IDENT", () => {
  const gid = (peerType: number, options = nowhere) => {
    const state = living("CompressionConnecting", { serverCookie: 0n })
    const asked = { ...state, peerType } as State.State
    const [, actions] = Endpoint.server(options).step(asked, { _tag: "CompressionDone", isCompress: false, method: 0 })
    const sent = (actions as ReadonlyArray<Action.Action>).flatMap((action) =>
      action._tag === "Send" && action.frame._tag === "ClientIdent" ? [action.frame.gid] : []
    )
    return sent
  }
  it("is a client's global id, but for monitors, from whom it has that", () => {
    assert.deepStrictEqual([gid(Osd), gid(Mon)], [[4200n], [-1n]])
  })
  it("is that of the configuration where there is one", () => {
    assert.deepStrictEqual(gid(Osd, { ...nowhere, gid: 3n }), [3n])
  })
})
