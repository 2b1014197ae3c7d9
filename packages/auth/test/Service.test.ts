import { assert, describe, it } from "@effect/vitest"
import {
  AuthClient,
  AuthError,
  AuthServer,
  CryptoKey,
  KeyServer,
  type Negotiation,
  RotatingSecrets,
  Signature,
  TicketStore,
  Tickets
} from "@msgr2/auth"
import { AuthMethod, ConnectionMode, EntityName } from "@msgr2/wire"
import { Deferred, Effect, Fiber, type Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { admin, aes, counting, keyOf, meet, mon, osd } from "./support.ts"

const { None, CephX } = AuthMethod.AuthMethod
const { Crc, Secure } = ConnectionMode.ConnectionMode
const { Mon, Osd, Mds, Mgr } = EntityName.EntityType
const value = (secret: Redacted.Redacted<Uint8Array>) => Redacted.value(secret)

type Client = Layer.Layer<AuthClient.AuthClient>
type Server = Layer.Layer<AuthServer.AuthServer>

/** The OSDs of a cluster: their secrets are whatever the key server has for them at the moment. */
const osds = (keyServer: KeyServer.KeyServer, modes?: ReadonlyArray<number>): Server =>
  AuthServer.AuthServer.layerService({
    service: Osd,
    secrets: keyServer.modify((state) => [state.rotating.get(Osd) ?? RotatingSecrets.empty, state]),
    modes
  })

/** A client, used for one connection after another, and a server that takes each. */
const connect = (client: AuthClient.AuthClient["Service"], server: Server, peer: { readonly type: number }) =>
  Effect.gen(function* () {
    const exchange = yield* client.open(peer)
    const accepting = yield* Effect.flatMap(AuthServer.AuthServer, (server) => server.open({ type: admin.type }))
    return yield* meet(exchange, accepting)
  }).pipe(Effect.provide(server))

const using = <A, E>(client: Client, use: (client: AuthClient.AuthClient["Service"]) => Effect.Effect<A, E>) =>
  Effect.provide(Effect.flatMap(AuthClient.AuthClient, use), client)

/** A cluster with client.admin and osd.0, and a client of it that has logged in already. */
const loggedIn = Effect.fnUntraced(function* (options: Partial<AuthClient.Options> = {}) {
  const keyServer = yield* KeyServer.generate([admin, osd])
  const name = options.name ?? admin
  const store = yield* TicketStore.make()
  const layer = AuthClient.AuthClient.layer({ name, key: keyOf(keyServer, name), tickets: store, ...options })
  const login = AuthServer.AuthServer.layerCephx({ keyServer })
  const client = yield* using(layer, Effect.succeed)
  yield* connect(client, login, mon)
  return { keyServer, store, client, login }
})

describe("A client that has logged in", () => {
  for (const [mode, name] of [
    [Crc, admin],
    [Secure, admin],
    [Crc, osd],
    [Secure, osd]
  ] as const) {
    it.effect(`gets in at an OSD as ${EntityName.format(name)} in ${ConnectionMode.format(mode)} mode`, () =>
      Effect.gen(function* () {
        const { client, keyServer, store } = yield* loggedIn({ name, methods: [CephX] })
        const { done, granted, verdicts } = yield* connect(client, osds(keyServer, [mode]), osd)
        assert.deepStrictEqual(
          verdicts.map(({ _tag }) => _tag),
          ["More", "Done"]
        )
        assert.deepStrictEqual([done.name, done.mode, done.allowAll], [name, mode, false])
        assert.deepStrictEqual([...done.caps], [["osd", "allow *"]])
        const tickets = yield* store.get
        assert.deepStrictEqual([done.globalId, granted.globalId], [tickets?.globalId, tickets?.globalId])
        assert.isUndefined(granted.tickets)
        assert.strictEqual(value(granted.sessionKey).length, 16)
        assert.deepStrictEqual(value(granted.sessionKey), value(done.sessionKey))
        assert.strictEqual(value(granted.connectionSecret).length, mode === Secure ? 64 : 0)
        assert.deepStrictEqual(value(granted.connectionSecret), value(done.connectionSecret))
        const sent = [counting(0, 26)]
        assert.isTrue(Signature.verify(done.sessionKey, sent, Signature.sign(granted.sessionKey, sent)))
      })
    )
  }

  it.effect("wants secure before crc from managers and monitors, and after it from others", () =>
    Effect.gen(function* () {
      const { client } = yield* loggedIn()
      const modes = (type: number) =>
        Effect.flatMap(client.open({ type }), ({ begin }) => Effect.map(begin, ({ modes }) => modes))
      assert.deepStrictEqual(yield* modes(Osd), [Crc, Secure])
      assert.deepStrictEqual(yield* modes(Mgr), [Secure, Crc])
      assert.deepStrictEqual(yield* modes(Mon), [Secure, Crc])
    })
  )

  it.effect("has other secrets for every connection in secure mode, and the session key of its ticket", () =>
    Effect.gen(function* () {
      const { client, keyServer, store } = yield* loggedIn()
      const server = osds(keyServer, [Secure])
      const [first, second] = [yield* connect(client, server, osd), yield* connect(client, server, osd)]
      assert.notDeepEqual(value(first.granted.connectionSecret), value(second.granted.connectionSecret))
      const ticket = (yield* store.get)?.services.get(Osd)
      assert.deepStrictEqual(ticket && CryptoKey.secretBytes(ticket.sessionKey), value(second.granted.sessionKey))
    })
  )

  it.effect("has no ticket for services that it did not ask one for", () =>
    Effect.gen(function* () {
      const { client } = yield* loggedIn({ methods: [CephX] })
      const error = yield* Effect.flip(client.open({ type: Mds }))
      assert.strictEqual(error.reason, "NoTicket")
      const { client: asking } = yield* loggedIn({ methods: [CephX], otherKeys: Osd | Mds })
      assert.strictEqual((yield* Effect.flatMap(asking.open({ type: Mds }), ({ begin }) => begin)).method, CephX)
    })
  )

  it.effect("offers none behind a ticket, and none alone without one, when both methods suit it", () =>
    Effect.gen(function* () {
      const { client, keyServer } = yield* loggedIn({ globalId: 77n })
      const anybody = AuthServer.AuthServer.layerNone({ role: "service" })
      const { granted, verdicts } = yield* connect(client, anybody, osd)
      assert.deepStrictEqual(
        verdicts.map(({ _tag }) => _tag),
        ["Refused", "Done"]
      )
      assert.strictEqual(granted.globalId, 77n)
      const error = yield* Effect.flip(connect(client, osds(keyServer), { type: Mds }))
      assert.deepInclude(error, { reason: "NoUsableMethod", method: None })
    })
  )
})

/** Fails with `reason` if the connection does. */
const refusal = (client: AuthClient.AuthClient["Service"], server: Server, peer: { readonly type: number } = osd) =>
  Effect.flip(connect(client, server, peer))

describe("A client with a ticket that is not accepted", () => {
  it.effect("reads AccessDenied, and that its ticket is not good", () =>
    Effect.gen(function* () {
      const { client } = yield* loggedIn({ methods: [CephX] })
      const other = yield* KeyServer.generate([admin])
      const error = yield* refusal(client, osds(other))
      assert.strictEqual(
        error.message,
        "cephx: access denied (-13 EACCES); the peer allows methods cephx, modes secure crc; expected a ticket that the peer's secrets for osd open"
      )
    })
  )

  it.effect("asks for another one, and keeps it for other daemons until then", () =>
    Effect.gen(function* () {
      const { client, keyServer, store } = yield* loggedIn({ methods: [CephX] })
      const other = yield* KeyServer.generate([admin])
      const due = Effect.map(store.get, (tickets) => tickets && Tickets.due(tickets, Osd | Mgr, 0))
      assert.strictEqual(yield* due, 0)
      yield* refusal(client, osds(keyServer, []))
      assert.strictEqual(yield* due, 0, "the modes were refused, not the ticket")
      yield* refusal(client, osds(other))
      assert.strictEqual(yield* due, Osd)
      yield* connect(client, osds(keyServer), osd)
    })
  )

  it.effect(
    "is not let in by a service of another kind, with the mode that clients of monitors use, or by a monitor",
    () =>
      Effect.gen(function* () {
        const { client, keyServer, login } = yield* loggedIn({ methods: [CephX] })
        const managers = AuthServer.AuthServer.layerService({
          service: Mgr,
          secrets: keyServer.modify((state) => [state.rotating.get(Mgr) ?? RotatingSecrets.empty, state])
        })
        assert.deepInclude(yield* refusal(client, managers), { reason: "AccessDenied", result: -13 })
        assert.deepInclude(yield* refusal(client, osds(keyServer), mon), { reason: "AccessDenied", result: -13 })
        assert.deepInclude(yield* refusal(client, login), { reason: "AccessDenied", result: -13 })
      })
  )
})

describe("Time", () => {
  it.effect("A ticket expires on the client's clock and is not shown any more", () =>
    Effect.gen(function* () {
      const { client, keyServer, login } = yield* loggedIn({ methods: [CephX] })
      yield* TestClock.adjust("3599 seconds")
      yield* connect(client, osds(keyServer), osd)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Effect.flip(client.open(osd))).reason, "TicketExpired")
      yield* connect(client, login, mon)
      yield* connect(client, osds(keyServer), osd)
    })
  )

  it.effect("A ticket is good as long as it lives, though the service has newer secrets by then", () =>
    Effect.gen(function* () {
      const { client, keyServer, login, store } = yield* loggedIn({ methods: [CephX] })
      yield* TestClock.adjust("7190 seconds")
      yield* connect(client, login, mon)
      assert.strictEqual((yield* store.get)?.services.get(Osd)?.blob.secretId, 2n)
      yield* TestClock.adjust("3000 seconds")
      yield* connect(client, osds(keyServer), osd)
      assert.strictEqual(yield* keyServer.modify((state) => [state.rotating.get(Osd)?.maxVersion, state]), 4n)
    })
  )

  it.effect("A service refuses an expired ticket also from a client whose clock stands still", () =>
    Effect.gen(function* () {
      const { client, keyServer, store } = yield* loggedIn({ methods: [CephX] })
      const held = yield* store.get
      const ticket = held?.services.get(Osd)
      if (held === undefined || ticket === undefined) return assert.fail("no ticket")
      yield* TestClock.adjust("1 hour")
      yield* store.put(Tickets.renew(held, [{ ...ticket, expiresAt: Infinity, renewAt: Infinity }]))
      assert.deepInclude(yield* refusal(client, osds(keyServer)), { reason: "AccessDenied", result: -13 })
    })
  )
})

