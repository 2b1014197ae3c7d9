import { assert, describe, it } from "@effect/vitest"
import { Banner, ControlFrame } from "@msgr2/wire"
import { Result, Schema } from "effect"
import { type Compression, Crc32c, FrameDecoder, FrameEncoder, Layout, Limits, Mode } from "../src/index.ts"
import {
  ACK,
  ANY_TAG,
  announce,
  bytesOf,
  drain,
  encode,
  join,
  MESSAGE,
  mode,
  names,
  pair,
  pattern,
  preamble,
  reading,
  reasonOf,
  secret,
  succeed
} from "./harness.ts"

/** Segments that use every part of every layout: a remainder of segment 0, an empty one in the middle, odd lengths. */
const segments = [pattern(53, 1), pattern(21, 2), new Uint8Array(0), pattern(37, 3)]

/** One frame of `name`, the first of its connection. */
const one = (name: (typeof names)[number]) => encode(pair(name).encoder, ANY_TAG, segments)

describe("cuts", () => {
  for (const name of names) {
    it(`${name}: a truncated frame is waited for at every length`, () => {
      const bytes = one(name)
      for (let size = 0; size < bytes.length; size++) {
        const decoder = reading(name, bytes.subarray(0, size))
        assert.deepStrictEqual(drain(decoder), { frames: [], error: undefined }, `${size} bytes`)
        decoder.push(bytes.subarray(size))
        assert.deepStrictEqual(drain(decoder).frames[0]?.segments, segments, `${size} bytes, then the rest`)
        assert.strictEqual(decoder.buffered, 0)
      }
    })

    it(`${name}: a frame comes back when every byte is pushed alone`, () => {
      const { encoder, decoder } = pair(name)
      const bytes = join([encode(encoder, ANY_TAG, segments), encode(encoder, ACK, [pattern(8)])])
      const read: Array<FrameDecoder.Frame> = []
      for (const byte of bytes) {
        decoder.push(Uint8Array.of(byte))
        read.push(...drain(decoder).frames)
      }
      assert.deepStrictEqual(
        read.map((frame) => frame.segments),
        [segments, [pattern(8)]]
      )
    })

    it.prop(
      `${name}: a stream of frames comes back from any chunks`,
      [
        Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 700 }))).check(
          Schema.isMinLength(1),
          Schema.isMaxLength(6)
        ),
        Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2000 }))).check(
          Schema.isMinLength(1),
          Schema.isMaxLength(20)
        )
      ],
      ([sizes, cuts]) => {
        const { encoder, decoder } = pair(name)
        const sent = sizes.map((size, i) => [pattern(size >> 1, i), pattern(size + 1, i + 1)])
        const bytes = join(sent.map((segments) => encode(encoder, ANY_TAG, segments)))
        const read: Array<FrameDecoder.Frame> = []
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length]!
          decoder.push(bytes.slice(at, at + size))
          at += size
          // Sometimes several chunks wait before anybody looks.
          if (i % 3 !== 1) read.push(...drain(decoder).frames)
        }
        read.push(...drain(decoder).frames)
        assert.deepStrictEqual(
          read.map((frame) => frame.segments),
          sent
        )
        assert.strictEqual(decoder.buffered, 0)
        assert.strictEqual(decoder.consumed, bytes.length)
      }
    )
  }

  it("a frame inside one chunk is not copied in crc mode", () => {
    for (const name of ["2.0-crc", "2.1-crc"] as const) {
      const bytes = one(name)
      const [frame] = drain(reading(name, bytes)).frames
      const owners = frame!.segments.filter((segment) => segment.length > 0).map((segment) => segment.buffer)
      assert.deepStrictEqual(
        owners.map((buffer) => buffer === bytes.buffer),
        [true, true, true]
      )
    }
  })
})

