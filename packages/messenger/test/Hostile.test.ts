import { assert, describe, it } from "@effect/vitest"
import { Preamble } from "@msgr2/frame"
import { ControlFrame, Message } from "@msgr2/wire"
import { Effect, Schema } from "effect"
import type { Connection } from "../src/index.ts"
import { message, receive } from "./support/messages.ts"
import { bringServer, places, type Speaker } from "./support/raw.ts"
import { memory, sin, tcp, turn } from "./support/world.ts"

const MiB = 1024 * 1024

/** What a peer may send once both ends know how frames look. */
const speaking = places.filter(({ state }) => !state.startsWith("Banner"))

/** A preamble that says anything, checksum and all. */
const preamble = (tag: number, lengths: ReadonlyArray<number>, flags = 0, count = lengths.length): Uint8Array => {
  const bytes = new Uint8Array(Preamble.SIZE)
  Preamble.write(bytes, 0, { tag, count, lengths: Uint32Array.from([...lengths, 0, 0, 0, 0]), flags })
  return bytes
}

const header = new Uint8Array(Message.HEADER_SIZE)

/** In every state: what is sent, and the sin that is found. */
const anywhere: { readonly [name: string]: readonly [(speaker: Speaker) => Uint8Array, RegExp] } = {
  "a frame with a tag that nobody has named": [
    (speaker) => speaker.frame(99, [new Uint8Array(4)]),
    /^WireError Unsupported$/
  ],
  "a frame with tag 0": [(speaker) => speaker.frame(0, [new Uint8Array(4)]), /^WireError Unsupported$/],
  "a frame of a gigabyte": [() => preamble(17, [41, 0x4000_0000]), /^FrameError TooLarge$/],
  "a frame of four gigabytes": [
    () => preamble(17, [41, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff]),
    /^FrameError TooLarge$/
  ],
  "a control frame of a gigabyte": [() => preamble(1, [0x4000_0000]), /^FrameError TooLarge$/],
  "a compressed frame without an agreement": [
    () => preamble(17, [41, 100], Preamble.Flags.Compressed),
    /^FrameError NotNegotiated$/
  ],
  "a message whose header is too short": [() => preamble(17, [40, 100]), /^FrameError HeaderSize$/],
  "a message whose header is too long": [() => preamble(17, [4096]), /^FrameError HeaderSize$/],
  "a control frame with two segments": [() => preamble(18, [8, 8]), /^FrameError SegmentCount$/],
  "a frame without segments": [() => preamble(18, [], 0, 0), /^FrameError SegmentCount$/],
  "a frame with five segments": [() => preamble(18, [], 0, 5), /^FrameError SegmentCount$/],
  "a frame whose last segment is empty": [() => preamble(17, [41, 0]), /^FrameError EmptyLastSegment$/],
  "a keepalive that is cut short": [(speaker) => speaker.frame(18, [new Uint8Array(3)]), /^WireError Truncated$/],
  "a signature that is not one": [(speaker) => speaker.frame(7, [new Uint8Array(33)]), /^WireError TrailingBytes$/],
  "a message with a number beyond counting": [
    (speaker) => speaker.frame(17, [header.slice().fill(255)]),
    /^WireError OutOfRange$/
  ]
}

for (const [name, [bytes, expected]] of Object.entries(anywhere)) {
  describe(`A peer that sends ${name}`, () => {
    for (const { bring, end, state } of speaking) {
      it.effect(`is left by a ${end} in ${state}`, () =>
        Effect.gen(function* () {
          const { ended, pipe, speaker } = yield* bring()
          pipe.write([bytes(speaker)])
          const error = yield* ended
          assert.match(`${error.reason._tag} ${error.reason.reason}`, expected)
          assert.strictEqual(error.state, state)
        }).pipe(Effect.provide(memory))
      )
    }
  })
}

describe("A frame at the wrong time", () => {
  const early = places.filter(({ state }) => state !== "Ready" && !state.startsWith("Banner"))
  for (const { bring, end, state } of early) {
    for (const word of ["a message", "an ack", "a keepalive"] as const) {
      it.effect(`${word} before READY ends a ${end} in ${state}`, () =>
        Effect.gen(function* () {
          const { ended, pipe, speaker } = yield* bring()
          const [name, bytes] =
            word === "a message"
              ? ["Message", speaker.say(message(1, 10))]
              : word === "an ack"
                ? ["Ack", speaker.frame(20, [new Uint8Array(8)])]
                : ["Keepalive2", speaker.frame(18, [new Uint8Array(8)])]
          pipe.write([bytes])
          const error = yield* ended
          assert.strictEqual(sin(error), `ProtocolError UnexpectedFrame in ${state}`)
          assert.deepInclude(error.reason, { received: name })
        }).pipe(Effect.provide(memory))
      )
    }
  }

  const welcome: ReadonlyArray<string> = ["Ack", "Keepalive2", "Keepalive2Ack"]
  const strange = ControlFrame.all.filter(({ name }) => !welcome.includes(name)).map(({ name }) => name)
  const unwelcome = ControlFrame.schema.check(
    Schema.makeFilter(({ _tag }: ControlFrame.ControlFrame) => strange.includes(_tag))
  )
  for (const { bring, end } of places.filter(({ state }) => state === "Ready")) {
    it.effect.prop(
      `ends a ${end} that is READY, unless it is an ack or a keepalive`,
      [unwelcome],
      ([frame]) =>
        Effect.gen(function* () {
          const { ended, pipe, speaker } = yield* bring()
          pipe.write([speaker.say(frame)])
          const error = yield* ended
          assert.strictEqual(sin(error), "ProtocolError UnexpectedFrame in Ready")
          assert.deepInclude(error.reason, { received: frame._tag })
        }).pipe(Effect.scoped, Effect.provide(memory)),
      { arbitrary: { runs: 60 } }
    )
  }
})

