import { assert, describe, it } from "@effect/vitest"
import { EntityName, Features } from "@msgr2/wire"
import { Effect, Queue } from "effect"
import type { Observer } from "../src/index.ts"
import { Speaker } from "./support/raw.ts"
import { type Direction, flip, overlay, Tap } from "./support/tap.ts"
import { addr, meet, memory, open, type Options, protections, sin } from "./support/world.ts"

interface Passed {
  readonly name: string
  readonly direction: Direction
  /** Where it begins in its direction. */
  readonly at: number
  readonly size: number
}

/** The frames of a handshake and where they lie. Their places do not depend on keys. */
const handshake = (options: Options) =>
  Effect.gen(function* () {
    const passed: Array<Passed> = []
    const at = { up: 0, down: 0 }
    const observe = ({ direction: way, frame, size }: Observer.Observation) => {
      const direction = way === "out" ? "up" : "down"
      passed.push({ name: frame?._tag ?? "Banner", direction, at: at[direction], size })
      at[direction] += size
    }
    yield* meet({ ...options, observeClient: observe })
    return passed
  }).pipe(Effect.scoped, Effect.provide(memory))

/** How both ends end when `alter` changes what passes between them; "READY" for a client that noticed nothing. */
const tampered = (options: Options, alter: ReturnType<typeof flip>) =>
  Effect.gen(function* () {
    const world = yield* open(options)
    const client = yield* Effect.match(world.connect, { onFailure: sin, onSuccess: () => "READY" })
    return { client, server: sin(yield* Queue.take(world.ended)) }
  }).pipe(Effect.scoped, Effect.provide(new Tap({ alter }).layer(memory)))

const found = /^FrameError (PreambleCrc|SegmentCrc|AuthTag) in /
const left = /^TransportError (EndOfStream|Reset) in /

for (const [protection, options] of Object.entries(protections)) {
  describe(`With ${protection}, a flipped bit`, () => {
    for (const revision of ["2.1", "2.0"]) {
      it.effect(`anywhere in a frame of a msgr${revision} handshake ends the connection at both ends`, () =>
        Effect.gen(function* () {
          const told = revision === "2.1" ? options : { ...options, client: { msgr2Supported: 0n } }
          const frames = (yield* handshake(told)).filter(({ name }) => name !== "Banner")
          assert.isAtLeast(frames.length, 8)
          const sins = new Set<string>()
          for (const { at, direction, name, size } of frames) {
            // The tag, something in the middle, and of the checks the last that counts.
            const last = revision === "2.0" ? size - 13 : size - 1
            for (const byte of [0, Math.floor(size / 2), last]) {
              const ends = yield* tampered(told, flip(direction, at + byte))
              const [finder, other] = direction === "up" ? [ends.server, ends.client] : [ends.client, ends.server]
              assert.match(finder, found, `byte ${byte} of ${name}`)
              assert.match(other, left, `byte ${byte} of ${name}`)
              sins.add(finder.replace(/ in .*/, ""))
            }
          }
          const expected = ["FrameError PreambleCrc", "FrameError SegmentCrc"]
          assert.deepStrictEqual(
            [...sins].toSorted(),
            options.mode === 1 ? expected : ["FrameError AuthTag", ...expected]
          )
        })
      )
    }
  })
}

describe("One in the middle who mends the checksums", () => {
  const cephx = { auth: "cephx", mode: 1 } as const

  it.effect("is found out by the signature over what the server heard", () =>
    Effect.gen(function* () {
      const frames = yield* handshake(cephx)
      const hello = frames.find(({ direction, name }) => name === "Hello" && direction === "up")
      const forged = new Speaker().say({
        _tag: "Hello",
        entityType: EntityName.EntityType.Osd,
        peerAddr: addr("10.0.0.1", 6800)
      })
      assert.strictEqual(hello?.size, forged.length)
      const ends = yield* tampered(cephx, overlay("up", hello?.at ?? 0, forged))
      assert.strictEqual(ends.client, "ProtocolError BadSignature in AuthConnectingSign")
      assert.match(ends.server, left)
    })
  )

  it.effect("is found out by the signature over what the client heard", () =>
    Effect.gen(function* () {
      const frames = yield* handshake(cephx)
      const hello = frames.find(({ direction, name }) => name === "Hello" && direction === "down")
      const forged = new Speaker().say({
        _tag: "Hello",
        entityType: EntityName.EntityType.Mon,
        peerAddr: addr("10.0.0.1", 6800)
      })
      const ends = yield* tampered(cephx, overlay("down", hello?.at ?? 0, forged))
      assert.strictEqual(ends.server, "ProtocolError BadSignature in AuthAcceptingSign")
      assert.match(ends.client, left)
    })
  )

  it.effect("cannot talk both ends into msgr2.0", () =>
    Effect.gen(function* () {
      // The first byte of the offer in a banner, after prefix and length.
      const offer = new Uint8Array([Number(Features.Msgr2.Compression)])
      const alter: ReturnType<typeof flip> = (direction, bytes, offset) =>
        overlay("up", 10, offer)(direction, overlay("down", 10, offer)(direction, bytes, offset), offset)
      const ends = yield* tampered(cephx, alter)
      assert.include([ends.client, ends.server].join(), "ProtocolError BadSignature")
      assert.notInclude([ends.client, ends.server].join(), "READY")
    })
  )
})
