import { assert, describe, it } from "@effect/vitest"
import { readdirSync } from "node:fs"
import { load, names } from "../src/Capture.ts"

const captures = names.map((name) => load(name))
const connections = captures.flatMap(({ name, connections: list }) =>
  list.map((connection, n) => [`${name}.${n}`, connection] as const)
)
const bannerMagic = new TextEncoder().encode("ceph v2\n")
const helloTag = 1

describe("Capture", () => {
  it("Every file of the fixtures belongs to a named capture", () => {
    const files = readdirSync(new URL("../fixtures/captures", import.meta.url)).filter((file) => file !== "README.md")
    const expected = captures.flatMap(({ name, connections: list }) => [
      `${name}.json`,
      ...list.flatMap((_, n) => [`${name}.${n}.c2s.bin`, `${name}.${n}.s2c.bin`])
    ])
    assert.sameMembers(files, expected)
  })

  it("Each capture is the two connections of ceph -s", () => {
    for (const capture of captures) {
      assert.lengthOf(capture.connections, 2, capture.name)
      assert.strictEqual(capture.command, "ceph -s")
    }
  })

  it("Both directions of every connection begin with a banner of 16 bytes and then HELLO", () => {
    for (const [name, { c2s, s2c }] of connections) {
      for (const stream of [c2s, s2c]) {
        assert.deepStrictEqual(stream.subarray(0, 8), bannerMagic, name)
        assert.strictEqual(new DataView(stream.buffer, stream.byteOffset).getUint16(8, true), 16, name)
        assert.strictEqual(stream[26], helloTag, name)
      }
    }
  })

  it("Streams are as long as the index says", () => {
    for (const [name, { c2s, c2sBytes, s2c, s2cBytes }] of connections) {
      assert.strictEqual(c2s.length, c2sBytes, name)
      assert.strictEqual(s2c.length, s2cBytes, name)
    }
  })

  it("Only CephX has a session key, only secure mode a connection secret", () => {
    for (const { auth, mode, connections: list } of captures) {
      for (const { authMethod, conMode, connectionSecret, sessionKey } of list) {
        assert.strictEqual(authMethod, auth === "cephx" ? 2 : 1)
        assert.strictEqual(conMode, mode === "secure" ? 2 : 1)
        assert.strictEqual(sessionKey?.length, auth === "cephx" ? 16 : undefined)
        assert.strictEqual(connectionSecret?.length, mode === "secure" ? 64 : undefined)
      }
    }
  })

  it("The client's key is an AES CryptoKey of 28 bytes", () => {
    for (const { key } of captures) {
      const bytes = Buffer.from(key, "base64")
      assert.strictEqual(bytes.length, 28)
      assert.strictEqual(bytes.readUInt16LE(0), 1)
      assert.strictEqual(bytes.readUInt16LE(10), 16)
    }
  })
})
