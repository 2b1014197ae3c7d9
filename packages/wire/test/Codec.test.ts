import { assert, describe, it } from "@effect/vitest"
import { Fuzz } from "@msgr2/testing"
import { Result } from "effect"
import { Banner, Codec, ControlFrame, EntityAddr, EntityName, Envelope, Ids, Message, WireError } from "../src/index.ts"

// Every codec of the package: what holds for one holds for all.
const codecs: ReadonlyArray<Codec.Any> = [
  Codec.u8,
  Codec.u16,
  Codec.i16,
  Codec.u32,
  Codec.i32,
  Codec.u64,
  Codec.i64,
  Codec.counter,
  Codec.bool,
  Codec.bytes,
  Codec.string,
  Codec.fixed(32),
  Codec.list(Codec.u32),
  Codec.map(Codec.string, Codec.u64),
  Codec.pair(Codec.u8, Codec.bytes),
  Codec.sized(Codec.struct("Pair", { a: Codec.u8, b: Codec.string })),
  Envelope.envelope(3, 1, Codec.struct("Body", { a: Codec.u32, b: Codec.bytes })),
  Envelope.versioned("Grown", {
    version: 3,
    oldest: 1,
    compat: 1,
    fields: { a: Codec.u8, b: Envelope.since(2, Codec.u16), c: Envelope.since(3, Codec.string) }
  }),
  Ids.Cookie,
  Ids.MsgSeq,
  EntityAddr.EntityAddr,
  EntityAddr.Legacy,
  EntityAddr.EntityAddrVec,
  EntityName.EntityNum,
  EntityName.EntityName,
  Banner.Payload,
  Message.MessageHeader,
  ...ControlFrame.all
]

describe("every codec", () => {
  for (const codec of codecs) {
    it.prop(
      `${codec.name}: a value survives its bytes, no prefix is one, and damage ends in a value or a WireError`,
      [Fuzz.values<unknown>(codec), Fuzz.Edits],
      ([value, edits]) => assert.isUndefined(Fuzz.fault(codec, value, edits))
    )
    it.prop(`${codec.name}: a value has a JSON view`, [Fuzz.values<unknown>(codec)], ([value]) => {
      assert.isString(JSON.stringify(Codec.toJson(codec)(value)))
    })
  }
})

describe("Codec", () => {
  it("a count that the bytes cannot hold is refused before anything is allocated", () => {
    const decoded = Codec.decode(Codec.list(Codec.u64), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3))
    assert.deepStrictEqual(
      decoded,
      Result.fail(
        new WireError.WireError({
          type: "list(u64)",
          reason: "Truncated",
          offset: 0,
          expected: "room for 4294967295 items in 3 bytes"
        })
      )
    )
  })
  it("a length beyond the enclosing structure is refused even when the input goes on", () => {
    const inner = Envelope.envelope(1, 1, Codec.struct("Inner", { payload: Codec.bytes }))
    const outer = Codec.struct("Outer", { inner, rest: Codec.fixed(8) })
    const bytes = Codec.encode(outer, { inner: { payload: new Uint8Array(2) }, rest: new Uint8Array(8) })
    bytes[6] = 9
    const decoded = Codec.decode(outer, bytes)
    assert.isTrue(Result.isFailure(decoded) && decoded.failure.type === "Outer.inner.payload")
  })
  it("a newer structure is read as far as it is known, and what follows it stays in place", () => {
    const known = Envelope.envelope(1, 1, Codec.struct("Known", { a: Codec.u8 }))
    const newer = Envelope.envelope(2, 1, Codec.struct("Newer", { a: Codec.u8, b: Codec.u64 }))
    const bytes = Codec.encode(Codec.pair(newer, Codec.u8), [{ a: 7, b: 1n }, 9])
    assert.deepStrictEqual(Result.getOrThrow(Codec.decode(Codec.pair(known, Codec.u8), bytes)), [{ a: 7 }, 9])
  })
  it("a structure whose writer wants a newer reader is refused", () => {
    const known = Envelope.envelope(1, 1, Codec.struct("Known", { a: Codec.u8 }))
    const newer = Envelope.envelope(5, 2, Codec.struct("Newer", { a: Codec.u8 }))
    const decoded = Codec.decode(known, Codec.encode(newer, { a: 7 }))
    assert.isTrue(Result.isFailure(decoded) && decoded.failure.reason === "Unsupported")
  })
  it("text that is not UTF-8 is refused", () => {
    const decoded = Codec.decode(Codec.string, Uint8Array.of(2, 0, 0, 0, 0xc3, 0x28))
    assert.isTrue(Result.isFailure(decoded) && decoded.failure.reason === "Malformed")
  })
  it("an error says the way to the field", () => {
    const vector = EntityAddr.EntityAddrVec
    const bytes = Codec.encode(vector, [EntityAddr.blank, EntityAddr.blank])
    bytes[1 + 4 + 47 + 1 + 6 + 8] = 1
    const decoded = Codec.decode(Codec.struct("Ident", { addrs: vector }), bytes)
    assert.isTrue(Result.isFailure(decoded) && decoded.failure.type.startsWith("Ident.addrs[1]"))
  })
  it("two addresses have one key exactly when they are equal, scopes and flow labels included", () => {
    const addr = Result.getOrThrow(EntityAddr.parse("v2:[fe80::1]:6800/1"))
    const scoped = (scopeId: number, flowInfo: number): EntityAddr.EntityAddr =>
      addr.sockaddr._tag === "Inet6" ? { ...addr, sockaddr: { ...addr.sockaddr, scopeId, flowInfo } } : addr
    const all = [addr, scoped(2, 0), scoped(3, 0), scoped(3, 1), { ...addr, nonce: 2 }, { ...addr, type: 3 }]
    for (const one of all) {
      for (const other of all) {
        assert.strictEqual(EntityAddr.key([one]) === EntityAddr.key([other]), EntityAddr.equals(one, other))
      }
    }
  })
  it("an address keeps its own bytes, and not the frame that it came in", () => {
    for (const text of ["v2:127.0.0.1:6800/1", "v2:[::1]:6800/1"]) {
      const addr = Result.getOrThrow(EntityAddr.parse(text))
      const { sockaddr } = Result.getOrThrow(
        Codec.decode(EntityAddr.EntityAddr, Codec.encode(EntityAddr.EntityAddr, addr))
      )
      if (!("address" in sockaddr)) return assert.fail(sockaddr._tag)
      assert.strictEqual(sockaddr.address.buffer.byteLength, sockaddr.address.length)
    }
  })
  it("a value from outside the type system is checked before it is written", () => {
    const encoded = Codec.encodeUnknown(ControlFrame.Ack, { _tag: "Ack", msgSeq: -1 })
    assert.isTrue(Result.isFailure(encoded) && encoded.failure.reason === "OutOfRange")
    assert.isTrue(Result.isSuccess(Codec.encodeUnknown(ControlFrame.Ack, { _tag: "Ack", msgSeq: 5 })))
  })
})
