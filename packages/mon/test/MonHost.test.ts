import { assert, describe, it } from "@effect/vitest"
import { EntityAddr } from "@msgr2/wire"
import { ConfigError, MonHost } from "@msgr2/mon"
import { Result, Schema } from "effect"
import { failure } from "./support/laws.ts"

const read = (text: string): ReadonlyArray<string> =>
  Result.getOrThrow(MonHost.parse(text)).map((place) => `${place._tag} ${MonHost.format(place)}`)

describe("mon_host", () => {
  it.each([
    ["v2:127.0.0.1:3300", ["Addr v2:127.0.0.1:3300/0"]],
    ["v2:127.0.0.1:3300/7", ["Addr v2:127.0.0.1:3300/7"]],
    ["10.0.0.1", ["Addr v2:10.0.0.1:3300/0"]],
    ["10.0.0.1:3300", ["Addr v2:10.0.0.1:3300/0"]],
    ["10.0.0.1:40000", ["Addr v2:10.0.0.1:40000/0"]],
    ["10.0.0.1:0", ["Addr v2:10.0.0.1:3300/0"]],
    ["any:10.0.0.1:3300", ["Addr v2:10.0.0.1:3300/0"]],
    ["[2001:db8::1]", ["Addr v2:[2001:db8::1]:3300/0"]],
    ["[2001:db8::1]:40000", ["Addr v2:[2001:db8::1]:40000/0"]],
    ["2001:DB8::1", ["Addr v2:[2001:db8::1]:3300/0"]],
    ["v2:[::1]:3300/0", ["Addr v2:[::1]:3300/0"]],
    ["mon-a", ["Name v2:mon-a:3300"]],
    ["mon-a.example.org:40000", ["Name v2:mon-a.example.org:40000"]]
  ])("%s is one place that msgr2 can use", (text, places) => {
    assert.deepStrictEqual(read(text), places)
    assert.isTrue(Result.getOrThrow(MonHost.parse(text)).every(MonHost.isUsable))
  })

  it.each([
    ["v1:10.0.0.1", "Addr v1:10.0.0.1:6789/0"],
    ["v1:10.0.0.1:3300", "Addr v1:10.0.0.1:3300/0"],
    ["10.0.0.1:6789", "Addr v1:10.0.0.1:6789/0"],
    ["[::1]:6789", "Addr v1:[::1]:6789/0"],
    ["mon-a:6789", "Name v1:mon-a:6789"],
    ["v1:mon-a", "Name v1:mon-a:6789"],
    ["[v1:10.0.0.1:6789/0]", "Addr v1:10.0.0.1:6789/0"]
  ])("%s is yielded as a place that msgr2 cannot use", (text, place) => {
    assert.deepStrictEqual(read(text), [place])
    assert.isFalse(Result.getOrThrow(MonHost.parse(text)).some(MonHost.isUsable))
  })

  it("An explicit v2 wins over the port's habit", () => {
    assert.deepStrictEqual(read("v2:10.0.0.1:6789"), ["Addr v2:10.0.0.1:6789/0"])
  })

  it("A group is one monitor: its v1 place is left out when it has a v2 place", () => {
    assert.deepStrictEqual(
      read("[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0],[v1:10.0.0.2:6789/0,v2:10.0.0.2:3300/0],[v1:10.0.0.3:6789/0]"),
      ["Addr v2:10.0.0.1:3300/0", "Addr v2:10.0.0.2:3300/0", "Addr v1:10.0.0.3:6789/0"]
    )
  })

  it("A group of IPv6 addresses has brackets in brackets", () => {
    assert.deepStrictEqual(read("[v2:[2001:db8::1]:3300/0,v1:[2001:db8::1]:6789/0]"), ["Addr v2:[2001:db8::1]:3300/0"])
  })

  it.each([",", ", ", " ", "\n", ";", " ; ", "\t"])("%j separates monitors", (separator) => {
    assert.deepStrictEqual(read(["10.0.0.1", "[v2:10.0.0.2:3300, v1:10.0.0.2:6789]", "mon-c"].join(separator)), [
      "Addr v2:10.0.0.1:3300/0",
      "Addr v2:10.0.0.2:3300/0",
      "Name v2:mon-c:3300"
    ])
  })

  it("Order is kept, and what is said twice is yielded once", () => {
    assert.deepStrictEqual(read("b,10.0.0.2,a,v2:10.0.0.2:3300,b"), [
      "Name v2:b:3300",
      "Addr v2:10.0.0.2:3300/0",
      "Name v2:a:3300"
    ])
  })

  it.each([
    "10.0.0.300",
    "10.0.0",
    "3300",
    "10.0.0.1:65536",
    "10.0.0.1:3300/4294967296",
    "10.0.0.1:",
    "v3:10.0.0.1",
    "V2:10.0.0.1",
    "[10.0.0.1",
    "10.0.0.1]",
    "[]",
    "[[v2:10.0.0.1]]",
    "[::1::2]",
    "fe80::1%eth0",
    "-mon",
    "mon/a:3300",
    "mon-a:65536",
    "]mon-a["
  ])("%s is refused with ConfigError that quotes it", (text) => {
    const error = failure(MonHost.parse(`10.0.0.9,${text}`))
    assert.instanceOf(error, ConfigError.ConfigError)
    assert.strictEqual(error.what, "mon_host")
    assert.include(text + `10.0.0.9,${text}`, error.got)
    assert.include(error.message, error.expected)
  })

  it.each(["[10.0.0.1", "10.0.0.1]", "[[::1]:3300"])("%s is refused for its brackets", (text) => {
    assert.include(failure(MonHost.parse(text)).expected, "bracket")
  })

  it.each(["", "  ", ",;"])("%j names no monitor and is refused", (text) => {
    assert.include(failure(MonHost.parse(text)).expected, "at least one monitor")
  })

  it.prop("Any text is a list of places or a ConfigError", [Schema.String], ([text]) => {
    const places = MonHost.parse(text)
    if (Result.isFailure(places)) assert.instanceOf(places.failure, ConfigError.ConfigError)
    else assert.isAtLeast(places.success.length, 1)
  })

  it.prop(
    "Every address that can be printed is read back, alone and in a group",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))).check(
        Schema.isMinLength(4),
        Schema.isMaxLength(4)
      ),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0xffff })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
    ],
    ([octets, port, nonce]) => {
      const addr = EntityAddr.make(octets.join("."), port, nonce)!
      const expected = Result.succeed([{ _tag: "Addr", addr } as const])
      assert.deepStrictEqual(MonHost.parse(EntityAddr.format(addr)), expected)
      assert.deepStrictEqual(MonHost.parse(EntityAddr.formatVec([addr])), expected)
    }
  )
})
