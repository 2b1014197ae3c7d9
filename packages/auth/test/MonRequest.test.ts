import { assert, describe, it } from "@effect/vitest"
import { Authorizer, Cipher, CryptoKey, MonRequest, RotatingSecrets, Sealed, Tickets } from "@msgr2/auth"
import { Bytes, Codec, EntityName } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { osdToOsd, renewal } from "./goldens/authorizers.ts"
import { aes, counting, failure, hex, scripted, success } from "./support.ts"

const { Mon, Mds, Osd, Mgr, Auth } = EntityName.EntityType

const held = (service: number, renewAt = 3_000, expiresAt = 4_000): Tickets.Held => ({
  service,
  sessionKey: aes(counting(0x20, 16)),
  blob: { secretId: 1n, blob: new TextEncoder().encode("opaque-ticket-32") },
  expiresAt,
  renewAt
})
const tickets: Tickets.Tickets = {
  globalId: 4242n,
  auth: held(Auth),
  services: new Map([
    [Osd, held(Osd)],
    [Mds, held(Mds)]
  ])
}

describe("A request for tickets", () => {
  // Sent by the client library of Ceph 16.2.15.
  it("has the bytes that Ceph sends", () => {
    const recorded = hex(renewal.request)
    const authorizer = success(Codec.decodePrefix(Authorizer.CephXAuthorizer, recorded.subarray(2)))
    const { nonce } = success(
      Sealed.open(tickets.auth.sessionKey, Cipher.Usage.Authorize, Authorizer.CephXAuthorize, authorizer.sealed)
    )
    const request = success(MonRequest.renewal(tickets, Mon | Osd | Mgr, () => Codec.encode(Codec.u64, nonce)))
    assert.strictEqual(Bytes.toHex(request), renewal.request)
  })

  // Accepted by the client library of Ceph 16.2.15.
  it("brings tickets in place of the old ones; the others stay", () => {
    const renewed = success(MonRequest.renewed(tickets, hex(renewal.reply), 1_000_000))
    assert.strictEqual(renewed.globalId, 4242n)
    assert.strictEqual(renewed.auth, tickets.auth)
    assert.strictEqual(renewed.services.get(Mds), tickets.services.get(Mds))
    assert.deepStrictEqual(
      [Mon, Osd, Mgr].map((service) => new TextDecoder().decode(renewed.services.get(service)?.blob.blob)),
      ["opaque-ticket-1", "opaque-ticket-4", "opaque-ticket-16"]
    )
    assert.isTrue([Mon, Osd, Mgr].every((service) => (renewed.services.get(service)?.renewAt ?? 0) > 1_000_000))
  })

  // What monitors of Ceph 16.2.15, 18.2.7 and 20.2.4 answer when there is nothing to give.
  it("may bring none", () => {
    const renewed = success(MonRequest.renewed(tickets, hex("0002000000000100000000"), 0))
    assert.deepStrictEqual([...renewed.services], [...tickets.services])
  })

  it("brings nothing when it was denied, misunderstood, sealed for another session or cut short", () => {
    const reply = hex(renewal.reply)
    const denied = failure(MonRequest.renewed(tickets, hex("0002f3ffffff"), 0))
    assert.deepInclude(denied, { reason: "AccessDenied", result: -13 })
    assert.strictEqual(failure(MonRequest.renewed(tickets, hex("000400000000"), 0)).reason, "BadPayload")
    const auth = { ...tickets.auth, sessionKey: aes(counting(0, 16)) }
    assert.include(["BadCiphertext", "BadMagic"], failure(MonRequest.renewed({ ...tickets, auth }, reply, 0)).reason)
    for (let size = 0; size < reply.length; size++) {
      assert.strictEqual(failure(MonRequest.renewed(tickets, reply.subarray(0, size), 0)).reason, "BadPayload")
    }
  })
})

