import { assert, describe, it } from "@effect/vitest"
import { Keyring } from "@msgr2/auth"
import { Compressors, Mode } from "@msgr2/frame"
import { Capture, Fuzz } from "@msgr2/testing"
import { Bytes, ControlFrame, Features, Ids } from "@msgr2/wire"
import { Result, Schema } from "effect"
import { readFileSync } from "node:fs"
import type { Entry } from "../src/explain/Entry.ts"
import * as KeyringKeys from "../src/explain/KeyringKeys.ts"
import * as Keys from "../src/explain/Keys.ts"
import * as Pcap from "../src/explain/Pcap.ts"
import { capture, ethernet, Flag, ipv6, pcap, type Segment as Made, START } from "./explain/packets.ts"
import {
  counts,
  explain,
  type Found,
  logOf,
  recorded,
  recordings,
  type Saying,
  segments,
  turns
} from "./explain/recording.ts"
import { reencode } from "./explain/reencode.ts"
import { streams } from "./explain/streams.ts"
import { message, start } from "./explain/scripted.ts"

const [client, server] = ["127.0.0.1:50000", "127.0.0.1:3300"]

/** The one conversation of a capture. */
const only = (file: Uint8Array, keys?: Keys.Keys): Found & { readonly errors: ReadonlyArray<string> } => {
  const { conversations, errors } = explain(file, keys)
  const [found] = conversations
  if (found === undefined || conversations.length > 1) return assert.fail(`${conversations.length} conversations`)
  return { ...found, errors }
}

const sizeOf = (entries: ReadonlyArray<Entry>, direction: Entry["direction"]) =>
  entries.reduce((total, entry) => total + (entry.direction === direction ? entry.size : 0), 0)

const texts = ({ notes }: Found) => notes.map(({ direction, text }) => `${direction}: ${text}`)

for (const name of recordings) {
  describe(`The recording ${name}`, () => {
    const { file, log, sessions } = recorded(name)
    const whole = explain(file, Result.getOrThrow(Keys.parseLog(log)))

    it("holds the frames that an independent decoder counted, down to the last byte", () => {
      assert.deepStrictEqual(whole.errors, [])
      assert.deepStrictEqual(
        whole.conversations.map(({ index }) => index),
        sessions.map(({ conn }) => conn)
      )
      for (const [i, { conversation, entries, notes }] of whole.conversations.entries()) {
        const session = sessions[i]
        assert.deepStrictEqual(counts(entries), session?.frames)
        assert.strictEqual(sizeOf(entries, "c2s"), session?.c2s_bytes)
        assert.strictEqual(sizeOf(entries, "s2c"), session?.s2c_bytes)
        assert.deepStrictEqual([conversation.client, conversation.server], [session?.client, session?.server])
        assert.deepStrictEqual(notes, [])
      }
    })

    it("Both ends have signed the handshake", () => {
      for (const { entries } of whole.conversations) {
        const signatures = entries.flatMap(({ value, verified }) => (value?._tag === "AuthSignature" ? [verified] : []))
        assert.deepStrictEqual(signatures, [true, true])
      }
    })

    it("Every frame encodes to the bytes it came from", () => {
      const carried = streams(file)
      for (const [i, { conversation, entries, index }] of whole.conversations.entries()) {
        const secret = Bytes.fromHex(sessions[i]?.connection_secret ?? "")
        const revision = conversation.agreed.revision ?? assert.fail("no revision")
        const { c2s, s2c } = carried.get(index) ?? assert.fail("no such connection")
        assert.isTrue(Bytes.equals(reencode(entries, "c2s", revision, secret), c2s))
        assert.isTrue(Bytes.equals(reencode(entries, "s2c", revision, secret), s2c))
      }
    })

    it("Offsets follow each other", () => {
      for (const { entries } of whole.conversations) {
        for (const direction of ["c2s", "s2c"] as const) {
          let at = 0
          for (const entry of entries.filter((entry) => entry.direction === direction)) {
            assert.strictEqual(entry.offset, at)
            at += entry.size
          }
        }
      }
    })
  })
}

/** Deals segments out of order, and some of them twice. */
const shuffled = (made: ReadonlyArray<Made>, seed: number): ReadonlyArray<Made> => {
  let x = seed
  const next = (below: number) => (x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0) % below
  const dealt = made.flatMap((segment) => (next(5) === 0 ? [segment, segment] : [segment]))
  for (let i = dealt.length - 1; i > 0; i--) {
    const j = Math.max(0, i - next(6))
    ;[dealt[i], dealt[j]] = [dealt[j]!, dealt[i]!]
  }
  return dealt
}

