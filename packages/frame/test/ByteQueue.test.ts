import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ByteQueue } from "../src/internal/ByteQueue.ts"
import { join, pattern } from "./harness.ts"

const size = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

describe("ByteQueue", () => {
  it.prop(
    "gives back what was pushed, in any pieces and by any of its ways",
    [Schema.Array(Schema.Struct({ push: size(3000), read: size(4000), way: size(4) })).check(Schema.isMaxLength(40))],
    ([steps]) => {
      const queue = new ByteQueue()
      const pushed: Array<Uint8Array> = []
      const read: Array<Uint8Array> = []
      for (const [i, step] of steps.entries()) {
        const chunk = pattern(i % 2 === 0 ? step.push : step.push % 50, i)
        pushed.push(chunk)
        queue.push(i % 3 === 0 ? Buffer.from(chunk) : chunk.slice())
        const size = Math.min(step.read, queue.length)
        if (step.way === 0) read.push(queue.take(size))
        else if (step.way === 1) read.push(queue.borrow(size).slice())
        else if (step.way === 2) {
          read.push(queue.peek(size))
          queue.skip(size)
        } else if (step.way === 3 && size > 0) {
          const at = queue.locate(size)
          read.push(queue.bytes.slice(at, at + size))
          queue.skip(size)
        } else if (queue.length >= 4) {
          const word = new Uint8Array(4)
          new DataView(word.buffer).setUint32(0, queue.takeU32(), true)
          read.push(word)
        }
      }
      read.push(queue.take(queue.length))
      assert.deepStrictEqual(join(read), join(pushed))
      assert.strictEqual(queue.length, 0)
    }
  )

  it("what it has handed out stays as it is while more is pushed and borrowed", () => {
    const queue = new ByteQueue()
    const taken: Array<Uint8Array> = []
    for (let i = 0; i < 50; i++) {
      for (const part of [pattern(70, i), pattern(60, i + 100), pattern(5, i + 200)]) queue.push(part)
      taken.push(queue.take(100))
      queue.borrow(queue.length - 3)
      queue.skip(3)
    }
    for (const [i, bytes] of taken.entries()) {
      assert.deepStrictEqual(bytes, join([pattern(70, i), pattern(60, i + 100)]).subarray(0, 100))
    }
  })

  it("holds on to no receive buffer for a few bytes behind others", () => {
    const queue = new ByteQueue()
    queue.push(pattern(100))
    for (let i = 0; i < 200; i++) {
      const buffer = new Uint8Array(64 * 1024).fill(i)
      queue.push(buffer.subarray(7, 8))
      buffer.fill(0xff)
    }
    queue.skip(100)
    assert.deepStrictEqual(
      queue.take(200),
      Uint8Array.from({ length: 200 }, (_, i) => i)
    )
  })

  it("borrows the same memory again for pieces that span chunks", () => {
    const queue = new ByteQueue()
    const borrow = () => {
      queue.push(pattern(2000, 1))
      queue.push(pattern(2000, 2))
      return queue.borrow(4000).buffer
    }
    assert.strictEqual(borrow(), borrow())
  })
})
