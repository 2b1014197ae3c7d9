import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  Banner,
  Bytes,
  Codec,
  ControlFrame,
  EntityAddr,
  EntityName,
  Features,
  Ids,
  Message,
  Sockaddr
} from "../src/index.ts"

const hex = (text: string): Uint8Array => Bytes.fromHex(text.replace(/\s/g, "")) ?? assert.fail("not hex")
const addr = (text: string): EntityAddr.EntityAddr => Result.getOrThrow(EntityAddr.parse(text))

/** One value, its bytes, and both directions between them. */
const golden = <A>(name: string, codec: Codec.Codec<A>, value: A, text: string): void => {
  it(`${name} is these bytes and no others`, () => {
    assert.strictEqual(Bytes.toHex(Codec.encode(codec, value)), text.replace(/\s/g, ""))
    assert.deepStrictEqual(Codec.decode(codec, hex(text)), Result.succeed(value))
  })
}

// Computed by an independent encoder whose output 16.2.15 accepted.
describe("addresses", () => {
  golden(
    "an IPv4 address",
    EntityAddr.EntityAddr,
    addr("v2:192.0.2.1:3300/16909060"),
    "0101011c00000002000000040302011000000002000ce4c00002010000000000000000"
  )
  golden(
    "an IPv6 address",
    EntityAddr.EntityAddr,
    addr("v2:[2001:db8::1]:3300/16909060"),
    "0101012800000002000000040302011c0000000a000ce40000000020010db800000000000000000000000100000000"
  )
  golden(
    "a blank address",
    EntityAddr.EntityAddr,
    EntityAddr.blank,
    `0101012800000000000000000000001c000000${"00".repeat(28)}`
  )
  golden(
    "a vector of a v2 and a v1 address",
    EntityAddr.EntityAddrVec,
    [addr("v2:192.0.2.1:3300/0"), addr("v1:192.0.2.1:6789/0")],
    `02020000000101011c00000002000000000000001000000002000ce4c000020100000000000000000101011c00000001000000
     000000001000000002001a85c00002010000000000000000`
  )
  golden(
    "the old form of an address",
    EntityAddr.Legacy,
    addr("v1:192.0.2.1:6789/7"),
    `000000000700000000021a85c0000201${"00".repeat(120)}`
  )
  it("the old form is read wherever an address may stand", () => {
    const old = Codec.encode(EntityAddr.Legacy, addr("v1:192.0.2.1:6789/7"))
    assert.deepStrictEqual(Codec.decode(EntityAddr.EntityAddr, old), Result.succeed(addr("v1:192.0.2.1:6789/7")))
    assert.deepStrictEqual(Codec.decode(EntityAddr.EntityAddrVec, old), Result.succeed([addr("v1:192.0.2.1:6789/7")]))
  })
  it("a single address reads as a vector of one", () => {
    const single = Codec.encode(EntityAddr.EntityAddr, addr("v2:192.0.2.1:3300/0"))
    assert.deepStrictEqual(
      Codec.decode(EntityAddr.EntityAddrVec, single),
      Result.succeed([addr("v2:192.0.2.1:3300/0")])
    )
  })
  it("an address without a sockaddr reads as one that is absent", () => {
    const bytes = hex("01 01 01 0c000000 02000000 05000000 00000000")
    const expected: EntityAddr.EntityAddr = { type: 2, nonce: 5, sockaddr: { _tag: "Absent" } }
    assert.deepStrictEqual(Codec.decode(EntityAddr.EntityAddr, bytes), Result.succeed(expected))
  })
  for (const length of ["01000000 02", `1d000000 ${"00".repeat(29)}`]) {
    it(`a sockaddr of 0x${length.slice(0, 2)} bytes is refused`, () => {
      assert.isTrue(Result.isFailure(Codec.decode(Sockaddr.Sockaddr, hex(length))))
    })
  }
  it("nonces compare byte by byte, lowest first", () => {
    assert.isAbove(EntityAddr.compare(addr("v2:10.0.0.1:1/255"), addr("v2:10.0.0.1:1/256")), 0)
  })
  for (const text of [
    "v2:10.0.0.1:3300/0",
    "any:[::1]:0/7",
    "v1:[fe80::1:0:0:2]:6789/0",
    "v2:[::]:1/2",
    "v2:[1::]:1/2"
  ]) {
    it(`${text} is printed as it was read`, () => {
      assert.strictEqual(EntityAddr.format(addr(text)), text)
    })
  }
  for (const text of [
    "",
    "v3:10.0.0.1:3300",
    "10.0.0:1",
    "10.0.0.256:1",
    "v2:host:3300",
    "10.0.0.1:70000",
    "[:::1]:1",
    "10.0.0.1:1/4294967296"
  ]) {
    it(`${JSON.stringify(text)} is no address`, () => {
      assert.isTrue(Result.isFailure(EntityAddr.parse(text)))
    })
  }
})