describe("A client that can refresh its tickets", () => {
  /** Counts its runs; each brings the tickets of a new login. */
  const refreshing = Effect.fnUntraced(function* (before: Effect.Effect<void, AuthError.AuthError> = Effect.void) {
    const keyServer = yield* KeyServer.generate([admin])
    const store = yield* TicketStore.make()
    const count = { runs: 0 }
    const options: Negotiation.Options = { name: admin, key: keyOf(keyServer, admin), methods: [CephX] }
    const refresh = Effect.suspend(() => {
      count.runs += 1
      return Effect.andThen(before, using(AuthClient.AuthClient.layer({ ...options, tickets: store }), login))
    })
    const login = (client: AuthClient.AuthClient["Service"]) =>
      Effect.asVoid(connect(client, AuthServer.AuthServer.layerCephx({ keyServer }), mon))
    const client = yield* using(AuthClient.AuthClient.layer({ ...options, tickets: store, refresh }), Effect.succeed)
    return { keyServer, store, client, count }
  })

  it.effect("does so when it has none, when they are due, and not otherwise", () =>
    Effect.gen(function* () {
      const { client, count, keyServer } = yield* refreshing()
      yield* connect(client, osds(keyServer), osd)
      yield* connect(client, osds(keyServer), osd)
      assert.strictEqual(count.runs, 1)
      yield* TestClock.adjust("2699 seconds")
      yield* connect(client, osds(keyServer), osd)
      assert.strictEqual(count.runs, 1)
      yield* TestClock.adjust("1 second")
      yield* connect(client, osds(keyServer), osd)
      assert.strictEqual(count.runs, 2)
    })
  )

  it.effect("does so for monitors never: they take the key", () =>
    Effect.gen(function* () {
      const { client, count } = yield* refreshing()
      yield* client.open(mon)
      assert.strictEqual(count.runs, 0)
    })
  )

  it.effect("does so once for all connections that wait for it", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { client, count, keyServer } = yield* refreshing(Deferred.await(gate))
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(connect(client, osds(keyServer), osd)))
      yield* Effect.yieldNow
      assert.strictEqual(count.runs, 1)
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.forEach(fibers, Fiber.join)
      assert.strictEqual(count.runs, 1)
    })
  )

  it.effect("does not keep connections waiting that have a good ticket", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { client, count, keyServer, store } = yield* refreshing(Deferred.await(gate))
      const held = yield* Effect.map(loggedIn(), ({ store }) => store.get).pipe(Effect.flatten)
      yield* store.put(held ?? assert.fail("no tickets"))
      const waiting = yield* Effect.forkChild(client.open({ type: Mds }))
      yield* Effect.yieldNow
      assert.strictEqual(count.runs, 1)
      yield* client.open(osd)
      yield* Deferred.succeed(gate, undefined)
      // The login has not brought a ticket for it either.
      assert.strictEqual((yield* Effect.flip(Fiber.join(waiting))).reason, "NoTicket")
      yield* connect(client, osds(keyServer), osd)
    })
  )

  it.effect("does so again after a service has refused what it had", () =>
    Effect.gen(function* () {
      const { client, count, keyServer } = yield* refreshing()
      const other = yield* KeyServer.generate([admin])
      yield* refusal(client, osds(other))
      assert.strictEqual(count.runs, 1)
      yield* connect(client, osds(keyServer), osd)
      assert.strictEqual(count.runs, 2)
    })
  )

  it.effect("reports why it could not, unless the ticket it has is still good", () =>
    Effect.gen(function* () {
      const broken = { now: false }
      const sorry = AuthError.local("Busy", "a monitor that is ready")
      const { client, count, keyServer } = yield* refreshing(
        Effect.suspend(() => (broken.now ? Effect.fail(sorry) : Effect.void))
      )
      yield* connect(client, osds(keyServer), osd)
      broken.now = true
      yield* TestClock.adjust("3599 seconds")
      yield* connect(client, osds(keyServer), osd)
      assert.strictEqual(count.runs, 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Effect.flip(client.open(osd)), sorry)
    })
  )

  it.effect("says that there is no ticket when refreshing did not bring one", () =>
    Effect.gen(function* () {
      const options = { name: admin, key: aes(counting(0, 16)), methods: [CephX], refresh: Effect.void }
      const error = yield* Effect.flip(using(AuthClient.AuthClient.layer(options), (client) => client.open(osd)))
      assert.strictEqual(error.reason, "NoTicket")
    })
  )

  it.effect("does not do so for method none", () =>
    Effect.gen(function* () {
      const options = { name: admin, methods: [None], refresh: Effect.die("not wanted") }
      const offer = yield* using(AuthClient.AuthClient.layer(options), (client) =>
        Effect.flatMap(client.open(osd), ({ begin }) => begin)
      )
      assert.strictEqual(offer.method, None)
    })
  )
})

