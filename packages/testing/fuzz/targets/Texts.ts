/**
 * Text that people write: keyrings, configuration, addresses.
 */
import { CryptoKey, Keyring } from "@msgr2/auth"
import { CephConf, ConfigError, MonHost, Settings } from "@msgr2/mon"
import { Bytes, EntityAddr } from "@msgr2/wire"
import { Equal, Redacted, Result } from "effect"
import { bytesOf, must, sizeClass, type Target, textOf } from "../Target.ts"

const text = (
  name: string,
  seeds: ReadonlyArray<string>,
  words: ReadonlyArray<string>,
  read: (text: string) => string
): Target => ({
  name,
  seeds: () => seeds.map(bytesOf),
  words: words.map(bytesOf),
  run: (input) => read(textOf(input))
})

const punctuation = ["\n", "\r", "\r\n", "\\", "\\\n", "'", '"', "#", ";", "=", "[", "]", "\uFEFF", "\u00a0", "\t"]

const plainKeyring = (keyring: Keyring.Keyring) =>
  [...keyring].map(([name, { caps, key }]) => ({
    name,
    type: key.type,
    created: key.created,
    secret: Bytes.toHex(CryptoKey.secretBytes(key)),
    // Line breaks become blanks when a keyring is written.
    caps: [...caps].map(([service, value]) => [service, value.replace(/[\r\n]+/g, " ")])
  }))

const key = "AQBSLwdnAAAAABAAjc7ByJvrZIFmtc7S3BbVmg=="

export const keyring = (parse: typeof Keyring.parse = Keyring.parse): Target =>
  text(
    "keyring",
    [
      `[client.admin]\n\tkey = ${key}\n\tcaps mds = "allow *"\n\tcaps mon = "allow *"\n`,
      `; comment\n[mon.]\nkey=${key}\n[osd.0]\nkey = "${key}" # tail\ncaps osd = 'allow rwx pool=\\'a\\''\n`,
      "[global]\nanything = here\n[client.x]\nauid = 3\npending key = zz\n",
      "key = outside",
      "[client.x]\nkey = AQ=="
    ],
    ["[client.a]", "[global]", "key = ", "caps mon = ", "pending_key = ", key, "allow *", ...punctuation],
    (text) => {
      const parsed = parse(text)
      if (Result.isFailure(parsed)) {
        must(parsed.failure instanceof Keyring.KeyringError, "text is refused with a KeyringError")
        // It may repeat the name of a section, which is no place for a key.
        const { expected, reason } = parsed.failure
        must(reason === "MissingKey" || !expected.includes(key.slice(2, 20)), "an error repeats no key")
        return `refused: ${parsed.failure.reason}`
      }
      const again = parse(Redacted.value(Keyring.format(parsed.success)))
      must(Result.isSuccess(again), "a keyring that is written can be read")
      if (Result.isFailure(again)) return "unreachable"
      must(Equal.equals(plainKeyring(again.success), plainKeyring(parsed.success)), "a keyring survives its text")
      const caps = [...parsed.success.values()].reduce((total, entity) => total + entity.caps.size, 0)
      return `${Math.min(parsed.success.size, 3)} entities, caps ${sizeClass(caps)}`
    }
  )

const plainConf = (conf: CephConf.CephConf) =>
  [...conf.sections].map(([name, entries]) => [
    name,
    [...entries].map(([option, { value }]) => [option, Redacted.value(value)])
  ])

