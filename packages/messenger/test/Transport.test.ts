import { assert, describe, it } from "@effect/vitest"
import { EntityAddr } from "@msgr2/wire"
import { Effect, Exit, Fiber, Scope } from "effect"
import { MemoryTransport, type Transport } from "../src/index.ts"
import { pattern } from "./support/messages.ts"
import { dial, drain, listen } from "./support/raw.ts"
import { still, transports, turn } from "./support/world.ts"

const KiB = 1024
const MiB = 1024 * KiB

/** Two ends of a pipe. */
const pair = Effect.gen(function* () {
  const listener = yield* listen
  const up = yield* dial(listener.address)
  return { up, down: yield* listener.accept, listener }
})

/** The next `size` bytes. */
const take = (pipe: Transport.Pipe, size: number): Effect.Effect<Uint8Array, unknown> =>
  Effect.gen(function* () {
    const chunks: Array<Uint8Array> = []
    for (let left = size; left > 0;) {
      for (const chunk of yield* pipe.read) {
        chunks.push(chunk)
        left -= chunk.length
      }
    }
    return new Uint8Array(Buffer.concat(chunks))
  })

for (const [name, transport] of Object.entries(transports)) {
  describe(`A pipe of ${name}`, () => {
    it.effect("carries bytes both ways, in order", () =>
      Effect.gen(function* () {
        const { down, up } = yield* pair
        const bytes = pattern(3 * MiB, 1)
        up.write([bytes.subarray(0, 10), new Uint8Array(0), bytes.subarray(10, MiB)])
        down.write([bytes])
        up.write([bytes.subarray(MiB)])
        const [upwards, downwards] = yield* Effect.all([take(down, bytes.length), take(up, bytes.length)], {
          concurrency: 2
        })
        assert.isTrue(Buffer.from(upwards).equals(bytes))
        assert.isTrue(Buffer.from(downwards).equals(bytes))
      }).pipe(Effect.provide(transport))
    )

    it.effect("knows both its ends", () =>
      Effect.gen(function* () {
        const { down, listener, up } = yield* pair
        assert.isTrue(EntityAddr.equals(up.remote, listener.address))
        assert.strictEqual(EntityAddr.format(down.remote), EntityAddr.format(up.local))
      }).pipe(Effect.provide(transport))
    )

    it.effect("gives everything before it says that the peer has finished", () =>
      Effect.gen(function* () {
        const { down, up } = yield* pair
        up.write([pattern(MiB, 2)])
        up.end()
        up.write([pattern(10, 3)])
        assert.strictEqual((yield* take(down, MiB)).length, MiB)
        for (let i = 0; i < 2; i++) assert.strictEqual((yield* drain(down)).reason, "EndOfStream")
      }).pipe(Effect.provide(transport))
    )

    it.effect("has a backlog while its reader does not read, and is drained when it has", () =>
      Effect.gen(function* () {
        const { down, up } = yield* pair
        const size = 16 * MiB
        up.write(Array.from({ length: 16 }, () => pattern(MiB, 4)))
        assert.isAbove(up.backlog(), 0)
        const drained = yield* Effect.forkScoped(up.drained)
        yield* still(up.backlog)
        assert.isAbove(up.backlog(), 0)
        assert.isUndefined(drained.pollUnsafe())
        yield* take(down, size)
        yield* Fiber.join(drained)
        assert.strictEqual(up.backlog(), 0)
      }).pipe(Effect.provide(transport))
    )

    it.effect("is drained when it is gone", () =>
      Effect.gen(function* () {
        const listener = yield* listen
        const scope = yield* Scope.make()
        const up = yield* dial(listener.address)
        yield* Scope.provide(listener.accept, scope)
        up.write(Array.from({ length: 16 }, () => pattern(MiB, 5)))
        const drained = yield* Effect.forkScoped(up.drained)
        yield* still(up.backlog)
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.join(drained)
        assert.strictEqual(up.backlog(), 0)
        up.write([pattern(10, 6)])
        up.end()
        assert.include(["Reset", "EndOfStream"], (yield* drain(up)).reason)
      }).pipe(Effect.provide(transport))
    )

    it.effect("lets what was written leave when its scope closes after the end", () =>
      Effect.gen(function* () {
        const listener = yield* listen
        const scope = yield* Scope.make()
        const up = yield* Scope.provide(dial(listener.address), scope)
        const down = yield* listener.accept
        up.write([pattern(8 * MiB, 7)])
        up.end()
        const [bytes] = yield* Effect.all([take(down, 8 * MiB), Scope.close(scope, Exit.void)], { concurrency: 2 })
        assert.isTrue(Buffer.from(bytes).equals(pattern(8 * MiB, 7)))
        assert.strictEqual((yield* drain(down)).reason, "EndOfStream")
      }).pipe(Effect.provide(transport))
    )

    it.effect("is cut when its scope closes without an end, and takes no time for it", () =>
      Effect.gen(function* () {
        const listener = yield* listen
        const scope = yield* Scope.make()
        const up = yield* Scope.provide(dial(listener.address), scope)
        const down = yield* listener.accept
        up.write([pattern(16 * MiB, 8)])
        const began = performance.now()
        yield* Scope.close(scope, Exit.void)
        assert.isBelow(performance.now() - began, 200)
        assert.include(["Reset", "EndOfStream"], (yield* drain(down)).reason)
      }).pipe(Effect.provide(transport))
    )

    it.effect("can be read by one who was interrupted before", () =>
      Effect.gen(function* () {
        const { down, up } = yield* pair
        const reader = yield* Effect.forkScoped(down.read)
        yield* turn
        yield* Fiber.interrupt(reader)
        up.write([pattern(100, 9)])
        assert.deepStrictEqual(yield* take(down, 100), pattern(100, 9))
      }).pipe(Effect.provide(transport))
    )
  })

  describe(`A listener of ${name}`, () => {
    it.effect("gives up its port with its scope, at once, and those who wait before it", () =>
      Effect.gen(function* () {
        const first = yield* Scope.make()
        const { address } = yield* Scope.provide(listen, first)
        const waiting = yield* dial(address)
        yield* turn
        const began = performance.now()
        yield* Scope.close(first, Exit.void)
        assert.isBelow(performance.now() - began, 200)
        assert.include(["Reset", "EndOfStream"], (yield* drain(waiting)).reason)
        assert.strictEqual((yield* Effect.flip(dial(address))).reason, "Refused")
      }).pipe(Effect.provide(transport))
    )

    it.effect("does not keep its scope open for pipes that are not its own", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const listener = yield* Scope.provide(listen, scope)
        const up = yield* dial(listener.address)
        const down = yield* listener.accept
        const began = performance.now()
        yield* Scope.close(scope, Exit.void)
        assert.isBelow(performance.now() - began, 200)
        up.write([pattern(100, 1)])
        assert.deepStrictEqual(yield* take(down, 100), pattern(100, 1))
      }).pipe(Effect.provide(transport))
    )

    it.effect("can be waited for and left", () =>
      Effect.gen(function* () {
        const listener = yield* listen
        const waiting = yield* Effect.forkScoped(listener.accept)
        yield* turn
        yield* Fiber.interrupt(waiting)
        const up = yield* dial(listener.address)
        const down = yield* listener.accept
        up.write([pattern(1, 1)])
        assert.strictEqual((yield* take(down, 1)).length, 1)
      }).pipe(Effect.provide(transport))
    )
  })
}

