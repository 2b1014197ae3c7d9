import { assert, describe, it } from "@effect/vitest"
import { AuthClient } from "@msgr2/auth"
import { Endpoint, Options, Policy } from "@msgr2/session"
import { EntityName, Ids } from "@msgr2/wire"
import { Effect, Queue, Schema, Scope } from "effect"
import { MessengerConfig } from "../src/index.ts"
import { Answers } from "../src/internal/Answers.ts"
import { Driver } from "../src/internal/Driver.ts"
import { Link } from "../src/internal/Link.ts"
import * as Questions from "../src/internal/Questions.ts"
import { dial } from "./support/raw.ts"
import { admin, memory, Mon, open, protections } from "./support/world.ts"

describe("The transcripts of a handshake", () => {
  for (const [protection, options] of Object.entries(protections)) {
    it.effect(`are forgotten once the signatures are checked, with ${protection}`, () =>
      Effect.gen(function* () {
        const world = yield* open(options)
        const pipe = yield* dial(world.address)
        const auth = yield* Effect.provide(
          AuthClient.AuthClient,
          AuthClient.AuthClient.layer(
            options.auth === "none"
              ? { name: admin, methods: [1] }
              : { name: admin, key: world.key, modes: [options.mode] }
          )
        )
        const sizes: { [frame: string]: ReadonlyArray<number> } = {}
        const look = () => [link.outgoing.transcript.size, link.incoming.transcript.size]
        const endpoint = Endpoint.client({
          ...Options.defaults,
          entityType: EntityName.EntityType.Client,
          target: world.address,
          targetType: Mon,
          policy: Policy.lossyClient
        })
        const config = MessengerConfig.defaults
        const nobody = () => assert.fail("a lossy client asks its messenger for nothing")
        const host = { dial: nobody, backoff: nobody, discard: nobody, arbitrate: nobody, moved: () => {} }
        const driver = new Driver({ id: 1, endpoint, config, host, remote: world.address, visited: false })
        const link: Link = new Link(
          {
            id: 1,
            role: "client",
            pipe,
            scope: yield* Scope.make(),
            banner: { supported: Options.defaults.msgr2Supported, required: 0n },
            config,
            questions: Questions.client(auth, nobody),
            observe: ({ direction, frame }) => {
              sizes[`${direction} ${frame?._tag}`] = look()
            }
          },
          driver
        )
        driver.attach(link)
        const opening = {
          _tag: "Connected",
          globalSeq: Ids.globalSeq(1n),
          cookie: Ids.cookie(1n),
          local: pipe.local
        } as const
        yield* Effect.forkScoped(link.run(opening))
        yield* driver.settled
        yield* Queue.take(world.accepted)
        const [sent = 0, received = 0] = sizes["in AuthDone"] ?? []
        assert.isAbove(sent, 100)
        assert.isAbove(received, 100)
        // Neither signature is a part of them.
        assert.deepStrictEqual(sizes["in AuthSignature"], [sent, received])
        assert.deepStrictEqual(look(), [0, 0])
        driver.markDown()
      }).pipe(Effect.provide(memory))
    )
  }
})

const Size = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))
const Step = Schema.Struct({ messages: Size, answer: Size, left: Size })

describe("The count of answers that wait", () => {
  it.prop("is never less than the truth, and 0 once all have left", [Schema.Array(Step)], ([steps]) => {
    const answers = new Answers()
    const ends: Array<readonly [size: number, end: number]> = []
    let written = 0
    let left = 0
    for (const step of steps) {
      written += step.messages + step.answer
      answers.add(step.answer, written)
      ends.push([step.answer, written])
      left = Math.min(written, left + step.left)
      const truth = ends.reduce((sum, [size, end]) => (end > left ? sum + size : sum), 0)
      assert.isAtLeast(answers.waiting(left), truth)
    }
    assert.strictEqual(answers.waiting(written), 0)
  })

  it("stays small while answers come and go without end", () => {
    const answers = new Answers()
    const lag = 256 * 1024
    let most = 0
    for (let written = 0; written < 1000 * lag; written += 50 + 8000) {
      answers.add(50, written)
      most = Math.max(most, answers.waiting(Math.max(0, written - lag)))
    }
    assert.isBelow(most, 50 * 2 * (lag / 8050 + 2))
  })
})
