import { assert, describe, it } from "@effect/vitest"
import { Authorizer, CephXMessages, CryptoKey, Introduction, RotatingSecrets, Ticket } from "@msgr2/auth"
import { Bytes, Codec, UTime } from "@msgr2/wire"
import { Result } from "effect"
import { admin, counting, hex, success } from "./support.ts"

const codecs: ReadonlyArray<Codec.Any> = [
  UTime.UTime,
  CryptoKey.CryptoKey,
  Introduction.Introduction,
  Ticket.CephXTicketBlob,
  Ticket.CephXServiceTicket,
  Ticket.CephXServiceTicketInfo,
  Ticket.AuthTicket,
  Ticket.AuthCapsInfo,
  CephXMessages.CephXServerChallenge,
  CephXMessages.CephXChallengeBlob,
  CephXMessages.CephXRequestHeader,
  CephXMessages.CephXResponseHeader,
  CephXMessages.CephXAuthenticate,
  CephXMessages.TicketEntry,
  CephXMessages.TicketReply,
  CephXMessages.Extras,
  CephXMessages.AuthenticateReply,
  CephXMessages.CephXServiceTicketRequest,
  CephXMessages.RotatingReply,
  Authorizer.CephXAuthorizer,
  Authorizer.CephXAuthorize,
  Authorizer.CephXAuthorizeChallenge,
  Authorizer.CephXAuthorizeReply,
  RotatingSecrets.ExpiringCryptoKey,
  RotatingSecrets.RotatingSecrets
]

describe("CephX structures", () => {
  for (const codec of codecs) {
    it.prop(`${codec.name}: bytes and value are two forms of the same`, [codec.schema], ([value]) => {
      const bytes = Codec.encode(codec, value)
      assert.isAtLeast(bytes.length, codec.min)
      const again = success(Codec.decode(codec, bytes))
      assert.deepStrictEqual(Codec.encode(codec, again), bytes)
      for (let size = 0; size < bytes.length; size++) {
        assert.isTrue(Result.isFailure(Codec.decode(codec, bytes.subarray(0, size))), `${size} bytes are enough`)
      }
    })

    it.prop(`${codec.name}: no bytes make the decoder throw`, [Bytes.Bytes], ([noise]) => {
      Codec.decode(codec, noise)
    })
  }

  // Sent by the client library of Ceph 16.2.15.
  it("An introduction to a monitor has the bytes that Ceph sends", () => {
    const bytes = "0a080000000500000061646d696e0000000000000000"
    assert.strictEqual(Bytes.toHex(Introduction.encode("monitor", admin, 0n)), bytes)
  })

  // Computed independently; accepted by an OSD and a manager of Ceph 16.2.15, 18.2.7 and 20.2.4.
  it("An introduction to another service carries the id that a monitor gave", () => {
    const bytes = "01080000000500000061646d696e9210000000000000"
    assert.strictEqual(Bytes.toHex(Introduction.encode("service", admin, 4242n)), bytes)
  })

  // The version 1 layout is accepted by monitors of Ceph 16.2.15, 18.2.7 and 20.2.4.
  it("CephXAuthenticate has other keys from version 2 on", () => {
    const base = { clientChallenge: 1n, key: 2n, oldTicket: Ticket.noTicket }
    const encode = (structV: number, otherKeys: number) =>
      Bytes.toHex(Codec.encode(CephXMessages.CephXAuthenticate, { structV, ...base, otherKeys }))
    const common = "0100000000000000020000000000000001000000000000000000000000"
    assert.strictEqual(encode(1, 0), "01" + common)
    assert.strictEqual(encode(2, 0x35), "02" + common + "35000000")
    assert.strictEqual(encode(3, 0x20), "03" + common + "20000000")
    const later = success(Codec.decode(CephXMessages.CephXAuthenticate, hex("09" + common + "20000000")))
    assert.strictEqual(later.structV, 3)
    assert.isTrue(Result.isFailure(Codec.decode(CephXMessages.CephXAuthenticate, hex("00" + common))))
  })

  // What OSDs and managers of Ceph 16.2.15, 18.2.7 and 20.2.4 send: 9 bytes in crc mode, 77 in secure mode.
  it("An answer to an authorizer has a connection secret from version 2 on", () => {
    const encode = (connectionSecret: Uint8Array | undefined) =>
      Codec.encode(Authorizer.CephXAuthorizeReply, { noncePlusOne: 5n, connectionSecret })
    assert.strictEqual(Bytes.toHex(encode(undefined)), "010500000000000000")
    assert.strictEqual(encode(counting(0, 64)).length, 77)
    const later = success(Codec.decode(Authorizer.CephXAuthorizeReply, hex("0905000000000000000100000007")))
    assert.deepStrictEqual(later, { noncePlusOne: 5n, connectionSecret: Uint8Array.of(7) })
    assert.isTrue(Result.isFailure(Codec.decode(Authorizer.CephXAuthorizeReply, hex("000500000000000000"))))
  })

  // The sizes of tickets that monitors of Ceph 16.2.15 and 18.2.7 gave to client.admin: 96 bytes with padding.
  it("The ticket for the authentication service has no caps, which makes client.admin's 94 bytes long", () => {
    const key = { type: 1, created: UTime.zero, secret: CryptoKey.generate(() => counting(0, 16), 0).secret }
    const info: Ticket.CephXServiceTicketInfo = {
      ticket: {
        name: admin,
        globalId: 4242n,
        auid: Ticket.NO_AUID,
        created: UTime.zero,
        expires: UTime.seconds(259_200),
        caps: { allowAll: false, caps: new Uint8Array(0) },
        flags: 0
      },
      sessionKey: key
    }
    assert.strictEqual(9 + Codec.encode(Ticket.CephXServiceTicketInfo, info).length, 94)
  })

  // From a monitor of Ceph 18.2.7: a client that reclaimed its id with its old ticket.
  it("A ticket that is encrypted under the old session key is told by its flag", () => {
    const reply =
      "00010000000001010000002000000001300000" +
      "00bd89112e99b023d5b9f2d42145fe639fdaf71b78bc6fc1ccbc3129d325e4321ce8847e32e6215bc5f152ef36969125e8" +
      "0180000000b73a9a530d8786d1906cbe6779be284310e62a337c56fd853fb4db9089b09c280fcbd8323707f7b439cc56d64056985233634053d2ea700cf078ebfb761b213ffd9181b658ed03e70bdcd3ede5d9450ce2fb245b7da671fa414e0f739b8004e940bebe6987899d78e6f3080222d5d80c572e0e2353d98d80093fd23d8b1a487a"
    const { header, tickets } = success(Codec.decode(CephXMessages.AuthenticateReply, hex(reply)))
    assert.deepStrictEqual(header, { requestType: 0x0100, status: 0 })
    assert.deepStrictEqual(
      tickets.entries.map(({ serviceId, encrypted, serviceTicket, ticket }) => [
        serviceId,
        encrypted,
        serviceTicket.length,
        ticket.length
      ]),
      [[0x20, true, 48, 128]]
    )
  })

  // The size that monitors of Ceph 16.2.15, 18.2.7 and 20.2.4 send before padding.
  it("Three rotating secrets take 148 bytes", () => {
    const secrets = RotatingSecrets.rotate(RotatingSecrets.empty, 0, 3600, (size) => new Uint8Array(size))
    assert.strictEqual(Codec.encode(RotatingSecrets.RotatingSecrets, secrets).length, 148)
  })
})