describe("A request for rotating secrets", () => {
  const key = success(CryptoKey.parse(osdToOsd.keys["osd.1"]))
  const reply = hex(osdToOsd.rotating.reply)

  // Sent by an OSD of Ceph 18.2.7, answered by a monitor of the same.
  it("has the bytes that Ceph sends and brings three secrets, which expire an hour after one another", () => {
    assert.strictEqual(Bytes.toHex(MonRequest.rotating()), osdToOsd.rotating.request)
    const rotating = success(MonRequest.rotated(key, reply))
    assert.strictEqual(rotating.maxVersion, 3n)
    assert.deepStrictEqual(
      rotating.secrets.map(([id]) => id),
      [1n, 2n, 3n]
    )
    const ends = rotating.secrets.map(([, { expiration }]) => expiration.sec)
    assert.deepStrictEqual(
      ends.map((end) => end - (ends[0] ?? 0)),
      [0, 3600, 7200]
    )
    const secrets = rotating.secrets.map(([, { key }]) => Redacted.value(key.secret))
    assert.isTrue(secrets.every(({ length }) => length === 16))
    const usage = Cipher.Usage.RotatingSecret
    const sealed = success(Sealed.seal(key, usage, RotatingSecrets.RotatingSecrets, rotating, scripted()))
    assert.deepStrictEqual(sealed, reply.subarray(10))
  })

  it("brings nothing when it was denied, misunderstood, sealed for another daemon or cut short", () => {
    // A monitor of Ceph 16.2.15, 18.2.7 or 20.2.4 to a client that is no daemon.
    assert.deepInclude(failure(MonRequest.rotated(key, hex("0004f3ffffff"))), { reason: "AccessDenied", result: -13 })
    assert.strictEqual(failure(MonRequest.rotated(key, hex("000200000000"))).reason, "BadPayload")
    const other = success(CryptoKey.parse(osdToOsd.keys["osd.0"]))
    assert.include(["BadCiphertext", "BadMagic"], failure(MonRequest.rotated(other, reply)).reason)
    for (let size = 0; size < reply.length; size++) {
      assert.isTrue(Result.isFailure(MonRequest.rotated(key, reply.subarray(0, size))))
    }
  })

  it("is due when fewer than three secrets are held or the current one has expired", () => {
    const rotating = success(MonRequest.rotated(key, reply))
    const end = (rotating.secrets[1]?.[1].expiration.sec ?? 0) * 1000
    assert.isFalse(RotatingSecrets.isDue(rotating, end - 1))
    assert.isTrue(RotatingSecrets.isDue(rotating, end + 1000))
    assert.isTrue(RotatingSecrets.isDue(RotatingSecrets.empty, 0))
    assert.isTrue(RotatingSecrets.isDue({ ...rotating, secrets: rotating.secrets.slice(1) }, 0))
  })
})

describe("Tickets", () => {
  it("are found while they are good", () => {
    const found = success(Tickets.pass(tickets, Osd, 3_999))
    assert.deepStrictEqual([found.globalId, found.ticket], [4242n, tickets.services.get(Osd)])
    assert.strictEqual(success(Tickets.pass(tickets, Auth, 0)).ticket, tickets.auth)
    assert.strictEqual(failure(Tickets.pass(tickets, Osd, 4_000)).reason, "TicketExpired")
    assert.strictEqual(failure(Tickets.pass(tickets, Mgr, 0)).reason, "NoTicket")
    assert.strictEqual(failure(Tickets.pass(undefined, Osd, 0)).reason, "NoTicket")
  })

  it("are due when they are missing or have come to the end of their life", () => {
    const all = Mon | Mds | Osd | Mgr | Auth
    assert.strictEqual(Tickets.due(tickets, all, 2_999), Mon | Mgr)
    assert.strictEqual(Tickets.due(tickets, all, 3_000), Mon | Mds | Osd | Mgr)
    assert.strictEqual(Tickets.due(tickets, Osd, 3_000), Osd)
    assert.strictEqual(Tickets.due(tickets, Osd, 0), 0)
    assert.strictEqual(Tickets.due(tickets, 0xffff_ffff, 0), Mon | Mgr)
  })
})