describe("A pipe of memory", () => {
  it.effect("delivers in the pieces it was told to", () =>
    Effect.gen(function* () {
      const { down, up } = yield* pair
      up.write([pattern(10, 1)])
      const sizes: Array<number> = []
      for (let left = 10; left > 0;) {
        for (const { length } of yield* down.read) {
          sizes.push(length)
          left -= length
        }
      }
      assert.deepStrictEqual(sizes, [3, 3, 3, 1])
    }).pipe(
      Effect.provide(
        MemoryTransport.layerWith({
          rechunk: (bytes) => [0, 3, 6, 9].map((at) => bytes.subarray(at, at + 3)).filter(({ length }) => length > 0)
        })
      )
    )
  )

  it.effect("does not show a writer's later changes", () =>
    Effect.gen(function* () {
      const { down, up } = yield* pair
      const bytes = pattern(10, 1)
      up.write([bytes])
      bytes.fill(0)
      assert.deepStrictEqual(yield* take(down, 10), pattern(10, 1))
    }).pipe(Effect.provide(MemoryTransport.layer))
  )
})

describe("A pipe whose own scope has closed", () => {
  for (const [name, transport] of Object.entries(transports)) {
    it.effect(`says Closed to whoever still reads, over ${name}`, () =>
      Effect.gen(function* () {
        const { down, up } = yield* Effect.scoped(pair)
        for (const pipe of [up, down]) assert.strictEqual((yield* drain(pipe)).reason, "Closed")
      }).pipe(Effect.provide(transport))
    )
  }
})