/** `conf` as text again: what means something to the parser stands behind a backslash. */
const writeConf = (conf: CephConf.CephConf): string => {
  const quote = (text: string) => text.replace(/["'\\#;=[\]]/g, "\\$&")
  return [...conf.sections]
    .map(([name, entries]) => {
      const lines = [...entries].map(([option, { value }]) => `${quote(option)} = "${quote(Redacted.value(value))}"\n`)
      return `[${quote(name)}]\n${lines.join("")}`
    })
    .join("")
}

export const cephConf = (parse: typeof CephConf.parse = CephConf.parse): Target =>
  text(
    "ceph-conf",
    [
      "[global]\n\tfsid = 9ee1ab5c-1f2e-4d1c-a2a5-000000000001\n\tmon host = [v2:127.0.0.1:3300/0]\n[client]\nkeyring = /tmp/$cluster.$name\n",
      "mon_host = a, b ; tail\n[client.admin]\nkey = 'quoted # text'\n# comment\nms mon client mode = \"secure \\\n crc\"\n",
      "auth_client_required = none\nms_client_mode = crc\nms_mon_client_mode = bad\n",
      "[open",
      "name without value",
      "= value",
      'a = "open',
      "[a] b"
    ],
    [
      "[global]",
      "[client.admin]",
      "mon host = ",
      "$cluster",
      "${name}",
      "auth_supported = cephx",
      "key = ",
      ...punctuation
    ],
    (text) => {
      const parsed = parse(text)
      if (Result.isFailure(parsed)) {
        must(parsed.failure instanceof ConfigError.ConfigError, "text is refused with a ConfigError")
        must((parsed.failure.line ?? 0) >= 1, "an error says in which line")
        return `refused: ${parsed.failure.expected.replace(/[^a-z ]/gi, "").slice(0, 40)}`
      }
      const conf = parsed.success
      const again = parse(writeConf(conf))
      must(Result.isSuccess(again) && Equal.equals(plainConf(again.success), plainConf(conf)), "it survives its text")
      const settings = Settings.make({ conf })
      if (Result.isSuccess(settings)) return `${Math.min(conf.sections.size, 3)} sections`
      must(settings.failure instanceof ConfigError.ConfigError, "settings are refused with a ConfigError")
      return `settings refused: ${settings.failure.what}`
    }
  )

export const monHost = (parse: typeof MonHost.parse = MonHost.parse): Target =>
  text(
    "mon-host",
    [
      "10.0.0.1",
      "10.0.0.1:3300,10.0.0.2:6789; mon-a.example",
      "[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0] [v1:10.0.0.3:6789/0]",
      "v2:[2001:db8::1]:3300/4294967295 ::1 [::ffff:1.2.3.4]",
      "any:host_name:0",
      "[",
      ",,",
      "a/b"
    ],
    ["v1:", "v2:", "any:", "[", "]", ",", ";", " ", ":3300", ":6789", "/0", "::", "fe80::1", "host", "1.2.3.4"],
    (text) => {
      const parsed = parse(text)
      if (Result.isFailure(parsed)) {
        must(parsed.failure instanceof ConfigError.ConfigError, "text is refused with a ConfigError")
        return `refused: ${parsed.failure.expected.slice(0, 20)}`
      }
      const written = parsed.success.map(MonHost.format).join(",")
      const again = parse(written)
      must(Result.isSuccess(again) && Equal.equals(again.success, parsed.success), "places survive their text")
      const kinds = new Set(parsed.success.map((place) => `${place._tag}${MonHost.isUsable(place) ? "" : " v1"}`))
      return `${Math.min(parsed.success.length, 3)}: ${[...kinds].toSorted().join(", ")}`
    }
  )

export const address = (parse: typeof EntityAddr.parse = EntityAddr.parse): Target =>
  text(
    "address",
    ["v2:127.0.0.1:3300/0", "10.1.2.3:6789/77", "v1:[2001:db8::1]:6789/4294967295", "any:[::]:0/0", "v2:1.2.3:1", ""],
    ["v1:", "v2:", "any:", "[", "]", "::", ":", "/0", "0.0.0.0", "::ffff:", "65535", "65536"],
    (text) => {
      const parsed = parse(text)
      if (Result.isFailure(parsed)) {
        must(typeof parsed.failure === "string", "text is refused with words")
        return "refused"
      }
      const again = parse(EntityAddr.format(parsed.success))
      must(Result.isSuccess(again) && Equal.equals(again.success, parsed.success), "an address survives its text")
      return `type ${parsed.success.type} ${parsed.success.sockaddr._tag}`
    }
  )

export const targets: ReadonlyArray<Target> = [keyring(), cephConf(), monHost(), address()]
