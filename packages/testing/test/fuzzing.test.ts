import { assert, describe, it } from "@effect/vitest"
import { Keyring } from "@msgr2/auth"
import { type Aead, type Compression, FrameDecoder, Mode } from "@msgr2/frame"
import { CephConf, MonHost } from "@msgr2/mon"
import { Bytes, Codec, ControlFrame, WireError } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Corpus from "../fuzz/Corpus.ts"
import * as Cli from "../fuzz/fuzz.ts"
import * as Mutation from "../fuzz/Mutation.ts"
import { Random } from "../fuzz/Random.ts"
import * as Runner from "../fuzz/Runner.ts"
import { Flaw, must, reader, type Target } from "../fuzz/Target.ts"
import * as Codecs from "../fuzz/targets/Codecs.ts"
import * as Frames from "../fuzz/targets/Frames.ts"
import { targets } from "../fuzz/targets/index.ts"
import * as Inflate from "../fuzz/targets/Inflate.ts"
import * as Texts from "../fuzz/targets/Texts.ts"
import { Misuse } from "../tool.ts"

const inputsOf = (target: Target): ReadonlyArray<Uint8Array> => {
  const kept = Corpus.load(target.name)
  return kept.length > 0 ? kept : target.seeds()
}

const fuzz = (target: Target, executions: number, seed = 1): Promise<Runner.Report> =>
  Runner.run(target, { corpus: inputsOf(target), seed, more: (done) => done < executions })

const told = (report: Runner.Report): ReadonlyArray<string> =>
  report.findings.map(({ input, kind, message }) => `${kind}: ${message}\n${Bytes.toHex(input)}`)

describe("fuzzing", () => {
  for (const target of targets) {
    it(`finds nothing wrong with ${target.name} in 300 inputs`, async () => {
      const report = await fuzz(target, 300)
      assert.deepStrictEqual(told(report), [])
      assert.strictEqual(report.executions, 300)
      assert.isAbove(report.outcomes.size, 1, "not everything ends alike")
    })
  }

  it("covers every codec, control frame, mode, message and algorithm", () => {
    const names = targets.map(({ name }) => name)
    assert.includeMembers(
      names,
      Frames.names.map((name) => `frame-${name}`)
    )
    assert.includeMembers(names, [
      "banner",
      "preamble",
      "control",
      "message",
      "mon",
      "keyring",
      "ceph-conf",
      "mon-host"
    ])
    assert.includeMembers(names, ["inflate-zlib", "inflate-zstd"])
    const control = targets.find(({ name }) => name === "control")!
    const tags = inputsOf(control).map((input) => input[0])
    assert.includeMembers(
      tags,
      ControlFrame.all.map(({ tag }) => tag)
    )
    for (const [name, least] of [
      ["codec-wire", 40],
      ["codec-auth", 15],
      ["codec-mon", 7]
    ] as const) {
      const target = targets.find((target) => target.name === name)!
      const read = inputsOf(target).map((input) => target.run(input))
      assert.isAtLeast(new Set(read.filter((outcome) => outcome.endsWith(" value"))).size, least, name)
    }
  })

  it("reaches what lies behind checksums, seals and compression", async () => {
    for (const name of Frames.names) {
      const report = await fuzz(Frames.target(name), 1500)
      const ends = [...report.outcomes.keys()].join("\n")
      for (const reason of ["HeaderSize", "SegmentCount", "EmptyLastSegment", "TooLarge", "Inflate", "NotNegotiated"]) {
        assert.include(ends, reason, name)
      }
      if (name.startsWith("2.1")) assert.include(ends, "LateStatus", name)
      assert.match(ends, /Compressed .* to MESSAGE/, name)
      assert.match(ends, /aborted waits/, name)
    }
  })

  it("gives the same inputs for the same seed", async () => {
    const target = Texts.keyring()
    const seen = async (seed: number) => {
      const inputs: Array<string> = []
      const corpus = inputsOf(target)
      const watched = { ...target, run: (input: Uint8Array) => (inputs.push(Bytes.toHex(input)), target.run(input)) }
      await Runner.run(watched, { corpus, seed, more: (done) => done < 200 })
      return inputs
    }
    assert.deepStrictEqual(await seen(5), await seen(5))
    assert.notDeepEqual(await seen(5), await seen(6))
  })

  it("changes no input in place and keeps to the longest", () => {
    const random = new Random(3)
    const pool = [random.bytes(9000), random.bytes(40), new Uint8Array(0)]
    const before = pool.map(Bytes.toHex)
    for (let i = 0; i < 3000; i++) {
      const mutated = Mutation.mutate(random, random.pick(pool), { pool, words: [Uint8Array.of(1, 2)] })
      assert.isAtMost(mutated.length, 8192)
    }
    assert.deepStrictEqual(pool.map(Bytes.toHex), before)
  })

  it("keeps a corpus for every target, below 300 kB, and none for others", () => {
    const folders = readdirSync(Corpus.folder)
    const names = targets.map(({ name }) => name)
    assert.includeMembers(folders, names)
    // An algorithm whose library is not installed has no target here.
    const others = folders.filter((name) => !names.includes(name))
    assert.deepStrictEqual(
      others.filter((name) => !name.startsWith("inflate-")),
      []
    )
    let total = 0
    for (const folder of folders) {
      const files = readdirSync(join(Corpus.folder, folder))
      assert.isAtMost(files.length, Corpus.MOST, folder)
      for (const file of files) total += statSync(join(Corpus.folder, folder, file)).size
    }
    assert.isBelow(total, 300_000)
  })
})

