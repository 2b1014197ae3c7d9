import { assert, describe, it } from "@effect/vitest"
import { Codec, Ids, Message } from "@msgr2/wire"
import { Result, Schema } from "effect"
import { type FrameDecoder, FrameEncoder, type FrameWriter, Gather, Layout, Limits, Mode, Nonce } from "../src/index.ts"
import {
  ACK,
  ANY_TAG,
  bytesOf,
  drain,
  encode,
  join,
  MESSAGE,
  mode,
  names,
  type Name,
  pair,
  pattern,
  secret,
  succeed
} from "./harness.ts"

const lengthsOf = (segments: ReadonlyArray<Uint8Array>) => segments.map(({ length }) => length)

/** The bytes of a frame of these segments, written in pieces of these sizes, taken in turn. */
const inPieces = (
  encoder: FrameEncoder.FrameEncoder,
  segments: ReadonlyArray<Uint8Array>,
  sizes: ReadonlyArray<number>
) =>
  bytesOf((out) => {
    const writer = succeed(encoder.open(out, ANY_TAG, lengthsOf(segments)))
    writePieces(writer, join(segments), sizes)
    const before = encoder.produced - out.size
    const size = succeed(writer.end())
    assert.strictEqual(size, encoder.produced - before, "the frame's length is what was produced")
  })

const writePieces = (writer: FrameWriter.FrameWriter, bytes: Uint8Array, sizes: ReadonlyArray<number>) => {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    succeed(writer.write(bytes.subarray(at, at + size)))
    at += size
  }
  assert.strictEqual(writer.missing, 0)
}

const reasonOf = (result: Result.Result<unknown, { readonly reason: string }>) =>
  Result.isFailure(result) ? result.failure.reason : "none"

/** A header of 41 bytes with this number, and parts that use everything the layouts have. */
const header = (seq: number) =>
  Codec.encode(Message.MessageHeader, { ...Message.make({ type: 7 }).header, seq: Ids.msgSeq(seq) })
const messageOf = (seq: number) => [header(seq), pattern(21, 2), new Uint8Array(0), pattern(37, 3)]
const seqOf = (frame: FrameDecoder.Frame | undefined) =>
  frame === undefined ? undefined : Number(succeed(Message.decode(frame.segments)).header.seq)

const grid = [0, 1, 48, 49].flatMap((first) =>
  [0, 101].flatMap((front) => [0, 202].flatMap((middle) => [0, 303].map((data) => [first, front, middle, data])))
)