describe("A monitor", () => {
  const key = aes(counting(0x40, 16))
  const monitors = (shared = key) =>
    Effect.map(KeyServer.make(new Map([["mon.", { key: shared, caps: new Map([["mon", "allow *"]]) }]])), (keyServer) =>
      AuthServer.AuthServer.layerCephx({ keyServer })
    )
  const monitor = (options: Partial<AuthClient.MonitorOptions> = {}) =>
    using(AuthClient.AuthClient.layerMonitor({ key, methods: [CephX], ...options }), Effect.succeed)

  it.effect("gets in at another monitor with the key that they share, without an id", () =>
    Effect.gen(function* () {
      const client = yield* monitor()
      for (const mode of [Crc, Secure]) {
        const server = yield* monitors()
        const { done, granted } = yield* connect(yield* monitor({ modes: [mode] }), server, mon)
        assert.deepStrictEqual([EntityName.format(done.name), done.globalId, done.mode], ["mon.", 0n, mode])
        assert.deepStrictEqual([...done.caps], [["mon", "allow *"]])
        assert.strictEqual(granted.globalId, 0n)
        assert.deepStrictEqual(value(granted.sessionKey), value(done.sessionKey))
        assert.deepStrictEqual(value(granted.connectionSecret), value(done.connectionSecret))
        assert.strictEqual(value(granted.connectionSecret).length, mode === Secure ? 64 : 0)
      }
      const server = yield* monitors()
      const [first, second] = [yield* connect(client, server, mon), yield* connect(client, server, mon)]
      assert.notDeepEqual(value(first.granted.sessionKey), value(second.granted.sessionKey))
    })
  )

  it.effect("does not get in with another key", () =>
    Effect.gen(function* () {
      const server = yield* monitors(aes(counting(0, 16)))
      assert.deepInclude(yield* refusal(yield* monitor(), server, mon), { reason: "AccessDenied", result: -13 })
    })
  )

  it.effect("does not get in where the key of mon. is not known, nor at a service", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.generate([admin])
      const without = AuthServer.AuthServer.layerCephx({ keyServer })
      assert.deepInclude(yield* refusal(yield* monitor(), without, mon), { reason: "AccessDenied", result: -13 })
      assert.deepInclude(yield* refusal(yield* monitor(), osds(keyServer), mon), { reason: "AccessDenied" })
    })
  )

  it.effect("has nothing to show without that key, and no tickets for other services", () =>
    Effect.gen(function* () {
      const keyless = yield* monitor({ key: undefined })
      assert.strictEqual((yield* Effect.flip(keyless.open(mon))).reason, "NoKey")
      const client = yield* monitor()
      assert.strictEqual((yield* Effect.flip(client.open(osd))).reason, "NoTicket")
    })
  )

  it.effect("lets clients log in with the same server", () =>
    Effect.gen(function* () {
      const keyServer = yield* KeyServer.make(
        new Map([
          ["mon.", { key, caps: KeyServer.ALLOW_ALL }],
          ["client.admin", { key: aes(counting(0, 16)), caps: KeyServer.ALLOW_ALL }]
        ])
      )
      const server = AuthServer.AuthServer.layerCephx({ keyServer })
      const options = { name: admin, key: aes(counting(0, 16)) }
      const { granted } = yield* using(AuthClient.AuthClient.layer(options), (client) => connect(client, server, mon))
      assert.isTrue(granted.globalId > 0n)
      yield* connect(yield* monitor(), server, mon)
    })
  )

  it.effect("introduces itself to a monitor as clients do to services, with method none", () =>
    Effect.gen(function* () {
      const name = { type: Mon, id: "a" }
      const client = yield* monitor({ name, methods: [None] })
      const exchange = yield* client.open(mon)
      const server = yield* Effect.provide(
        Effect.flatMap(AuthServer.AuthServer, (server) => server.open(mon)),
        AuthServer.AuthServer.layerNone()
      )
      const { done, granted } = yield* meet(exchange, server)
      assert.deepStrictEqual([done.name, done.globalId, granted.globalId], [name, 0n, 0n])
      assert.strictEqual((yield* exchange.begin).payload[0], 1)
    })
  )

  it.effect("is the only one who may: a client says the same to a monitor and is refused", () =>
    Effect.gen(function* () {
      const { payload } = yield* Effect.flatMap((yield* monitor({ methods: [None] })).open(mon), ({ begin }) => begin)
      const server = yield* Effect.provide(
        Effect.flatMap(AuthServer.AuthServer, (server) => server.open({ type: admin.type })),
        AuthServer.AuthServer.layerNone()
      )
      const verdict = yield* server.request({ method: None, modes: [Crc], payload })
      assert.deepInclude(verdict, { _tag: "Refused", result: -13 })
    })
  )
})

