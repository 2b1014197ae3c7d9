import { assert, describe, it } from "@effect/vitest"
import { AuthClient, AuthServer, CryptoKey, Entropy, KeyServer, Signature } from "@msgr2/auth"
import { AuthMethod, ConnectionMode, EntityName } from "@msgr2/wire"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { admin, aes, counting, handshake, keyOf, meet, mon, openClient, osd, withEntropy } from "./support.ts"

const { None, CephX } = AuthMethod.AuthMethod
const { Crc, Secure } = ConnectionMode.ConnectionMode

const value = (secret: Redacted.Redacted<Uint8Array>) => Redacted.value(secret)

describe("A client and a server", () => {
  const modes = [
    [[Secure, Crc], [Secure, Crc], Secure],
    [[Crc, Secure], [Secure, Crc], Crc],
    [[Secure, Crc], [Crc], Crc],
    [[Secure], [Crc, Secure], Secure]
  ] as const
  for (const [wanted, allowed, chosen] of modes) {
    const format = (list: ReadonlyArray<number>) => list.map(ConnectionMode.format).join(" ")
    it.effect(
      `agree on ${ConnectionMode.format(chosen)} with cephx when ${format(wanted)} meets ${format(allowed)}`,
      () =>
        Effect.gen(function* () {
          const keyServer = yield* KeyServer.generate([admin])
          const { granted, done } = yield* handshake(
            { name: admin, key: keyOf(keyServer, admin), modes: wanted },
            AuthServer.AuthServer.layerCephx({ keyServer, modes: allowed })
          )
          assert.strictEqual(done.mode, chosen)
          assert.strictEqual(done.allowAll, false)
          assert.deepStrictEqual([...done.caps], [...KeyServer.ALLOW_ALL])
          assert.deepStrictEqual(done.name, admin)
          assert.strictEqual(granted.globalId, done.globalId)
          assert.strictEqual(value(granted.sessionKey).length, 16)
          assert.deepStrictEqual(value(granted.sessionKey), value(done.sessionKey))
          assert.strictEqual(value(granted.connectionSecret).length, chosen === Secure ? 64 : 0)
          assert.deepStrictEqual(value(granted.connectionSecret), value(done.connectionSecret))
          const sent = [counting(0, 26)]
          assert.isTrue(Signature.verify(done.sessionKey, sent, Signature.sign(granted.sessionKey, sent)))
        })
    )
  }

  it.effect("agree on method none, which has crc, no secrets and no limits", () =>
    Effect.gen(function* () {
      const { granted, done, verdicts } = yield* handshake({ name: admin }, AuthServer.AuthServer.layerNone())
      assert.strictEqual(verdicts.length, 1)
      assert.deepStrictEqual([done.mode, done.allowAll, done.payload.length], [Crc, true, 0])
      assert.strictEqual(value(granted.sessionKey).length, 0)
      assert.strictEqual(value(granted.connectionSecret).length, 0)
      assert.isUndefined(granted.tickets)
      assert.isTrue(granted.globalId > 0n)
    })
  )

  it.effect("get a new id and new secrets for every connection", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const options = { name: admin, key: keyOf(keyServer, admin) }
      const layer = AuthServer.AuthServer.layerCephx({ keyServer })
      const first = yield* handshake(options, layer)
      const second = yield* handshake(options, layer)
      assert.notStrictEqual(first.granted.globalId, second.granted.globalId)
      assert.notDeepEqual(value(first.granted.sessionKey), value(second.granted.sessionKey))
      assert.notDeepEqual(value(first.granted.connectionSecret), value(second.granted.connectionSecret))
    })
  )

  it.effect("keep time: tickets expire on the client's clock, and the server's secrets move on", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const options = { name: admin, key: keyOf(keyServer, admin) }
      const layer = AuthServer.AuthServer.layerCephx({ keyServer })
      const first = yield* handshake(options, layer)
      yield* TestClock.adjust("7 days")
      const second = yield* handshake(options, layer)
      const auth = (met: typeof first) => met.granted.tickets?.auth
      assert.deepStrictEqual([auth(first)?.expiresAt, auth(second)?.expiresAt], [259_200_000, 864_000_000])
      assert.deepStrictEqual([auth(first)?.blob.secretId, auth(second)?.blob.secretId], [2n, 3n])
    })
  )

  it.effect("meet with none when the client has no key and the server lets it choose", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const { done } = yield* handshake({ name: admin }, AuthServer.AuthServer.layerEither({ keyServer }))
      assert.isTrue(done.allowAll)
    })
  )

  it.effect("meet with none after the server has refused cephx", () =>
    Effect.gen(function* () {
      const options = { name: admin, key: aes(counting(0, 16)) }
      const { verdicts } = yield* handshake(options, AuthServer.AuthServer.layerNone())
      assert.deepStrictEqual(
        verdicts.map(({ _tag }) => _tag),
        ["Refused", "Done"]
      )
    })
  )

  it.effect("of other services introduce themselves with the id that a monitor gave", () =>
    Effect.gen(function* () {
      const layer = AuthServer.AuthServer.layerNone({ role: "service" })
      const { granted } = yield* handshake({ name: admin, globalId: 4242n }, layer, { type: osd.type })
      assert.strictEqual(granted.globalId, 4242n)
    })
  )
})