describe("corruption", () => {
  for (const name of names) {
    it(`${name}: every flipped bit is refused, except those that nothing protects`, () => {
      const bytes = one(name)
      const revision = mode(name).revision
      const epilogue = bytes.length - Layout.table.Crc[revision].epilogue(4)
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const damaged = bytes.slice()
          damaged[at] = damaged[at]! ^ (1 << bit)
          const decoder = reading(name, damaged)
          const { frames, error } = drain(decoder)
          // A late word has no checksum in crc mode: its reserved bits mean nothing, and bit 0 of late_flags aborts.
          if (name.endsWith("crc") && at === epilogue && (revision === 0 || bit >= 4)) {
            assert.isUndefined(error)
            assert.strictEqual(frames.length, revision === 0 && bit === 0 ? 0 : 1)
          } else {
            assert.isDefined(error, `byte ${at}, bit ${bit}`)
            assert.strictEqual(frames.length, 0)
          }
        }
      }
    })
  }

  it("a wrong checksum is refused with SegmentCrc, which names the segment", () => {
    for (const name of ["2.0-crc", "2.1-crc"] as const) {
      const bytes = one(name)
      const seen = segments.map((segment, i) => {
        const damaged = bytes.slice()
        // The last byte of a segment, found by its content; an empty one has only its checksum.
        const at =
          segment.length > 0
            ? Buffer.from(bytes).indexOf(segment) + segment.length - 1
            : bytes.length - 4 * (segments.length - i)
        damaged[at] = damaged[at]! ^ 0x40
        const { error } = drain(reading(name, damaged))
        return [error?.reason, error?.segment]
      })
      assert.deepStrictEqual(
        seen,
        segments.map((_, i) => ["SegmentCrc", i])
      )
    }
  })

  it("the checksums of unused segments are not looked at", () => {
    for (const name of ["2.0-crc", "2.1-crc"] as const) {
      const bytes = encode(pair(name).encoder, ANY_TAG, segments.slice(0, 2))
      bytes.fill(0xaa, bytes.length - 8)
      assert.deepStrictEqual(drain(reading(name, bytes)).frames[0]?.segments, segments.slice(0, 2))
    }
  })

  it("tampering with any byte of a 2.1-secure frame is refused with AuthTag", () => {
    const bytes = one("2.1-secure")
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at] = damaged[at]! ^ 0xff
      assert.strictEqual(reasonOf(reading("2.1-secure", damaged)), "AuthTag", `byte ${at}`)
    }
  })

  it("a wrong key is refused with AuthTag, before lengths are believed", () => {
    const other = succeed(Mode.secure({ role: "client", revision: 1, secret }))
    const decoder = FrameDecoder.make({ mode: { ...other, aead: other.aead, rx: other.tx } })
    decoder.push(one("2.1-secure").fill(0, 0, 1))
    assert.strictEqual(reasonOf(decoder), "AuthTag")
  })

  it("a frame that is left out, repeated or out of order is refused in secure mode", () => {
    for (const name of ["2.0-secure", "2.1-secure"] as const) {
      const { encoder } = pair(name)
      const [a, b, c] = [1, 2, 3].map((seed) => encode(encoder, ANY_TAG, [pattern(60, seed)]))
      const read = (...frames: ReadonlyArray<Uint8Array>) => drain(reading(name, join(frames))).frames.length
      assert.strictEqual(read(a!, b!, c!), 3)
      assert.strictEqual(read(a!, c!), 1)
      assert.strictEqual(read(a!, a!, b!), 1)
      assert.strictEqual(read(b!, a!), 0)
    }
  })

  it("a client does not take its own frames for its server's", () => {
    for (const name of ["2.0-secure", "2.1-secure"] as const) {
      const decoder = FrameDecoder.make({ mode: mode(name, "client"), limits: Limits.afterAuth })
      decoder.push(one(name))
      assert.isDefined(drain(decoder).error)
    }
  })

  it("padding may hold anything", () => {
    const sender = succeed(Mode.secure({ role: "client", revision: 1, secret }))
    const head = new Uint8Array(Layout.HEAD).fill(0x77)
    head.set(preamble({ count: 2, lengths: [5, 3] }))
    const rest = new Uint8Array(32).fill(0x66)
    rest[16] = 0xfe
    const bytes = bytesOf((out) => sender.aead.seal(sender.tx, [[head], [rest]], out))
    assert.deepStrictEqual(drain(reading("2.1-secure", bytes)).frames[0]?.segments, [
      new Uint8Array(5).fill(0x77),
      new Uint8Array(3).fill(0x66)
    ])
  })
})