for (const name of Capture.names) {
  const connection = Capture.load(name).connections[1] ?? assert.fail("no connection")
  const { c2s, connectionSecret, frames, s2c } = connection
  const keys = logOf(client, server, connectionSecret)
  /** What matters of a reading, in a form that shows where two differ. */
  const reading = (file: Uint8Array, log = keys) => {
    const found = only(file, log)
    const bytes = [sizeOf(found.entries, "c2s"), sizeOf(found.entries, "s2c")]
    const { client, server } = found.conversation
    return { errors: found.errors, notes: texts(found), frames: counts(found.entries), bytes, client, server }
  }
  const wanted = { errors: [], notes: [], frames, bytes: [c2s.length, s2c.length], client, server }

  describe(`The session of ${name}`, () => {
    it("reads the same from segments of any size", () => {
      for (const size of [7, 25, 97, 1400, 65_000]) {
        assert.deepStrictEqual(reading(capture(segments(turns(c2s, s2c, size)))), wanted)
      }
    })

    it("reads the same whichever direction the capture has first", () => {
      const [up, down] = [turns(c2s, Bytes.empty), turns(Bytes.empty, s2c)]
      assert.deepStrictEqual(reading(capture(segments([...up, ...down], { close: false }))), wanted)
      assert.deepStrictEqual(reading(capture(segments([...down, ...up], { close: false }))), wanted)
    })

    it("reads the same from segments out of order and sent again", () => {
      const made = segments(turns(c2s, s2c, 300))
      for (const seed of [1, 2, 3, 4, 5]) {
        assert.deepStrictEqual(reading(capture([...made.slice(0, 3), ...shuffled(made.slice(3), seed)])), wanted)
      }
    })

    it("reads the same where sequence numbers go round", () => {
      const numbers = [0xffff_ff00, 0xffff_fffe] as const
      assert.deepStrictEqual(reading(capture(segments(turns(c2s, s2c), { numbers }))), wanted)
    })

    it("finds out who is the client when the capture began after TCP's handshake", () => {
      // The client's port is the lower one: it is not guessed.
      const odd = { client: "127.0.0.1:3300", server: "127.0.0.1:50000", handshake: false }
      const log = logOf(odd.client, odd.server, connectionSecret)
      const { client, server } = odd
      assert.deepStrictEqual(reading(capture(segments(turns(c2s, s2c), odd)), log), { ...wanted, client, server })
    })

    it("reads the same over IPv6 in a VLAN", () => {
      const ends = { client: "[::1]:50000", server: "[::2]:3300" }
      const made = segments(turns(c2s, s2c), ends).map((segment, i) => ({
        bytes: ethernet(ipv6(segment), 0x86dd, [0x8100]),
        time: i
      }))
      const log = logOf(ends.client, ends.server, connectionSecret)
      assert.deepStrictEqual(reading(pcap(made), log), { ...wanted, ...ends })
    })
  })
}

const secure = Capture.load("c-cephx-secure-r18").connections[0] ?? assert.fail("no connection")
const plain = Capture.load("a-none-crc-r18").connections[0] ?? assert.fail("no connection")