describe("A service alone", () => {
  it.effect("forgets its challenge once it has refused an answer, and takes a fresh request", () =>
    Effect.gen(function* () {
      const { client, keyServer } = yield* loggedIn({ methods: [CephX] })
      const server = yield* Effect.provide(
        Effect.flatMap(AuthServer.AuthServer, (server) => server.open({ type: admin.type })),
        osds(keyServer)
      )
      const exchange = yield* client.open(osd)
      const first = yield* exchange.begin
      const asked = yield* server.request(first)
      const second = yield* exchange.more(asked._tag === "More" ? asked.payload : new Uint8Array(0))
      assert.deepInclude(yield* server.more(first.payload), { _tag: "Refused", result: -13 })
      // Now that it is the right answer, there is no question any more.
      assert.strictEqual((yield* server.more(second))._tag, "Refused")
      const { granted } = yield* meet(exchange, server)
      assert.isTrue(granted.globalId > 0n)
    })
  )

  it.effect("does not take logins: they are for monitors", () =>
    Effect.gen(function* () {
      const { client, keyServer } = yield* loggedIn({ methods: [CephX] })
      const login = yield* Effect.flatMap(client.open(mon), ({ begin }) => begin)
      const server = yield* Effect.provide(
        Effect.flatMap(AuthServer.AuthServer, (server) => server.open({ type: admin.type })),
        osds(keyServer)
      )
      assert.deepInclude(yield* server.request(login), { _tag: "Refused", result: -13 })
      const nobody = { ...login, method: None, modes: [Crc] }
      assert.deepInclude(yield* server.request(nobody), { _tag: "Refused", result: -95 })
    })
  )
})