/** Why the handshake failed. */
const refusal = (options: AuthClient.Options, server: Parameters<typeof handshake>[1], peer = mon) =>
  Effect.flip(handshake(options, server, peer))

describe("A refused client", () => {
  it.effect("with a wrong key reads AccessDenied and whose key it was", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const error = yield* refusal(
        { name: admin, key: aes(counting(0, 16)) },
        AuthServer.AuthServer.layerCephx({ keyServer })
      )
      assert.deepInclude(error, { _tag: "AuthError", reason: "AccessDenied", method: CephX, result: -13 })
      assert.deepStrictEqual(error.allowedMethods, [CephX])
      assert.deepStrictEqual(error.allowedModes, [Secure, Crc])
      assert.strictEqual(
        error.message,
        "cephx: access denied (-13 EACCES); the peer allows methods cephx, modes secure crc; expected the key that the peer has for client.admin"
      )
    })
  )

  it.effect("cannot tell a wrong key from an unknown name", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const layer = AuthServer.AuthServer.layerCephx({ keyServer })
      const verdicts = (name: EntityName.EntityName) =>
        Effect.gen(function* () {
          const server = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open(mon))
          const client = yield* openClient({ name, key: aes(counting(0, 16)) })
          const offer = yield* client.begin
          const first = yield* server.request(offer)
          const payload = first._tag === "More" ? first.payload : new Uint8Array(0)
          return [first, yield* server.more(yield* client.more(payload))]
        }).pipe(Effect.provide(layer), withEntropy(5))
      assert.deepStrictEqual(yield* verdicts(admin), yield* verdicts({ ...admin, id: "stranger" }))
    })
  )

  it.effect("without common modes reads NoCommonMode", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const error = yield* refusal(
        { name: admin, key: keyOf(keyServer, admin), modes: [Secure], methods: [CephX] },
        AuthServer.AuthServer.layerCephx({ keyServer, modes: [Crc] })
      )
      assert.deepInclude(error, { reason: "NoCommonMode", method: CephX, result: -95 })
      assert.deepStrictEqual(error.allowedModes, [Crc])
    })
  )

  it.effect("without common methods reads NoUsableMethod", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const error = yield* refusal({ name: admin }, AuthServer.AuthServer.layerCephx({ keyServer }))
      assert.deepInclude(error, { reason: "NoUsableMethod", method: None, result: -95 })
      assert.deepStrictEqual(error.allowedMethods, [CephX])
      // A server never says that none could be secure.
      assert.deepStrictEqual(error.allowedModes, [Crc])
    })
  )

  it.effect("reads that its key is wrong even when a later method fails differently", () =>
    Effect.gen(function* () {
      const client = yield* openClient({ name: admin, key: aes(counting(0, 16)) })
      yield* client.begin
      assert.isUndefined(yield* client.lastRefusal)
      const denied = { method: CephX, result: -13, allowedMethods: [CephX, None], allowedModes: [Secure, Crc] }
      assert.strictEqual((yield* client.refused(denied)).method, None)
      // The peer may hang up here: the offer followed a proof.
      assert.strictEqual((yield* client.lastRefusal)?.reason, "AccessDenied")
      const error = yield* Effect.flip(client.refused({ ...denied, method: None, result: -95 }))
      assert.deepInclude(error, { reason: "AccessDenied", method: CephX, result: -13 })
    })
  )

  it.effect("cannot be kept busy by a peer that always refuses the first method", () =>
    Effect.gen(function* () {
      const client = yield* openClient({ name: admin, key: aes(counting(0, 16)) })
      yield* client.begin
      const refusal = { method: CephX, result: -95, allowedMethods: [CephX, None], allowedModes: [] }
      yield* client.refused(refusal)
      yield* Effect.flip(client.refused(refusal))
      assert.strictEqual((yield* Effect.flip(client.refused(refusal))).reason, "OutOfOrder")
    })
  )

  it.effect("whose peer is busy reads Busy", () =>
    Effect.gen(function* () {
      const client = yield* openClient({ name: admin })
      yield* client.begin
      const error = yield* Effect.flip(
        client.refused({ method: None, result: -16, allowedMethods: [None], allowedModes: [Crc] })
      )
      assert.deepInclude(error, { reason: "Busy", result: -16 })
    })
  )
})

