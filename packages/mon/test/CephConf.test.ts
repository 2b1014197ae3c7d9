import { assert, describe, it } from "@effect/vitest"
import { EntityName } from "@msgr2/wire"
import { CephConf, ConfigError, Settings } from "@msgr2/mon"
import { Redacted, Result, Schema } from "effect"
import { inspect } from "node:util"
import { failure } from "./support/laws.ts"

const parse = (text: string): CephConf.CephConf => Result.getOrThrow(CephConf.parse(text))
const name = (text: string): EntityName.EntityName => Result.getOrThrow(EntityName.parse(text))

const value = (text: string, option: string, who = "client.admin", cluster = "ceph"): string | undefined => {
  const entry = CephConf.lookup(parse(text), { name: name(who), cluster }, option)
  return entry === undefined ? undefined : Redacted.value(entry.value)
}

describe("ceph.conf", () => {
  it("[client.admin] comes before [client], and [client] before [global]", () => {
    const text = "[global]\na = 1\nb = 1\nc = 1\n[client]\na = 2\nb = 2\n[client.admin]\na = 3\n[osd]\na = 4"
    assert.deepStrictEqual(
      ["a", "b", "c", "d"].map((option) => value(text, option)),
      ["3", "2", "1", undefined]
    )
    assert.strictEqual(value(text, "a", "client.other"), "2")
    assert.strictEqual(value(text, "a", "mon.x"), "1")
  })

  it("Blanks, dashes and underscores in a name are the same", () => {
    for (const spelled of ["mon host", "mon_host", "mon-host", "  mon \t host", "mon__host"]) {
      assert.strictEqual(value(`[global]\n${spelled} = a`, "mon-host"), "a", spelled)
    }
  })

  it("Comments end a line, but not in quotes or behind a backslash", () => {
    const text = `
# first
; second
[global]   # third
  a = 1 ; fourth
  b = "x # y ; z"  # fifth
  c = x \\# y \\; z
  d = 'it is "so"'
  e =
  f = 1 = 2`
    assert.deepStrictEqual(
      ["a", "b", "c", "d", "e", "f"].map((option) => value(text, option)),
      ["1", "x # y ; z", "x # y ; z", 'it is "so"', "", "1 = 2"]
    )
  })

  it("A backslash at the end of a line joins it with the next, and lines keep their numbers", () => {
    const conf = parse("[global]\nmon host = 10.0.0.1,\\\n  10.0.0.2,\\\r\n10.0.0.3\n# no \\\nb = 2\n")
    const entries = conf.sections.get("global")!
    assert.strictEqual(Redacted.value(entries.get("mon_host")!.value), "10.0.0.1,  10.0.0.2,10.0.0.3")
    assert.strictEqual(entries.get("mon_host")!.line, 2)
    assert.strictEqual(entries.get("b")!.line, 6)
    assert.strictEqual(value('a = \\\n  "x;y"', "a"), "x;y")
  })

  it("Of options said twice the last counts, also in a section that comes in pieces", () => {
    assert.strictEqual(value("[global]\na = 1\na = 2\n[client]\n[global]\na = 3", "a"), "3")
  })

  it("Options before the first heading are global; a byte order mark is no part of their name", () => {
    assert.strictEqual(value("mon_host = a\n[client]", "mon_host", "osd.0"), "a")
    assert.strictEqual(value("\uFEFFmon_host = a", "mon_host"), "a")
    assert.strictEqual(value("\uFEFF[global]\nmon_host = a", "mon_host"), "a")
  })

  it("Variables stand for the cluster and the client; unknown ones stay", () => {
    const text = "[global]\na = /$cluster/$name/${type}-$id.x/$host/$$/${nothing}"
    assert.strictEqual(
      value(text, "a", "client.rgw.a", "site1"),
      "/site1/client.rgw.a/client-rgw.a.x/$host/$$/${nothing}"
    )
  })

  it.each([
    ["a heading without its bracket", "[global\na = 1", 1, "a section"],
    ["a heading without a name", "\n[ ]\n", 2, "a section"],
    ["a heading cut off by a comment", "[glo#bal]", 1, "a section"],
    ["text behind a heading", "[global] a = 1", 1, "a section"],
    ["a line that assigns nothing", "[global]\n\nmon host\n", 3, "an option"],
    ["a value without a name", "= 1", 1, "an option"],
    ["a bracket in a name", "a[1] = 1", 1, "an option"],
    ["a quote that never closes", '[global]\na = 1\nb = "x\nc = 2', 3, "b"],
    ["text behind a closing quote", '[global]\nb = "x" y', 2, "b"]
  ])("%s is refused with its line", (_, text, line, what) => {
    const error = failure(CephConf.parse(text))
    assert.instanceOf(error, ConfigError.ConfigError)
    assert.deepStrictEqual([error.line, error.what], [line, what])
    assert.include(error.message, `line ${line}: `)
  })

  it("No value is in an error or in what a log would print", () => {
    const secret = "AQDBfx9oAAAAABAAsecretsecretsecret=="
    for (const text of [
      `key = "${secret}`,
      `key = '${secret}' x`,
      `key ${secret}`.replaceAll("=", ""),
      secret.replaceAll("=", "")
    ]) {
      const error = failure(CephConf.parse(`[global]\n${text}`))
      assert.notInclude(error.message + inspect(error, { depth: 9 }) + JSON.stringify(error), "secret")
    }
    const conf = parse(`[global]\nkey = ${secret}`)
    assert.notInclude(inspect(conf, { depth: 9 }), "secret")
    assert.notInclude(inspect(Result.getOrThrow(Settings.make({ conf })), { depth: 9 }), "secret")
  })

  it.prop("Any text is a file or a ConfigError", [Schema.String], ([text]) => {
    const conf = CephConf.parse(text)
    if (Result.isFailure(conf)) assert.instanceOf(conf.failure, ConfigError.ConfigError)
  })

  it.prop(
    "A value whose special characters are escaped comes back",
    [Schema.String.check(Schema.isPattern(/^[ -~]*$/))],
    ([text]) => {
      const escaped = text.replaceAll(/["'\\#;]/g, "\\$&")
      const entry = parse(`[global]\na = ${escaped}\nb = 1`).sections.get("global")!
      assert.strictEqual(Redacted.value(entry.get("a")!.value), text.trim())
      assert.strictEqual(Redacted.value(entry.get("b")!.value), "1")
    }
  )
})
