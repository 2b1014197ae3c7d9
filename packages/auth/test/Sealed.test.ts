import { assert, describe, it } from "@effect/vitest"
import { Aes, AuthError, Cipher, CryptoKey, Sealed, Ticket } from "@msgr2/auth"
import { Bytes, Codec } from "@msgr2/wire"
import { Redacted } from "effect"
import { aes, counting, failure, hex, scripted, success } from "./support.ts"

const principal = aes(counting(0x00, 16))
const session = aes(counting(0x20, 16))
const { Usage } = Cipher

/** `length:le32 ciphertext`, as it stands in a payload. */
const seal = <A>(key: CryptoKey.CryptoKey, codec: Codec.Codec<A>, value: A) =>
  Bytes.toHex(Codec.encode(Codec.bytes, success(Sealed.seal(key, Usage.Default, codec, value, scripted()))))

const serviceTicket =
  "300000000a4005b8c9b7a59a36849d635d29feb6e8f6b01e5af3a0adf2dd7dfffd0128c54d267b15cc084ef8eaf20187f73e18f1"

describe("Sealed", () => {
  // Accepted by the client library of Ceph 16.2.15.
  it("A service ticket seals to the bytes that Ceph 16.2.15 opens", () => {
    const ticket = { sessionKey: session, validity: { sec: 3600, nsec: 0 } }
    assert.strictEqual(seal(principal, Ticket.CephXServiceTicket, ticket), serviceTicket)
  })

  it("The bytes that Ceph 16.2.15 opens open to the same service ticket", () => {
    const sealed = hex(serviceTicket.slice(8))
    const ticket = success(Sealed.open(principal, Usage.TicketSessionKey, Ticket.CephXServiceTicket, sealed))
    assert.deepStrictEqual(CryptoKey.secretBytes(ticket.sessionKey), counting(0x20, 16))
    assert.deepStrictEqual(ticket.validity, { sec: 3600, nsec: 0 })
  })

  // Accepted by the client library of Ceph 16.2.15.
  it("Connection secrets, empty and full, seal to the bytes that Ceph 16.2.15 opens", () => {
    assert.strictEqual(seal(session, Codec.bytes, new Uint8Array(0)), "10000000c3bcba4f78be2988cff2146385b7b17c")
    assert.strictEqual(
      seal(session, Codec.bytes, counting(0x80, 64)),
      "50000000fa138b656ae1d52c3bfb7b44c06dab2a1582fff9f31863ca75ed3e1adc1bad6e9f10459531e3c4ea17c3c5f15e5d34213e4c46608e9b9602775abb0356ec8b45a8c7f40015bf78dba7bbb690fb450faa"
    )
  })

  // Computed independently.
  it("A service's challenge is a sealed 64-bit number", () => {
    const sealed = hex("7245cf75eac6870134a6c23d8680342753b33024a80637b6091f8370c8007c2c")
    const challenge = success(Sealed.open(session, Usage.AuthorizeChallenge, Codec.pair(Codec.u8, Codec.u64), sealed))
    assert.deepStrictEqual(challenge, [1, 0x2222_2222_2222_2222n])
  })

  const reason = (key: CryptoKey.CryptoKey, sealed: Uint8Array) =>
    failure(Sealed.open(key, Usage.Default, Ticket.CephXServiceTicket, sealed)).reason

  it("Whatever another key has sealed is refused as undecryptable or without magic", () => {
    const sealed = hex(serviceTicket.slice(8))
    for (let n = 0; n < 600; n++) {
      const key = aes(scripted(n)(16))
      assert.include(["BadCiphertext", "BadMagic"], reason(key, sealed))
    }
  })

  it("Padding alone does not make a payload: without the magic it is refused as BadMagic", () => {
    const plain = Codec.encode(Ticket.CephXServiceTicket, { sessionKey: session, validity: { sec: 1, nsec: 0 } })
    const sealed = Aes.cipher.seal(counting(0, 16), 0, plain, scripted())
    assert.strictEqual(reason(principal, sealed), "BadMagic")
    assert.strictEqual(
      reason(principal, Aes.cipher.seal(counting(0, 16), 0, new Uint8Array(0), scripted())),
      "BadMagic"
    )
  })

  it("What is no whole number of blocks is refused as BadCiphertext", () => {
    for (const size of [0, 1, 15, 17, 47]) {
      assert.strictEqual(reason(principal, hex(serviceTicket.slice(8)).subarray(0, size)), "BadCiphertext")
    }
  })

  it("Padding whose bytes differ is no padding", () => {
    // One block without padding of its own: the first of the two that a whole block seals to.
    const block = (...end: ReadonlyArray<number>) => {
      const plain = Bytes.concat([hex("0155aa2688ad9c00ff"), new Uint8Array(7 - end.length), Uint8Array.from(end)])
      return Aes.cipher.seal(counting(0, 16), 0, plain, scripted()).subarray(0, 16)
    }
    assert.strictEqual(reason(principal, block(2, 2)), "BadPayload")
    assert.strictEqual(reason(principal, block(7, 2)), "BadCiphertext")
    assert.strictEqual(reason(principal, block(0)), "BadCiphertext")
    assert.strictEqual(reason(principal, block(17)), "BadCiphertext")
  })

  it("A sealed value that is too short is refused as BadPayload", () => {
    const sealed = success(Sealed.seal(principal, Usage.Default, Codec.u8, 1, scripted()))
    assert.strictEqual(reason(principal, sealed), "BadPayload")
  })

  it("Bytes behind a sealed value are skipped", () => {
    const sealed = success(Sealed.seal(principal, Usage.Default, Codec.pair(Codec.u8, Codec.u64), [7, 9n], scripted()))
    assert.strictEqual(success(Sealed.open(principal, Usage.Default, Codec.u8, sealed)), 7)
  })

  it("A key without a cipher neither seals nor opens", () => {
    const key: CryptoKey.CryptoKey = { ...principal, type: 2, secret: Redacted.make(new Uint8Array(32)) }
    assert.strictEqual(failure(Sealed.seal(key, 0, Codec.u8, 1, scripted())).reason, "UnsupportedCipher")
    assert.strictEqual(reason(key, hex(serviceTicket.slice(8))), "UnsupportedCipher")
  })

  it.prop("Opening returns what was sealed", [Bytes.Bytes, CryptoKey.CryptoKey.schema], ([value, other]) => {
    const sealed = success(Sealed.seal(principal, Usage.Default, Codec.bytes, value, scripted()))
    assert.strictEqual(sealed.length % 16, 0)
    assert.deepStrictEqual(success(Sealed.open(principal, Usage.Default, Codec.bytes, sealed)).slice(), value.slice())
    const key = { ...principal, secret: other.type === 1 ? other.secret : session.secret }
    assert.instanceOf(failure(Sealed.open(key, Usage.Default, Codec.bytes, sealed)), AuthError.AuthError)
  })

  it.prop("No bytes make opening throw", [Bytes.Bytes], ([noise]) => {
    const blocks = new Uint8Array(16 * Math.ceil((noise.length + 1) / 16))
    blocks.set(noise)
    for (const sealed of [noise, blocks]) {
      assert.instanceOf(failure(Sealed.open(principal, 0, Ticket.CephXServiceTicketInfo, sealed)), AuthError.AuthError)
    }
  })
})
