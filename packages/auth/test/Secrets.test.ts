import { assert, describe, it } from "@effect/vitest"
import {
  AuthServer,
  CephXMessages,
  CryptoKey,
  Keyring,
  KeyServer,
  MonPass,
  RotatingSecrets,
  Ticket,
  TicketStore
} from "@msgr2/auth"
import { Bytes, Codec } from "@msgr2/wire"
import { Effect, Inspectable, Redacted } from "effect"
import { inspect } from "node:util"
import { admin, aes, counting, handshake, keyOf, meet, openClient, osd, client as peer, success } from "./support.ts"

/** Everything a log line, a debugger or a careless template could show of `value`. */
const shown = (value: unknown): string => {
  const replacer = (_: string, part: unknown) =>
    typeof part === "bigint" ? String(part) : part instanceof Map ? [...part] : part
  return [
    JSON.stringify(value, replacer),
    inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: Infinity, getters: true }),
    String(value),
    Inspectable.toStringUnknown(value)
  ].join("\n")
}

/** The ways in which bytes are printed: hex, base64, and lists as inspect and JSON write them. */
const forms = (secret: Uint8Array): ReadonlyArray<string> => {
  const some = [...secret.subarray(0, 6)]
  return [
    Bytes.toHex(secret.subarray(0, 8)),
    some.map((byte) => byte.toString(16).padStart(2, "0")).join(" "),
    some.join(", "),
    some.join(","),
    some.map((byte, at) => `"${at}":${byte}`).join(","),
    btoa(String.fromCharCode(...secret)).slice(0, 10)
  ]
}

const leaks = (value: unknown, secrets: ReadonlyArray<Uint8Array>) => {
  const text = shown(value)
  return secrets.flatMap(forms).filter((form) => text.includes(form))
}

describe("Secrets", () => {
  it("The test notices a secret in any of its forms", () => {
    const secret = counting(200, 16)
    for (const careless of [{ secret }, [secret], { deep: { er: secret } }, Bytes.toHex(secret), [...secret]]) {
      assert.isNotEmpty(leaks(careless, [secret]))
    }
    assert.isEmpty(leaks({ secret: Redacted.make(secret) }, [secret]))
  })

  it.effect("No end of a handshake, and nothing that comes out of one, shows a key", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const key = keyOf(keyServer, admin)
      const client = yield* openClient({ name: admin, key })
      const server = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open(peer)).pipe(
        Effect.provide(AuthServer.AuthServer.layerCephx({ keyServer }))
      )
      const { granted, done } = yield* meet(client, server)
      const tickets = granted.tickets === undefined ? [] : [granted.tickets.auth, ...granted.tickets.services.values()]
      const secrets = [
        CryptoKey.secretBytes(key),
        Redacted.value(granted.sessionKey),
        Redacted.value(granted.connectionSecret),
        ...tickets.map(({ sessionKey }) => CryptoKey.secretBytes(sessionKey))
      ]
      assert.strictEqual(secrets.length, 7)
      for (const value of [client, client.begin, server, granted, done, keyServer, key, CryptoKey.format(key)]) {
        assert.isEmpty(leaks(value, secrets))
      }
      const state = yield* keyServer.modify((state) => [state, state])
      const rotating = [...state.rotating.values()].flatMap(({ secrets }) =>
        secrets.map(([, { key }]) => CryptoKey.secretBytes(key))
      )
      assert.strictEqual(rotating.length, 15)
      assert.isEmpty(leaks(state, [...secrets, ...rotating, CryptoKey.secretBytes(state.decoy)]))
      assert.isEmpty(leaks(Keyring.format(keyServer.keyring), secrets))
    })
  )

  it.effect("Nothing that comes out of a handshake with a ticket, a ticket or a pass shows a key", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const state = yield* keyServer.modify((state) => [state, state])
      const rotating = state.rotating.get(osd.type) ?? RotatingSecrets.empty
      const store = yield* TicketStore.make()
      const options = { name: admin, key: keyOf(keyServer, admin), tickets: store }
      yield* handshake(options, AuthServer.AuthServer.layerCephx({ keyServer }))
      const client = yield* openClient({ ...options, modes: [2] }, osd)
      const server = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open(peer)).pipe(
        Effect.provide(AuthServer.AuthServer.layerService({ service: osd.type, secrets: Effect.succeed(rotating) }))
      )
      const { granted, done } = yield* meet(client, server)
      const monKey = aes(counting(0x61, 16))
      const pass = success(MonPass.make(monKey, 0, counting.bind(undefined, 0x33)))
      const tickets = yield* store.get
      const secrets = [
        Redacted.value(granted.sessionKey),
        Redacted.value(granted.connectionSecret),
        CryptoKey.secretBytes(monKey),
        CryptoKey.secretBytes(pass.ticket.sessionKey),
        ...rotating.secrets.map(([, { key }]) => CryptoKey.secretBytes(key))
      ]
      assert.strictEqual(secrets.length, 7)
      for (const value of [client, server, granted, done, store, tickets, pass, rotating]) {
        assert.isEmpty(leaks(value, secrets))
      }
    })
  )

  it.effect("No error shows the key that failed", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const secret = counting(0x61, 16)
      const error = yield* Effect.flip(
        handshake({ name: admin, key: aes(secret) }, AuthServer.AuthServer.layerCephx({ keyServer }))
      )
      assert.isEmpty(leaks(error, [secret, CryptoKey.secretBytes(keyOf(keyServer, admin))]))
    })
  )

  it("The JSON view of a structure with a key does not show it", () => {
    const secret = counting(0x61, 16)
    const ticket = { sessionKey: aes(secret), validity: { sec: 1, nsec: 0 } }
    assert.deepStrictEqual(Codec.toJson(Ticket.CephXServiceTicket)(ticket), {
      sessionKey: { type: 1, created: { sec: 0, nsec: 0 }, secret: "<redacted>" },
      validity: { sec: 1, nsec: 0 }
    })
  })

  it("A refused value is not repeated when it may be a key", () => {
    const secret = counting(0x61, 16)
    const encoded = Codec.encodeUnknown(CryptoKey.CryptoKey, { ...aes(secret), type: 9 })
    assert.isEmpty(leaks(encoded, [secret]))
    const short = Codec.encodeUnknown(CryptoKey.CryptoKey, { ...aes(secret), type: 2 })
    assert.isEmpty(leaks(short, [secret]))
  })

  it("What travels in the clear may be shown: a ticket is opaque, a challenge is public", () => {
    const challenge = success(Codec.decode(CephXMessages.CephXServerChallenge, counting(1, 9)))
    assert.include(shown(challenge), String(challenge.serverChallenge))
  })
})
