import { assert, describe, it } from "@effect/vitest"
import { AuthClient, AuthServer, CryptoKey, KeyServer } from "@msgr2/auth"
import { Policy } from "@msgr2/session"
import { AuthMethod, EntityAddr, EntityName, Features } from "@msgr2/wire"
import { Duration, Effect, Fiber, Layer, Queue } from "effect"
import { TestClock } from "effect/testing"
import { Transport } from "../src/index.ts"
import { listen, serverWords, Speaker } from "./support/raw.ts"
import {
  addr,
  admin,
  anywhere,
  Crc,
  dialler,
  memory,
  open,
  type Options,
  refusal,
  Secure,
  sin,
  tcp,
  type TransportName,
  transports,
  turn
} from "./support/world.ts"

const { CephX, None } = AuthMethod.AuthMethod
const { Osd } = EntityName.EntityType

const wrongKey = CryptoKey.generate(() => new Uint8Array(16).fill(7), 0)

/** Why a client with these options does not get in, as both ends see it. */
const refused = Effect.fnUntraced(function* (options: Options) {
  const world = yield* open(options)
  const client = yield* refusal(world.connect)
  const server = yield* Queue.take(world.ended)
  assert.strictEqual(client.peer, EntityAddr.format(world.address))
  return { client, server, both: [sin(client), sin(server)] }
})

const clientAuth = (options: Omit<AuthClient.Options, "name">) =>
  AuthClient.AuthClient.layer({ name: admin, ...options })

for (const name of Object.keys(transports) as ReadonlyArray<TransportName>) {
  describe(`Over ${name}, a client`, () => {
    it.effect("with a wrong key is refused with AccessDenied", () =>
      Effect.gen(function* () {
        const { both, client } = yield* refused({
          auth: "cephx",
          mode: Secure,
          clientAuth: clientAuth({ key: wrongKey })
        })
        assert.deepStrictEqual(both, [
          "AuthError AccessDenied in AuthConnecting",
          "TransportError EndOfStream in AuthAccepting"
        ])
        assert.deepInclude(client.reason, { method: CephX, result: -13 })
      }).pipe(Effect.provide(transports[name]))
    )

    it.effect("that has no mode in common is refused with NoCommonMode", () =>
      Effect.gen(function* () {
        const keyServer = yield* KeyServer.generate([admin])
        const key = keyServer.keyring.get(EntityName.format(admin))?.key
        const { both } = yield* refused({
          clientAuth: clientAuth({ key, modes: [Secure] }),
          serverAuth: AuthServer.AuthServer.layerCephx({ keyServer, modes: [Crc] })
        })
        assert.strictEqual(both[0], "AuthError NoCommonMode in AuthConnecting")
      }).pipe(Effect.provide(transports[name]))
    )

    it.effect("without a key is refused by a server that wants one", () =>
      Effect.gen(function* () {
        const { both, client } = yield* refused({ auth: "cephx", clientAuth: clientAuth({ methods: [None] }) })
        assert.strictEqual(both[0], "AuthError NoUsableMethod in AuthConnecting")
        assert.deepInclude(client.reason, { allowedMethods: [CephX], result: -95 })
      }).pipe(Effect.provide(transports[name]))
    )

    it.effect("that can only use a key it has not got says so itself", () =>
      Effect.gen(function* () {
        const { both } = yield* refused({ auth: "cephx", clientAuth: clientAuth({ methods: [CephX] }) })
        assert.strictEqual(both[0], "AuthError NoKey in AuthConnecting")
      }).pipe(Effect.provide(transports[name]))
    )

    it.effect("that wants another type of peer leaves with WrongPeerType", () =>
      Effect.gen(function* () {
        const { both, client } = yield* refused({ connecting: { peerType: Osd } })
        assert.strictEqual(both[0], "ProtocolError WrongPeerType in HelloConnecting")
        assert.include(client.message, "expected a osd, got a mon")
      }).pipe(Effect.provide(transports[name]))
    )

    it.effect("that calls a server by a name it does not have is cut off with WrongTarget", () =>
      Effect.gen(function* () {
        const world = yield* open()
        const dial = yield* dialler()
        const error = yield* refusal(dial({ ...world.address, nonce: 5 }))
        assert.strictEqual(sin(error), "TransportError EndOfStream in SessionConnecting")
        assert.strictEqual(sin(yield* Queue.take(world.ended)), "ProtocolError WrongTarget in SessionAccepting")
      }).pipe(Effect.provide(transports[name]))
    )

    it.effect("that finds nobody listening is told Refused", () =>
      Effect.gen(function* () {
        const { address } = yield* Effect.scoped(listen)
        const error = yield* refusal((yield* dialler())(address))
        assert.strictEqual(sin(error), "TransportError Refused in StartConnect")
        assert.strictEqual(error.peer, EntityAddr.format(address))
      }).pipe(Effect.provide(transports[name]))
    )

    it.effect("is told AddressInUse when it would serve where somebody else does", () =>
      Effect.gen(function* () {
        const { address } = yield* open()
        const error = yield* Effect.flip(open({ address }))
        assert.strictEqual(error.reason, "AddressInUse")
      }).pipe(Effect.provide(transports[name]))
    )
  })
}

