import { assert, describe, it } from "@effect/vitest"
import {
  Aes,
  CephXClient,
  CephXMessages,
  CephXServer,
  Cipher,
  CryptoKey,
  KeyServer,
  type Keyring,
  RotatingSecrets,
  Sealed,
  Ticket
} from "@msgr2/auth"
import { Codec } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { admin, aes, counting, failure, scripted, success } from "./support.ts"

const now = 1_700_000_000_000
const key = aes(counting(0x00, 16))
const aes256k: CryptoKey.CryptoKey = { ...key, type: 2, secret: Redacted.make(new Uint8Array(32)) }
const entity = (caps: Record<string, string>): Keyring.Entity => ({ key, caps: new Map(Object.entries(caps)) })
const state = KeyServer.initial(
  new Map([
    ["client.admin", entity({ mds: "allow *", mgr: "allow *", mon: "allow *", osd: "allow *" })],
    ["client.rbd", entity({ mon: "profile rbd", osd: "profile rbd" })],
    ["client.idle", entity({ osd: "allow *" })],
    ["client.new", { key: aes256k, caps: KeyServer.ALLOW_ALL }]
  ]),
  now,
  scripted()
)

const challenged = (options: Partial<CephXServer.Challenged> = {}): CephXServer.Challenged => ({
  name: admin,
  globalId: 0n,
  mode: 1,
  serverChallenge: 0x1122_3344_5566_7788n,
  ...options
})

interface Wish {
  readonly structV?: number
  readonly otherKeys?: number
  readonly oldTicket?: Ticket.CephXTicketBlob
  readonly proof?: bigint
  readonly requestType?: number
}

const prove = ({ structV = 3, otherKeys = 0x20, oldTicket = Ticket.noTicket, ...wish }: Wish = {}) => {
  const clientChallenge = 0x0102_0304_0506_0708n
  return Codec.encode(Codec.pair(CephXMessages.CephXRequestHeader, CephXMessages.CephXAuthenticate), [
    { requestType: wish.requestType ?? 0x0100 },
    { structV, clientChallenge, key: wish.proof ?? 0x028c_4a6c_fc16_576en, oldTicket, otherKeys }
  ])
}

const answer = (payload: Uint8Array, client = challenged()) =>
  CephXServer.answer(state, client, payload, now, scripted(9))
const grant = (wish: Wish = {}, client = challenged()) => success(answer(prove(wish), client)[0])
const errno = (payload: Uint8Array, client = challenged()) => failure(answer(payload, client)[0])

