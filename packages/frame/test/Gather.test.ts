import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Gather } from "../src/index.ts"
import { join, pattern } from "./harness.ts"

const options = { slab: 1024, keep: 300 }

describe("Gather", () => {
  it.prop(
    "gives back what was put, in order and counted, whatever the sizes and however often it is emptied",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -100, maximum: 700 }))).check(Schema.isMaxLength(60)),
      Schema.Boolean
    ],
    ([sizes, release]) => {
      const out = Gather.make(options)
      const put: Array<Uint8Array> = []
      const taken: Array<Uint8Array> = []
      const takeAll = () => {
        const { size } = out
        const chunks = out.take()
        assert.strictEqual(
          chunks.reduce((sum, chunk) => sum + chunk.length, 0),
          size
        )
        taken.push(join(chunks))
        if (release) out.release(chunks)
      }
      for (const [i, size] of sizes.entries()) {
        if (size < -50) takeAll()
        else if (size < 0) {
          const at = out.reserve(-size)
          const bytes = pattern(-size, i)
          out.slab.set(bytes, at)
          put.push(bytes)
        } else {
          const bytes = pattern(size, i)
          out.put(bytes)
          put.push(bytes)
        }
      }
      takeAll()
      assert.deepStrictEqual(join(taken), join(put))
    }
  )

  it("copies small pieces into one chunk and keeps large ones as they are", () => {
    const out = Gather.make(options)
    const [small, large] = [pattern(299, 1), pattern(300, 2)]
    out.put(small)
    out.put(small)
    out.put(large)
    out.put(small)
    const chunks = out.take()
    assert.deepStrictEqual(
      chunks.map((chunk) => chunk.length),
      [598, 300, 299]
    )
    assert.strictEqual(chunks[1], large)
    small.fill(0)
    assert.notStrictEqual(chunks[0]![5], 0)
  })

  it("never writes again to what it has handed out, until it is released", () => {
    const out = Gather.make(options)
    const batches = Array.from({ length: 20 }, (_, i) => {
      out.put(pattern(200, i))
      return out.take()
    })
    for (const [i, chunks] of batches.entries()) assert.deepStrictEqual(join(chunks), pattern(200, i))
  })

  it("uses the memory of released chunks again, even twice released ones only once", () => {
    const out = Gather.make(options)
    const buffers = new Set<ArrayBufferLike>()
    for (let i = 0; i < 50; i++) {
      out.put(pattern(290, i))
      out.put(pattern(290, i))
      const chunks = out.take()
      for (const chunk of chunks) buffers.add(chunk.buffer)
      out.release(chunks)
      out.release(chunks)
    }
    assert.strictEqual(buffers.size, 1)
  })

  it("does not use a slab again while a chunk of it is still out", () => {
    const out = Gather.make(options)
    out.put(pattern(250, 1))
    const held = out.take()
    for (let i = 0; i < 40; i++) {
      out.put(pattern(290, i))
      out.release(out.take())
    }
    assert.deepStrictEqual(join(held), pattern(250, 1))
  })

  it("keeps what has been put since, when the chunks before it are released", () => {
    const out = Gather.make(options)
    out.put(pattern(100, 1))
    const first = out.take()
    out.put(pattern(100, 2))
    out.release(first)
    out.put(pattern(100, 3))
    assert.deepStrictEqual(join(out.take()), join([pattern(100, 2), pattern(100, 3)]))
  })

  it("counts a chunk that is released twice once: its neighbours in the slab stay as they are", () => {
    const out = Gather.make(options)
    const [first, second] = [1, 2].map((seed) => {
      out.put(pattern(100, seed))
      return out.take()
    })
    out.release(first!)
    out.release(first!)
    for (let i = 0; i < 20; i++) out.put(pattern(100, i))
    assert.deepStrictEqual(join(second!), pattern(100, 2))
  })

  it("does not take back a chunk that it never handed out", () => {
    const out = Gather.make(options)
    out.put(pattern(250, 1))
    const held = out.take()
    out.release([new Uint8Array(held[0]!.buffer, 0, 250), pattern(10)])
    out.put(pattern(250, 2))
    assert.deepStrictEqual(join(held), pattern(250, 1))
  })
})
