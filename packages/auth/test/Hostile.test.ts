import { assert, describe, it } from "@effect/vitest"
import { AuthError, AuthServer, Entropy, KeyServer, RotatingSecrets, SealedTicket, TicketStore } from "@msgr2/auth"
import { AuthMethod, Bytes, ConnectionMode } from "@msgr2/wire"
import { Effect, Exit, Schema } from "effect"
import { admin, client, keyOf, mon, openClient, osd, scripted, success, withEntropy } from "./support.ts"

const { None, CephX } = AuthMethod.AuthMethod
const { Crc, Secure } = ConnectionMode.ConnectionMode

/** A handshake that goes well, and both ends stopped in front of each of its four payloads. */
const stopped = Effect.fnUntraced(function* (
  open: ReturnType<typeof openClient>,
  openServer: Effect.Effect<AuthServer.ServerExchange>
) {
  const exchange = yield* open
  const server = yield* openServer
  const offer = yield* exchange.begin
  const challenge = yield* server.request(offer)
  if (challenge._tag !== "More") return yield* Effect.die(challenge)
  const proof = yield* exchange.more(challenge.payload)
  const done = yield* server.more(proof)
  if (done._tag !== "Done") return yield* Effect.die(done)
  yield* exchange.done(done)

  return {
    offer,
    challenge,
    proof,
    done,
    request: (payload: Uint8Array) => Effect.flatMap(openServer, (server) => server.request({ ...offer, payload })),
    prove: (payload: Uint8Array) =>
      Effect.gen(function* () {
        const server = yield* openServer
        yield* server.request(offer)
        return yield* server.more(payload)
      }),
    answer: (payload: Uint8Array) =>
      Effect.gen(function* () {
        const client = yield* open
        yield* client.begin
        return yield* client.more(payload)
      }),
    finish: (payload: Uint8Array) =>
      Effect.gen(function* () {
        const client = yield* open
        yield* client.begin
        yield* client.more(challenge.payload)
        return yield* client.done({ ...done, payload })
      })
  }
})

/** A client with a key and the monitor. */
const scene = (mode: number) =>
  Effect.gen(function* () {
    const keyServer = yield* KeyServer.generate([admin])
    const layer = AuthServer.AuthServer.layerCephx({ keyServer })
    // Every server made here sends the same challenge, so that a proof for one fits all.
    const openServer = Effect.flatMap(AuthServer.AuthServer, (server) => server.open(client)).pipe(
      Effect.provide(layer),
      Effect.provideService(Entropy.Entropy, (size) => new Uint8Array(size).fill(9))
    )
    const open = openClient({ name: admin, key: keyOf(keyServer, admin), modes: [mode], methods: [CephX] })

    return yield* stopped(open, openServer)
  }).pipe(withEntropy(7))

const flipped = (bytes: Uint8Array, at: number, mask: number) =>
  bytes.map((byte, index) => (index === at ? byte ^ mask : byte))

/**
 * The bytes of a proof that prove nothing: the version (which may be any from 1 on), the version and the number of a
 * ticket that is not there, and the mask of wanted tickets.
 */
const harmless = (at: number, mask: number): boolean =>
  at === 2 || (at === 19 && mask !== 0x01) || (at >= 20 && at < 28) || at >= 32

/** `true` for a value, `false` for a typed error; anything else is a bug of ours. */
const accepted = <A>(self: Effect.Effect<A, AuthError.AuthError>) =>
  Effect.map(Effect.exit(self), (exit) => {
    if (Exit.isSuccess(exit)) return true
    const failed = exit.cause.reasons.every(
      (reason) => reason._tag === "Fail" && reason.error instanceof AuthError.AuthError
    )
    assert.isTrue(failed, String(exit.cause))
    return false
  })