/** Bytes of all buffers of this process. */
const buffers = (): number => process.memoryUsage().arrayBuffers

/** How much more memory buffers hold after `run` than before it. */
const growth = <E, R>(run: Effect.Effect<unknown, E, R>) =>
  Effect.gen(function* () {
    const before = buffers()
    yield* run
    return buffers() - before
  })

/** Waits until `size` more bytes than now have been read. */
const arrived = Effect.fnUntraced(function* (connection: Connection.Connection, size: number) {
  const { bytesIn } = yield* connection.stats
  while ((yield* connection.stats).bytesIn < bytesIn + size) yield* turn
})

describe("Memory", () => {
  it.effect("is not taken for what a peer has only announced", () =>
    Effect.gen(function* () {
      // As much as is allowed: fifty times 160 MiB.
      const announce = Effect.gen(function* () {
        const { pipe, ready } = yield* bringServer("Ready")
        const server = yield* ready
        pipe.write([preamble(17, [41, 16 * MiB, 16 * MiB, 127 * MiB]), new Uint8Array(1000)])
        yield* arrived(server, 32 + 1000)
      })
      const grown = yield* growth(Effect.forEach(Array.from({ length: 50 }), () => announce, { discard: true }))
      assert.isBelow(grown, 20 * MiB)
    }).pipe(Effect.provide(tcp))
  )

  it.effect("of a server is not taken by a flood before authentication", () =>
    Effect.gen(function* () {
      const grown = yield* growth(
        Effect.gen(function* () {
          const { ended, pipe } = yield* bringServer("HelloAccepting")
          pipe.write([preamble(17, [41, 65_536]), new Uint8Array(MiB)])
          assert.strictEqual(sin(yield* ended), "FrameError TooLarge in HelloAccepting")
        })
      )
      assert.isBelow(grown, 8 * MiB)
    }).pipe(Effect.provide(tcp))
  )
})

describe("An open connection", () => {
  it.effect("passes over what its sender has aborted, drops what comes twice and notes what is missing", () =>
    Effect.gen(function* () {
      const { pipe, ready, speaker } = yield* bringServer("Ready")
      const server = yield* ready
      const numbered = (seq: number, data: number, oddities?: { late: number }) => {
        const head = new Uint8Array(Message.HEADER_SIZE)
        Message.writeHeader(new DataView(head.buffer), 0, message(seq).header, seq, 0)
        return speaker.frame(ControlFrame.MESSAGE, [head, new Uint8Array(data)], oddities)
      }
      pipe.write([numbered(1, 10), numbered(2, 20, { late: 1 }), numbered(2, 30), numbered(2, 40), numbered(9, 50)])
      const heard = yield* receive(server, 3)
      assert.deepStrictEqual(
        heard.map(({ front, header }) => [header.seq as number, front.length]),
        [
          [1, 10],
          [2, 30],
          [9, 50]
        ]
      )
      const { duplicates, gaps, messagesIn } = yield* server.stats
      assert.deepStrictEqual({ duplicates, gaps, messagesIn }, { duplicates: 1, gaps: 1, messagesIn: 3 })
    }).pipe(Effect.provide(memory))
  )
})

const Noise = Schema.Uint8Array.check(Schema.isMaxLength(300))

describe("Noise", () => {
  for (const framed of [false, true]) {
    it.effect.prop(
      `${framed ? "in frames" : "of any kind"}, in any state, ends in a typed error and nothing else`,
      [
        Schema.Literals(places.map((_, i) => i)),
        Noise,
        Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))
      ],
      ([at, noise, tag]) =>
        Effect.gen(function* () {
          const { bring, state } = places[at]!
          const { ended, pipe, speaker } = yield* bring()
          if (framed && !state.startsWith("Banner")) {
            const segments = tag === ControlFrame.MESSAGE ? [header, noise] : [noise]
            pipe.write([speaker.frame(tag, segments)])
          } else {
            pipe.write([noise])
          }
          // If the noise made sense, this does not.
          pipe.write([new Uint8Array(64).fill(0xee)])
          pipe.end()
          assert.strictEqual((yield* ended)._tag, "ConnectionError")
        }).pipe(Effect.scoped, Effect.provide(memory)),
      { arbitrary: { runs: 200 } }
    )
  }
})
