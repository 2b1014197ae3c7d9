import { assert, describe, it } from "@effect/vitest"
import { Signature } from "@msgr2/auth"
import { Bytes } from "@msgr2/wire"
import { Redacted } from "effect"
import { type Handshake, handshakes } from "./goldens/handshakes.ts"
import { counting, hex } from "./support.ts"

const chunks = (frames: Handshake["client"]) => frames.map(([, bytes]) => hex(bytes))

describe("Signature", () => {
  it.each(handshakes.map((handshake) => [handshake.name, handshake] as const))(
    "Both signatures of a recorded handshake come out the same: %s",
    (_, { client, server, clientSignature, serverSignature, sessionKey }) => {
      const key = Redacted.make(hex(sessionKey))
      assert.strictEqual(Bytes.toHex(Signature.sign(key, chunks(server))), clientSignature)
      assert.isTrue(Signature.verify(key, chunks(server), hex(clientSignature)))
      if (serverSignature === undefined) return
      assert.strictEqual(Bytes.toHex(Signature.sign(key, chunks(client))), serverSignature)
      assert.isTrue(Signature.verify(key, chunks(client), hex(serverSignature)))
    }
  )

  // Computed independently.
  it("A signature is HMAC-SHA256 with the bytes of the session key", () => {
    assert.strictEqual(
      Bytes.toHex(Signature.sign(Redacted.make(counting(0x20, 16)), [new TextEncoder().encode("ceph v2\n")])),
      "d99ca493ba34dbabb4221422f3e997497564f2227ac5c07eba0b0a91ce95416f"
    )
  })

  it.prop("How the bytes are cut into chunks does not matter", [Bytes.Bytes, Bytes.Bytes], ([left, right]) => {
    const key = Redacted.make(counting(0x20, 16))
    const whole = Signature.sign(key, [Bytes.concat([left, right])])
    assert.deepStrictEqual(Signature.sign(key, [left, new Uint8Array(0), right]), whole)
    assert.isTrue(Signature.verify(key, [left, right], whole))
  })

  it("Any other byte, order, key or length is noticed", () => {
    const key = Redacted.make(counting(0x20, 16))
    const sent = [counting(0, 26), counting(50, 40)]
    const signature = Signature.sign(key, sent)
    for (let at = 0; at < signature.length; at++) {
      const forged = Uint8Array.from(signature)
      forged[at] = (forged[at] ?? 0) ^ 0x01
      assert.isFalse(Signature.verify(key, sent, forged))
    }
    assert.isFalse(Signature.verify(key, sent.toReversed(), signature))
    assert.isFalse(Signature.verify(key, sent.slice(1), signature))
    assert.isFalse(Signature.verify(Redacted.make(counting(0x21, 16)), sent, signature))
    assert.isFalse(Signature.verify(key, sent, signature.subarray(0, 31)))
    assert.isFalse(Signature.verify(key, sent, new Uint8Array(32)))
  })

  it("Without a session key only 32 zero bytes are a signature", () => {
    const none = Redacted.make(new Uint8Array(0))
    assert.deepStrictEqual(Signature.sign(none, [counting(0, 9)]), new Uint8Array(32))
    assert.isTrue(Signature.verify(none, [counting(0, 9)], new Uint8Array(32)))
    assert.isFalse(Signature.verify(none, [], counting(0, 32)))
    assert.isFalse(Signature.verify(none, [], new Uint8Array(0)))
  })
})
