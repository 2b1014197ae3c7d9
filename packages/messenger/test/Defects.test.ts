import { assert, describe, it } from "@effect/vitest"
import { AuthClient, AuthServer } from "@msgr2/auth"
import { AuthMethod } from "@msgr2/wire"
import { Cause, Effect, Exit, Layer, Logger, Queue, Redacted, References } from "effect"
import { Transport } from "../src/index.ts"
import { digests, ear, message } from "./support/messages.ts"
import { admin, meet, memory, open, refusal, Secure, sin, turn } from "./support/world.ts"

const nothing = Redacted.make(new Uint8Array(0))

/** A method in which both ends believe each other at once and agree on secure mode, without a secret for it. */
const careless = {
  clientAuth: Layer.succeed(AuthClient.AuthClient, {
    open: () =>
      Effect.succeed<AuthClient.Exchange>({
        begin: Effect.succeed({
          method: AuthMethod.AuthMethod.CephX,
          modes: [Secure],
          payload: new Uint8Array(0)
        }),
        refused: () => Effect.die("not refused"),
        more: () => Effect.die("nothing to add"),
        done: () =>
          Effect.succeed({ globalId: 1n, sessionKey: nothing, connectionSecret: nothing, tickets: undefined }),
        lastRefusal: Effect.undefined
      })
  }),
  serverAuth: Layer.succeed(AuthServer.AuthServer, {
    open: () =>
      Effect.succeed<AuthServer.ServerExchange>({
        request: () =>
          Effect.succeed({
            _tag: "Done",
            globalId: 1n,
            mode: Secure,
            payload: new Uint8Array(0),
            sessionKey: nothing,
            connectionSecret: nothing,
            name: admin,
            caps: new Map(),
            allowAll: true
          }),
        more: () => Effect.die("nothing to add")
      })
  })
}

describe("A mode that cannot be had", () => {
  it.effect("ends both ends with SecretTooShort, and nothing that was to follow is sent", () =>
    Effect.gen(function* () {
      const frames: Array<string> = []
      const world = yield* open({
        ...careless,
        observeServer: ({ direction, frame }) => void (direction === "out" && frames.push(frame?._tag ?? "Banner"))
      })
      const error = yield* refusal(world.connect)
      assert.strictEqual(sin(error), "FrameError SecretTooShort in AuthConnectingSign")
      assert.strictEqual(sin(yield* Queue.take(world.ended)), "FrameError SecretTooShort in AuthAcceptingSign")
      assert.deepStrictEqual(frames, ["Banner", "Hello", "AuthDone"])
    }).pipe(Effect.provide(memory))
  )
})

describe("A message beyond every limit", () => {
  it.effect("ends the connection, but what was sent before it arrives", () =>
    Effect.gen(function* () {
      const { client, server } = yield* meet({ auth: "cephx", mode: Secure })
      const before = [message(1, 10), message(2, 0, 0, 100_000)]
      yield* client.sendAll(before)
      const endless = { ...message(3), data: new Uint8Array(1024 ** 3 + 1) }
      const error = yield* Effect.flip(client.send(endless))
      assert.strictEqual(sin(error), "FrameError TooLarge in Ready")
      assert.strictEqual((yield* client.stats).messagesOut, 2)
      assert.deepStrictEqual(yield* (yield* ear(server)).hear(2), digests(before))
      assert.strictEqual(sin(yield* Effect.flip(server.closed)), "TransportError EndOfStream in Ready")
    }).pipe(Effect.provide(memory))
  )
})

const bug = new Error("a bug")

/** That an exit is the bug above, neither a typed error nor a success. */
const isBug = (exit: Exit.Exit<unknown, unknown>) => {
  assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
  if (Exit.isFailure(exit)) assert.strictEqual(Cause.squash(exit.cause), bug)
}

const quiet = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.provideService(self, Logger.CurrentLoggers, new Set([Logger.make(() => {})])).pipe(
    Effect.provideService(References.MinimumLogLevel, "Fatal")
  )

describe("A bug", () => {
  for (const at of ["Hello", "AuthReplyMore", "ServerIdent"]) {
    it.effect(`of an observer that throws at ${at} is a defect of connect, and hangs nobody`, () =>
      Effect.gen(function* () {
        const world = yield* open({
          auth: "cephx",
          observeClient: ({ direction, frame }) => {
            if (direction === "in" && frame?._tag === at) throw bug
          }
        })
        isBug(yield* Effect.exit(world.connect))
        assert.match(sin(yield* Queue.take(world.ended)), /^TransportError EndOfStream in /)
      }).pipe(quiet, Effect.provide(memory))
    )
  }

  it.effect("of an observer that throws at a message is a defect of everything that waits for it", () =>
    Effect.gen(function* () {
      const { client, server } = yield* meet({
        observeClient: ({ direction, frame }) => {
          if (direction === "in" && frame?._tag === "Message") throw bug
        }
      })
      yield* server.send(message(1))
      isBug(yield* Effect.exit(client.closed))
      isBug(yield* Effect.exit((yield* ear(client)).hear(1)))
      isBug(yield* Effect.exit(client.send(message(2))))
      assert.strictEqual(sin(yield* Effect.flip(server.closed)), "TransportError EndOfStream in Ready")
    }).pipe(quiet, Effect.provide(memory))
  )

  it.effect("of the service that authenticates is a defect of connect", () =>
    Effect.gen(function* () {
      const world = yield* open({
        clientAuth: Layer.succeed(AuthClient.AuthClient, { open: () => Effect.die(bug) })
      })
      isBug(yield* Effect.exit(world.connect))
    }).pipe(quiet, Effect.provide(memory))
  )

  it.effect("of a pipe that throws while nobody calls it is a defect too, not the end of the process", () =>
    Effect.gen(function* () {
      let broken = false
      const inner = yield* Transport.Transport
      const breaking = Transport.Transport.of({
        ...inner,
        connect: (address) =>
          Effect.map(inner.connect(address), (pipe) => ({
            ...pipe,
            write: (chunks, done) => {
              if (broken) throw bug
              pipe.write(chunks, done)
            }
          }))
      })
      const { client } = yield* Effect.provide(meet(), Layer.succeed(Transport.Transport, breaking))
      yield* turn
      broken = true
      // Taken here, written a moment later by nobody in particular.
      yield* client.send(message(1))
      isBug(yield* Effect.exit(client.closed))
    }).pipe(quiet, Effect.provide(memory))
  )
})