describe("A client alone", () => {
  const opening = (options: AuthClient.Options, peer = mon) => Effect.flip(openClient(options, peer))

  it.effect("prefers cephx with a key and drops it without", () =>
    Effect.gen(function* () {
      const offer = (options: AuthClient.Options, peer = mon) =>
        Effect.flatMap(openClient(options, peer), ({ begin }) => begin)
      const key = aes(counting(0, 16))
      assert.deepInclude(yield* offer({ name: admin, key }), { method: CephX, modes: [Secure, Crc] })
      assert.deepInclude(yield* offer({ name: admin }), { method: None, modes: [Crc] })
      assert.deepInclude(yield* offer({ name: admin, key, methods: [None, CephX] }), { method: None })
      assert.deepInclude(yield* offer({ name: admin, key }, { type: osd.type }), { method: None, modes: [Crc] })
    })
  )

  it.effect("has nothing to offer without key, method or mode, and says why", () =>
    Effect.gen(function* () {
      const key = aes(counting(0, 16))
      assert.strictEqual((yield* opening({ name: admin, methods: [CephX] })).reason, "NoKey")
      assert.strictEqual((yield* opening({ name: admin, modes: [Secure] })).reason, "NoKey")
      assert.strictEqual((yield* opening({ name: admin, methods: [None], modes: [Secure] })).reason, "NoUsableMethod")
      assert.strictEqual((yield* opening({ name: admin, methods: [4] })).reason, "NoUsableMethod")
      assert.strictEqual((yield* opening({ name: admin, key, modes: [] })).reason, "NoUsableMethod")
      const error = yield* opening({ name: admin, key, methods: [CephX] }, { type: osd.type })
      assert.strictEqual(error.reason, "NoTicket")
      assert.include(error.message, "a ticket for osd")
    })
  )

  it.effect("does not fall back to none when its key is of a type it cannot use", () =>
    Effect.gen(function* () {
      const key = CryptoKey.generate(() => counting(0, 32), 0, CryptoKey.CryptoType.Aes256k)
      assert.strictEqual((yield* opening({ name: admin, key })).reason, "UnsupportedCipher")
    })
  )

  it.effect("does not take a mode that it did not offer", () =>
    Effect.gen(function* () {
      for (const [key, mode] of [
        [undefined, Secure],
        [aes(counting(0, 16)), Crc],
        [aes(counting(0, 16)), 3]
      ] as const) {
        const client = yield* openClient({ name: admin, key, modes: key === undefined ? [Crc] : [Secure] })
        yield* client.begin
        const error = yield* Effect.flip(client.done({ globalId: 1n, mode, payload: new Uint8Array(0) }))
        assert.strictEqual(error.reason, "ModeNotOffered")
      }
    })
  )

  it.effect("does not take method none's grant without an id", () =>
    Effect.gen(function* () {
      const client = yield* openClient({ name: admin })
      yield* client.begin
      const error = yield* Effect.flip(client.done({ globalId: 0n, mode: Crc, payload: new Uint8Array(0) }))
      assert.deepInclude(error, { reason: "BadGlobalId", method: None })
    })
  )

  it.effect("answers steps out of order with OutOfOrder", () =>
    Effect.gen(function* () {
      const done = { globalId: 1n, mode: Crc, payload: new Uint8Array(0) }
      const refused = { method: None, result: -13, allowedMethods: [], allowedModes: [] }
      const client = yield* openClient({ name: admin })
      assert.strictEqual((yield* Effect.flip(client.more(new Uint8Array(9)))).reason, "OutOfOrder")
      assert.strictEqual((yield* Effect.flip(client.done(done))).reason, "OutOfOrder")
      assert.strictEqual((yield* Effect.flip(client.refused(refused))).reason, "OutOfOrder")
      yield* client.begin
      assert.strictEqual((yield* Effect.flip(client.more(new Uint8Array(9)))).reason, "OutOfOrder")
      yield* client.begin
      yield* client.done(done)
      assert.strictEqual((yield* Effect.flip(client.done(done))).reason, "OutOfOrder")
      const keyed = yield* openClient({ name: admin, key: aes(counting(0, 16)) })
      yield* keyed.begin
      assert.strictEqual((yield* Effect.flip(keyed.done(done))).reason, "OutOfOrder")
    })
  )
})

