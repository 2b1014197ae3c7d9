import { assert, describe, it } from "@effect/vitest"
import { CryptoKey, Keyring } from "@msgr2/auth"
import { EntityName } from "@msgr2/wire"
import { Redacted, Schema } from "effect"
import { admin, failure, success } from "./support.ts"

const key = "AQAAAAAAAAAAABAAAAECAwQFBgcICQoLDA0ODw=="
const other = "AQB7AAAAyAEAABAAMTIzNDU2Nzg5MDEyMzQ1Ng=="

const plain = (keyring: Keyring.Keyring) =>
  [...keyring].map(([name, { key, caps }]) => [name, Redacted.value(CryptoKey.format(key)), Object.fromEntries(caps)])

const parsed = (...lines: ReadonlyArray<string>) => plain(success(Keyring.parse(lines.join("\n"))))

const refused = (...lines: ReadonlyArray<string>) => {
  const error = failure(Keyring.parse(lines.join("\n")))
  assert.notInclude(error.message, key.slice(0, 20))
  return [error.reason, error.line]
}

describe("Keyring", () => {
  it("A file as ceph-authtool writes it is read", () => {
    assert.deepStrictEqual(
      parsed(
        "[client.admin]",
        `\tkey = ${key}`,
        '\tcaps mds = "allow *"',
        '\tcaps mon = "allow *"',
        "[osd.0]",
        `\tkey = ${other}`
      ),
      [
        ["client.admin", key, { mds: "allow *", mon: "allow *" }],
        ["osd.0", other, {}]
      ]
    )
  })

  it("Comments, blank lines, spacing and line ends of any kind do not matter", () => {
    const text = `\uFEFF# mine\r\n\r\n  [ client.admin ]  ; me\r\n  key=${key}   # secret\r\n\tcaps_mon  = allow r ; read\r\n`
    assert.deepStrictEqual(plain(success(Keyring.parse(text))), [["client.admin", key, { mon: "allow r" }]])
  })

  it("Quotes protect comment signs, and backslashes protect quotes", () => {
    assert.deepStrictEqual(
      parsed(
        "[client.a]",
        `key = "${key}"`,
        'caps mon = "profile rbd; allow command \\"auth get\\" #1" ; rest',
        "caps osd = 'allow rw pool=\"x\"'",
        "caps mgr = allow \\# r"
      ),
      [
        [
          "client.a",
          key,
          { mon: 'profile rbd; allow command "auth get" #1', osd: 'allow rw pool="x"', mgr: "allow # r" }
        ]
      ]
    )
  })

  it("A section may occur twice; the last entry counts", () => {
    assert.deepStrictEqual(
      parsed("[client.a]", `key = ${key}`, "[client.b]", `key = ${key}`, "[client.a]", `key = ${other}`),
      [
        ["client.a", other, {}],
        ["client.b", key, {}]
      ]
    )
  })

  it("auid, a pending key and the section [global] are skipped", () => {
    assert.deepStrictEqual(
      parsed("[global]", "fsid = 1", "[client.a]", "auid = 0", `pending key = ${other}`, `key = ${key}`),
      [["client.a", key, {}]]
    )
  })

  it("An empty file is an empty keyring", () => {
    assert.deepStrictEqual(parsed(""), [])
  })

  it("What is wrong is said with its line", () => {
    assert.deepStrictEqual(refused("", `key = ${key}`), ["EntryOutsideSection", 2])
    assert.deepStrictEqual(refused("[client.admin", `key = ${key}`), ["BadSection", 1])
    assert.deepStrictEqual(refused("[admin]", `key = ${key}`), ["BadName", 1])
    assert.deepStrictEqual(refused("[client.a]", "key"), ["BadEntry", 2])
    assert.deepStrictEqual(refused("[client.a]", `kee = ${key}`), ["UnknownEntry", 2])
    assert.deepStrictEqual(refused("[client.a]", `key = ${key}`, "caps = allow"), ["UnknownEntry", 3])
    assert.deepStrictEqual(refused("[client.a]", `key = ${key}x`), ["BadKey", 2])
    assert.deepStrictEqual(refused("[client.a]", `key = "${key}`), ["UnterminatedQuote", 2])
    assert.deepStrictEqual(refused("[client.a]", `key = "${key}" too`), ["UnterminatedQuote", 2])
    assert.deepStrictEqual(refused("", "[client.a]", "caps mon = allow *"), ["MissingKey", 2])
  })

  it("Line breaks in caps are written as blanks", () => {
    const key = CryptoKey.none
    const text = Redacted.value(
      Keyring.format(new Map([["client.a", { key, caps: new Map([["mon", "allow r,\r\nallow w"]]) }]]))
    )
    assert.deepStrictEqual(success(Keyring.parse(text)).get("client.a")?.caps.get("mon"), "allow r, allow w")
  })

  it("A name that is not in the keyring is reported as NoKey", () => {
    const keyring = success(Keyring.parse(`[client.admin]\nkey = ${key}`))
    assert.strictEqual(Redacted.value(CryptoKey.format(success(Keyring.find(keyring, admin)).key)), key)
    const error = failure(Keyring.find(keyring, { ...admin, id: "bob" }))
    assert.strictEqual(error.reason, "NoKey")
    assert.include(error.message, "[client.bob]")
  })

  const word = Schema.String.check(Schema.isPattern(/^[a-z0-9-]{1,8}$/))
  const capsText = Schema.String.check(Schema.isPattern(/^[ -~]{0,20}$/))

  it.prop(
    "Every keyring survives its text form",
    [Schema.Array(Schema.Tuple([word, CryptoKey.CryptoKey.schema, Schema.Record(word, capsText)]))],
    ([entities]) => {
      const keyring = new Map(
        entities.map(([id, key, caps]) => [
          EntityName.format({ type: EntityName.EntityType.Client, id }),
          { key, caps: new Map(Object.entries(caps)) }
        ])
      )
      const text = Redacted.value(Keyring.format(keyring))
      assert.deepStrictEqual(plain(success(Keyring.parse(text))), plain(keyring))
    }
  )

  it.prop(
    "No text makes the parser throw",
    [Schema.Array(Schema.Literals(["[", "]", "client.a", "key", "=", '"', "\\", "\n", " ", ";", "caps x", key]))],
    ([parts]) => {
      Keyring.parse(parts.join(""))
    }
  )

  it.prop("No characters make the parser throw", [Schema.String], ([text]) => {
    Keyring.parse(text)
    Keyring.parse(`[client.a]\nkey = ${key}\ncaps mon = ${text}`)
  })
})