for (const mode of [Crc, Secure]) {
  describe(`In a handshake for ${ConnectionMode.format(mode)} mode`, () => {
    it.effect("every truncated payload is refused by the server", () =>
      Effect.gen(function* () {
        const { offer, proof, request, prove } = yield* scene(mode)
        assert.strictEqual((yield* request(offer.payload))._tag, "More")
        assert.strictEqual((yield* prove(proof))._tag, "Done")
        for (let size = 0; size < offer.payload.length; size++) {
          assert.deepInclude(yield* request(offer.payload.subarray(0, size)), { _tag: "Refused", result: -13 })
        }
        for (let size = 0; size < proof.length; size++) {
          const result = size === 0 ? -13 : -1
          assert.deepInclude(yield* prove(proof.subarray(0, size)), { _tag: "Refused", result })
        }
      })
    )

    it.effect("every truncated payload is a typed error of the client", () =>
      Effect.gen(function* () {
        const { challenge, done, answer, finish } = yield* scene(mode)
        assert.isTrue(yield* accepted(answer(challenge.payload)))
        assert.isTrue(yield* accepted(finish(done.payload)))
        for (let size = 0; size < challenge.payload.length; size++) {
          assert.isFalse(yield* accepted(answer(challenge.payload.subarray(0, size))))
        }
        for (let size = 0; size < done.payload.length; size++) {
          assert.isFalse(yield* accepted(finish(done.payload.subarray(0, size))), `${size} bytes`)
        }
      })
    )

    it.effect("a flipped bit anywhere is refused, a typed error, or harmless", () =>
      Effect.gen(function* () {
        const { offer, challenge, proof, done, request, prove, answer, finish } = yield* scene(mode)
        for (const mask of [0x01, 0x80, 0xff]) {
          for (let at = 0; at < offer.payload.length; at++) {
            assert.include(["More", "Refused"], (yield* request(flipped(offer.payload, at, mask)))._tag)
          }
          for (let at = 0; at < proof.length; at++) {
            const verdict = yield* prove(flipped(proof, at, mask))
            assert.strictEqual(verdict._tag, harmless(at, mask) ? "Done" : "Refused", `byte ${at}, mask ${mask}`)
          }
          for (let at = 0; at < challenge.payload.length; at++) {
            yield* accepted(answer(flipped(challenge.payload, at, mask)))
          }
          for (let at = 0; at < done.payload.length; at++) {
            yield* accepted(finish(flipped(done.payload, at, mask)))
          }
        }
      })
    )
  })
}

/** The same for a client with a ticket and the service that it is for. */
const service = (mode: number) =>
  Effect.gen(function* () {
    const keyServer = yield* KeyServer.generate([admin])
    const state = yield* keyServer.modify((state) => [state, state])
    const rotating = state.rotating.get(osd.type) ?? RotatingSecrets.empty
    const [id, { key }] = RotatingSecrets.current(rotating, 0) ?? assert.fail("no secret")
    const holder = { name: admin, globalId: 4242n, caps: "allow *", lifetime: 3600, keyType: 1 }
    const { blob, sessionKey } = success(SealedTicket.mint({ id, key }, holder, 0, scripted()))
    const ticket = { service: osd.type, sessionKey, blob, expiresAt: 3_600_000, renewAt: 3_600_000 }
    const tickets = TicketStore.makeUnsafe({ globalId: 4242n, auth: ticket, services: new Map([[osd.type, ticket]]) })
    const openServer = Effect.flatMap(AuthServer.AuthServer, (server) => server.open(client)).pipe(
      Effect.provide(AuthServer.AuthServer.layerService({ service: osd.type, secrets: Effect.succeed(rotating) })),
      Effect.provideService(Entropy.Entropy, (size) => new Uint8Array(size).fill(9))
    )
    // Every client made here draws the same nonce, so that what is meant for one fits all.
    const open = openClient({ name: admin, modes: [mode], methods: [CephX], tickets }, osd).pipe(
      Effect.provideService(Entropy.Entropy, (size) => new Uint8Array(size).fill(7))
    )
    return yield* stopped(open, openServer)
  }).pipe(withEntropy(7))

for (const mode of [Crc, Secure]) {
  describe(`In a handshake with a ticket for ${ConnectionMode.format(mode)} mode`, () => {
    it.effect("every truncated payload is refused by the service and a typed error of the client", () =>
      Effect.gen(function* () {
        const { offer, challenge, proof, done, request, prove, answer, finish } = yield* service(mode)
        assert.strictEqual((yield* request(offer.payload))._tag, "More")
        assert.strictEqual((yield* prove(proof))._tag, "Done")
        assert.isTrue(yield* accepted(answer(challenge.payload)))
        assert.isTrue(yield* accepted(finish(done.payload)))
        for (let size = 0; size < offer.payload.length; size++) {
          assert.deepInclude(yield* request(offer.payload.subarray(0, size)), { _tag: "Refused", result: -13 })
          assert.deepInclude(yield* prove(proof.subarray(0, size)), { _tag: "Refused", result: -13 })
        }
        for (let size = 0; size < challenge.payload.length; size++) {
          assert.isFalse(yield* accepted(answer(challenge.payload.subarray(0, size))))
        }
        for (let size = 0; size < done.payload.length; size++) {
          assert.isFalse(yield* accepted(finish(done.payload.subarray(0, size))))
        }
      })
    )

    it.effect(
      "a flipped bit in the answer to the challenge keeps the client out, and one in the reply the service",
      () =>
        Effect.gen(function* () {
          const { offer, challenge, proof, done, request, prove, answer, finish } = yield* service(mode)
          // Any version of a ticket from 1 on is read alike.
          const version = 1 + 8 + 4
          for (const mask of [0x01, 0x80, 0xff]) {
            for (let at = 0; at < proof.length; at++) {
              const verdict = yield* prove(flipped(proof, at, mask))
              const harmless = at === version && mask !== 0x01
              assert.strictEqual(verdict._tag, harmless ? "Done" : "Refused", `byte ${at}, mask ${mask}`)
            }
            for (let at = 0; at < offer.payload.length; at++) {
              assert.include(["More", "Refused"], (yield* request(flipped(offer.payload, at, mask)))._tag)
            }
            for (let at = 0; at < challenge.payload.length; at++) {
              yield* accepted(answer(flipped(challenge.payload, at, mask)))
            }
            // The length, the envelope and the nonce; AES does not protect the connection secret behind them.
            for (let at = 0; at < 4 + 32; at++) assert.isFalse(yield* accepted(finish(flipped(done.payload, at, mask))))
          }
        })
    )
  })
}