describe("A capture that does not have everything", () => {
  it("breaks off anywhere without an error, and has a beginning of the frames", () => {
    const file = capture(segments(turns(plain.c2s, plain.s2c, 100)))
    const all = only(file).entries
    for (let size = 24; size < file.length; size++) {
      const { conversations, errors } = explain(file.subarray(0, size))
      assert.deepStrictEqual(errors, [], `${size} bytes`)
      const entries = conversations[0]?.entries ?? []
      for (const direction of ["c2s", "s2c"] as const) {
        const offsets = (list: ReadonlyArray<Entry>) =>
          list.flatMap((entry) => (entry.direction === direction ? [entry.offset] : []))
        assert.deepStrictEqual(offsets(entries), offsets(all).slice(0, offsets(entries).length))
      }
    }
  })

  it("An unfinished frame at the end is a note", () => {
    const found = only(capture(segments(turns(plain.c2s, plain.s2c.subarray(0, -3)))))
    assert.match(texts(found).join(), /^s2c: \d+ bytes from byte \d+ on were not read: the frame there is not whole$/)
  })

  it("A segment that is missing ends its direction in a note, and the other goes on", () => {
    const made = segments(turns(plain.c2s, plain.s2c, 50))
    const lost = made.findIndex(({ from, seq }) => from === server && seq > 9001 + 700)
    const found = only(capture(made.filter((_, i) => i !== lost)))
    assert.deepStrictEqual(found.errors, [])
    assert.include(texts(found).join(), "s2c: 50 bytes at byte")
    assert.strictEqual(sizeOf(found.entries, "c2s"), plain.c2s.length)
  })

  it("A packet that was cut by the capture ends its direction in a note", () => {
    const made = segments(turns(plain.c2s, plain.s2c, 400)).map((segment, i) => {
      const [whole] = [capture([segment]).subarray(24 + 16)]
      return { bytes: whole.subarray(0, Math.min(whole.length, 54 + 12 + 300)), time: i, size: whole.length }
    })
    const found = only(pcap(made))
    assert.deepStrictEqual(found.errors, [])
    assert.include(texts(found).join(), "100 bytes at byte 300 are missing")
  })

  it("One direction alone is read as far as its meaning is known", () => {
    const up = only(capture(segments(turns(plain.c2s, Bytes.empty))))
    assert.deepStrictEqual([up.errors, sizeOf(up.entries, "c2s")], [[], plain.c2s.length])
    const sealed = only(
      capture(segments(turns(secure.c2s, Bytes.empty))),
      logOf(client, server, secure.connectionSecret)
    )
    assert.deepStrictEqual(sealed.errors, [])
    assert.include(texts(sealed).join(), "depends on what the other end said")
    const down = only(capture(segments(turns(Bytes.empty, secure.s2c))), logOf(client, server, secure.connectionSecret))
    assert.deepStrictEqual([down.errors, sizeOf(down.entries, "s2c")], [[], secure.s2c.length])
  })

  it("Two conversations on the same ports are two", () => {
    const first = segments(turns(plain.c2s, plain.s2c))
    const second = segments(turns(plain.c2s, plain.s2c), { numbers: [50_000, 60_000] })
    const { conversations, errors } = explain(capture([...first, ...second]))
    assert.deepStrictEqual([errors, conversations.map(({ index }) => index)], [[], [0, 1]])
    for (const { entries } of conversations) assert.deepStrictEqual(counts(entries), plain.frames)
  })

  it("Connections of other protocols are counted and not told", () => {
    const text = (words: string) => new TextEncoder().encode(words)
    const http = segments(
      [
        { direction: "c2s", bytes: text("GET / HTTP/1.1\r\n\r\n") },
        { direction: "s2c", bytes: text("HTTP/1.1 200 OK\r\n\r\n") }
      ],
      { client: "127.0.0.1:50001", server: "127.0.0.1:80" }
    )
    const amid = segments([{ direction: "c2s", bytes: secure.c2s.subarray(300) }], {
      client: "127.0.0.1:50002",
      handshake: false
    })
    const { conversations, totals } = explain(capture([...http, ...amid, ...segments(turns(plain.c2s, plain.s2c))]))
    assert.deepStrictEqual([totals.connections, totals.conversations], [3, 1])
    assert.strictEqual(conversations[0]?.index, 2)
  })

  it("A client that speaks something else to a daemon broke the rule of the banner", () => {
    const said = [
      { direction: "s2c", bytes: plain.s2c.subarray(0, 26) },
      { direction: "c2s", bytes: new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n") }
    ] as const
    const found = only(capture(segments(said)))
    assert.deepStrictEqual(counts(found.entries), { "s2c banner": 1, "c2s banner": 1 })
    assert.include(found.errors.join(), 'Banner: Malformed at byte 0, expected the banner "ceph v2\\n"')
  })
})

describe("A sealed conversation", () => {
  const file = capture(segments(turns(secure.c2s, secure.s2c)))
  const entry = (secret: string | null) => ({ client, server, session_key: null, connection_secret: secret })
  const log = (...secrets: ReadonlyArray<string | null>) =>
    Result.getOrThrow(Keys.parseLog(JSON.stringify(secrets.map(entry))))
  const right = Bytes.toHex(secure.connectionSecret ?? Bytes.empty)
  const wrong = "00".repeat(64)

  it("is read up to AUTH_DONE without its secret, and a note says what was left", () => {
    for (const keys of [Keys.none, log(null)]) {
      const found = only(file, keys)
      assert.deepStrictEqual(found.errors, [])
      assert.strictEqual(found.entries.at(-1)?.value?._tag, "AuthDone")
      const [read, left] = [sizeOf(found.entries, "s2c"), texts(found).join()]
      assert.include(left, `s2c: ${secure.s2c.length - read} bytes from byte ${read} on were not read: sealed`)
    }
  })

  it("is not opened by a wrong secret, which the first sealed frame shows", () => {
    const found = only(file, log(wrong))
    assert.lengthOf(found.errors, 2)
    assert.include(found.errors[0], "AuthTag at byte")
  })

  it("is not opened by a secret that is too short", () => {
    const found = only(file, log("00".repeat(39)))
    assert.include(found.errors.join(), "SecretTooShort")
  })

  it("finds the right one among several secrets of the same addresses", () => {
    for (const keys of [log(wrong, right), log(right, wrong), log(wrong, wrong, right)]) {
      assert.deepStrictEqual(counts(only(file, keys).entries), secure.frames)
    }
  })

  it("opens with the client's keyring alone", () => {
    for (const name of ["c-cephx-secure-r18", "g-msgr20-cephx-secure-r16"]) {
      const { file, keyringPath, sessions } = recorded(name)
      const keyring = Result.getOrThrow(Keyring.parse(readFileSync(keyringPath, "utf8")))
      const { conversations, errors } = explain(file, KeyringKeys.make(keyring))
      assert.deepStrictEqual(errors, [])
      for (const [i, { entries }] of conversations.entries()) {
        assert.deepStrictEqual(counts(entries), sessions[i]?.frames)
        assert.isTrue(entries.every(({ tag, verified }) => tag !== ControlFrame.AuthSignature.tag || verified === true))
      }
    }
  })

  it("opens with the keyring though the capture has the answers before the questions", () => {
    const { file, keyringPath, sessions } = recorded("c-cephx-secure-r18")
    const keyring = Result.getOrThrow(Keyring.parse(readFileSync(keyringPath, "utf8")))
    const { c2s, s2c } = streams(file).get(1) ?? assert.fail("no such connection")
    const made = segments([...turns(Bytes.empty, s2c), ...turns(c2s, Bytes.empty, 20)], { close: false })
    const { entries, errors } = only(capture(made), KeyringKeys.make(keyring))
    assert.deepStrictEqual(errors, [])
    assert.deepStrictEqual(counts(entries), sessions[1]?.frames)
  })

  it("A keyring that cannot help says why", () => {
    const { file } = recorded("c-cephx-secure-r18")
    const explained = (text: string) => {
      const keyring = Result.getOrThrow(Keyring.parse(text))
      return explain(file, KeyringKeys.make(keyring)).conversations.flatMap(texts).join()
    }
    const key = "AQAAAAAAAAAAABAAAAECAwQFBgcICQoLDA0ODw=="
    assert.include(
      explained(`[client.admin]\nkey = ${key}\n`),
      "the key of client.admin in the keyring does not open AUTH_DONE"
    )
    assert.include(explained(`[client.other]\nkey = ${key}\n`), "the keyring has no key of client.admin")
  })
})

describe("A broken frame", () => {
  it("says which rule it broke and where, and the other direction goes on", () => {
    const { entries } = only(capture(segments(turns(plain.c2s, plain.s2c))))
    const last = entries.findLast(({ direction, tag }) => direction === "s2c" && tag === ControlFrame.MESSAGE)
    const broken = plain.s2c.slice()
    const at = (last?.offset ?? 0) + (last?.size ?? 0) - 20
    broken[at] = broken[at]! ^ 0x10
    const found = only(capture(segments(turns(plain.c2s, broken))))
    assert.lengthOf(found.errors, 1)
    assert.match(
      found.errors[0] ?? "",
      new RegExp(`^MESSAGE, segment 1: SegmentCrc at byte ${last?.offset}, expected `)
    )
    const error = found.entries.find(({ error }) => error !== undefined)
    assert.deepStrictEqual([error?.offset, error?.size, error?.tag], [last?.offset, 0, ControlFrame.MESSAGE])
    assert.isAbove(error?.wire.length ?? 0, 0)
    assert.strictEqual(sizeOf(found.entries, "c2s"), plain.c2s.length)
    assert.include(texts(found).join(), "were not read: the frame there is broken")
  })

  it("A payload that does not decode costs its own frame only", () => {
    const { client, sayings } = start()
    client.raw(ControlFrame.Ack.tag, [Uint8Array.of(1, 2, 3)])
    client.control({ _tag: "Ack", msgSeq: Ids.msgSeq(7) })
    const found = only(capture(segments(sayings)))
    assert.deepStrictEqual(
      found.entries.slice(-2).map(({ error, size, value }) => [error?._tag, size, value?._tag]),
      [
        ["WireError", 39, undefined],
        [undefined, 44, "Ack"]
      ]
    )
    assert.deepStrictEqual(texts(found), [])
  })

  it("A signature that is wrong is told as such", () => {
    const { client, sayings } = start()
    const digest = new Uint8Array(32).fill(1)
    client.control({ _tag: "AuthSignature", digest })
    const signatures = only(capture(segments(sayings))).entries.filter(({ value }) => value?._tag === "AuthSignature")
    assert.deepStrictEqual(
      signatures.map(({ verified }) => verified),
      [true, true, false]
    )
  })

  it.prop("No damage makes it throw", [Fuzz.Edits, Schema.Boolean], ([edits, isSecure]) => {
    const { c2s, connectionSecret, s2c } = isSecure ? secure : plain
    const file = Fuzz.mutate(capture(segments(turns(c2s, s2c, 200))), edits)
    if (Result.isSuccess(Pcap.open(file))) explain(file, logOf(client, server, connectionSecret))
  })

  it.prop("No damage to what was said makes it throw", [Fuzz.Edits, Fuzz.Edits], ([up, down]) => {
    const [c2s, s2c] = [Fuzz.mutate(secure.c2s, up), Fuzz.mutate(secure.s2c, down)]
    const { entries } = any(capture(segments(turns(c2s, s2c))), logOf(client, server, secure.connectionSecret))
    for (const direction of ["c2s", "s2c"] as const) {
      assert.isAtMost(sizeOf(entries, direction), direction === "c2s" ? c2s.length : s2c.length)
    }
  })
})

/** The conversation if there is one: damage may take both greetings away. */
const any = (file: Uint8Array, keys: Keys.Keys) => explain(file, keys).conversations[0] ?? { entries: [] }

describe("Compression", () => {
  const data = new TextEncoder().encode("all work and no play ".repeat(400))
  const talk = (method: number, secret?: Uint8Array) => {
    const compressor = Compressors.installed.make(method)
    const conversation = start(secret === undefined ? {} : { secret })
    const { client, server } = conversation
    client.control({ _tag: "CompressionRequest", isCompress: true, preferredMethods: [method] })
    server.control({ _tag: "CompressionDone", isCompress: true, method })
    for (const speaker of [client, server]) speaker.setMode(Mode.withCompression(speaker.mode, compressor))
    client.message(message(data), 1)
    server.message(message(Uint8Array.of(1, 2, 3)), 1)
    server.message(message(data), 2)
    return conversation.sayings
  }
  const secret = Uint8Array.from({ length: 64 }, (_, i) => i)

  for (const [name, method] of [
    ["snappy", 1],
    ["zlib", 2],
    ["zstd", 3],
    ["lz4", 4]
  ] as const) {
    it(`${name} is inflated, in crc mode and in secure mode`, () => {
      assert.isTrue(Compressors.installed.has(method), `${name} is not installed`)
      for (const sealed of [undefined, secret]) {
        const { conversation, entries, errors } = only(
          capture(segments(talk(method, sealed))),
          logOf(client, server, sealed ?? null)
        )
        assert.deepStrictEqual(errors, [])
        assert.strictEqual(conversation.agreed.compression, method)
        const messages = entries.filter(({ tag }) => tag === ControlFrame.MESSAGE)
        assert.deepStrictEqual(
          messages.map(({ compressed }) => compressed),
          [true, false, true]
        )
        for (const { value } of [messages[0]!, messages[2]!]) {
          assert.isTrue(value?._tag === "Message" && Bytes.equals(value.data, data))
        }
      }
    })
  }

  /** The same sayings, one direction after the other. */
  const apart = (sayings: ReadonlyArray<Saying>, first: Saying["direction"]) => [
    ...sayings.filter(({ direction }) => direction === first),
    ...sayings.filter(({ direction }) => direction !== first)
  ]

  it("begins with the right frame whichever direction the capture has first", () => {
    for (const first of ["c2s", "s2c"] as const) {
      const { entries, errors } = only(capture(segments(apart(talk(2), first), { close: false })))
      assert.deepStrictEqual(errors, [])
      assert.lengthOf(
        entries.filter(({ compressed }) => compressed),
        2
      )
    }
  })

  it("A client that did not ask for it is not compressed to", () => {
    const { client, sayings, server } = start()
    client.control({ _tag: "CompressionRequest", isCompress: false, preferredMethods: [] })
    server.control({ _tag: "CompressionDone", isCompress: true, method: 2 })
    server.message(message(data), 1)
    for (const first of ["c2s", "s2c"] as const) {
      const { conversation, errors } = only(capture(segments(apart(sayings, first), { close: false })))
      assert.deepStrictEqual([errors, conversation.agreed.compression], [[], 0])
    }
  })

  it("A method that cannot be inflated here ends in a note, behind what was sent plain", () => {
    const { client, sayings, server } = start()
    client.control({ _tag: "CompressionRequest", isCompress: true, preferredMethods: [5] })
    server.control({ _tag: "CompressionDone", isCompress: true, method: 5 })
    client.message(message(data), 1)
    client.raw(ControlFrame.MESSAGE, [new Uint8Array(50)], { flags: 1 })
    const found = only(capture(segments(sayings)))
    assert.deepStrictEqual(found.errors, [])
    assert.include(texts(found).join(), "compressed with brotli, which this installation cannot inflate")
    assert.strictEqual(found.entries.at(-1)?.tag, ControlFrame.MESSAGE)
  })

  it("A compressed frame that nobody agreed on breaks a rule", () => {
    const { client, sayings } = start({ supported: Features.Msgr2.Revision1 })
    client.raw(ControlFrame.Ack.tag, [new Uint8Array(8)], { flags: 1 })
    assert.include(only(capture(segments(sayings))).errors.join(), "NotNegotiated")
  })
})

describe("Odd conversations", () => {
  it("A frame has the time of its last byte", () => {
    const { entries } = only(capture(segments(turns(plain.c2s, Bytes.empty, 20))))
    // Three packets of TCP's handshake, then one of 20 bytes every millisecond.
    const arrival = ({ offset, size }: Entry) => START + 1000 * (3 + Math.floor((offset + size - 1) / 20))
    assert.deepStrictEqual(
      entries.map(({ time }) => time),
      entries.map(arrival)
    )
  })

  it("Frames that their sender has aborted are a note", () => {
    const { client, sayings } = start()
    client.raw(ControlFrame.MESSAGE, [new Uint8Array(41), Uint8Array.of(1)], { late: 0x11 })
    client.message(message(Uint8Array.of(1)), 1)
    const found = only(capture(segments(sayings)))
    assert.deepStrictEqual(found.errors, [])
    assert.include(texts(found).join(), "c2s: frames that their sender aborted, passed over: 1")
  })

  it("A second connection attempt that was refused leaves no trace but its number", () => {
    const refused: ReadonlyArray<Made> = [
      { from: client, to: server, seq: 5, flags: Flag.Syn },
      { from: server, to: client, seq: 0, ack: 6, flags: Flag.Reset | Flag.Ack }
    ]
    const { conversations, totals } = explain(capture([...refused, ...segments(turns(plain.c2s, plain.s2c))]))
    assert.deepStrictEqual([totals.connections, conversations.map(({ index }) => index)], [2, [1]])
  })
})

describe("Keys.parseLog", () => {
  const refused = (text: string) => {
    const message = Result.getOrThrow(Result.flip(Keys.parseLog(text))).message
    assert.notInclude(message, "5ec7e7")
    return message
  }
  it("says what it expected, and never repeats a secret", () => {
    assert.include(refused("5ec7e7"), "expected JSON")
    assert.include(refused('{"connection_secret":"5ec7e7"}'), "a JSON array")
    assert.include(refused('[{"client":"x","server":"127.0.0.1:1","session_key":"5ec7e7"}]'), "entry 0")
    assert.include(refused(`[{"client":"127.0.0.1:2","server":"127.0.0.1:1","session_key":"5ec7e7x"}]`), "in hex")
    assert.include(refused(`[{"client":"127.0.0.1:2","server":"127.0.0.1:1","connection_secret":5}]`), "in hex")
  })
})
