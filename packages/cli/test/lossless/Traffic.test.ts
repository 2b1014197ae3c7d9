import { assert, describe, it } from "@effect/vitest"
import { type Declaration, MonMessage } from "@msgr2/mon"
import { Codec, Message } from "@msgr2/wire"
import { Result } from "effect"
import * as MClientSession from "./MClientSession.ts"
import * as MCommand from "./MCommand.ts"
import * as Traffic from "./Traffic.ts"

const fsid = "33879c27-5539-4c49-ba36-0b78549f85db"

const reply = <A extends { readonly _tag: string }>(kind: Declaration.Declaration<A>, value: NoInfer<A>, tid = 0n) =>
  Message.make({ type: kind.type, version: kind.version, tid, front: Codec.encode(kind.front, value) })

/** What the daemon says, as Ceph does. */
const daemons: {
  readonly [name: string]: readonly [Traffic.Traffic, (request: Message.Message) => Message.Message]
} = {
  command: [
    Traffic.command(fsid),
    ({ front, header: { tid } }) => {
      const { cmd } = Result.getOrThrow(Codec.decode(MCommand.MCommand.front, front))
      const { prefix } = JSON.parse(cmd[0] ?? "")
      const status = `unknown command prefix ${prefix}`
      return reply(MCommand.MCommandReply, { _tag: "MCommandReply", result: -22, status }, tid)
    }
  ],
  version: [
    Traffic.version,
    ({ front, header: { tid, type } }) => {
      const asked = Result.getOrThrow(MonMessage.decodeMessage(type, front))
      const handle = asked._tag === "MMonGetVersion" ? asked.handle : 0n
      const answer = { _tag: "MMonGetVersionReply", handle, version: 9, oldestVersion: 1 } as const
      return Message.make({ ...MonMessage.encodeMessage(answer), tid })
    }
  ],
  renewal: [
    Traffic.renewal,
    ({ front }) => {
      const { seq } = Result.getOrThrow(Codec.decode(MClientSession.MClientSession.front, front))
      return reply(MClientSession.MClientSession, MClientSession.make(MClientSession.Op.RenewCaps, seq))
    }
  ]
}

const clean = (asked: number): Traffic.Verdict => ({
  asked,
  answered: asked,
  lost: [],
  doubled: [],
  damaged: [],
  overtaken: [],
  unasked: []
})

for (const [name, [traffic, answer]] of Object.entries(daemons)) {
  describe(`Traffic of ${name}`, () => {
    const run = (change: (answers: ReadonlyArray<Message.Message>) => ReadonlyArray<Message.Message>) => {
      const ledger = new Traffic.Ledger(traffic)
      const answers = Array.from({ length: 40 }, () => answer(ledger.next()))
      for (const message of change(answers)) assert.isTrue(ledger.take(message))
      return ledger
    }

    it("finds nothing wrong with one answer to each request", () => {
      const ledger = run((answers) => answers)
      assert.deepStrictEqual(ledger.verdict, clean(40))
      assert.strictEqual(ledger.open, 0)
    })

    it("tells what was lost, doubled, overtaken and never asked", () => {
      assert.deepStrictEqual(run((answers) => answers.toSpliced(6, 1)).verdict, {
        ...clean(40),
        answered: 39,
        lost: [7]
      })
      assert.deepStrictEqual(run((answers) => [...answers.slice(0, 7), ...answers.slice(6)]).verdict, {
        ...clean(40),
        doubled: [7]
      })
      assert.deepStrictEqual(
        run((answers) => [...answers.slice(0, 6), ...answers.slice(6, 8).toReversed(), ...answers.slice(8)]).verdict,
        {
          ...clean(40),
          overtaken: [7]
        }
      )
      assert.deepStrictEqual(run((answers) => [...answers, answer(traffic.request(41))]).verdict, {
        ...clean(40),
        unasked: [41]
      })
    })

    it("takes nothing else for an answer", () => {
      const ledger = new Traffic.Ledger(traffic)
      const others = [Message.make({ type: 4 }), Message.make({ type: 41 }), ledger.next()]
      for (const message of others) assert.isFalse(ledger.take(message))
      assert.deepStrictEqual(ledger.verdict, { ...clean(1), answered: 0, lost: [1] })
    })
  })
}

describe("Traffic", () => {
  it("of renewals begins with a session, which only an MDS can open", () => {
    const { answers, request } = Traffic.renewal.opening ?? assert.fail("no opening")
    const { MClientSession: kind, Op, make } = MClientSession
    assert.isFalse(answers(request))
    assert.isFalse(answers(reply(kind, make(Op.RenewCaps, 1))))
    assert.isFalse(answers(Message.make({ type: 4 })))
    assert.isTrue(answers(reply(kind, make(Op.Open))))
    assert.isUndefined(Traffic.renewal.answer(reply(kind, make(Op.Open))))
  })

  it("notices an answer that does not say what it should", () => {
    const [traffic, answer] = daemons["command"] ?? assert.fail()
    const ledger = new Traffic.Ledger(traffic)
    const one = answer(ledger.next())
    ledger.next()
    ledger.take({ ...one, header: { ...one.header, tid: 2n } })
    assert.deepStrictEqual(ledger.verdict, { ...clean(2), answered: 1, lost: [1], damaged: [2] })
  })

  it("asks questions of all sizes", () => {
    const sizes = Array.from({ length: 200 }, (_, i) => Traffic.command(fsid).request(i + 1).front.length)
    assert.isBelow(Math.min(...sizes), 60)
    assert.isAbove(Math.max(...sizes), 10_000)
    assert.isAtMost(Math.max(...sizes), 17_000)
  })
})
