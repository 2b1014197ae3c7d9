import { assert, describe, it } from "@effect/vitest"
import { AuthMethod, ConnectionMode, EntityName } from "@msgr2/wire"
import { CephConf, ConfigError, MonHost, Settings } from "@msgr2/mon"
import { Redacted, Result } from "effect"
import { failure } from "./support/laws.ts"

const { CephX, Gss, None } = AuthMethod.AuthMethod
const { Crc, Secure } = ConnectionMode.ConnectionMode

const settings = (text: string, overrides: Readonly<Record<string, string>> = {}) =>
  Result.flatMap(CephConf.parse(text), (conf) => Settings.make({ conf, overrides }))
const read = (text: string, overrides: Readonly<Record<string, string>> = {}): Settings.Settings =>
  Result.getOrThrow(settings(text, overrides))

describe("Settings", () => {
  it("Without a file they are Ceph's defaults", () => {
    const { lookup, ...rest } = Result.getOrThrow(Settings.make())
    assert.deepStrictEqual(rest, {
      name: { type: EntityName.EntityType.Client, id: "admin" },
      cluster: "ceph",
      monHost: [],
      key: undefined,
      keyfile: undefined,
      keyrings: [
        "/etc/ceph/ceph.client.admin.keyring",
        "/etc/ceph/ceph.keyring",
        "/etc/ceph/keyring",
        "/etc/ceph/keyring.bin"
      ],
      authClientRequired: [CephX, None],
      monClientModes: [Secure, Crc],
      clientModes: [Crc, Secure]
    })
    assert.isUndefined(lookup("mon_host"))
  })

  it("A file of a usual cluster is understood", () => {
    const found = read(`
      [global]
        fsid = 00010203-0405-0607-0809-0a0b0c0d0e0f
        mon host = [v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0] [v2:10.0.0.2:3300/0,v1:10.0.0.2:6789/0]
        auth client required = cephx
        ms mon client mode = secure
      [client]
        keyring = /var/lib/$cluster/$name.keyring, /root/$id.keyring
        ms_client_mode = secure,crc
      [client.admin]
        key = AAAA
        keyfile = /root/$id.key`)
    assert.deepStrictEqual(found.monHost.map(MonHost.format), ["v2:10.0.0.1:3300/0", "v2:10.0.0.2:3300/0"])
    assert.deepStrictEqual(found.keyrings, ["/var/lib/ceph/client.admin.keyring", "/root/admin.keyring"])
    assert.strictEqual(found.keyfile, "/root/admin.key")
    assert.strictEqual(found.key && Redacted.value(found.key), "AAAA")
    assert.deepStrictEqual(found.authClientRequired, [CephX])
    assert.deepStrictEqual(found.monClientModes, [Secure])
    assert.deepStrictEqual(found.clientModes, [Secure, Crc])
    assert.strictEqual(found.lookup("fsid"), "00010203-0405-0607-0809-0a0b0c0d0e0f")
  })

  it("Another client of another cluster has its own keyrings", () => {
    const found = Result.getOrThrow(
      Settings.make({ name: { type: EntityName.EntityType.Client, id: "rgw.a" }, cluster: "site1" })
    )
    assert.strictEqual(found.keyrings[0], "/etc/ceph/site1.client.rgw.a.keyring")
  })

  it("The command line comes before the file, unless it says nothing", () => {
    const file = "[client.admin]\nmon host = 10.0.0.1\nkeyring = /a"
    assert.deepStrictEqual(read(file, { "mon-host": "10.0.0.2", keyring: "/$name" }).monHost.map(MonHost.format), [
      "v2:10.0.0.2:3300/0"
    ])
    assert.deepStrictEqual(read(file, { keyring: "/$name" }).keyrings, ["/client.admin"])
    assert.deepStrictEqual(read(file, { keyring: "" }).keyrings, ["/a"])
    assert.deepStrictEqual(read("keyring =\nkey =").keyrings, read("").keyrings)
    assert.isUndefined(read("key =").key)
  })

  it("A bad address in the file does not matter to a command line that names another", () => {
    const file = "[global]\n\nmon host = 10.0.0.300"
    assert.isTrue(Result.isSuccess(settings(file, { mon_host: "10.0.0.2" })))
    const error = failure(settings(file))
    assert.deepStrictEqual([error.what, error.got, error.line], ["mon_host", "10.0.0.300", 3])
  })

  it("auth_supported overrides auth_client_required", () => {
    assert.deepStrictEqual(read("auth supported = none, gss\nauth client required = cephx").authClientRequired, [
      None,
      Gss
    ])
  })

  it("A method said twice counts once, at its first place", () => {
    assert.deepStrictEqual(read("auth_client_required = none cephx none").authClientRequired, [None, CephX])
  })

  it.each([
    ["auth_client_required = cephx, kerberos", "auth_client_required", "kerberos", "cephx, none, gss"],
    ["auth_supported = constructor", "auth_supported", "constructor", "cephx, none, gss"],
    ["ms_mon_client_mode = secure tls", "ms_mon_client_mode", "tls", "crc, secure"],
    ["ms_client_mode = ,", "ms_client_mode", "", "crc, secure"]
  ])("%s is refused with what could stand there", (text, what, got, expected) => {
    const error = failure(settings(text))
    assert.instanceOf(error, ConfigError.ConfigError)
    assert.deepStrictEqual([error.what, error.got, error.line], [what, got, 1])
    assert.include(error.expected, expected)
  })

  it("A wrong mode on the command line has no line", () => {
    const error = failure(settings("", { ms_client_mode: "tls" }))
    assert.isUndefined(error.line)
    assert.strictEqual(error.message, 'ms_client_mode: expected some of crc, secure, got "tls"')
  })

  it("The key is not among the options that can be looked up", () => {
    assert.isUndefined(read("key = AAAA").lookup("key"))
  })

  it("Files are looked for where Ceph's tools look", () => {
    assert.deepStrictEqual(Settings.confPaths({ cluster: "site1", home: "/root" }), [
      "/etc/ceph/site1.conf",
      "/root/.ceph/site1.conf",
      "site1.conf"
    ])
    assert.deepStrictEqual(Settings.confPaths(), ["/etc/ceph/ceph.conf", "ceph.conf"])
  })
})
