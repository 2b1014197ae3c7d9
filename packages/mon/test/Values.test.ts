import { assert, describe, it } from "@effect/vitest"
import { Codec, UTime } from "@msgr2/wire"
import { LogEntry, Text, Uuid } from "@msgr2/mon"
import { Result, Schema } from "effect"
import { failure, laws, survives } from "./support/laws.ts"

const fsid = "00010203-0405-0607-0809-0a0b0c0d0e0f"

describe("Text", () => {
  it("A byte order mark is a character like any other", () => {
    assert.strictEqual(survives(Text.Text, "03000000 efbbbf"), "\uFEFF")
  })

  it("Half of a UTF-8 sequence becomes U+FFFD, and the text around it stays", () => {
    assert.deepStrictEqual(
      Codec.decode(Text.Text, Uint8Array.of(4, 0, 0, 0, 0x61, 0xe2, 0x82, 0x62)),
      Result.succeed("a\uFFFDb")
    )
  })

  laws(Text.Text)
})

describe("LogEntry", () => {
  laws(LogEntry.LogEntry)
})

describe("Uuid", () => {
  it("A UUID is its text without dashes, in order", () => {
    assert.strictEqual(survives(Uuid.Uuid, "823857857d514b0884a7fef7399cb2e7"), "82385785-7d51-4b08-84a7-fef7399cb2e7")
    assert.strictEqual(survives(Uuid.Uuid, "00".repeat(16)), Uuid.nil)
  })

  it("Capitals and blanks around are read, anything else is refused", () => {
    assert.deepStrictEqual(Uuid.parse(` ${fsid.toUpperCase()}\n`), Result.succeed(fsid))
    for (const text of ["", fsid.slice(1), `${fsid}0`, fsid.replaceAll("-", ""), fsid.replace("0a", "0g")]) {
      assert.include(failure(Uuid.parse(text)), "a UUID such as")
    }
  })

  laws(Uuid.Uuid)
})

describe("UTime", () => {
  it("A time prints with its nanoseconds", () => {
    assert.strictEqual(UTime.format({ sec: 1_700_000_000, nsec: 7 }), "2023-11-14T22:13:20.000000007Z")
    assert.strictEqual(UTime.format({ sec: 0, nsec: 2_500_000_000 }), "1970-01-01T00:00:02.500000000Z")
    assert.strictEqual(UTime.format({ sec: 0xffff_ffff, nsec: 0xffff_ffff }), "2106-02-07T06:28:19.294967295Z")
  })

  it("A clock outside 1970 to 2106 becomes the nearest end", () => {
    assert.deepStrictEqual(UTime.fromMillis(-1), UTime.zero)
    assert.deepStrictEqual(UTime.fromMillis(2 ** 53), { sec: 0xffff_ffff, nsec: 999_000_000 })
  })

  it.prop(
    "Milliseconds survive",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_294_967_295_999 }))],
    ([millis]) => {
      const time = UTime.fromMillis(millis)
      assert.isTrue(Schema.is(UTime.UTime.schema)(time))
      assert.strictEqual(UTime.toMillis(time), millis)
    }
  )

  laws(UTime.UTime)
})
