import { assert, describe, it } from "@effect/vitest"
import { Aes, CephXClient, CephXMessages, type CryptoKey } from "@msgr2/auth"
import { Bytes, Codec, ControlFrame } from "@msgr2/wire"
import { Redacted } from "effect"
import { type Handshake, handshakes } from "./goldens/handshakes.ts"
import { admin, aes, counting, failure, hex, success } from "./support.ts"

const principal = aes(counting(0x00, 16))
const proved: CephXClient.State = { _tag: "Proved" }
const credentials = (otherKeys: number, key: CryptoKey.CryptoKey = principal): CephXClient.Credentials => ({
  name: admin,
  key,
  otherKeys
})

/** The control frame of one name; these frames have one segment, whose length stands behind tag and count. */
const frame = <N extends ControlFrame.Name>(frames: Handshake["client"], name: N, cephName: string) => {
  const bytes = hex(frames.find(([name]) => name === cephName)?.[1] ?? "")
  const size = new DataView(bytes.buffer).getUint32(2, true)
  return success(Codec.decodePrefix(ControlFrame.codec(name), bytes.subarray(32, 32 + size)))
}

const named = (name: string): Handshake => {
  const found = handshakes.find((handshake) => handshake.name === name)
  if (found === undefined) throw new Error(name)
  return found
}

describe("The proof", () => {
  // The first three were sent by the client library of Ceph 16.2.15, the last was computed independently.
  it.each([
    [0x82a3_c892_92fd_4364n, 0xa30c_0467_ae64_10ddn],
    [0x0b6c_18d0_9df2_2b22n, 0x56c2_4c1f_5014_5086n],
    [0x2347_e78c_fe46_bd3en, 0xbc73_1d87_32b9_114an],
    [0x0102_0304_0506_0708n, 0x028c_4a6c_fc16_576en]
  ])("for client challenge %s is the one Ceph computes", (clientChallenge, proof) => {
    const challenges = Codec.encode(CephXMessages.CephXChallengeBlob, {
      serverChallenge: 0x1122_3344_5566_7788n,
      clientChallenge
    })
    assert.strictEqual(Aes.cipher.proof(counting(0, 16), challenges), proof)
  })
})

