import { assert, describe, it } from "@effect/vitest"
import { Cipher, CryptoKey } from "@msgr2/auth"
import { Bytes, Codec } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { aes, counting, failure, hex, scripted, success } from "./support.ts"

const text = (key: CryptoKey.CryptoKey) => Redacted.value(CryptoKey.format(key))

describe("CryptoKey", () => {
  // Computed with ceph-authtool's rules: created 123 s 456 ns, secret "1234567890123456".
  it("A key has the bytes and the text that Ceph gives it", () => {
    const key: CryptoKey.CryptoKey = {
      type: 1,
      created: { sec: 123, nsec: 456 },
      secret: Redacted.make(new TextEncoder().encode("1234567890123456"))
    }
    assert.strictEqual(
      Bytes.toHex(Codec.encode(CryptoKey.CryptoKey, key)),
      "01007b000000c8010000100031323334353637383930313233343536"
    )
    assert.strictEqual(text(key), "AQB7AAAAyAEAABAAMTIzNDU2Nzg5MDEyMzQ1Ng==")
    assert.deepStrictEqual(CryptoKey.secretBytes(success(CryptoKey.parse(text(key)))), CryptoKey.secretBytes(key))
  })

  it("The text of a key at time zero is the one that the 16.2.15 library was given", () => {
    assert.strictEqual(text(aes(counting(0, 16))), "AQAAAAAAAAAAABAAAAECAwQFBgcICQoLDA0ODw==")
  })

  // From a throw-away cluster of Ceph 20.2.4.
  const aes256k = "AgAAAAAAAAAAACAA0i6TFKuSOnqBGAwzg1KilzIWEQFt+nkZyco2feBu+N0="

  it("An aes256k key is a value that has no cipher yet", () => {
    const key = success(CryptoKey.parse(aes256k))
    assert.strictEqual(key.type, CryptoKey.CryptoType.Aes256k)
    assert.strictEqual(CryptoKey.secretBytes(key).length, 32)
    assert.strictEqual(text(key), aes256k)
    const error = failure(Cipher.of(key))
    assert.strictEqual(error.reason, "UnsupportedCipher")
    assert.include(error.message, "aes256k")
  })

  it("Blanks around a key do not matter", () => {
    assert.isTrue(Result.isSuccess(CryptoKey.parse(`  ${aes256k}\n`)))
  })

  it.each([
    ["nothing", ""],
    ["no base64", "AQB7AAAA!"],
    ["a key cut off", "AQAAAAAAAAAAABAAAAECAwQF"],
    ["a key with a tail", "AQAAAAAAAAAAABAAAAECAwQFBgcICQoLDA0ODwAA"],
    ["a type nobody has named", "AwAAAAAAAAAAABAAAAECAwQFBgcICQoLDA0ODw=="],
    ["an aes secret of 15 bytes", "AQAAAAAAAAAAAA8AAAECAwQFBgcICQoLDA0O"],
    ["an aes256k secret of 16 bytes", "AgAAAAAAAAAAABAAAAECAwQFBgcICQoLDA0ODw=="]
  ])("%s is refused as BadKey, without repeating it", (_, text) => {
    const error = failure(CryptoKey.parse(text))
    assert.strictEqual(error.reason, "BadKey")
    if (text !== "") assert.notInclude(error.message, text)
  })

  it("A decoded key does not share memory with the bytes it came from", () => {
    const bytes = hex("01007b000000c8010000100031323334353637383930313233343536")
    const key = success(Codec.decode(CryptoKey.CryptoKey, bytes))
    bytes.fill(0)
    assert.strictEqual(Bytes.toHex(CryptoKey.secretBytes(key)), "31323334353637383930313233343536")
  })

  it("A fresh key is dated and of the size of its type", () => {
    const key = CryptoKey.generate(scripted(), 1_700_000_000_250)
    assert.deepStrictEqual(key.created, { sec: 1_700_000_000, nsec: 250_000_000 })
    assert.strictEqual(CryptoKey.secretBytes(key).length, 16)
    assert.strictEqual(CryptoKey.secretBytes(CryptoKey.generate(scripted(), 0, 2)).length, 32)
  })

  it.prop("Every key survives its text form", [CryptoKey.CryptoKey.schema], ([key]) => {
    const again = success(CryptoKey.parse(text(key)))
    assert.deepStrictEqual(Codec.encode(CryptoKey.CryptoKey, again), Codec.encode(CryptoKey.CryptoKey, key))
  })

  it.prop("No text makes the parser throw", [CryptoKey.CryptoKey.schema, Bytes.Bytes], ([key, noise]) => {
    const valid = text(key)
    for (const at of noise) CryptoKey.parse(valid.slice(0, at % (valid.length + 1)))
    CryptoKey.parse(String.fromCharCode(...noise))
  })
})
