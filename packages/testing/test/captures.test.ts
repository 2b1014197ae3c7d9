import { assert, describe, it } from "@effect/vitest"
import { FrameDecoder, FrameEncoder, Gather, Limits, Mode } from "@msgr2/frame"
import { Bytes, Codec, ControlFrame, Message } from "@msgr2/wire"
import { Result } from "effect"
import { Capture, Conversation } from "../src/index.ts"

const payloadOf = (frame: Conversation.Entry["frame"]): ReadonlyArray<Uint8Array> => {
  if (frame._tag !== "Message") return [ControlFrame.encode(frame)]
  return [Codec.encode(Message.MessageHeader, frame.header), frame.front, frame.middle, frame.data]
}

/** Encodes what was decoded, in the modes it was read in. */
const reencode = (
  side: Conversation.Side,
  role: "client" | "server",
  conversation: Conversation.Conversation,
  secret: Uint8Array | null
) => {
  const encoder = FrameEncoder.make({ mode: Mode.crc(conversation.revision) })
  const out = Gather.make()
  encoder.banner(out, side.banner)
  for (const [i, { frame, tag }] of side.entries.entries()) {
    if (i === side.plainFrames) {
      encoder.setMode(Result.getOrThrow(Conversation.modeAfter(role, conversation.revision, conversation.mode, secret)))
    }
    Result.getOrThrow(encoder.frame(out, tag, payloadOf(frame)))
  }
  return Bytes.concat(out.take())
}

const counts = (direction: Conversation.Direction, side: Conversation.Side) => {
  const tally: Record<string, number> = { [`${direction} banner`]: 1 }
  for (const { tag } of side.entries) {
    const key = `${direction} ${ControlFrame.cephName(tag)}`
    tally[key] = (tally[key] ?? 0) + 1
  }
  return tally
}

// Recorded from `ceph -s` against a monitor of 18.2.7; fixtures/captures/README.md says how.
for (const name of Capture.names) {
  const capture = Capture.load(name)
  for (const [n, connection] of capture.connections.entries()) {
    describe(`${name}, connection ${n}`, () => {
      const conversation = Result.getOrThrow(Conversation.read(connection))
      it("every byte of both directions belongs to a frame that decodes", () => {
        assert.deepStrictEqual([conversation.c2s.rest, conversation.s2c.rest], [0, 0])
        assert.strictEqual(conversation.mode, connection.conMode)
      })
      it("holds the frames that an independent decoder counted", () => {
        const found = { ...counts("c2s", conversation.c2s), ...counts("s2c", conversation.s2c) }
        assert.deepStrictEqual(found, connection.frames)
      })
      it("every frame encodes to the bytes it came from", () => {
        const secret = connection.connectionSecret
        assert.isTrue(Bytes.equals(reencode(conversation.c2s, "client", conversation, secret), connection.c2s))
        assert.isTrue(Bytes.equals(reencode(conversation.s2c, "server", conversation, secret), connection.s2c))
      })
      it("every payload is the encoding of its value", () => {
        for (const { frame, segments } of [...conversation.c2s.entries, ...conversation.s2c.entries]) {
          const payload = payloadOf(frame).slice(0, segments.length)
          assert.deepStrictEqual(payload.map(Bytes.toHex), segments.map(Bytes.toHex))
        }
      })
      it("reads the same from chunks of any size", () => {
        for (const size of [1, 7, 41, 4096]) {
          const decoder = FrameDecoder.make()
          decoder.setLimits(Limits.afterAuth)
          const sizes: Array<number> = []
          const pull = () => {
            for (let frame = decoder.next(); ; frame = decoder.next()) {
              const next = Result.getOrThrow(frame)
              if (next === undefined) return
              sizes.push(next.size)
              if (sizes.length === conversation.s2c.plainFrames) {
                const mode = Conversation.modeAfter("client", 1, conversation.mode, connection.connectionSecret)
                decoder.setMode(Result.getOrThrow(mode))
              }
            }
          }
          let banner = false
          for (let at = 0; at < connection.s2c.length; at += size) {
            decoder.push(connection.s2c.slice(at, at + size))
            banner ||= Result.getOrThrow(decoder.banner()) !== undefined
            if (banner) pull()
          }
          assert.deepStrictEqual(
            sizes,
            conversation.s2c.entries.map(({ size }) => size)
          )
        }
      })
    })
  }
}

describe("Conversation", () => {
  const [connection] = Capture.load("c-cephx-secure-r18").connections
  if (connection === undefined) return assert.fail("no connection")
  it("a flipped bit anywhere in a sealed stream is found", () => {
    for (let at = connection.c2s.length - 200; at < connection.c2s.length; at++) {
      const c2s = connection.c2s.slice()
      c2s[at] = c2s[at]! ^ 1
      assert.isTrue(Result.isFailure(Conversation.read({ ...connection, c2s })))
    }
  })
  it("a wrong secret opens nothing", () => {
    const connectionSecret = connection.connectionSecret?.map((byte) => byte ^ 1) ?? null
    assert.isTrue(Result.isFailure(Conversation.read({ ...connection, connectionSecret })))
  })
  it("a recording that breaks off is read up to its last whole frame", () => {
    const whole = Result.getOrThrow(Conversation.read(connection))
    const cut = Result.getOrThrow(Conversation.read({ ...connection, c2s: connection.c2s.slice(0, -1) }))
    assert.strictEqual(cut.c2s.entries.length, whole.c2s.entries.length - 1)
    assert.isAbove(cut.c2s.rest, 0)
  })
})