describe("preambles", () => {
  for (const name of names) {
    const refused = (bytes: Uint8Array, limits?: Limits.Limits) =>
      reasonOf(reading(name, announce(name, bytes), limits))

    it(`${name}: what no frame may announce is refused before its segments have come`, () => {
      assert.strictEqual(refused(preamble({ count: 0 })), "SegmentCount")
      assert.strictEqual(refused(preamble({ count: 5, lengths: [1, 1, 1, 1] })), "SegmentCount")
      assert.strictEqual(refused(preamble({ count: 2, lengths: [1, 0] })), "EmptyLastSegment")
      assert.strictEqual(refused(preamble({ count: 4, lengths: [41, 1, 1, 0] })), "EmptyLastSegment")
      assert.strictEqual(refused(preamble({ count: 1, lengths: [8], flags: 1 })), "NotNegotiated")
      const damaged = preamble({ count: 1, lengths: [8] })
      damaged[27] = 1
      assert.strictEqual(refused(damaged), "PreambleCrc")
    })

    it(`${name}: the checksum is looked at first, then the count, then the last length`, () => {
      const all = preamble({ count: 5, lengths: [1, 1, 1, 0], flags: 1 })
      all[31] = all[31]! ^ 1
      assert.strictEqual(refused(all), "PreambleCrc")
      assert.strictEqual(refused(preamble({ count: 5, lengths: [1, 1, 1, 0], flags: 1 })), "SegmentCount")
      assert.strictEqual(refused(preamble({ count: 4, lengths: [1, 1, 1, 0], flags: 1 })), "EmptyLastSegment")
    })

    it(`${name}: a message begins with a header of 41 bytes`, () => {
      for (const length of [0, 10, 40, 42, 45]) {
        assert.strictEqual(refused(preamble({ tag: MESSAGE, count: 1, lengths: [length] })), "HeaderSize", `${length}`)
      }
      const { encoder, decoder } = pair(name)
      decoder.push(encode(encoder, MESSAGE, [pattern(41)]))
      assert.strictEqual(drain(decoder).frames.length, 1)
    })

    it(`${name}: a control frame has one segment, a tag without a name any number`, () => {
      for (const { tag } of ControlFrame.all) {
        assert.strictEqual(refused(preamble({ tag, count: 2, lengths: [8, 8] })), "SegmentCount", `tag ${tag}`)
      }
      for (const tag of [0, 23, 77, 255]) {
        const { encoder, decoder } = pair(name)
        decoder.push(encode(encoder, tag, [pattern(3), pattern(4)]))
        assert.deepStrictEqual(
          drain(decoder).frames.map((frame) => frame.tag),
          [tag]
        )
      }
    })

    it(`${name}: lengths are unsigned and bounded, one by one and together`, () => {
      const limits: Limits.Limits = { segments: [100, 50, 50, 200], frame: 300 }
      const { encoder } = pair(name, limits)
      const lengths = [100, 50, 1, 149]
      const fits = encode(
        encoder,
        ANY_TAG,
        lengths.map((length) => pattern(length))
      )
      assert.strictEqual(drain(reading(name, fits, limits)).frames.length, 1)
      const segmentOf = (lengths: ReadonlyArray<number>) => {
        const bytes = announce(name, preamble({ count: lengths.length, lengths }))
        const { error } = drain(reading(name, bytes, limits))
        return [error?.reason, error?.segment]
      }
      assert.deepStrictEqual(segmentOf([101]), ["TooLarge", 0])
      assert.deepStrictEqual(segmentOf([1, 51]), ["TooLarge", 1])
      assert.deepStrictEqual(segmentOf([1, 1, 0xffff_ffff]), ["TooLarge", 2])
      assert.deepStrictEqual(segmentOf([1, 1, 1, 0x8000_0000]), ["TooLarge", 3])
      assert.deepStrictEqual(segmentOf([100, 50, 1, 150]), ["TooLarge", -1])
    })

    it(`${name}: no limit lets through what the machine cannot hold`, () => {
      const none: Limits.Limits = { segments: [2 ** 32, 2 ** 32, 2 ** 32, 2 ** 32], frame: 2 ** 34 }
      const huge = preamble({ count: 4, lengths: [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff] })
      assert.strictEqual(refused(huge, none), "TooLarge")
    })

    it(`${name}: flags that have no meaning are ignored`, () => {
      const { encoder, decoder } = pair(name)
      decoder.push(encode(encoder, ACK, [pattern(8)], { flags: 0xfe }))
      assert.strictEqual(drain(decoder).frames.length, 1)
    })
  }

  it("alignments and the reserved byte are ignored", () => {
    const bytes = preamble({ count: 1, lengths: [0] })
    bytes.set([3, 1], 6)
    bytes[27] = 0x99
    new DataView(bytes.buffer).setUint32(28, Crc32c.update(Crc32c.PREAMBLE_SEED, bytes, 0, 28), true)
    for (const name of ["2.1-crc", "2.1-secure"] as const) {
      assert.strictEqual(drain(reading(name, announce(name, bytes))).frames.length, 1)
    }
  })

  it("before authentication a frame has at most 64 KiB", () => {
    const decoder = FrameDecoder.make()
    decoder.push(preamble({ tag: 2, count: 1, lengths: [65537] }))
    assert.strictEqual(reasonOf(decoder), "TooLarge")
    const larger = FrameDecoder.make()
    larger.setLimits(Limits.afterAuth)
    larger.push(preamble({ tag: 2, count: 1, lengths: [65537] }))
    assert.isUndefined(reasonOf(larger))
  })
})