/** Lets so many milliseconds pass, and leaves nothing behind in memory as a loop would. */
const dawdle = (millis: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis)
}

/** The kind of the first thing that is found. */
const found = async (target: Target): Promise<Runner.Kind | undefined> => {
  const corpus = inputsOf(target)
  const { findings } = await Runner.run(target, { corpus, seed: 1, enough: 1, more: (done) => done < 5000 })
  return findings[0]?.kind
}

describe("faults in frame decoders are found", () => {
  const { make } = FrameDecoder
  type Decoder = FrameDecoder.FrameDecoder
  /** A decoder with some of its parts replaced. */
  const broken = (replace: (inner: Decoder) => Partial<Decoder>): typeof make => {
    return (options) => {
      const inner = make(options)
      const own = replace(inner)
      return new Proxy(inner, {
        get: (_, key) => {
          if (key in own) return own[key as keyof Decoder]
          const value = inner[key as keyof Decoder]
          return typeof value === "function" ? value.bind(inner) : value
        }
      })
    }
  }
  const onFrame = (change: (frame: FrameDecoder.Frame) => FrameDecoder.Frame) =>
    broken((inner) => ({
      next: () => Result.map(inner.next(), (frame) => (frame === undefined ? undefined : change(frame)))
    }))

  const mutants: { readonly [fault: string]: readonly [typeof make, Runner.Kind] } = {
    "loses a byte where a chunk is one byte long": [
      broken((inner) => ({ push: (chunk) => inner.push(chunk.length === 1 ? chunk.subarray(1) : chunk) })),
      "Flaw"
    ],
    "believes that every message has a middle": [
      onFrame((frame) => {
        if (frame.tag === ControlFrame.MESSAGE && frame.segments[2]!.length > 1e9) throw new Error("unlikely")
        return frame
      }),
      "Exception"
    ],
    "returns segments of another length": [
      onFrame((frame) => ({ ...frame, segments: frame.segments.map((segment) => segment.subarray(0, 30)) })),
      "Flaw"
    ],
    "returns a trailing empty segment": [
      onFrame((frame) => ({ ...frame, segments: [...frame.segments, Bytes.empty].slice(0, 4) })),
      "Flaw"
    ],
    "miscounts what it has taken": [
      broken((inner) => ({
        get consumed() {
          return inner.consumed + inner.aborted
        }
      })),
      "Flaw"
    ],
    "takes a whole frame's length as soon as it is announced": [
      broken((inner) => {
        const kept: Array<Uint8Array> = []
        return {
          push: (chunk) => {
            if (chunk.length > 5)
              kept.push(new Uint8Array(Math.min(1 << 26, new DataView(chunk.slice().buffer).getUint32(2, true))))
            inner.push(chunk)
          },
          next: () => (kept.length > 1e6 ? Result.succeed(undefined) : inner.next())
        }
      }),
      "Memory"
    ]
  }
  for (const [fault, [make, kind]] of Object.entries(mutants)) {
    it(`a decoder that ${fault}`, async () => assert.strictEqual(await found(Frames.target("2.1-crc", { make })), kind))
  }

  it("a cipher that opens records without looking at their tags", async () => {
    const secure = Result.getOrThrow(
      Mode.secure({ role: "server", revision: 1, secret: Redacted.make(new Uint8Array(64).map((_, i) => 0x80 + i)) })
    )
    const engine = (): Aead.Aead => ({
      ...secure.aead,
      open: (nonce, records) =>
        records.map((record) => {
          const plain = secure.aead.peek(nonce, record.subarray(0, record.length - 16))
          nonce.advance()
          return plain
        })
    })
    for (const name of ["2.0-secure", "2.1-secure"] as const) {
      assert.strictEqual(await found(Frames.target(name, { engine })), "Flaw")
    }
  })
})