describe("A CephX server", () => {
  // The sizes of what monitors of Ceph 16.2.15 and 18.2.7 answer to client.admin, who has four kinds of caps.
  it("grants payloads of the sizes that monitors of Ceph send", () => {
    assert.strictEqual(grant({ otherKeys: 0x20 }).payload.length, 210)
    assert.strictEqual(grant({ otherKeys: 0x35 }).payload.length, 760)
    assert.strictEqual(grant({ otherKeys: 0x35 }, challenged({ mode: 2 })).payload.length, 824)
  })

  it("grants what a client opens: three tickets with keys of their own", () => {
    const credentials = { name: admin, key, otherKeys: 0x35 }
    const { globalId, payload, sessionKey } = grant({ otherKeys: 0x35 })
    const session = success(CephXClient.finish(credentials, { _tag: "Proved" }, { globalId, mode: 1, payload }, now))
    assert.deepStrictEqual(Redacted.value(session.sessionKey), Redacted.value(sessionKey))
    assert.deepStrictEqual([...session.tickets.services.keys()], [0x01, 0x04, 0x10])
    const keys = [session.tickets.auth, ...session.tickets.services.values()].map(({ sessionKey }) =>
      Redacted.value(sessionKey.secret).join()
    )
    assert.strictEqual(new Set(keys).size, 4)
    assert.strictEqual(session.tickets.auth.expiresAt, now + 259_200_000)
    assert.strictEqual(session.tickets.services.get(4)?.expiresAt, now + 3_600_000)
  })

  it("seals into a ticket who the client is and what it may do at the service", () => {
    const { globalId, payload } = grant({ otherKeys: 0x35 }, challenged({ name: { ...admin, id: "rbd" } }))
    const credentials = { name: admin, key, otherKeys: 0x35 }
    const { tickets } = success(
      CephXClient.finish(credentials, { _tag: "Proved" }, { globalId, mode: 1, payload }, now)
    )
    // No ticket for managers: client.rbd has no caps there.
    assert.deepStrictEqual([...tickets.services.keys()], [0x01, 0x04])
    for (const held of [tickets.auth, ...tickets.services.values()]) {
      assert.strictEqual(held.blob.secretId, 2n)
      const rotating = state.rotating.get(held.service) ?? RotatingSecrets.empty
      const secret = RotatingSecrets.find(rotating, held.blob.secretId) ?? key
      const { ticket, sessionKey } = success(
        Sealed.open(secret, Cipher.Usage.TicketInfo, Ticket.CephXServiceTicketInfo, held.blob.blob)
      )
      assert.deepStrictEqual(Redacted.value(sessionKey.secret), Redacted.value(held.sessionKey.secret))
      assert.deepStrictEqual(ticket.name, { ...admin, id: "rbd" })
      assert.strictEqual(ticket.globalId, globalId)
      assert.strictEqual(ticket.auid, Ticket.NO_AUID)
      assert.strictEqual(ticket.created.sec * 1000, now)
      assert.strictEqual((ticket.expires.sec - ticket.created.sec) * 1000, held.expiresAt - now)
      assert.isFalse(ticket.caps.allowAll)
      const caps = ticket.caps.caps.length === 0 ? "" : success(Codec.decode(Codec.string, ticket.caps.caps))
      assert.strictEqual(caps, held.service === 0x04 ? "profile rbd" : "")
    }
  })

  it("sends a connection secret of 64 bytes in secure mode and an empty one in crc mode", () => {
    assert.strictEqual(Redacted.value(grant({}, challenged({ mode: 2 })).connectionSecret).length, 64)
    assert.strictEqual(Redacted.value(grant().connectionSecret).length, 0)
  })

  it("accepts all three versions of CephXAuthenticate; without other keys the reply ends after the ticket", () => {
    assert.strictEqual(grant({ structV: 2 }).payload.length, 210)
    const short = 210 - 24 - 4
    assert.strictEqual(grant({ structV: 1, otherKeys: 0 }).payload.length, short)
    assert.strictEqual(grant({ otherKeys: 0 }).payload.length, short)
  })

  // What monitors of Ceph 16.2.15, 18.2.7 and 20.2.4 answer.
  it("refuses as monitors of Ceph do", () => {
    assert.strictEqual(errno(new Uint8Array(0)), -13)
    const proof = prove()
    for (let size = 1; size < proof.length; size++) assert.strictEqual(errno(proof.subarray(0, size)), -1, `${size}`)
    assert.strictEqual(errno(prove({ requestType: 0x0200 })), -22)
    assert.strictEqual(errno(prove({ requestType: 0x0400 })), -22)
    assert.strictEqual(errno(prove({ requestType: 0 })), -22)
    assert.strictEqual(errno(prove({ proof: 0n })), -13)
    assert.strictEqual(errno(prove(), challenged({ serverChallenge: 1n })), -13)
    assert.strictEqual(errno(prove(), challenged({ name: { ...admin, id: "nobody" } })), -13)
    assert.strictEqual(errno(prove({ oldTicket: { secretId: 2n, blob: counting(0, 16) } })), -22)
    assert.strictEqual(errno(prove(), challenged({ globalId: 4242n })), -13)
  })

  it("refuses secure mode without other keys: there is no secret to run it with", () => {
    assert.strictEqual(errno(prove({ otherKeys: 0 }), challenged({ mode: 2 })), -22)
    assert.strictEqual(errno(prove({ structV: 1, otherKeys: 0 }), challenged({ mode: 2 })), -22)
  })

  it("refuses entities without caps for monitors, and keys it has no cipher for, like a wrong key", () => {
    assert.strictEqual(errno(prove(), challenged({ name: { ...admin, id: "idle" } })), -13)
    assert.strictEqual(errno(prove(), challenged({ name: { ...admin, id: "new" } })), -13)
  })

  it("refuses a stranger even with the proof that the decoy key makes", () => {
    const challenges = Codec.encode(CephXMessages.CephXChallengeBlob, {
      serverChallenge: challenged().serverChallenge,
      clientChallenge: 0x0102_0304_0506_0708n
    })
    const proof = Aes.cipher.proof(CryptoKey.secretBytes(state.decoy), challenges)
    for (const id of ["nobody", "new"]) {
      assert.strictEqual(errno(prove({ proof }), challenged({ name: { ...admin, id } })), -13)
    }
  })

  it("keeps its state when it refuses and counts ids when it grants", () => {
    assert.strictEqual(answer(prove({ proof: 0n }))[1], state)
    const [first, next] = answer(prove())
    const [second] = CephXServer.answer(next, challenged(), prove(), now, scripted())
    assert.strictEqual(success(second).globalId, success(first).globalId + 1n)
  })

  it("challenges whoever introduces itself to a monitor, known or not", () => {
    const introduce = (mode: number) => Uint8Array.from([mode, 8, 0, 0, 0, 1, 0, 0, 0, 0x78, 0, 0, 0, 0, 0, 0, 0, 0])
    for (const mode of [10, 19]) {
      const [payload, client] = success(CephXServer.challenge(introduce(mode), 2, 5n))
      assert.deepStrictEqual([...payload], [1, 5, 0, 0, 0, 0, 0, 0, 0])
      assert.deepStrictEqual(client, { name: { ...admin, id: "x" }, globalId: 0n, mode: 2, serverChallenge: 5n })
    }
    for (const mode of [0, 1, 5, 9, 20, 255]) {
      assert.strictEqual(failure(CephXServer.challenge(introduce(mode), 2, 5n)), -13)
    }
    for (let size = 0; size < 18; size++) {
      assert.strictEqual(failure(CephXServer.challenge(introduce(10).subarray(0, size), 2, 5n)), -13)
    }
  })
})