describe("FrameWriter", () => {
  for (const name of names) {
    it(`${name}: a frame in pieces has the bytes of one in whole segments, in each of 32 layouts`, () => {
      const [whole, pieces] = [pair(name).encoder, pair(name).encoder]
      for (const lengths of grid) {
        const segments = lengths.map((length, i) => pattern(length, i))
        for (const sizes of [[1], [7], [48, 1], [1000]]) {
          const bytes = inPieces(pieces, segments, sizes)
          assert.deepStrictEqual(bytes, encode(whole, ANY_TAG, segments), `${lengths.join("+")} by ${sizes.join()}`)
        }
      }
    })

    it(`${name}: a message aborted after any number of bytes is passed over, the next with its number is read`, () => {
      const total = join(messageOf(5)).length
      for (let written = 0; written <= total; written++) {
        const { encoder, decoder } = pair(name)
        const bytes = bytesOf((out) => {
          const writer = succeed(encoder.open(out, MESSAGE, lengthsOf(messageOf(5))))
          succeed(writer.write(join(messageOf(5)).subarray(0, written)))
          assert.strictEqual(writer.missing, total - written)
          const size = succeed(writer.abort())
          assert.strictEqual(size, Layout.frame(Mode.layout(mode(name)), lengthsOf(messageOf(5))))
          assert.deepStrictEqual([out.size, encoder.produced], [size, size])
          succeed(encoder.frame(out, MESSAGE, messageOf(5)))
          succeed(encoder.frame(out, MESSAGE, messageOf(6)))
        })
        decoder.push(bytes)
        const { frames, error } = drain(decoder)
        assert.isUndefined(error, `${written} bytes`)
        assert.deepStrictEqual([decoder.aborted, decoder.buffered], [1, 0])
        assert.deepStrictEqual(frames.map(seqOf), [5, 6])
        assert.deepStrictEqual(frames[0]?.segments, messageOf(5))
      }
    })

    it(`${name}: what is missing in an aborted frame is zeros under right checks`, () => {
      const { encoder } = pair(name)
      const segments = messageOf(1)
      const cut = 50
      const aborted = bytesOf((out) => {
        const writer = succeed(encoder.open(out, MESSAGE, lengthsOf(segments)))
        succeed(writer.write(join(segments).subarray(0, cut)))
        succeed(writer.abort())
      })
      const all = join(segments).fill(0, cut)
      const [first, second] = [segments[0]!.length, segments[0]!.length + segments[1]!.length]
      const filled = [all.slice(0, first), all.slice(first, second), new Uint8Array(0), all.slice(second)]
      const late = mode(name).revision === 0 ? 1 : 0x01
      assert.deepStrictEqual(aborted, encode(pair(name).encoder, MESSAGE, filled, { late }))
    })

    it.prop(
      `${name}: any lengths, pieces and cuts give frames that are read or passed over, in their order`,
      [
        Schema.Array(
          Schema.Struct({
            lengths: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))).check(
              Schema.isMinLength(1),
              Schema.isMaxLength(4)
            ),
            scale: Schema.Literals([1, 1, 1, 300]),
            pieces: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20_000 }))).check(
              Schema.isMinLength(1),
              Schema.isMaxLength(4)
            ),
            abortAt: Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 })))
          })
        ).check(Schema.isMaxLength(6))
      ],
      ([plan]) => {
        const { encoder, decoder } = pair(name)
        if (plan.length % 2 === 0) encoder.transcript.clear()
        const out = Gather.make()
        const expected: Array<ReadonlyArray<Uint8Array>> = []
        const wire: Array<Uint8Array> = []
        let aborted = 0
        for (const [i, { abortAt, lengths, pieces, scale }] of plan.entries()) {
          const segments = lengths.map((length, n) => pattern(length * scale, i + n))
          const total = join(segments).length
          const writer = succeed(encoder.open(out, ANY_TAG, lengthsOf(segments)))
          const cut = abortAt === undefined ? total : Math.min(abortAt, total)
          const bytes = join(segments)
          for (let at = 0, n = 0; at < cut; n++) {
            const size = Math.min(pieces[n % pieces.length]!, cut - at)
            succeed(writer.write(bytes.subarray(at, at + size)))
            at += size
            if (n % 3 === 0) wire.push(...out.take())
          }
          const trimmed = segments.slice(0, Layout.trimmed(segments))
          if (abortAt === undefined) {
            succeed(writer.end())
            expected.push(trimmed)
          } else if (succeed(writer.abort()) > 0) {
            aborted++
          } else {
            assert.deepStrictEqual([mode(name).revision, trimmed.length], [1, 1], "only such a frame is taken back")
          }
        }
        wire.push(...out.take())
        assert.strictEqual(encoder.produced, join(wire).length)
        for (const chunk of wire) decoder.push(chunk)
        const { frames, error } = drain(decoder)
        assert.isUndefined(error)
        assert.deepStrictEqual(
          frames.map((frame) => frame.segments),
          expected
        )
        assert.deepStrictEqual([decoder.aborted, decoder.buffered], [aborted, 0])
      }
    )

    it(`${name}: an encoder refuses other frames while one is open, and takes them again after it`, () => {
      const { encoder } = pair(name)
      const out = Gather.make()
      const writer = succeed(encoder.open(out, ANY_TAG, [5, 5]))
      const size = out.size
      const refused = [
        encoder.frame(out, ACK, [pattern(8)]),
        encoder.control(out, { _tag: "Wait" }),
        encoder.message(out, Message.make({ type: 1 }), 1, 0),
        encoder.open(out, ANY_TAG, [1])
      ]
      assert.deepStrictEqual(refused.map(reasonOf), Array(4).fill("FrameOpen"))
      assert.strictEqual(out.size, size, "nothing was written")
      succeed(writer.abort())
      succeed(encoder.frame(out, ACK, [pattern(8)]))
    })

    it(`${name}: too many bytes are refused and not taken, too few do not end the frame`, () => {
      const { encoder, decoder } = pair(name)
      const bytes = bytesOf((out) => {
        const writer = succeed(encoder.open(out, ANY_TAG, [30, 30]))
        assert.strictEqual(reasonOf(writer.write(pattern(61))), "SegmentLength")
        succeed(writer.write(pattern(59)))
        assert.strictEqual(reasonOf(writer.end()), "SegmentLength")
        assert.strictEqual(reasonOf(writer.write(pattern(2))), "SegmentLength")
        assert.strictEqual(writer.missing, 1)
        succeed(writer.write(pattern(60).subarray(59)))
        succeed(writer.end())
        assert.deepStrictEqual(
          [writer.write(pattern(0)), writer.end(), writer.abort()].map(reasonOf),
          Array(3).fill("FrameClosed")
        )
      })
      decoder.push(bytes)
      assert.deepStrictEqual(drain(decoder).frames[0]?.segments, [pattern(60).slice(0, 30), pattern(60).slice(30)])
    })

    it(`${name}: what cannot be a frame is not opened`, () => {
      const { encoder } = pair(name)
      const out = Gather.make()
      const open = (lengths: ReadonlyArray<number>, limits?: Limits.Limits) =>
        reasonOf(encoder.open(out, ANY_TAG, lengths, limits))
      assert.deepStrictEqual([open([]), open([1, 1, 1, 1, 1])], ["SegmentCount", "SegmentCount"])
      assert.deepStrictEqual([open([-1]), open([1.5]), open([Number.NaN])], Array(3).fill("SegmentLength"))
      assert.deepStrictEqual([open([Limits.HIGHEST, 1]), open([2 ** 32 + 1])], ["TooLarge", "TooLarge"])
      assert.strictEqual(open([1, 17 * 1024 * 1024]), "TooLarge")
      assert.strictEqual(open([1, 11], { segments: [10, 10, 10, 10], frame: 40 }), "TooLarge")
      assert.deepStrictEqual([out.size, encoder.produced], [0, 0])
      succeed(encoder.frame(out, ACK, [pattern(8)]))
    })
  }

  it("the transcripts of both ends agree on frames in pieces and on aborted ones", () => {
    for (const name of names) {
      const { encoder, decoder } = pair(name)
      const bytes = bytesOf((out) => {
        const first = succeed(encoder.open(out, ANY_TAG, [3, 20_000]))
        writePieces(first, pattern(20_003), [9000])
        succeed(first.end())
        const second = succeed(encoder.open(out, ANY_TAG, [3, 20_000]))
        succeed(second.write(pattern(9000)))
        assert.strictEqual(encoder.transcript.size, out.size)
        succeed(second.abort())
      })
      decoder.push(bytes)
      assert.strictEqual(drain(decoder).frames.length, 1)
      assert.deepStrictEqual(join(encoder.transcript.chunks()), bytes)
      assert.deepStrictEqual(join(decoder.transcript.chunks()), bytes)
    }
  })

  it("a frame of revision 1 with one segment is taken back: not a byte of it leaves before it is whole", () => {
    for (const name of ["2.1-crc", "2.1-secure"] as const) {
      const { encoder, decoder } = pair(name)
      const bytes = bytesOf((out) => {
        for (const size of [0, 1, 48, 49, 20_000]) {
          const writer = succeed(encoder.open(out, ANY_TAG, [size, 0]))
          succeed(writer.write(pattern(size)))
          assert.strictEqual(out.size, 0)
          assert.strictEqual(succeed(writer.abort()), 0)
          assert.deepStrictEqual([out.size, encoder.produced], [0, 0])
        }
        succeed(encoder.frame(out, ACK, [pattern(8)]))
      })
      decoder.push(bytes)
      const { frames, error } = drain(decoder)
      assert.isUndefined(error)
      assert.deepStrictEqual([frames.map((frame) => frame.tag), decoder.aborted], [[ACK], 0])
    }
  })

  it("crc mode passes every byte on at once, secure mode whole records", () => {
    const sizes = (name: Name) => {
      const out = Gather.make()
      const { encoder } = pair(name)
      const writer = succeed(encoder.open(out, ANY_TAG, [60, 100]))
      const seen = [out.size]
      for (const size of [47, 1, 12, 99, 1]) {
        succeed(writer.write(pattern(size)))
        seen.push(out.size)
      }
      succeed(writer.end())
      return [...seen, out.size]
    }
    assert.deepStrictEqual(sizes("2.0-crc"), [32, 79, 80, 92, 191, 192, 209])
    assert.deepStrictEqual(sizes("2.1-crc"), [32, 79, 80, 96, 195, 196, 209])
    assert.deepStrictEqual(sizes("2.0-secure"), [0, 0, 0, 0, 0, 0, 240])
    assert.deepStrictEqual(sizes("2.1-secure"), [0, 0, 96, 128, 128, 128, 272])
  })

  it("padding is zeros, not what an earlier record has left behind", () => {
    for (const name of ["2.0-secure", "2.1-secure"] as const) {
      const segments = [new Uint8Array(600).fill(0xff), pattern(1), pattern(3)]
      assert.deepStrictEqual(
        inPieces(pair(name).encoder, segments, [100]),
        encode(pair(name).encoder, ANY_TAG, segments)
      )
    }
  })

  it("large pieces are not copied in crc mode", () => {
    const { encoder } = pair("2.1-crc")
    encoder.transcript.clear()
    const out = Gather.make()
    const piece = pattern(20_000)
    const writer = succeed(encoder.open(out, ANY_TAG, [1, 40_000]))
    succeed(writer.write(pattern(1)))
    succeed(writer.write(piece))
    assert.isTrue(out.take().includes(piece))
  })

  it("an aborted frame uses one nonce for each of its records, and none is used twice", () => {
    const nonces: Array<string> = []
    for (const revision of [0, 1] as const) {
      const seen: Array<string> = []
      const secure = succeed(Mode.secure({ role: "client", revision, secret }))
      const { aead } = secure
      const watched: Mode.Secure = {
        ...secure,
        aead: {
          ...aead,
          seal: (nonce, records, out) => {
            for (const record of records) {
              seen.push(Buffer.from(nonce.bytes).toString("hex"))
              aead.seal(nonce, [record], out)
            }
          }
        }
      }
      const encoder = FrameEncoder.make({ mode: watched })
      const out = Gather.make()
      for (const cut of [0, 47, 48, 60, 160]) {
        const writer = succeed(encoder.open(out, ANY_TAG, [60, 100]))
        succeed(writer.write(pattern(cut)))
        succeed(writer.abort())
      }
      assert.strictEqual(seen.length, 5 * (revision === 0 ? 1 : 3))
      nonces.push(...seen)
      assert.strictEqual(new Set(seen).size, seen.length)
    }
    assert.strictEqual(nonces.length, 20)
  })

  it("a frame is not opened unless there are nonces for all of its records", () => {
    const initial = new Uint8Array(12).fill(0xff)
    const nearly = initial.slice()
    nearly[4] = 0xfd
    const secure = succeed(Mode.secure({ role: "client", revision: 1, secret }))
    const encoder = FrameEncoder.make({ mode: { ...secure, tx: new Nonce.Nonce(1, initial, nearly) } })
    const out = Gather.make()
    assert.strictEqual(reasonOf(encoder.open(out, ANY_TAG, [60, 100])), "NonceExhausted")
    assert.strictEqual(out.size, 0)
    succeed(succeed(encoder.open(out, ANY_TAG, [60])).abort())
    succeed(succeed(encoder.open(out, ANY_TAG, [8, 8])).abort())
    assert.strictEqual(reasonOf(encoder.open(out, ANY_TAG, [8])), "NonceExhausted")
  })

  it("an open frame keeps the mode it was opened in", () => {
    const encoder = FrameEncoder.make({ mode: Mode.crc(0) })
    const bytes = bytesOf((out) => {
      const writer = succeed(encoder.open(out, ANY_TAG, [4, 4]))
      encoder.setMode(Mode.crc(1))
      succeed(writer.write(pattern(8)))
      succeed(writer.end())
    })
    assert.strictEqual(bytes.length, 32 + 8 + 17)
    assert.strictEqual(encode(encoder, ACK, [pattern(8)]).length, 32 + 8 + 4)
  })

  it("without dataCrc the checksums of a frame in pieces are 0", () => {
    for (const revision of [0, 1] as const) {
      const make = () => FrameEncoder.make({ mode: Mode.crc(revision, { dataCrc: false }) })
      const segments = [pattern(10), pattern(20), pattern(30)]
      assert.deepStrictEqual(inPieces(make(), segments, [7]), encode(make(), ANY_TAG, segments))
    }
  })

  it("under a compressor a frame in pieces goes plain and is read", () => {
    const compression = { name: "none", minSize: 0, compress: () => undefined, decompress: () => undefined }
    const { decoder } = pair("2.1-crc")
    const encoder = FrameEncoder.make({ mode: Mode.crc(1, { compression }) })
    decoder.push(inPieces(encoder, [pattern(10), pattern(5000)], [999]))
    assert.deepStrictEqual(drain(decoder).frames[0]?.segments, [pattern(10), pattern(5000)])
  })

  it("a long frame aborted early takes no memory of its length in crc mode", () => {
    const { encoder } = pair("2.1-crc")
    encoder.transcript.clear()
    const out = Gather.make()
    const before = process.memoryUsage().arrayBuffers
    const writer = succeed(encoder.open(out, ANY_TAG, [41, 0, 0, 64 * 1024 * 1024]))
    succeed(writer.abort())
    assert.isAbove(out.size, 64 * 1024 * 1024)
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 1024 * 1024)
  })
})
