import { assert, describe, it } from "@effect/vitest"
import { Bytes, ControlFrame, EntityAddr, Ids, Message } from "@msgr2/wire"
import { FrameDecoder, FrameEncoder } from "../src/index.ts"
import * as Goldens from "./goldens/frames.ts"
import { bytesOf, drain, encode, join, mode, pattern, secret, succeed } from "./harness.ts"
import { Mode } from "../src/index.ts"

const hex = Bytes.toHex
const unhex = (text: string) => Bytes.fromHex(text)!
const utf8 = (text: string) => new TextEncoder().encode(text)
const revisions = [0, 1] as const
const roles = ["client", "server"] as const
const count = (size: number) => Uint8Array.from({ length: size }, (_, i) => i)

const hello: ControlFrame.ControlFrame = {
  _tag: "Hello",
  entityType: 8,
  peerAddr: succeed(EntityAddr.parse("v2:192.0.2.1:3300/0"))
}
const message = Message.make({ type: 50, tid: 7n, front: utf8("front-bytes!"), data: utf8("DATA".repeat(5)) })

describe("goldens", () => {
  for (const revision of revisions) {
    const encoder = () => FrameEncoder.make({ mode: Mode.crc(revision) })
    it(`HELLO, WAIT and MESSAGE of revision ${revision} are these bytes`, () => {
      assert.strictEqual(hex(bytesOf((out) => encoder().control(out, hello))), Goldens.crc.hello[revision])
      assert.strictEqual(hex(bytesOf((out) => encoder().control(out, { _tag: "Wait" }))), Goldens.crc.wait[revision])
      assert.strictEqual(hex(bytesOf((out) => encoder().message(out, message, 1, 0))), Goldens.crc.message[revision])
    })

    it(`these bytes are HELLO, WAIT and MESSAGE of revision ${revision}`, () => {
      const decoder = FrameDecoder.make({ mode: Mode.crc(revision) })
      for (const name of ["hello", "wait", "message"] as const) decoder.push(unhex(Goldens.crc[name][revision]))
      const { frames, error } = drain(decoder)
      assert.isUndefined(error)
      assert.deepStrictEqual(
        frames.map((frame) => frame.tag),
        [1, 16, 17]
      )
      assert.deepStrictEqual(succeed(ControlFrame.decode(1, frames[0]!.segments[0]!)), hello)
      assert.deepStrictEqual(frames[2]!.segments.slice(1), [message.front, Bytes.empty, message.data])
    })

    for (const role of roles) {
      const other = role === "client" ? "server" : "client"
      const make = (role: "client" | "server") => succeed(Mode.secure({ role, revision, secret }))
      const goldens = Goldens.secure[role][revision]

      it(`a ${role} of revision ${revision} seals these bytes and ends at this nonce`, () => {
        const mode = make(role)
        const encoder = FrameEncoder.make({ mode })
        const sent = [
          bytesOf((out) => encoder.frame(out, 7, [count(32)])),
          bytesOf((out) => encoder.message(out, message, 1, 0)),
          ...(revision === 1 ? [bytesOf((out) => encoder.frame(out, 11, [count(64)]))] : [])
        ]
        assert.deepStrictEqual(sent.map(hex), [...goldens])
        assert.strictEqual(hex(mode.tx.bytes), Goldens.nonces[role][revision])
      })

      it(`a ${other} of revision ${revision} opens these bytes and ends at this nonce`, () => {
        const mode = make(other)
        const decoder = FrameDecoder.make({ mode })
        decoder.push(join(goldens.map(unhex)))
        const { frames, error } = drain(decoder)
        assert.isUndefined(error)
        assert.deepStrictEqual(
          frames.map((frame) => frame.tag),
          revision === 1 ? [7, 17, 11] : [7, 17]
        )
        assert.deepStrictEqual(
          frames.map((frame) => frame.size),
          goldens.map((golden) => golden.length / 2)
        )
        assert.deepStrictEqual(frames[0]!.segments, [count(32)])
        assert.deepStrictEqual(frames[1]!.segments.slice(1), [message.front, Bytes.empty, message.data])
        if (revision === 1) assert.deepStrictEqual(frames[2]!.segments, [count(64)])
        assert.strictEqual(hex(mode.rx.bytes), Goldens.nonces[role][revision])
      })
    }
  }

  it("an empty WAIT is one record of zeros behind its preamble", () => {
    const encoder = FrameEncoder.make({ mode: mode("2.1-secure") })
    assert.strictEqual(hex(bytesOf((out) => encoder.control(out, { _tag: "Wait" }))), Goldens.secureWait)
  })

  it("a header carries the numbers of its departure, not its own", () => {
    const encoder = FrameEncoder.make({ mode: Mode.crc(1) })
    const decoder = FrameDecoder.make({ mode: Mode.crc(1) })
    decoder.push(bytesOf((out) => encoder.message(out, message, 2 ** 40 + 5, 2 ** 33)))
    const header = drain(decoder).frames[0]!.segments[0]!
    const view = new DataView(header.buffer, header.byteOffset)
    assert.strictEqual(view.getBigUint64(0, true), BigInt(2 ** 40 + 5))
    assert.strictEqual(view.getBigUint64(28, true), BigInt(2 ** 33))
    assert.strictEqual(message.header.seq, Ids.msgSeq(0))
  })

  it("a pattern of bytes comes back from each mode", () => {
    const encoder = FrameEncoder.make({ mode: mode("2.1-crc") })
    const decoder = FrameDecoder.make({ mode: mode("2.1-crc") })
    decoder.push(encode(encoder, 20, [pattern(8)]))
    assert.deepStrictEqual(drain(decoder).frames[0]!.segments, [pattern(8)])
  })
})