describe("late words", () => {
  const bytes = (name: (typeof names)[number], late: number) => {
    const { encoder } = pair(name)
    return join([encode(encoder, ANY_TAG, segments, { late }), encode(encoder, ACK, [pattern(8)])])
  }

  for (const name of ["2.1-crc", "2.1-secure"] as const) {
    it(`${name}: of late_status the low nibble counts, in each of 256 bytes`, () => {
      for (let late = 0; late < 256; late++) {
        const decoder = reading(name, bytes(name, late))
        const { frames, error } = drain(decoder)
        const tags = frames.map((frame) => frame.tag)
        const seen = { tags, reason: error?.reason, aborted: decoder.aborted }
        const expected =
          (late & 0xf) === 0xe
            ? { tags: [ANY_TAG, ACK], reason: undefined, aborted: 0 }
            : (late & 0xf) === 0x1
              ? { tags: [ACK], reason: undefined, aborted: 1 }
              : { tags: [], reason: "LateStatus" as const, aborted: 0 }
        assert.deepStrictEqual<typeof seen>(seen, expected, `${late}`)
      }
    })
  }

  for (const name of ["2.0-crc", "2.0-secure"] as const) {
    it(`${name}: of late_flags bit 0 counts, in each of 256 bytes`, () => {
      for (let late = 0; late < 256; late++) {
        const decoder = reading(name, bytes(name, late))
        const { frames, error } = drain(decoder)
        assert.deepStrictEqual(
          [frames.map((frame) => frame.tag), error, decoder.aborted],
          late & 1 ? [[ACK], undefined, 1] : [[ANY_TAG, ACK], undefined, 0],
          `${late}`
        )
      }
    })
  }

  it("an aborted frame must be intact all the same", () => {
    for (const name of names) {
      const damaged = bytes(name, 0x01)
      const at = Layout.frame(
        Mode.layout(mode(name)),
        segments.map((segment) => segment.length)
      )
      damaged[at - 40] = damaged[at - 40]! ^ 1
      const { frames, error } = drain(reading(name, damaged))
      assert.strictEqual(error?.reason, name.endsWith("crc") ? "SegmentCrc" : "AuthTag")
      assert.deepStrictEqual(frames, [])
    }
  })
})

describe("compressed segments", () => {
  it("trailing ones that inflate to nothing are left out, as if they had not been sent", () => {
    const compression: Compression.Compressor = {
      name: "counts",
      minSize: 0,
      compress: () => undefined,
      decompress: (segment) => new Uint8Array(segment[0]!)
    }
    for (const [sizes, expected] of [
      [[3, 0, 2, 0], 3],
      [[0, 0], 1],
      [[1, 0, 0, 0], 1]
    ] as const) {
      const sent = encode(
        pair("2.1-crc").encoder,
        ANY_TAG,
        sizes.map((size) => Uint8Array.of(size)),
        { flags: 1 }
      )
      const decoder = FrameDecoder.make({ mode: Mode.crc(1, { compression }) })
      decoder.push(sent)
      const lengths = drain(decoder).frames[0]?.segments.map(({ length }) => length)
      assert.deepStrictEqual(lengths, sizes.slice(0, expected))
    }
  })
})

