import { assert, describe, it } from "@effect/vitest"
import { Transport } from "@msgr2/messenger"
import { FaultProxy } from "@msgr2/testing"
import { EntityAddr } from "@msgr2/wire"
import { Effect, Option, Schema } from "effect"
import * as Faulty from "./Faulty.ts"

const addr = (port: number, nonce = 0) =>
  Option.getOrThrow(Option.fromUndefinedOr(EntityAddr.make("127.0.0.1", port, nonce)))
const bytes = (size: number) => Uint8Array.from({ length: size }, (_, i) => i % 251)

/** A port that was free a moment ago: nobody may listen at port 0. */
const somewhere = Effect.scoped(
  Effect.flatMap(Transport.Transport, (transport) =>
    Effect.map(transport.listen(addr(0, 77)), ({ address }) => address)
  )
)

/** Everything until the end. */
const drain = (pipe: Transport.Pipe) =>
  Effect.gen(function* () {
    let size = 0
    const error = yield* Effect.flip(
      Effect.forever(
        Effect.map(pipe.read, (chunks) => {
          for (const chunk of chunks) size += chunk.length
        })
      )
    )
    return { size, reason: error.reason }
  })

const open = Effect.gen(function* () {
  const transport = yield* Transport.Transport
  const announced = yield* somewhere
  const listener = yield* transport.listen(announced)
  const up = yield* transport.connect(listener.address)
  return { announced, listener, up, down: yield* listener.accept }
})

describe("Faulty", () => {
  it.effect("announces and dials the addresses that everybody knows, nonce and all", () =>
    Effect.gen(function* () {
      const { announced, listener, up } = yield* open
      assert.strictEqual(EntityAddr.key([listener.address]), EntityAddr.key([announced]))
      assert.strictEqual(EntityAddr.key([up.remote]), EntityAddr.key([announced]))
    }).pipe(Effect.provide(Faulty.layer()))
  )

  it.effect("passes bytes through a proxy at each end", () =>
    Effect.gen(function* () {
      const { down, up } = yield* open
      up.write([bytes(1000)])
      up.end()
      down.write([bytes(300)])
      down.end()
      assert.deepStrictEqual(yield* drain(down), { size: 1000, reason: "EndOfStream" })
      assert.deepStrictEqual(yield* drain(up), { size: 300, reason: "EndOfStream" })
      const { accepted, dialled } = yield* Faulty.Proxies
      for (const counts of [yield* dialled, yield* accepted]) {
        assert.include(counts, { accepted: 1, bytesUp: 1000, bytesDown: 300 })
      }
    }).pipe(Effect.provide(Faulty.layer()))
  )

  for (const side of ["dialled", "accepted"] as const) {
    const fault: FaultProxy.Fault = { kind: "Close", direction: "up", after: 500 }
    it.effect(`breaks what is ${side} as planned`, () =>
      Effect.gen(function* () {
        const { down, up } = yield* open
        up.write([bytes(1000)])
        assert.strictEqual((yield* drain(down)).size, 500)
        yield* drain(up)
        const proxies = yield* Faulty.Proxies
        const found = { dialled: yield* proxies.dialled, accepted: yield* proxies.accepted }
        assert.strictEqual(found[side].faults.Close, 1)
        assert.strictEqual(found.dialled.faults.Close + found.accepted.faults.Close, 1)
      }).pipe(Effect.provide(Faulty.layer({ [side]: () => fault })))
    )
  }

  it.effect("keeps one plan for all connections to one address", () => {
    const seen: Array<number> = []
    const plan: FaultProxy.Plan = ({ connection }) => {
      seen.push(connection)
      return undefined
    }
    return Effect.gen(function* () {
      const { listener } = yield* open
      const { connect } = yield* Transport.Transport
      yield* Effect.all([connect(listener.address), connect(listener.address)], { concurrency: 2 })
      yield* Effect.all([listener.accept, listener.accept])
      assert.deepStrictEqual(seen, [0, 1, 2])
    }).pipe(Effect.provide(Faulty.layer({ dialled: plan })))
  })

  it.effect("strikes at both ends", () =>
    Effect.gen(function* () {
      const { down, up } = yield* open
      const { strike } = yield* Faulty.Proxies
      assert.isAtLeast(yield* strike("Reset"), 1)
      for (const pipe of [down, up]) assert.strictEqual((yield* drain(pipe)).reason, "Reset")
    }).pipe(Effect.provide(Faulty.layer()))
  )

  it.effect("an announced port that is taken is an AddressInUse", () =>
    Effect.gen(function* () {
      const { listener } = yield* open
      const { listen } = yield* Transport.Transport
      const error = yield* Effect.flip(listen(listener.address))
      assert.isTrue(Schema.is(Schema.Struct({ reason: Schema.Literal("AddressInUse") }))(error))
    }).pipe(Effect.provide(Faulty.layer()))
  )
})