describe("faults in codecs are found", () => {
  const healthy = Codec.struct("Healthy", { a: Codec.u16, b: Codec.list(Codec.string), c: Codec.bytes })
  /** Inputs are those of a codec without the fault. */
  const one = (codec: Codec.Any, sound: Codec.Any = healthy) => ({
    ...Codecs.target("planted", [{ name: "Planted", codec }]),
    seeds: Codecs.target("planted", [{ name: "Planted", codec: sound }]).seeds
  })

  it("and a healthy one is let pass", async () => assert.deepStrictEqual(told(await fuzz(one(healthy), 3000)), []))

  const mutants: { readonly [fault: string]: readonly [Codec.Any, Runner.Kind, Codec.Any?] } = {
    "reads another order of bytes than it writes": [
      { ...Codec.u32, read: (reader) => reader.view.getUint32(reader.take(4, "u32")) },
      "Flaw",
      Codec.u32
    ],
    "promises one byte too many": [{ ...healthy, size: (value) => healthy.size(value) + 1 }, "Flaw"],
    "promises one byte too few": [{ ...healthy, size: (value) => healthy.size(value) - 1 }, "Exception"],
    "returns what does not fit its Schema": [
      { ...healthy, read: (reader) => ({ ...healthy.read(reader), a: -1 }) },
      "Flaw"
    ],
    "reads beyond the end": [
      { ...Codec.u32, min: 0, read: (reader) => reader.view.getUint32(reader.offset++, true) },
      "Exception",
      Codec.u32
    ],
    "refuses with another error": [
      {
        ...healthy,
        read: (reader) => {
          if (reader.remaining > 40) throw new Error("too long")
          return healthy.read(reader)
        }
      },
      "Exception"
    ],
    "allocates a count before it has seen the items": [
      {
        ...healthy,
        read: (reader) => {
          const view = reader.view
          const size = reader.remaining >= 6 ? Math.min(view.getUint32(reader.offset + 2, true), 1 << 26) : 0
          const room = new Uint8Array(size)
          return room.length < 0 ? { a: 0, b: [], c: room } : healthy.read(reader)
        }
      },
      "Memory"
    ],
    "takes its time over some values": [
      {
        ...Codec.bytes,
        read: (reader) => {
          const bytes = Codec.bytes.read(reader)
          if (bytes.length > 4) dawdle(60)
          return bytes
        }
      },
      "Slow",
      Codec.bytes
    ]
  }
  for (const [fault, [codec, kind, sound]] of Object.entries(mutants)) {
    it(`a codec that ${fault}`, async () => assert.strictEqual(await found(one(codec, sound)), kind))
  }
})