describe("A pair of ends", () => {
  const disagreements: { readonly [name: string]: readonly [Options, string, string] } = {
    "whose client demands what the server does not know": [
      { client: { msgr2Required: Features.Msgr2.Compression }, server: { msgr2Supported: Features.Msgr2.Revision1 } },
      "ProtocolError MissingMsgr2Features in BannerConnecting",
      "ProtocolError MissingMsgr2Features in BannerAccepting"
    ],
    "whose server demands what the client does not know": [
      { server: { msgr2Required: Features.Msgr2.Revision1 }, client: { msgr2Supported: 0n } },
      "ProtocolError MissingMsgr2Features in BannerConnecting",
      "ProtocolError MissingMsgr2Features in BannerAccepting"
    ],
    "whose server's policy demands a feature that the client has not got": [
      {
        server: {
          serverPolicies: { otherwise: Policy.requiring(Policy.statefulServer, Features.mask("ServerReef")) }
        },
        client: { features: Features.required }
      },
      "ProtocolError MissingFeatures in SessionConnecting",
      "TransportError EndOfStream in SessionAccepting"
    ],
    "whose server cannot authenticate anybody": [
      {
        serverAuth: Layer.succeed(AuthServer.AuthServer, {
          open: () =>
            Effect.succeed({
              request: () => Effect.succeed({ _tag: "Busy" } as const),
              more: () => Effect.succeed({ _tag: "Busy" } as const)
            })
        })
      },
      "TransportError EndOfStream in AuthConnecting",
      "ProtocolError AuthBusy in AuthAccepting"
    ]
  }
  for (const [name, [options, client, server]] of Object.entries(disagreements)) {
    it.effect(`${name} parts with reasons at both ends`, () =>
      Effect.gen(function* () {
        const { both } = yield* refused(options)
        assert.deepStrictEqual(both, [client, server])
      }).pipe(Effect.provide(memory))
    )
  }
})

describe("A client whose offer was refused", () => {
  /** A server that refuses the first method with this errno and hangs up when it is offered the next. */
  const refuse = (result: number) =>
    Effect.gen(function* () {
      const listener = yield* listen
      const dial = yield* dialler({ clientAuth: clientAuth({ key: wrongKey, methods: [CephX, None] }) })
      const failed = yield* Effect.forkScoped(refusal(dial(listener.address)))
      const pipe = yield* listener.accept
      const speaker = new Speaker()
      const greeting = serverWords(listener.address).slice(0, 2)
      pipe.write([
        speaker.say(...greeting.map(([, word]) => word), {
          _tag: "AuthBadMethod",
          method: CephX,
          result,
          allowedMethods: [CephX, None],
          allowedModes: [Secure, Crc]
        })
      ])
      pipe.end()
      return yield* Fiber.join(failed)
    }).pipe(Effect.provide(memory))

  it.effect("reports the refusal when the server hangs up instead of reading the next one", () =>
    Effect.map(refuse(-13), (error) => {
      assert.strictEqual(sin(error), "AuthError AccessDenied in AuthConnecting")
    })
  )

  it.effect("reports a refusal of another kind as it is", () =>
    Effect.map(refuse(-22), (error) => {
      assert.strictEqual(sin(error), "AuthError Refused in AuthConnecting")
      assert.deepInclude(error.reason, { result: -22 })
    })
  )
})

describe("A handshake that does not go on", () => {
  it.effect("ends with HandshakeTimeout at both ends", () =>
    Effect.gen(function* () {
      const patient = Duration.seconds(10)
      const stuck = Layer.succeed(AuthServer.AuthServer, {
        open: () => Effect.succeed({ request: () => Effect.never, more: () => Effect.never })
      })
      const world = yield* open({
        serverAuth: stuck,
        client: { handshakeTimeout: Duration.seconds(9) },
        server: { handshakeTimeout: patient }
      })
      const failed = yield* Effect.forkScoped(refusal(world.connect))
      yield* turn
      yield* TestClock.adjust("8999 millis")
      assert.isUndefined(failed.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(sin(yield* Fiber.join(failed)), "ProtocolError HandshakeTimeout in AuthConnecting")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(sin(yield* Queue.take(world.ended)), "ProtocolError HandshakeTimeout in AuthAccepting")
    }).pipe(Effect.provide(memory))
  )

  it.effect("ends with HandshakeTimeout when the listener never says a word", () =>
    Effect.gen(function* () {
      const listener = yield* listen
      const failed = yield* Effect.forkScoped(refusal((yield* dialler())(listener.address)))
      yield* listener.accept
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(sin(yield* Fiber.join(failed)), "ProtocolError HandshakeTimeout in BannerConnecting")
    }).pipe(Effect.provide(memory))
  )

  it.effect("ends with Timeout when there is not even a connection", () =>
    Effect.gen(function* () {
      const nowhere = Layer.succeed(Transport.Transport, { connect: () => Effect.never, listen: () => Effect.never })
      const dial = yield* Effect.provide(dialler(), nowhere)
      const failed = yield* Effect.forkScoped(refusal(dial(addr("192.0.2.1", 3300))))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(sin(yield* Fiber.join(failed)), "TransportError Timeout in StartConnect")
    })
  )

  it.effect("is not begun towards what is no address", () =>
    Effect.gen(function* () {
      const dial = yield* dialler()
      for (const target of [anywhere, EntityAddr.blank]) {
        assert.strictEqual(sin(yield* refusal(dial(target))), "TransportError NotNumeric in StartConnect")
      }
    }).pipe(Effect.provide(tcp))
  )
})
