import { assert, describe, it } from "@effect/vitest"
import { CompressionMethod } from "../src/index.ts"
import { methods, nameOf } from "./compressing.ts"
import { succeed } from "./harness.ts"

describe("CompressionMethod", () => {
  it("names are those of Ceph's options", () => {
    assert.deepStrictEqual(methods.map(nameOf), ["snappy", "zlib", "zstd", "lz4"])
    assert.strictEqual(nameOf(9), "method(9)")
  })

  it("a preference is read in its order, without repetitions", () => {
    assert.deepStrictEqual(succeed(CompressionMethod.parseList("zstd, snappy lz4,zstd")), [3, 1, 4])
    assert.deepStrictEqual(succeed(CompressionMethod.parseList("none")), [])
    assert.deepStrictEqual(succeed(CompressionMethod.parseList("")), [])
  })

  it("a name that is none is refused by name", () => {
    const parsed = CompressionMethod.parseList("snappy gzip")
    assert.include(parsed._tag === "Failure" ? parsed.failure : "", '"gzip"')
  })
})