describe("Whatever a peer sends", () => {
  const number = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))

  it.effect.prop(
    "a server gives a verdict",
    [Schema.Array(Schema.Tuple([Schema.Boolean, number, Schema.Array(number), Bytes.Bytes]))],
    ([steps]) =>
      Effect.gen(function* () {
        const keyServer = yield* KeyServer.generate([admin])
        const layer = AuthServer.AuthServer.layerEither({ keyServer })
        const server = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open(client)).pipe(
          Effect.provide(layer)
        )
        for (const [more, method, modes, payload] of steps) {
          const verdict = more ? yield* server.more(payload) : yield* server.request({ method, modes, payload })
          if (verdict._tag === "Done") assert.strictEqual(method, None)
        }
      })
  )

  it.effect.prop(
    "a client answers or fails with an AuthError",
    [
      Schema.Array(
        Schema.Tuple([Schema.Literals(["begin", "more", "done", "refused"]), number, Schema.BigInt, Bytes.Bytes])
      )
    ],
    ([steps]) =>
      Effect.gen(function* () {
        const keyServer = yield* KeyServer.generate([admin])
        const client = yield* openClient({ name: admin, key: keyOf(keyServer, admin) }, mon)
        yield* client.begin
        let method: number = CephX
        for (const [step, mode, globalId, payload] of steps) {
          if (step === "begin") method = (yield* client.begin).method
          if (step === "more") yield* accepted(client.more(payload))
          if (step === "done" && (yield* accepted(client.done({ globalId, mode, payload })))) {
            assert.strictEqual(method, None, "nobody but the key server can finish CephX")
          }
          if (step === "refused") {
            const refusal = { method: mode, result: -mode, allowedMethods: [...payload], allowedModes: [mode] }
            const offer = yield* Effect.exit(client.refused(refusal))
            if (Exit.isSuccess(offer)) method = offer.value.method
          }
        }
      })
  )

  it.effect.prop("a service gives a verdict", [Schema.Array(Schema.Tuple([Schema.Boolean, Bytes.Bytes]))], ([steps]) =>
    Effect.gen(function* () {
      const { offer, proof } = yield* service(Crc)
      const server = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open(client)).pipe(
        Effect.provide(
          AuthServer.AuthServer.layerService({ service: osd.type, secrets: Effect.succeed(RotatingSecrets.empty) })
        )
      )
      for (const [more, noise] of steps) {
        for (const payload of [noise, Bytes.concat([(more ? proof : offer.payload).subarray(0, 13), noise])]) {
          const verdict = more ? yield* server.more(payload) : yield* server.request({ ...offer, payload })
          assert.include(["Refused", "Busy"], verdict._tag)
        }
      }
    })
  )

  it.effect("a huge list of methods does not end up in an error", () =>
    Effect.gen(function* () {
      const client = yield* openClient({ name: admin })
      yield* client.begin
      const many = Array.from({ length: 100_000 }, (_, n) => n + 2)
      const error = yield* Effect.flip(
        client.refused({ method: None, result: -95, allowedMethods: many, allowedModes: many })
      )
      assert.isBelow(error.message.length, 1000)
    })
  )

  it.effect("the default entropy is not scripted", () =>
    Effect.gen(function* () {
      const entropy = yield* Entropy.Entropy
      assert.notDeepEqual(entropy(32), entropy(32))
      assert.strictEqual(entropy(32).length, 32)
    })
  )
})
