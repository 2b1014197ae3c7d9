import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue } from "effect"
import * as http from "node:http"
import type * as net from "node:net"
import { bringClient, dial, drain, places, Speaker } from "./support/raw.ts"
import { addr, dialler, memory, open, refusal, sin, tcp, transports } from "./support/world.ts"

const text = (words: string): Uint8Array => new TextEncoder().encode(words)

describe("A client that dials what is not Ceph", () => {
  it.effect("is told Malformed by the banner of a web server", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.callback<http.Server>((resume) => {
          const server = http.createServer((_, response) => response.end("hello"))
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = server.address() as net.AddressInfo
      const error = yield* refusal((yield* dialler())(addr("127.0.0.1", port)))
      assert.strictEqual(sin(error), "WireError Malformed in BannerConnecting")
      assert.deepInclude(error.reason, { type: "Banner" })
    }).pipe(Effect.provide(tcp))
  )

  it.effect("is told Unsupported by a v1 banner", () =>
    Effect.gen(function* () {
      const { ended, pipe } = yield* bringClient("BannerConnecting")
      pipe.write([text("ceph v027"), new Uint8Array(272)])
      assert.strictEqual(sin(yield* ended), "WireError Unsupported in BannerConnecting")
    }).pipe(Effect.provide(memory))
  )

  it.effect("is told PreambleCrc by noise after a good banner", () =>
    Effect.gen(function* () {
      const { ended, pipe } = yield* bringClient("HelloConnecting")
      pipe.write([Uint8Array.from({ length: 64 }, (_, i) => 37 * i)])
      const error = yield* ended
      assert.strictEqual(sin(error), "FrameError PreambleCrc in HelloConnecting")
      assert.deepInclude(error.reason, { offset: 26, tag: -1 })
    }).pipe(Effect.provide(memory))
  )
})

describe("A server that is dialled by what is not Ceph", () => {
  const strangers: { readonly [name: string]: readonly [bytes: Uint8Array, sin: string] } = {
    "a web browser": [text("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "WireError Malformed in BannerAccepting"],
    "a v1 client": [text("ceph v027"), "WireError Unsupported in BannerAccepting"],
    "one that talks noise after its banner": [
      new Speaker().say({ _tag: "Banner" }, new Uint8Array(64).fill(255)),
      "FrameError PreambleCrc in HelloAccepting"
    ]
  }
  for (const [name, [bytes, expected]] of Object.entries(strangers)) {
    it.effect(`hangs up on ${name}`, () =>
      Effect.gen(function* () {
        const world = yield* open()
        const pipe = yield* dial(world.address)
        pipe.write([bytes])
        assert.strictEqual(sin(yield* Queue.take(world.ended)), expected)
        assert.include(["EndOfStream", "Reset"], (yield* drain(pipe)).reason)
      }).pipe(Effect.provide(tcp))
    )
  }
})

for (const [name, transport] of Object.entries(transports)) {
  describe(`A peer that hangs up, over ${name}, is found out by EndOfStream`, () => {
    for (const { bring, end, state } of places) {
      it.effect(`by a ${end} in ${state}`, () =>
        Effect.gen(function* () {
          const { ended, pipe } = yield* bring()
          pipe.end()
          assert.strictEqual(sin(yield* ended), `TransportError EndOfStream in ${state}`)
        }).pipe(Effect.provide(transport))
      )
    }
  })
}
