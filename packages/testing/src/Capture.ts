/**
 * Conversations recorded between real Ceph programs, with the keys that open them.
 *
 * **Source** `fixtures/captures/README.md`: which Ceph, which command, how it was recorded
 */
import { Bytes } from "@msgr2/wire/Bytes"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

/** Every recorded conversation. */
export const names = ["a-none-crc-r18", "b-cephx-crc-r18", "c-cephx-secure-r18"] as const
export type Name = (typeof names)[number]

const size = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * What is known of one TCP connection besides its bytes.
 *
 * **Shape** `sessionKey` is null with auth none; `connectionSecret` is null unless `conMode` is 2 (secure). `frames` counts
 * by direction and tag: `"c2s HELLO": 1`; the banner counts as a frame.
 *
 * **Units** sizes in bytes; keys are raw, without the header of a `CryptoKey`.
 */
export const Facts = Schema.Struct({
  client: Schema.String,
  server: Schema.String,
  msgr: Schema.Literals(["2.0", "2.1"]),
  kind: Schema.Literal("mon"),
  entity: Schema.String,
  serverType: Schema.String,
  authMethod: Schema.Literals([1, 2]),
  conMode: Schema.Literals([1, 2]),
  compression: size,
  sessionKey: Schema.NullOr(Bytes),
  sessionKeyType: Schema.NullOr(size),
  connectionSecret: Schema.NullOr(Bytes),
  c2sBytes: size,
  s2cBytes: size,
  frames: Schema.Record(Schema.String, size)
})

/**
 * The cluster that was recorded and its connections in the order they were opened.
 *
 * **Shape** `key` is the client's, as a keyring spells it: base64 of a `CryptoKey` (`type:u16 sec:u32 nsec:u32 length:u16 secret`).
 */
export const Index = Schema.Struct({
  ceph: Schema.String,
  auth: Schema.Literals(["none", "cephx"]),
  mode: Schema.Literals(["crc", "secure"]),
  command: Schema.String,
  fsid: Schema.String,
  key: Schema.String,
  connections: Schema.Array(Facts)
})

/** `c2s` and `s2c` are all bytes of one direction, client to server and back, from the first byte of the banner. */
export type Connection = typeof Facts.Type & { readonly c2s: Uint8Array; readonly s2c: Uint8Array }

export type Capture = Omit<typeof Index.Type, "connections"> & {
  readonly name: Name
  readonly connections: ReadonlyArray<Connection>
}

const decodeIndex = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(Index)))

const read = (file: string) => readFileSync(new URL(`../fixtures/captures/${file}`, import.meta.url))

/**
 * Reads one capture from disk.
 *
 * **Errors** throws when the fixture is missing or its JSON is not an `Index`.
 */
export const load = (name: Name): Capture => {
  const index = decodeIndex(read(`${name}.json`).toString("utf8"))
  return {
    ...index,
    name,
    connections: index.connections.map((facts, n) => ({
      ...facts,
      c2s: new Uint8Array(read(`${name}.${n}.c2s.bin`)),
      s2c: new Uint8Array(read(`${name}.${n}.s2c.bin`))
    }))
  }
}