// Sent by 16.2.15 and later, or accepted by it.
describe("banner", () => {
  const pacific = hex("63657068 2076320a 1000 0100000000000000 0000000000000000")
  it("a banner is these 26 bytes", () => {
    assert.deepStrictEqual(Banner.encode({ supported: 1n, required: 0n }), pacific)
    assert.deepStrictEqual(
      Banner.decode(pacific),
      Result.succeed({ banner: { supported: 1n, required: 0n }, size: 26 })
    )
  })
  it("a banner with a longer payload is read and its size told", () => {
    const longer = hex("63657068 2076320a 1800 0300000000000000 0000000000000000 ffffffffffffffff 01")
    assert.deepStrictEqual(Banner.decode(longer), Result.succeed({ banner: { supported: 3n, required: 0n }, size: 34 }))
  })
  it("any strict prefix asks for more", () => {
    for (let end = 0; end < 26; end++) {
      assert.deepStrictEqual(Banner.decode(pacific.subarray(0, end)), Result.succeed(undefined))
    }
  })
  it("a wrong byte is refused as soon as it comes", () => {
    for (let at = 0; at < 8; at++) {
      const wrong = pacific.slice(0, at + 1)
      wrong[at] = 0x20 ^ wrong[at]!
      assert.isTrue(Result.isFailure(Banner.decode(wrong)))
    }
  })
  it("a msgr1 banner is refused by name", () => {
    const decoded = Banner.decode(new TextEncoder().encode("ceph v027"))
    assert.isTrue(Result.isFailure(decoded) && decoded.failure.reason === "Unsupported")
  })
  it("a payload of 8 bytes is refused", () => {
    assert.isTrue(Result.isFailure(Banner.decode(hex("63657068 2076320a 0800"))))
  })
})

// Sent by a 16.2.15 client.
describe("frames of 16.2.15", () => {
  golden(
    "CLIENT_IDENT",
    ControlFrame.codec("ClientIdent"),
    {
      _tag: "ClientIdent",
      addrs: [addr("any:127.0.0.1:0/3493377717")],
      target: addr("v2:127.0.0.1:33604/0"),
      gid: -1n,
      globalSeq: Ids.globalSeq(1n),
      supported: Features.pacific,
      required: Features.required,
      flags: 0n,
      cookie: Ids.cookie(0x84ef_93c4_85e0_9834n)
    },
    `02 01000000 | 0101 01 1c000000 03000000 b5b638d0 10000000 0200 0000 7f000001 0000000000000000
     | 01 01 01 1c000000 02000000 00000000 10000000 0200 8344 7f000001 0000000000000000
     | ffffffffffffffff | 0100000000000000 | fffffdffbdcf013f | 0000000000000008 | 0000000000000000
     | 3498e085c493ef84`.replaceAll("|", "")
  )
  golden(
    "AUTH_REQUEST with cephx",
    ControlFrame.codec("AuthRequest"),
    {
      _tag: "AuthRequest",
      method: 2,
      preferredModes: [2, 1],
      payload: hex("0a 08000000 05000000 61646d696e 0000000000000000")
    },
    "02000000 02000000 02000000 01000000 16000000 0a 08000000 05000000 61646d696e 0000000000000000"
  )
  it("the header of MON_GET_MAP is these 41 bytes", () => {
    const bytes = hex("0100000000000000 0000000000000000 0500 7f00 0100 00000000 0000 0000000000000000 03 0100 0000")
    const { header } = Message.make({ type: 5 })
    assert.deepStrictEqual(Codec.encode(Message.MessageHeader, { ...header, seq: Ids.msgSeq(1) }), bytes)
    assert.deepStrictEqual(
      Message.decode([bytes]),
      Result.succeed({ ...Message.make({ type: 5 }), header: { ...header, seq: Ids.msgSeq(1) } })
    )
  })
  golden("an entity name", EntityName.EntityName, { type: 8, id: "admin" }, "08000000 05000000 61646d696e")
})

describe("ControlFrame", () => {
  it("bytes behind the known fields are skipped, as Ceph skips them", () => {
    const payload = hex("0500000000000000 ffff")
    assert.deepStrictEqual(ControlFrame.decode(20, payload), Result.succeed({ _tag: "Ack", msgSeq: Ids.msgSeq(5) }))
  })
  it("a signature of 31 or 33 bytes is refused", () => {
    assert.isTrue(Result.isFailure(ControlFrame.decode(7, new Uint8Array(31))))
    assert.isTrue(Result.isFailure(ControlFrame.decode(7, new Uint8Array(33))))
  })
  for (const tag of [0, 17, 23, 77, 255]) {
    it(`tag ${tag} is no control frame`, () => {
      assert.isTrue(Result.isFailure(ControlFrame.decode(tag, new Uint8Array(64))))
    })
  }
  it("tags are those of Ceph's table", () => {
    assert.deepStrictEqual(
      ControlFrame.all.map(({ tag }) => tag),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22]
    )
    assert.strictEqual(ControlFrame.cephName(15), "SESSION_RECONNECT_OK")
  })
})

describe("Message", () => {
  for (const size of [0, 10, 40, 42]) {
    it(`a header of ${size} bytes is refused`, () => {
      assert.isTrue(Result.isFailure(Message.decode([new Uint8Array(size)])))
    })
  }
  it("a number of 2^53 is refused", () => {
    const header = new Uint8Array(41)
    header[6] = 0x20
    const decoded = Message.decode([header])
    assert.isTrue(Result.isFailure(decoded) && decoded.failure.reason === "OutOfRange")
  })
})

describe("Features", () => {
  it("a bit of a later generation counts only with the bits that mark it", () => {
    assert.isFalse(Features.has(1n << 21n, "ServerLuminous"))
    assert.isTrue(Features.has((1n << 21n) | (1n << 57n), "ServerLuminous"))
    assert.strictEqual(Features.mask("ServerNautilus"), (1n << 2n) | (1n << 57n) | (1n << 28n))
  })
  it("the masks that daemons showed have these names", () => {
    assert.deepStrictEqual(Features.format(0x0c01_0200_0204_0000n), [
      "CrushTunables",
      "CrushTunables2",
      "CrushTunables3",
      "CrushV4",
      "CrushTunables5",
      "MsgAddr2"
    ])
    assert.strictEqual(Features.required | Features.osdReplyMux, 0x0800_0000_0000_1000n)
  })
})
