import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Policy, Policy as Policies } from "../src/index.ts"
import type { Side } from "./chart.ts"
import { type Move, type Setup, World } from "./world.ts"

const small = "v2:10.0.0.1:6800/1"
const big = "v2:10.0.0.2:6800/1"
const sides = ["client", "server"] as const satisfies ReadonlyArray<Side>
const world = (policy: Policy.Policy, [left, right]: readonly [string, string]): World => {
  const at = (addr: string): Setup => ({ addr, policy })
  return new World(at(left), at(right))
}

const together = (made: World): void => {
  const [left, right] = sides.map((side) => made.open(side))
  assert.deepStrictEqual(left?.session.serverCookie, right?.session.serverCookie)
  assert.deepStrictEqual(left?.session.clientCookie, right?.session.clientCookie)
}

const orders: ReadonlyArray<readonly [name: string, addrs: readonly [string, string], winner: Side]> = [
  ["the client has the smaller address", [small, big], "client"],
  ["the server has the smaller address", [big, small], "server"]
]

for (const [name, addrs, winner] of orders) {
  describe(`two peers that dial each other; ${name}`, () => {
    it("end with one session, begun by the one with the smaller address, and each message arrives once", () => {
      const made = world(Policies.losslessPeer, addrs)
      for (const side of sides) made.connect(side)
      made.submit("client", 1)
      made.submit("server", 2)
      made.rest()
      together(made)
      assert.deepStrictEqual([made.parties.client.delivered, made.parties.server.delivered], [[2], [1]])
      assert.strictEqual(made.chart.count("ServerIdent"), 1)
      assert.match(`${made.chart}`, winner === "client" ? /<-- server_ident/ : /--- server_ident\(\w\) -*>/)
    })
    it("and return to each other, return once, and each message arrives once", () => {
      const made = world(Policies.losslessPeer, addrs)
      made.connect("client")
      made.run()
      made.submit("client", 1)
      made.submit("server", 2)
      made.cut()
      made.rest()
      together(made)
      assert.deepStrictEqual([made.parties.client.delivered, made.parties.server.delivered], [[2], [1]])
      assert.strictEqual(made.chart.count("ReconnectOk"), 1)
      assert.strictEqual(made.chart.count("ServerIdent"), 1)
    })
  })
}

// The server has answered, and returns to a session that the client has not heard of: it is told to ask for it anew,
// while the client asks again. Were each to answer the other, each would be left with a session of its own.
it("two requests for one session that cross: one is answered, nothing is lost and nothing comes twice", () => {
  const made = world(Policies.losslessPeerReuse, [small, big])
  made.connect("client")
  made.submit("client", 1)
  made.lose("ServerIdent")
  made.submit("server", 2)
  const late = ({ event, side }: Move): boolean =>
    side === "client" && (event?._tag === "ClientIdent" || event?._tag === "ServerIdent")
  made.run(undefined, late)
  made.tick("client")
  made.run(undefined, late)
  made.rest()
  together(made)
  assert.deepStrictEqual([made.parties.client.delivered, made.parties.server.delivered], [[2], [1]])
  assert.deepStrictEqual([made.parties.client.resets, made.parties.server.resets], [[], []])
  assert.strictEqual(made.chart.count("ResetSession"), 1)
  // The first is lost, the second is the answer.
  assert.strictEqual(made.chart.count("ServerIdent"), 2)
})

const move = Schema.Union([
  Schema.Struct({ move: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })) }),
  Schema.Struct({ act: Schema.Literals(["cut", "half cut", "client", "server"]) })
])
const script = Schema.Array(move).check(Schema.isMinLength(20), Schema.isMaxLength(200))
const policies = [
  ["lossless peers", Policies.losslessPeer, Policies.losslessPeer],
  ["lossless peers that announce resets", Policies.losslessPeerReuse, Policies.losslessPeerReuse],
  ["a lossless client and its server", Policies.losslessClient, Policies.statefulServer]
] as const

describe("whatever happens, and in whatever order", () => {
  for (const [name, left, right] of policies) {
    for (const [order, [first, second]] of orders) {
      it.prop(`every message of ${name} arrives once and in order, after any cuts; ${order}`, [script], ([script]) => {
        const made = new World({ addr: first, policy: left }, { addr: second, policy: right })
        made.connect("client")
        let tid = 0
        const submitted: { readonly [S in Side]: Array<number> } = { client: [], server: [] }
        const submit = (side: Side): void => {
          if (made.parties[side].actors.every(({ state }) => !("session" in state))) return
          made.submit(side, ++tid)
          submitted[side].push(tid)
        }
        for (const step of script) {
          if ("act" in step) {
            if (step.act === "cut") made.unplug()
            else if (step.act === "half cut") made.unplug("client")
            else submit(step.act)
          } else {
            const moves = made.moves()
            moves[step.move % Math.max(moves.length, 1)]?.run()
          }
        }
        made.rest()
        submit("client")
        made.rest()
        together(made)
        assert.deepStrictEqual(made.parties.server.delivered, submitted.client)
        assert.deepStrictEqual(made.parties.client.delivered, submitted.server)
        assert.deepStrictEqual([made.parties.client.resets, made.parties.server.resets], [[], []])
      })
    }
  }
})