describe("checks switched off", () => {
  it("without dataCrc checksums of segments are sent as 0 and not looked at, that of the preamble is", () => {
    for (const revision of [0, 1] as const) {
      const off = Mode.crc(revision, { dataCrc: false })
      const sent = encode(FrameEncoder.make({ mode: off }), ANY_TAG, segments)
      const expected = encode(FrameEncoder.make({ mode: Mode.crc(revision) }), ANY_TAG, segments)
      assert.strictEqual(sent.length, expected.length)
      assert.deepStrictEqual(
        sent.slice(-4 * (3 + 1 - revision)),
        new Uint8Array(4 * (3 + 1 - revision)),
        "every slot of the epilogue"
      )
      const read = (bytes: Uint8Array, mode: Mode.Mode) => {
        const decoder = FrameDecoder.make({ mode })
        decoder.push(bytes)
        return drain(decoder)
      }
      assert.deepStrictEqual(read(sent, off).frames[0]?.segments, segments)
      assert.strictEqual(read(sent, Mode.crc(revision)).error?.reason, "SegmentCrc")
      const damaged = sent.slice()
      damaged[2] = damaged[2]! ^ 1
      assert.strictEqual(read(damaged, off).error?.reason, "PreambleCrc")
    }
  })
})

describe("the decoder", () => {
  it("returns the frames before an error, then the same error for ever", () => {
    const { encoder, decoder } = pair("2.1-crc")
    const good = encode(encoder, ACK, [pattern(8)])
    decoder.push(join([good, new Uint8Array(32).fill(1), good]))
    const { frames, error } = drain(decoder)
    assert.strictEqual(frames.length, 1)
    assert.strictEqual(error?.offset, good.length)
    assert.strictEqual(error?.message, `frame: PreambleCrc at byte ${good.length}, expected ${error?.expected}`)
    decoder.push(good)
    decoder.setMode(Mode.crc(1))
    const again = decoder.next()
    assert.isTrue(Result.isFailure(again) && again.failure === error)
  })

  it("reads a banner, leaves what follows it, and keeps refusing what is none", () => {
    const banner = { supported: 3n, required: 1n }
    const bytes = join([Banner.encode(banner), encode(pair("2.1-crc").encoder, ACK, [pattern(8)])])
    const decoder = FrameDecoder.make()
    for (let at = 0; at < 25; at++) {
      decoder.push(bytes.subarray(at, at + 1))
      assert.isUndefined(succeed(decoder.banner()))
    }
    decoder.push(bytes.subarray(25))
    assert.deepStrictEqual(succeed(decoder.banner()), banner)
    assert.strictEqual(decoder.consumed, 26)
    assert.strictEqual(drain(decoder).frames.length, 1)

    const stranger = FrameDecoder.make()
    stranger.push(new TextEncoder().encode("SSH-2.0"))
    const first = stranger.banner()
    assert.isTrue(Result.isFailure(first) && first.failure.reason === "Malformed")
    stranger.push(Banner.encode(banner))
    assert.strictEqual(stranger.banner(), first)
  })

  it("reads the frame after a change of mode in the new mode, even from the same chunk", () => {
    const encoder = FrameEncoder.make({ mode: Mode.crc(1) })
    const decoder = FrameDecoder.make({ mode: Mode.crc(1) })
    const clear = encode(encoder, ControlFrame.AuthDone.tag, [pattern(30)])
    encoder.setMode(mode("2.1-secure", "server"))
    decoder.push(join([clear, encode(encoder, 7, [pattern(32)]), encode(encoder, 9, [pattern(120)])]))
    assert.strictEqual(succeed(decoder.next())?.tag, 6)
    decoder.setMode(mode("2.1-secure", "client"))
    assert.deepStrictEqual(
      drain(decoder).frames.map((frame) => frame.tag),
      [7, 9]
    )
  })

  it("forgets what it understood of a frame that is still arriving when the mode changes", () => {
    const decoder = FrameDecoder.make({ mode: Mode.crc(0) })
    const bytes = encode(FrameEncoder.make({ mode: Mode.crc(1) }), 16, [new Uint8Array(0)])
    decoder.push(bytes)
    assert.isUndefined(succeed(decoder.next()), "revision 0 waits for an epilogue")
    decoder.setMode(Mode.crc(1))
    assert.strictEqual(drain(decoder).frames.length, 1)
  })

  it("goes on with a record that it has opened when the mode changes but not its cipher", () => {
    const { encoder } = pair("2.1-secure")
    const server = mode("2.1-secure", "server")
    const decoder = FrameDecoder.make({ mode: server })
    const bytes = encode(encoder, ACK, [pattern(100)])
    decoder.push(bytes.subarray(0, 120))
    assert.isUndefined(succeed(decoder.next()))
    decoder.setMode(Mode.withCompression(server, undefined))
    decoder.push(bytes.subarray(120))
    assert.deepStrictEqual(drain(decoder).frames[0]?.segments, [pattern(100)])
  })

  it("records whole frames until it is stopped, none of one that is arriving", () => {
    const encoder = FrameEncoder.make()
    const decoder = FrameDecoder.make()
    const banner = Banner.encode({ supported: 1n, required: 0n })
    const [a, b, c] = [1, 2, 3].map((tag) => encode(encoder, tag, [pattern(40, tag)]))
    decoder.push(join([banner, a!, b!.subarray(0, 50)]))
    succeed(decoder.banner())
    assert.strictEqual(drain(decoder).frames.length, 1)
    assert.deepStrictEqual(join(decoder.transcript.chunks()), join([banner, a!]))
    decoder.push(join([b!.subarray(50), c!]))
    assert.strictEqual(succeed(decoder.next())?.tag, 2)
    decoder.transcript.stop()
    assert.strictEqual(succeed(decoder.next())?.tag, 3)
    assert.deepStrictEqual(join(decoder.transcript.chunks()), join([banner, a!, b!]))
    assert.strictEqual(decoder.transcript.size, 26 + a!.length + b!.length)
    decoder.transcript.clear()
    assert.deepStrictEqual(decoder.transcript.chunks(), [])
  })
})

