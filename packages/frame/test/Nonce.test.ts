import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { inspect } from "node:util"
import { Gather, FrameDecoder, FrameEncoder, Mode, Nonce } from "../src/index.ts"
import { ACK, ANY_TAG, drain, encode, pattern, secret, succeed } from "./harness.ts"

const hex = (text: string) => Bytes.fromHex(text)!
const after = (revision: Mode.Revision, text: string) => {
  const nonce = new Nonce.Nonce(revision, hex(text))
  nonce.advance()
  return Bytes.toHex(nonce.bytes)
}

describe("Nonce", () => {
  it("revision 1 counts in the last eight bytes, little-endian, and carries through all of them", () => {
    assert.strictEqual(after(1, "9c9d9e9fa0a1a2a3a4a5a6a7"), "9c9d9e9fa1a1a2a3a4a5a6a7")
    assert.strictEqual(after(1, "9c9d9e9fffa1a2a3a4a5a6a7"), "9c9d9e9f00a2a2a3a4a5a6a7")
    assert.strictEqual(after(1, "9c9d9e9fffffffffa4a5a6a7"), "9c9d9e9f00000000a5a5a6a7")
    assert.strictEqual(after(1, "9c9d9e9fffffffffffffffff"), "9c9d9e9f0000000000000000")
  })

  it("revision 0 counts in the first four bytes and carries no further", () => {
    assert.strictEqual(after(0, "9c9d9e9fa0a1a2a3a4a5a6a7"), "9d9d9e9fa0a1a2a3a4a5a6a7")
    assert.strictEqual(after(0, "ffffffffa0a1a2a3a4a5a6a7"), "00000000a0a1a2a3a4a5a6a7")
  })

  it("a fresh one has room for all, one step before its beginning for one more", () => {
    // Each row: revision, initial, current, operations left.
    const rows: ReadonlyArray<readonly [Mode.Revision, string, string, number]> = [
      [0, "05000000a0a1a2a3a4a5a6a7", "04000000a0a1a2a3a4a5a6a7", 1],
      [0, "01000000a0a1a2a3a4a5a6a7", "fffffffFa0a1a2a3a4a5a6a7", 2],
      [1, "9c9d9e9f0500000000000000", "9c9d9e9f0400000000000000", 1],
      [1, "9c9d9e9f0100000000000000", "9c9d9e9fffffffffffffffff", 2],
      [1, "9c9d9e9f0000000001000000", "9c9d9e9ffeffffff00000000", 2]
    ]
    for (const [revision, initial, current, left] of rows) {
      assert.isTrue(new Nonce.Nonce(revision, hex(initial)).room(1000))
      const nonce = new Nonce.Nonce(revision, hex(initial), hex(current))
      for (let rest = left; rest > 0; rest--) {
        assert.isTrue(nonce.room(rest), `${initial}: ${rest} left`)
        assert.isFalse(nonce.room(rest + 1), `${initial}: no more than ${rest}`)
        nonce.advance()
      }
      assert.strictEqual(Bytes.toHex(nonce.bytes), initial)
      assert.isFalse(nonce.room(1), "the first one again")
    }
  })

  it("one with a long way to go has room, whichever word is behind", () => {
    const at = (initial: string, current: string) => new Nonce.Nonce(1, hex(initial), hex(current)).room(3)
    assert.isTrue(at("9c9d9e9f0500000000000000", "9c9d9e9f0600000000000000"))
    assert.isTrue(at("9c9d9e9f0500000001000000", "9c9d9e9f0400000000000000"))
    assert.isTrue(at("9c9d9e9f0000000002000000", "9c9d9e9fffffffff00000000"))
  })
})

describe("nonces of a connection", () => {
  const near = (revision: Mode.Revision, left: number) => {
    const mode = succeed(Mode.secure({ role: "client", revision, secret }))
    const initial = mode.tx.bytes.slice()
    const current = initial.slice()
    const view = new DataView(current.buffer)
    if (revision === 0) view.setUint32(0, view.getUint32(0, true) - left, true)
    else view.setBigUint64(4, view.getBigUint64(4, true) - BigInt(left), true)
    const nonce = () => new Nonce.Nonce(revision, initial, current)
    return {
      encoder: FrameEncoder.make({ mode: { ...mode, tx: nonce() } }),
      decoder: FrameDecoder.make({ mode: { ...mode, rx: nonce() } })
    }
  }

  for (const revision of [0, 1] as const) {
    it(`revision ${revision}: the sender refuses with NonceExhausted before a nonce repeats, and sends nothing`, () => {
      const { encoder, decoder } = near(revision, revision === 0 ? 2 : 4)
      const two = [pattern(41), pattern(5)]
      decoder.push(encode(encoder, ANY_TAG, two))
      // Revision 1 needs two operations for two segments, and three with a remainder: one too many now.
      if (revision === 1) {
        const three = encoder.frame(Gather.make(), ANY_TAG, [pattern(60), pattern(5)])
        assert.isTrue(Result.isFailure(three) && three.failure.reason === "NonceExhausted")
      }
      decoder.push(encode(encoder, ANY_TAG, two))
      const out = Gather.make()
      const refused = encoder.control(out, { _tag: "Wait" })
      assert.isTrue(Result.isFailure(refused) && refused.failure.reason === "NonceExhausted")
      assert.strictEqual(out.size, 0)
      assert.strictEqual(drain(decoder).frames.length, 2)
    })

    it(`revision ${revision}: the receiver refuses the first record played back after the last`, () => {
      const { decoder } = near(revision, 1)
      const mode = succeed(Mode.secure({ role: "client", revision, secret }))
      const first = encode(FrameEncoder.make({ mode }), ACK, [pattern(8)])
      const last = encode(near(revision, 1).encoder, ACK, [pattern(8)])
      decoder.push(last)
      decoder.push(first)
      const { frames, error } = drain(decoder)
      assert.strictEqual(frames.length, 1)
      assert.strictEqual(error?.reason, "NonceExhausted")
    })
  }

  it("setting the same mode again does not set the counter back", () => {
    const mode = succeed(Mode.secure({ role: "client", revision: 1, secret }))
    const encoder = FrameEncoder.make({ mode })
    const first = encode(encoder, ACK, [pattern(8)])
    encoder.setMode(Mode.withCompression(mode, undefined))
    assert.notDeepEqual(encode(encoder, ACK, [pattern(8)]), first)
  })
})

describe("Mode", () => {
  it("a secret shorter than key and nonces is refused with SecretTooShort", () => {
    const short = (size: number) =>
      Mode.secure({ role: "client", revision: 1, secret: Redacted.make(new Uint8Array(size)) })
    const refused = short(39)
    assert.isTrue(Result.isFailure(refused) && refused.failure.reason === "SecretTooShort")
    assert.isTrue(Result.isSuccess(short(40)))
  })

  it("prints neither key nor nonces", () => {
    const mode = succeed(Mode.secure({ role: "client", revision: 1, secret }))
    for (const text of [inspect(mode, { depth: 9, showHidden: true }), JSON.stringify(mode)]) {
      assert.notMatch(text, /128|0x80|80 ?81|156|9c ?9d|144|90 ?91/)
    }
  })
})