describe("faults in decompressors are found", () => {
  /** Runs of one byte: `(count:u8 byte:u8)...`. */
  const healthy: Compression.Algorithm = {
    compress: (segment) => Uint8Array.from([...segment].flatMap((byte) => [1, byte])),
    decompress: (segment, limit) => {
      let total = 0
      for (let i = 0; i < segment.length; i += 2) total += segment[i]!
      if (segment.length % 2 === 1 || total > limit) return undefined
      const out = new Uint8Array(total)
      for (let i = 0, at = 0; i < segment.length; at += segment[i]!, i += 2) {
        out.fill(segment[i + 1]!, at, at + segment[i]!)
      }
      return out
    }
  }
  const decompress = (
    change: (plain: Uint8Array | undefined, segment: Uint8Array, limit: number) => Uint8Array | undefined
  ) =>
    Inflate.target("planted", {
      ...healthy,
      decompress: (segment, limit) => change(healthy.decompress(segment, limit), segment, limit)
    })

  it("and a healthy one is let pass", async () =>
    assert.deepStrictEqual(told(await fuzz(Inflate.target("planted", healthy), 3000)), []))

  const mutants: { readonly [fault: string]: readonly [Target, Runner.Kind] } = {
    "exceeds its limit": [decompress((_, segment) => healthy.decompress(segment, 1e9)), "Flaw"],
    "exceeds its limit by one": [decompress((_, segment, limit) => healthy.decompress(segment, limit + 1)), "Flaw"],
    "gives up one byte before its limit": [
      decompress((_, segment, limit) => healthy.decompress(segment, limit - 1)),
      "Flaw"
    ],
    "loses a byte of zeros": [decompress((plain) => (plain?.at(-1) === 0 ? plain.subarray(1) : plain)), "Flaw"],
    throws: [
      decompress((plain) => {
        if (plain === undefined) throw new RangeError("bad data")
        return plain
      }),
      "Exception"
    ],
    "believes a length": [
      decompress((plain, segment) => {
        const claimed = segment.length >= 4 ? new DataView(segment.slice().buffer).getUint32(0, true) : 0
        return new Uint8Array(Math.min(claimed, 1 << 26)).length < 0 ? undefined : plain
      }),
      "Memory"
    ]
  }
  for (const [fault, [target, kind]] of Object.entries(mutants)) {
    it(`a decompressor that ${fault}`, async () => assert.strictEqual(await found(target), kind))
  }
})

describe("faults in parsers are found", () => {
  const mutants: { readonly [fault: string]: readonly [Target, Runner.Kind] } = {
    // The second reading of the same keyring, whose caps stand in quotes, loses them.
    "a keyring that loses quoted caps": [
      Texts.keyring((text) => {
        const parsed = Keyring.parse(text)
        return Result.isSuccess(parsed) && /caps [a-z]+ = "/.test(text)
          ? Result.succeed(new Map([...parsed.success].map(([name, entity]) => [name, { ...entity, caps: new Map() }])))
          : parsed
      }),
      "Flaw"
    ],
    "a keyring that throws where a line ends in a backslash": [
      Texts.keyring((text) => {
        if (text.split("\n").some((line) => line.endsWith("\\"))) throw new TypeError("undefined")
        return Keyring.parse(text)
      }),
      "Exception"
    ],
    "a keyring that takes its time over two backslashes": [
      Texts.keyring((text) => {
        if (text.includes("\\\\")) dawdle(120)
        return Keyring.parse(text)
      }),
      "Slow"
    ],
    "a configuration that drops escaped quotes": [
      Texts.cephConf((text) => CephConf.parse(text.replaceAll('\\"', ""))),
      "Flaw"
    ],
    "a list of monitors in another order": [
      Texts.monHost((text) => Result.map(MonHost.parse(text), (places) => places.toReversed())),
      "Flaw"
    ]
  }
  for (const [fault, [target, kind]] of Object.entries(mutants)) {
    it(`${fault}`, async () => assert.strictEqual(await found(target), kind))
  }

  it("a reader that throws what it does not document", async () => {
    const planted = (isTyped: (error: unknown) => boolean) =>
      reader({
        name: "planted",
        seeds: () => [Uint8Array.of(1, 0, 0, 0)],
        read: (bytes) => `${Result.getOrThrow(Codec.decode(Codec.u32, bytes)) > 9}`,
        isTyped
      })
    assert.deepStrictEqual(
      told(
        await fuzz(
          planted((error) => error instanceof WireError.WireError),
          500
        )
      ),
      []
    )
    assert.strictEqual(await found(planted(() => false)), "Exception")
  })
})

