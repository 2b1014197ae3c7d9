import { assert, describe, it } from "@effect/vitest"
import { Banner, Message } from "@msgr2/wire"
import { Result } from "effect"
import { FrameDecoder, FrameEncoder, Gather, Limits, Mode } from "../src/index.ts"
import { ACK, ANY_TAG, bytesOf, drain, encode, join, mode, names, pair, pattern, secret, succeed } from "./harness.ts"

const large = 200 * 1024

describe("FrameEncoder", () => {
  for (const name of names) {
    it(`${name}: large segments come back, alone and among small ones`, () => {
      const { encoder, decoder } = pair(name)
      const sent = [
        [pattern(large, 1)],
        [pattern(41), pattern(large, 2), pattern(9), pattern(large + 5, 3)],
        [pattern(64 * 1024 - 1), pattern(64 * 1024), pattern(8 * 1024), pattern(8 * 1024 - 1)],
        [pattern(3), new Uint8Array(0), pattern(large)]
      ]
      const out = Gather.make()
      let total = 0
      for (const segments of sent) total += succeed(encoder.frame(out, ANY_TAG, segments))
      assert.strictEqual(out.size, total)
      for (const chunk of out.take()) decoder.push(chunk)
      const { frames, error } = drain(decoder)
      assert.isUndefined(error)
      assert.deepStrictEqual(
        frames.map((frame) => frame.segments),
        sent
      )
    })

    it(`${name}: a batch of messages is one write, its data is not copied in crc mode`, () => {
      const { encoder, decoder } = pair(name)
      encoder.transcript.clear()
      const data = pattern(20_000)
      const out = Gather.make()
      for (let seq = 1; seq <= 3; seq++) {
        succeed(encoder.message(out, Message.make({ type: 1, front: pattern(100), data }), seq, 0))
      }
      const chunks = out.take()
      if (name.endsWith("crc")) assert.strictEqual(chunks.filter((chunk) => chunk === data).length, 3)
      for (const chunk of chunks) decoder.push(chunk)
      const { frames } = drain(decoder)
      assert.deepStrictEqual(
        frames.map((frame) => new DataView(frame.segments[0]!.slice().buffer).getUint32(0, true)),
        [1, 2, 3]
      )
      assert.deepStrictEqual(frames[2]!.segments.slice(1), [pattern(100), new Uint8Array(0), data])
    })
  }

  it("refuses none and more than four segments, and writes nothing", () => {
    const encoder = FrameEncoder.make()
    for (const count of [0, 5]) {
      const out = Gather.make()
      const refused = encoder.frame(
        out,
        ANY_TAG,
        Array.from({ length: count }, () => pattern(1))
      )
      assert.isTrue(Result.isFailure(refused) && refused.failure.reason === "SegmentCount")
      assert.strictEqual(out.size, 0)
    }
    assert.strictEqual(encoder.produced, 0)
  })

  it("refuses what exceeds the highest limit", () => {
    const segment = new Uint8Array(Limits.HIGHEST / 2 + 1)
    const refused = FrameEncoder.make().frame(Gather.make(), ANY_TAG, [segment, segment])
    assert.isTrue(Result.isFailure(refused) && refused.failure.reason === "TooLarge")
  })

  it("plain bytes are nowhere in a secure frame", () => {
    const { encoder } = pair("2.1-secure")
    const text = new TextEncoder().encode("attack at dawn, all of you")
    const bytes = Buffer.from(encode(encoder, ANY_TAG, [text, text]))
    assert.strictEqual(bytes.indexOf(text.subarray(0, 8)), -1)
  })

  it("padding is zeros, not what an earlier frame has left behind", () => {
    for (const revision of [0, 1] as const) {
      const sender = succeed(Mode.secure({ role: "client", revision, secret }))
      const receiver = succeed(Mode.secure({ role: "server", revision, secret }))
      const encoder = FrameEncoder.make({ mode: sender })
      const open = (bytes: Uint8Array) => {
        const records = revision === 0 ? [bytes] : [bytes.subarray(0, 96), bytes.subarray(96)]
        return join(receiver.aead.open(receiver.rx, records)!)
      }
      const ones = (size: number) => new Uint8Array(size).fill(0xff)
      open(encode(encoder, ANY_TAG, [ones(48), ones(500)]))
      const plain = open(encode(encoder, ANY_TAG, [ones(1), ones(1)]))
      assert.strictEqual(plain.subarray(32).filter((byte) => byte === 0xff).length, 2)
      assert.strictEqual(plain.subarray(32).filter((byte) => byte !== 0xff && byte !== 0).length, revision)
    }
  })

  it("frames of any length around its buffer's come back", () => {
    for (const name of ["2.0-secure", "2.1-secure"] as const) {
      for (let size = 7900; size < 8200; size += 3) {
        const { encoder, decoder } = pair(name)
        const segments = [pattern(1), pattern(1), pattern(size, 5), pattern(1)]
        decoder.push(encode(encoder, ANY_TAG, segments))
        assert.deepStrictEqual(drain(decoder).frames[0]?.segments, segments, `${size}`)
      }
    }
  })

  it("a stopped transcript takes no more", () => {
    const encoder = FrameEncoder.make()
    encoder.transcript.stop()
    bytesOf((out) => encoder.banner(out, { supported: 0n, required: 0n }))
    assert.strictEqual(encoder.transcript.size, 0)
  })

  it("records what it has written until it is stopped, as the other end records what it has read", () => {
    const banner = { supported: 1n, required: 0n }
    const encoder = FrameEncoder.make()
    const decoder = FrameDecoder.make()
    const bytes = bytesOf((out) => {
      encoder.banner(out, banner)
      succeed(encoder.control(out, { _tag: "AuthReplyMore", payload: pattern(300) }))
      succeed(encoder.frame(out, 6, [pattern(30_000)]))
    })
    encoder.transcript.stop()
    encoder.setMode(mode("2.1-secure", "client"))
    encode(encoder, 7, [pattern(32)])
    assert.deepStrictEqual(join(encoder.transcript.chunks()), bytes)
    assert.deepStrictEqual(bytes.subarray(0, 26), Banner.encode(banner))
    for (let at = 0; at < bytes.length; at += 1000) decoder.push(bytes.slice(at, at + 1000))
    succeed(decoder.banner())
    drain(decoder)
    assert.deepStrictEqual(join(decoder.transcript.chunks()), bytes)
  })

  it("changes its mode between frames", () => {
    const encoder = FrameEncoder.make({ mode: Mode.crc(0) })
    const old = encode(encoder, ACK, [pattern(8)])
    encoder.setMode(Mode.crc(1))
    const modern = encode(encoder, ACK, [pattern(8)])
    assert.deepStrictEqual([old.length, modern.length], [32 + 8 + 17, 32 + 8 + 4])
  })
})