describe("A server alone", () => {
  const introduction = counting(10, 1)

  it.effect("closes a connection that has used up its steps", () =>
    Effect.gen(function* () {
      const server = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open(mon))
      const request = { method: None, modes: [Crc], payload: introduction }
      for (let step = 0; step < AuthServer.MAX_STEPS; step++) {
        assert.strictEqual((yield* server.request(request))._tag, "Refused")
      }
      assert.strictEqual((yield* server.request(request))._tag, "Busy")
      assert.strictEqual((yield* server.more(introduction))._tag, "Busy")
    }).pipe(Effect.provide(AuthServer.AuthServer.layerNone()))
  )

  it.effect("forgets its challenge once it has refused a proof", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const server = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open(mon)).pipe(
        Effect.provide(AuthServer.AuthServer.layerCephx({ keyServer }))
      )
      const client = yield* openClient({ name: admin, key: keyOf(keyServer, admin) })
      const challenge = yield* server.request(yield* client.begin)
      const proof = yield* client.more(challenge._tag === "More" ? challenge.payload : introduction)
      const wrong = Uint8Array.from(proof)
      wrong[12] = (wrong[12] ?? 0) ^ 1
      assert.deepInclude(yield* server.more(wrong), { _tag: "Refused", result: -13 })
      assert.deepInclude(yield* server.more(proof), { _tag: "Refused", result: -22 })
      // A fresh request on the same connection works.
      const { granted } = yield* meet(client, server)
      assert.isTrue(granted.globalId > 0n)
    })
  )

  it.effect("gives an id back to a client that has one, with method none", () =>
    Effect.gen(function* () {
      const server = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open(mon))
      const payload = Uint8Array.from([10, 8, 0, 0, 0, 0, 0, 0, 0, 0x92, 0x10, 0, 0, 0, 0, 0, 0])
      const verdict = yield* server.request({ method: None, modes: [Crc], payload })
      assert.deepInclude(verdict, { _tag: "Done", globalId: 4242n })
    }).pipe(Effect.provide(AuthServer.AuthServer.layerNone()))
  )
})

describe("Entropy", () => {
  it.effect("A challenge is never 0, which would mean that there is none", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        Entropy.challenge((size) => new Uint8Array(size)),
        1n
      )
      const entropy = yield* Entropy.Entropy
      assert.notStrictEqual(Entropy.challenge(entropy), Entropy.challenge(entropy))
    })
  )
})