describe("the runner", () => {
  it("shortens what it has found, and it still is the same finding", () => {
    const target: Target = {
      name: "planted",
      seeds: () => [new Uint8Array(500)],
      run: (input) => {
        const at = input.indexOf(7)
        if (at >= 0 && input.includes(9, at)) throw new Flaw("seven before nine")
        return "fine"
      }
    }
    const input = new Uint8Array(1000)
    input.set([7], 333)
    input.set([9], 777)
    const short = Runner.shortenFinding(target, { kind: "Flaw", message: "Error: seven before nine", input })
    assert.deepStrictEqual([...short.input], [7, 9])
  })

  it("lets happen what a library puts off until the present call has ended", async () => {
    let waiting = 0
    let most = 0
    const target: Target = {
      name: "planted",
      seeds: () => [Uint8Array.of(1)],
      run: () => {
        most = Math.max(most, ++waiting)
        process.nextTick(() => waiting--)
        return "fine"
      }
    }
    await fuzz(target, 1000)
    assert.isAtMost(most, 64)
  })

  it("stops after five different findings", async () => {
    const laws = [..."abcdefgh"]
    const target: Target = {
      name: "planted",
      seeds: () => [Uint8Array.of(1)],
      run: () => must(false, `law ${laws.shift()}`) as never
    }
    const report = await fuzz(target, 1000)
    assert.deepStrictEqual([report.findings.length, report.executions], [5, 5])
  })
})

describe("the command", () => {
  const module = new URL("support/planted.ts", import.meta.url).href

  const run = async (settings: Partial<Cli.Settings>) => {
    const folder = mkdtempSync(join(tmpdir(), "msgr2-fuzz-test-"))
    const lines: Array<string> = []
    try {
      const code = await Cli.run(
        {
          ...Cli.defaults,
          seconds: 20,
          executions: 3000,
          seed: 1,
          module,
          corpus: join(folder, "corpus"),
          findings: join(folder, "findings"),
          ...settings
        },
        (line) => lines.push(line)
      )
      const files = (name: string) => (existsSync(join(folder, name)) ? readdirSync(join(folder, name)) : [])
      const saved = files("findings").flatMap((target) =>
        files(join("findings", target)).map((file) => readFileSync(join(folder, "findings", target, file)))
      )
      return { code, lines: lines.join("\n"), saved, kept: files("corpus/harmless").length }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  it("ends with 0 when nothing is found, and keeps new inputs only when told to", async () => {
    const plain = await run({ targets: ["harmless"] })
    assert.deepStrictEqual([plain.code, plain.saved.length, plain.kept], [0, 0, 0])
    assert.match(plain.lines, /harmless +3,000 .* 2 .* ok/)
    assert.match(plain.lines, /seed 1,/)
    const grown = await run({ targets: ["harmless"], grow: true })
    assert.deepStrictEqual([grown.code, grown.kept], [0, 2])
  }, 60_000)

  for (const [name, kind] of [
    ["hangs", "Hang"],
    ["dies", "Death"],
    ["eats", "Death"],
    ["throws", "Exception"]
  ] as const) {
    it(`a target that ${name} is found from outside, its input saved with a command to replay it`, async () => {
      const { code, lines, saved } = await run({ targets: [name], patience: name === "hangs" ? 1500 : 30_000 })
      assert.strictEqual(code, 1)
      assert.match(lines, new RegExp(`${name} .* ${kind}`))
      assert.match(lines, new RegExp(`replay: npm run fuzz -- --target ${name} --input .*\\.bin`))
      assert.strictEqual(saved.length, 1)
      assert.include([...saved[0]!], 0xff)
    }, 90_000)
  }

  it("replays a saved input alone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "msgr2-fuzz-test-"))
    const input = Corpus.save("throws", Uint8Array.of(0xff), folder)
    const bad = await run({ targets: ["throws"], input })
    const good = await run({ targets: ["harmless"], input })
    rmSync(folder, { recursive: true })
    assert.deepStrictEqual([bad.code, good.code], [1, 0])
    assert.match(good.lines, /harmless +1 /)
  }, 60_000)

  it("takes the name of no target for a mistake, whatever else is named", async () => {
    const error = await run({ targets: ["harmless", "nothing"] }).catch((error: unknown) => error)
    assert.instanceOf(error, Misuse)
    assert.strictEqual(error.message, 'no target begins with "nothing"; --list names them')
  })
})