describe("A CephX client", () => {
  // Between the client library of Ceph 16.2.15 and a server it accepted; key 00..0f.
  it.each([
    ["cephx, crc, other_keys 0x20", 0x20, ""],
    ["cephx, crc, other_keys 0x35", 0x35, ""],
    ["cephx, secure", 0x20, Bytes.toHex(counting(0x80, 64))],
    ["cephx, secure, revision 2.0", 0x20, Bytes.toHex(counting(0x80, 64))],
    ["cephx, crc, revision 2.0", 0x20, ""]
  ])("sends what Ceph 16.2.15 sent and opens what it opened: %s", (name, otherKeys, connectionSecret) => {
    const { client, server, sessionKey } = named(name)
    const self = credentials(otherKeys)
    const request = frame(client, "AuthRequest", "AUTH_REQUEST")
    assert.strictEqual(Bytes.toHex(CephXClient.introduce(self)), Bytes.toHex(request.payload))

    const recorded = frame(client, "AuthRequestMore", "AUTH_REQUEST_MORE").payload
    const { clientChallenge } = success(
      Codec.decode(CephXMessages.CephXAuthenticate, recorded.subarray(CephXMessages.CephXRequestHeader.min))
    )
    const challenge = frame(server, "AuthReplyMore", "AUTH_REPLY_MORE").payload
    const [proof, state] = success(CephXClient.prove(self, CephXClient.introduced, challenge, clientChallenge))
    assert.strictEqual(Bytes.toHex(proof), Bytes.toHex(recorded))

    const done = frame(server, "AuthDone", "AUTH_DONE")
    const session = success(CephXClient.finish(self, state, done, 1_000_000))
    assert.strictEqual(Bytes.toHex(Redacted.value(session.sessionKey)), sessionKey)
    assert.strictEqual(Bytes.toHex(Redacted.value(session.connectionSecret)), connectionSecret)
    assert.strictEqual(session.tickets.globalId, 4242n)
    assert.strictEqual(new TextDecoder().decode(session.tickets.auth.blob.blob), "opaque-ticket-32")
  })

  it("holds a ticket for every service, due a quarter of its life before its end", () => {
    const done = frame(named("cephx, crc, other_keys 0x35").server, "AuthDone", "AUTH_DONE")
    const { tickets } = success(CephXClient.finish(credentials(0x35), proved, done, 1_000_000))
    assert.deepStrictEqual(
      [...tickets.services].map(([service, { sessionKey, blob }]) => [
        service,
        Bytes.toHex(Redacted.value(sessionKey.secret)),
        new TextDecoder().decode(blob.blob)
      ]),
      [
        [0x01, "01".repeat(16), "opaque-ticket-1"],
        [0x04, "04".repeat(16), "opaque-ticket-4"],
        [0x10, "10".repeat(16), "opaque-ticket-16"]
      ]
    )
    assert.deepStrictEqual([tickets.auth.expiresAt, tickets.auth.renewAt], [4_600_000, 3_700_000])
  })

  // A stock monitor in a throw-away cluster and an independently written client.
  it("opens what a monitor of Ceph 18.2.7 granted", () => {
    const { client, server, sessionKey } = named("monitor 18.2.7, crc")
    const key = aes(hex("eaf1ac2095b6a702b59bf70c8e65f3db"))
    const challenge = frame(server, "AuthReplyMore", "AUTH_REPLY_MORE").payload
    const recorded = frame(client, "AuthRequestMore", "AUTH_REQUEST_MORE").payload
    const { clientChallenge } = success(Codec.decode(CephXMessages.CephXAuthenticate, recorded.subarray(2)))
    const self = credentials(0x20, key)
    const [proof, state] = success(CephXClient.prove(self, CephXClient.introduced, challenge, clientChallenge))
    assert.strictEqual(Bytes.toHex(proof), Bytes.toHex(recorded))
    const session = success(CephXClient.finish(self, state, frame(server, "AuthDone", "AUTH_DONE"), 0))
    assert.strictEqual(Bytes.toHex(Redacted.value(session.sessionKey)), sessionKey)
    assert.strictEqual(session.tickets.globalId, 14_100n)
    assert.strictEqual(session.tickets.auth.blob.secretId, 2n)
    assert.strictEqual(session.tickets.auth.blob.blob.length, 96)
    assert.strictEqual(session.tickets.auth.expiresAt, 259_200_000)
  })

  const golden = frame(named("cephx, secure").server, "AuthDone", "AUTH_DONE")
  const finish = (done: CephXClient.Done, self = credentials(0x20)) =>
    failure(CephXClient.finish(self, proved, done, 0)).reason

  it("keeps tickets and secrets that do not share memory with the payload", () => {
    const payload = Uint8Array.from(golden.payload)
    const session = success(CephXClient.finish(credentials(0x20), proved, { ...golden, payload }, 0))
    payload.fill(0)
    assert.strictEqual(new TextDecoder().decode(session.tickets.auth.blob.blob), "opaque-ticket-32")
    assert.deepStrictEqual(Redacted.value(session.connectionSecret), counting(0x80, 64))
  })

  it("never asks for no other keys, even when told to", () => {
    const challenge = hex("018877665544332211")
    const [proof] = success(CephXClient.prove(credentials(0), CephXClient.introduced, challenge, 1n))
    assert.strictEqual(success(Codec.decode(CephXMessages.CephXAuthenticate, proof.subarray(2))).otherKeys, 0x20)
  })

  it("proves itself once: a second challenge is out of order", () => {
    const challenge = hex("018877665544332211")
    const error = failure(CephXClient.prove(credentials(0x20), proved, challenge, 1n))
    assert.strictEqual(error.reason, "OutOfOrder")
  })

  it("does not take AUTH_DONE without having been challenged", () => {
    const error = failure(CephXClient.finish(credentials(0x20), CephXClient.introduced, golden, 0))
    assert.strictEqual(error.reason, "OutOfOrder")
  })

  it("does not take a grant that another key sealed", () => {
    assert.include(["BadCiphertext", "BadMagic"], finish(golden, credentials(0x20, aes(counting(1, 16)))))
  })

  it("does not take a global id of 0", () => {
    assert.strictEqual(finish({ ...golden, globalId: 0n }), "BadGlobalId")
  })

  it("does not take secure mode with the empty secret of crc mode", () => {
    const crc = frame(named("cephx, crc, other_keys 0x20").server, "AuthDone", "AUTH_DONE")
    assert.strictEqual(finish({ ...crc, mode: 2 }), "MissingConnectionSecret")
  })

  it("does not take a reply without a connection secret", () => {
    // header 6, version 1, count 4, then one entry of 4 + 1 + 4 + 48 + 1 + 4 + 29
    const end = 6 + 5 + 91
    assert.strictEqual(finish({ ...golden, payload: golden.payload.subarray(0, end) }), "BadPayload")
    const empty = Bytes.concat([golden.payload.subarray(0, end), new Uint8Array(8)])
    assert.strictEqual(finish({ ...golden, payload: empty }), "MissingConnectionSecret")
  })

  it("reports a status as AccessDenied, with the errno", () => {
    const payload = hex("0001f3ffffff")
    const error = failure(CephXClient.finish(credentials(0x20), proved, { ...golden, payload }, 0))
    assert.deepStrictEqual([error.reason, error.result], ["AccessDenied", -13])
  })

  it("does not take a response to another request", () => {
    const payload = Uint8Array.from(golden.payload)
    payload[1] = 2
    assert.strictEqual(finish({ ...golden, payload }), "BadPayload")
  })

  it("does not take tickets without one for the authentication service", () => {
    const payload = Uint8Array.from(golden.payload)
    payload[11] = 4
    assert.strictEqual(finish({ ...golden, payload }), "BadPayload")
  })

  it("does not take a ticket under an old key that it has not presented", () => {
    const payload = Uint8Array.from(golden.payload)
    payload[11 + 57] = 1
    assert.strictEqual(finish({ ...golden, payload }), "BadPayload")
  })
})
