import { assert, describe, it } from "@effect/vitest"
import { AuthClient, type AuthError, AuthServer, KeyServer } from "@msgr2/auth"
import { Policy } from "@msgr2/session"
import { AuthMethod, EntityName } from "@msgr2/wire"
import { Effect, Layer, Queue, Redacted, Stream } from "effect"
import { inspect } from "node:util"
import type { Observer } from "../src/index.ts"
import { message, receive } from "./support/messages.ts"
import { flip, Tap } from "./support/tap.ts"
import {
  admin,
  meet,
  type Met,
  memory,
  open,
  type Options,
  protections,
  Secure,
  tcp,
  transports,
  turn
} from "./support/world.ts"

const sizes = [0, 1, 5000, 70_000, 300]

/** Both ends say some things and hear the other's. */
const converse = Effect.fnUntraced(function* ({ client, server }: Met) {
  const said = sizes.map((size, i) => message(i, size, i, size))
  yield* Effect.all(
    [client.sendAll(said), server.sendAll([...said, ...said]), receive(server, 5), receive(client, 10)],
    { concurrency: "unbounded" }
  )
  yield* client.keepalive
  yield* server.keepalive
})

describe("The counts of both ends", () => {
  for (const [name, transport] of Object.entries(transports)) {
    for (const [protection, options] of Object.entries(protections)) {
      it.effect(`add up, to each other and to what passed, with ${protection} over ${name}`, () => {
        const tap = new Tap({ record: true })
        return Effect.gen(function* () {
          const met = yield* meet(options)
          yield* converse(met)
          const passed = (list: ReadonlyArray<Uint8Array>) => list.reduce((sum, { length }) => sum + length, 0)
          const look = Effect.all([met.client.stats, met.server.stats])
          // The last acks may still be on their way.
          let [client, server] = yield* look
          while (client.bytesOut !== server.bytesIn || client.bytesIn !== server.bytesOut) {
            yield* turn
            ;[client, server] = yield* look
          }
          assert.strictEqual(client.bytesOut, passed(tap.up))
          assert.strictEqual(client.bytesIn, passed(tap.down))
          assert.deepStrictEqual([client.framesIn, server.framesIn], [server.framesOut, client.framesOut])
          assert.deepStrictEqual([client.messagesIn, server.messagesIn], [10, 5])
          assert.deepStrictEqual([client.messagesOut, server.messagesOut], [5, 10])
          assert.deepStrictEqual([client.gaps, client.duplicates, server.gaps, server.duplicates], [0, 0, 0, 0])
        }).pipe(Effect.provide(tap.layer(transport)))
      })
    }
  }
})

const lossy: Options = {
  connecting: { policy: Policy.lossyClient },
  server: { serverPolicies: { otherwise: Policy.statelessServer } }
}

/** What an observer saw, as lines of a chart. */
const seen = (list: Array<string>) => {
  const observe = ({ direction, frame, state }: Observer.Observation) =>
    void list.push(`${direction} ${frame?._tag ?? "Banner"} ${state}`)
  return { list, observe }
}

describe("An observer", () => {
  it.effect("sees every frame in its order, with the state it found", () =>
    Effect.gen(function* () {
      const [client, server] = [seen([]), seen([])]
      const met = yield* meet({
        ...lossy,
        auth: "cephx",
        mode: Secure,
        observeClient: client.observe,
        observeServer: server.observe
      })
      yield* met.client.send(message(1))
      yield* receive(met.server, 1)
      yield* met.client.keepalive
      assert.deepStrictEqual(
        client.list.filter((line) => line.startsWith("out")),
        [
          "out Banner BannerConnecting",
          "out Hello HelloConnecting",
          "out AuthRequest AuthConnecting",
          "out AuthRequestMore AuthConnecting",
          "out AuthSignature AuthConnectingSign",
          "out CompressionRequest CompressionConnecting",
          "out ClientIdent SessionConnecting",
          "out Message Ready",
          "out Keepalive2 Ready"
        ]
      )
      assert.deepStrictEqual(
        client.list.filter((line) => line.startsWith("in")),
        [
          "in Banner BannerConnecting",
          "in Hello HelloConnecting",
          "in AuthReplyMore AuthConnecting",
          "in AuthDone AuthConnecting",
          "in AuthSignature AuthConnectingSign",
          "in CompressionDone CompressionConnecting",
          "in ServerIdent SessionConnecting",
          "in Keepalive2Ack Ready"
        ]
      )
      assert.deepStrictEqual(
        server.list.filter((line) => line.startsWith("in")),
        [
          "in Banner BannerAccepting",
          "in Hello HelloAccepting",
          "in AuthRequest AuthAccepting",
          "in AuthRequestMore AuthAcceptingMore",
          "in AuthSignature AuthAcceptingSign",
          "in CompressionRequest CompressionAccepting",
          "in ClientIdent SessionAccepting",
          "in Message Ready",
          "in Keepalive2 Ready"
        ]
      )
      assert.deepStrictEqual(
        server.list.filter((line) => line.startsWith("out")),
        [
          "out Banner BannerAccepting",
          "out Hello HelloAccepting",
          "out AuthReplyMore AuthAcceptingMore",
          "out AuthDone AuthAcceptingSign",
          "out AuthSignature AuthAcceptingSign",
          "out CompressionDone SessionAccepting",
          "out ServerIdent Ready",
          "out Keepalive2Ack Ready"
        ]
      )
    }).pipe(Effect.provide(memory))
  )

  it.effect("is told the sizes that pass, and which connection it is", () =>
    Effect.gen(function* () {
      const observed: Array<Observer.Observation> = []
      const observe = (observation: Observer.Observation) => void observed.push(observation)
      const { client, server } = yield* meet({ ...lossy, observeClient: observe })
      yield* client.send(message(1, 1000))
      yield* receive(server, 1)
      const out = observed.filter(({ direction }) => direction === "out").reduce((sum, { size }) => sum + size, 0)
      assert.strictEqual(out, (yield* client.stats).bytesOut)
      assert.deepStrictEqual(new Set(observed.map(({ connection }) => connection)), new Set([client.id]))
      assert.deepStrictEqual(new Set(observed.map(({ role }) => role)), new Set(["client"]))
    }).pipe(Effect.provide(tcp))
  )
})