describe("Rotating secrets", () => {
  const hour = 3_600_000
  const rotate = (secrets: RotatingSecrets.RotatingSecrets, at: number) =>
    RotatingSecrets.rotate(secrets, at, 3600, scripted(at + 1))
  const ids = ({ secrets }: RotatingSecrets.RotatingSecrets) => secrets.map(([id]) => id)

  // A fresh cluster of Ceph 16.2.15, 18.2.7 or 20.2.4 has ids 1, 2, 3, which expire after one, two and three lifetimes.
  it("begin with three, of which the second seals", () => {
    const fresh = rotate(RotatingSecrets.empty, 0)
    assert.deepStrictEqual(ids(fresh), [1n, 2n, 3n])
    assert.deepStrictEqual(
      fresh.secrets.map(([, { expiration }]) => expiration.sec),
      [3600, 7200, 10_800]
    )
    assert.strictEqual(fresh.maxVersion, 3n)
    assert.strictEqual(RotatingSecrets.current(fresh, 0)?.[0], 2n)
    assert.isUndefined(RotatingSecrets.current(RotatingSecrets.empty, 0))
    assert.strictEqual(new Set(fresh.secrets.map(([, { key }]) => Redacted.value(key.secret).join())).size, 3)
  })

  it("stay as they are while the second is good, then move on by one", () => {
    const fresh = rotate(RotatingSecrets.empty, 0)
    assert.strictEqual(rotate(fresh, 2 * hour - 1), fresh)
    const next = rotate(fresh, 2 * hour)
    assert.deepStrictEqual(ids(next), [2n, 3n, 4n])
    assert.strictEqual(RotatingSecrets.current(next, 2 * hour)?.[0], 3n)
    assert.isDefined(RotatingSecrets.find(next, 2n))
    assert.isUndefined(RotatingSecrets.find(next, 1n))
  })

  it("are all new after a long sleep, and the one to seal with is good", () => {
    const late = rotate(rotate(RotatingSecrets.empty, 0), 1000 * hour)
    assert.strictEqual(late.secrets.length, 3)
    const current = RotatingSecrets.current(late, 1000 * hour)
    assert.isTrue(current !== undefined && current[1].expiration.sec * 1000 > 1000 * hour)
  })

  it("seal with the next one when the current has expired unnoticed", () => {
    assert.strictEqual(RotatingSecrets.current(rotate(RotatingSecrets.empty, 0), 2 * hour)?.[0], 3n)
  })

  it("exist for every service of a key server and rotate with it", () => {
    assert.deepStrictEqual(
      [...state.rotating.keys()].toSorted((a, b) => a - b),
      [0x01, 0x02, 0x04, 0x10, 0x20]
    )
    assert.strictEqual(KeyServer.rotate(state, now, scripted()), state)
    const later = KeyServer.rotate(state, now + 3 * hour, scripted())
    assert.deepStrictEqual(ids(later.rotating.get(0x04) ?? RotatingSecrets.empty), [3n, 4n, 5n])
    assert.deepStrictEqual(ids(later.rotating.get(0x20) ?? RotatingSecrets.empty), [1n, 2n, 3n])
  })

  it("a service without secrets gets no tickets", () => {
    const holder = { name: admin, globalId: 1n, key }
    const result = KeyServer.issue({ ...state, rotating: new Map() }, 4, holder, "allow *", now, scripted())
    assert.isTrue(Result.isFailure(result) && result.failure.reason === "NoKey")
  })
})