describe("hostile input", () => {
  const bytes = Schema.Uint8Array.check(Schema.isMaxLength(400))
  const length = Schema.Union([
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 90 })),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
  ])
  const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
  const count = Schema.Union([Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })), byte])

  for (const name of names) {
    it.prop(`${name}: random bytes end in an error or in waiting, never in an exception`, [bytes], ([bytes]) => {
      const { frames, error } = drain(reading(name, bytes))
      assert.strictEqual(frames.length, 0)
      if (bytes.length >= 96) assert.isDefined(error)
    })

    it.prop(
      `${name}: any preamble with any bytes behind it ends in frames, an error or in waiting`,
      [count, Schema.Array(length).check(Schema.isMinLength(4), Schema.isMaxLength(4)), byte, byte, bytes],
      ([count, lengths, tag, flags, rest]) => {
        const decoder = reading(name, join([announce(name, preamble({ tag, count, lengths, flags })), rest]))
        const { frames, error } = drain(decoder)
        // Only a frame of nothing can be whole without having been built.
        for (const frame of frames) assert.deepStrictEqual(frame.segments[0]!.length, lengths[0])
        assert.isTrue(error !== undefined || decoder.buffered <= rest.length + 96)
      }
    )
  }

  it("an announced length allocates nothing", () => {
    for (const name of names) {
      const data = new Uint8Array(64 * 1024)
      const decoder = reading(
        name,
        announce(name, preamble({ tag: MESSAGE, count: 4, lengths: [41, 2 ** 24, 2 ** 24, 2 ** 26] }))
      )
      const before = process.memoryUsage().arrayBuffers
      for (let at = 0; at < data.length; at++) {
        decoder.push(data.subarray(at, at + 1))
        if (at % 1000 === 0) assert.isUndefined(succeed(decoder.next()))
      }
      assert.isBelow(process.memoryUsage().arrayBuffers - before, 4 * data.length)
    }
  })
})