/** Without the line breaks and columns of a printed array. */
const flat = (text: string): string => text.replaceAll(/\s+/g, " ")

/** Forms in which bytes end up in a text. */
const forms = (secret: Uint8Array): ReadonlyArray<string> => {
  const head = secret.slice(0, 8)
  return [
    Buffer.from(secret).toString("base64").slice(0, 16),
    Buffer.from(head).toString("hex"),
    [...head].join(", "),
    [...head].join(","),
    [...head].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
  ]
}

describe("A secret", () => {
  /** The client's own way to authenticate, which keeps what it was granted for us to look at. */
  const spying = (options: AuthClient.Options, secrets: Array<Uint8Array>) =>
    Layer.effect(
      AuthClient.AuthClient,
      Effect.map(AuthClient.AuthClient, (inner) => ({
        open: (peer: { readonly type: number }): Effect.Effect<AuthClient.Exchange, AuthError.AuthError> =>
          Effect.map(inner.open(peer), (exchange) => ({
            ...exchange,
            done: (answer) =>
              Effect.tap(exchange.done(answer), ({ connectionSecret, sessionKey }) =>
                Effect.sync(() => secrets.push(Redacted.value(connectionSecret), Redacted.value(sessionKey)))
              )
          }))
      }))
    ).pipe(Layer.provide(AuthClient.AuthClient.layer(options)))

  /** Both ends with a key, and everything about it in `secrets`. */
  const keyed = Effect.fnUntraced(function* (secrets: Array<Uint8Array>) {
    const keyServer = yield* KeyServer.generate([admin])
    const key = keyServer.keyring.get(EntityName.format(admin))?.key
    if (key === undefined) return yield* Effect.die("no key")
    secrets.push(Redacted.value(key.secret))
    const serverAuth = AuthServer.AuthServer.layerCephx({ keyServer })
    return { serverAuth, clientAuth: spying({ name: admin, key, modes: [Secure] }, secrets) } satisfies Options
  })

  /** Everything that is said of a connection in whose handshake the byte `at` from the server is changed. */
  const told = (at: number, secrets: Array<Uint8Array>) =>
    Effect.gen(function* () {
      const world = yield* open(yield* keyed(secrets))
      const exit = yield* Effect.exit(world.connect)
      const error = yield* Queue.take(world.ended)
      return [exit, error, error.message, world, world.logged]
    }).pipe(Effect.scoped, Effect.provide(new Tap({ alter: flip("down", at) }).layer(memory)))

  /** Everything that is said of one that opens, and breaks in the end. */
  const opened = (secrets: Array<Uint8Array>) =>
    Effect.gen(function* () {
      const { client, server, world } = yield* meet(yield* keyed(secrets))
      const stats = yield* client.stats
      yield* server.close
      const exit = yield* Effect.exit(Stream.runDrain(client.messages))
      return [client, server, client.peer, stats, exit, world]
    }).pipe(Effect.scoped, Effect.provide(memory))

  it.effect("is in no error, no log entry and no connection, however closely one looks", () =>
    Effect.gen(function* () {
      const secrets: Array<Uint8Array> = []
      const texts: Array<string> = []
      const look = (value: unknown) =>
        texts.push(
          inspect(value, { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null }),
          String(value),
          JSON.stringify(value, (_, each) => (typeof each === "bigint" ? String(each) : each)) ?? ""
        )
      // From the server's first frames to its last.
      for (let at = 30; at < 1300; at += 100) look(yield* told(at, secrets))
      look(yield* opened(secrets))
      assert.include(texts.join(), "ConnectionError")
      const text = flat(texts.join("\n"))
      const sizes = new Set(secrets.map(({ length }) => length))
      assert.deepStrictEqual([...sizes].toSorted(), [16, 64])
      for (const secret of secrets) {
        for (const form of forms(secret)) assert.notInclude(text, form)
      }
    })
  )

  it("would be found if it were there", () => {
    const secret = Uint8Array.from({ length: 16 }, (_, i) => 3 * i + 1)
    const text = flat(inspect({ key: secret, method: AuthMethod.AuthMethod.CephX }))
    assert.isTrue(forms(secret).some((form) => text.includes(form)))
  })
})
