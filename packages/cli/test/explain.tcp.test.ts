import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@msgr2/wire"
import { Schema } from "effect"
import { Reassembly } from "../src/explain/Reassembly.ts"
import * as Segment from "../src/explain/Segment.ts"
import * as Tcp from "../src/explain/Tcp.ts"
import { be16, be32, ethernet, Flag, ipv4, ipv6, type Segment as Made } from "./explain/packets.ts"

const payload = Uint8Array.from({ length: 100 }, (_, i) => i)
const made: Made = { from: "10.1.2.3:40000", to: "10.1.2.4:3300", seq: 77, ack: 99, payload }
const made6: Made = { ...made, from: "[::1]:40000", to: "[::fe80:2]:3300" }

const decode = (link: number, bytes: Uint8Array) => Segment.decode({ link, bytes, size: bytes.length, time: 0 })

/** A segment in a form that shows where two differ. */
const plain = (found: ReturnType<typeof decode>) =>
  typeof found === "string" ? found : { ...found, payload: Bytes.toHex(found.payload) }

const wanted = ({ from, to }: Made = made) => ({
  from,
  to,
  seq: 77,
  ack: 99,
  flags: Flag.Ack,
  payload: Bytes.toHex(payload)
})

describe("Segment.decode", () => {
  const packet = ipv4(made)

  it("takes off the headers of every link type that it knows", () => {
    assert.deepStrictEqual(plain(decode(1, ethernet(packet))), wanted())
    assert.deepStrictEqual(plain(decode(1, ethernet(packet, 0x0800, [0x8100]))), wanted())
    assert.deepStrictEqual(plain(decode(1, ethernet(packet, 0x0800, [0x88a8, 0x8100]))), wanted())
    assert.deepStrictEqual(plain(decode(113, Bytes.concat([new Uint8Array(14), be16(0x0800), packet]))), wanted())
    assert.deepStrictEqual(plain(decode(276, Bytes.concat([be16(0x0800), new Uint8Array(18), packet]))), wanted())
    assert.deepStrictEqual(plain(decode(0, Bytes.concat([Uint8Array.of(2, 0, 0, 0), packet]))), wanted())
    assert.deepStrictEqual(plain(decode(0, Bytes.concat([be32(2), packet]))), wanted())
    assert.deepStrictEqual(plain(decode(108, Bytes.concat([be32(2), packet]))), wanted())
    for (const link of [12, 14, 101, 228]) assert.deepStrictEqual(plain(decode(link, packet)), wanted())
    assert.strictEqual(decode(147, packet), "unknown link type")
  })

  it("reads IPv6 behind extension headers", () => {
    const skipped = new Uint8Array(8)
    const [long, authentication] = [new Uint8Array(24), new Uint8Array(24)]
    long[1] = 2
    authentication[1] = 4
    assert.deepStrictEqual(plain(decode(1, ethernet(ipv6(made6), 0x86dd))), wanted(made6))
    assert.deepStrictEqual(plain(decode(229, ipv6(made6, [[0, skipped]]))), wanted(made6))
    assert.deepStrictEqual(
      plain(
        decode(
          101,
          ipv6(made6, [
            [60, long],
            [43, skipped],
            [51, authentication],
            [44, skipped]
          ])
        )
      ),
      wanted(made6)
    )
    assert.deepStrictEqual(plain(decode(0, Bytes.concat([be32(30), ipv6(made6)]))), wanted(made6))
  })

  it("leaves out the padding of the link", () => {
    assert.deepStrictEqual(plain(decode(1, ethernet(Bytes.concat([packet, new Uint8Array(6)])))), wanted())
  })

  it("takes what there is of a packet whose length the network card was to fill in", () => {
    assert.deepStrictEqual(plain(decode(101, ipv4(made, { total: 0 }))), wanted())
  })

  it("says why a packet is none of TCP", () => {
    const udp = packet.slice()
    udp[9] = 17
    assert.strictEqual(decode(101, udp), "other protocol")
    assert.strictEqual(decode(1, ethernet(packet, 0x0806)), "other protocol")
    assert.strictEqual(decode(101, ipv4(made, { fragment: 0x2000 })), "IP fragment")
    assert.strictEqual(decode(101, ipv4(made, { fragment: 5 })), "IP fragment")
    const fragment = new Uint8Array(8)
    fragment[3] = 1
    assert.strictEqual(decode(101, ipv6(made6, [[44, fragment]])), "IP fragment")
    assert.strictEqual(decode(101, Uint8Array.of(0x75, 0)), "other protocol")
  })

  it("A packet that is cut off anywhere gives less payload or none, and no nonsense", () => {
    for (const whole of [ethernet(ipv4(made)), ethernet(ipv6(made6, [[0, new Uint8Array(8)]]), 0x86dd)]) {
      for (let size = 0; size < whole.length; size++) {
        const found = decode(1, whole.subarray(0, size))
        if (typeof found === "string") assert.strictEqual(found, "cut off in its headers")
        else assert.isTrue(Bytes.equals(found.payload, payload.subarray(0, found.payload.length)))
      }
    }
  })

  it.prop(
    "No bytes make it throw",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
      Schema.Literals([0, 1, 101, 113, 276])
    ],
    ([bytes, link]) => {
      decode(link, Uint8Array.from(bytes))
    }
  )
})

const never = () => false
const stream = Uint8Array.from({ length: 600 }, (_, i) => (i * 7) & 0xff)

const placedAt = (start: number): Reassembly => {
  const reassembly = new Reassembly(never)
  reassembly.start(start)
  return reassembly
}

describe("Reassembly", () => {
  /** Segments as `[from, to)` of the stream, in any order, some of them twice. */
  const Pieces = Schema.Array(
    Schema.Tuple([
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 599 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))
    ])
  )
  const Start = Schema.Literals([0, 1, 0x7fff_ff00, 0xffff_ff00, 0xffff_ffff])

  it.prop(
    "Whatever comes in whatever order, the bytes that come out are a beginning of the stream",
    [Pieces, Start],
    ([pieces, start]) => {
      const reassembly = placedAt(start)
      const out = pieces.flatMap(([from, size]) => [
        ...reassembly.push((start + from) >>> 0, stream.subarray(from, from + size))
      ])
      const joined = Bytes.concat(out)
      // The beginning that all pieces together cover.
      let covered = 0
      for (let grows = true; grows;) {
        const next = pieces.reduce(
          (end, [from, size]) => (from <= end ? Math.max(end, Math.min(600, from + size)) : end),
          covered
        )
        grows = next > covered
        covered = next
      }
      assert.strictEqual(joined.length, covered)
      assert.isTrue(Bytes.equals(joined, stream.subarray(0, covered)))
      const first = pieces.reduce(
        (least, [from]) => (from > covered ? Math.min(least, from) : least),
        Number.POSITIVE_INFINITY
      )
      assert.deepStrictEqual(reassembly.gap()?.size, Number.isFinite(first) ? first - covered : undefined)
    }
  )

  it("A gap says where it is, how large, and what is lost behind it", () => {
    const reassembly = placedAt(5)
    reassembly.push(5, stream.subarray(0, 10))
    assert.isUndefined(reassembly.gap())
    reassembly.push(5 + 30, stream.subarray(30, 50))
    assert.deepStrictEqual(reassembly.gap(), { offset: 10, size: 20, lost: 20 })
  })

  it("Bytes from another age do not count", () => {
    const reassembly = placedAt(0)
    assert.deepStrictEqual(reassembly.push(0x4000_0001, stream), [])
    assert.deepStrictEqual(reassembly.push(0x8000_0000, stream), [])
    assert.isUndefined(reassembly.gap())
  })

  it("Without a SYN the stream begins where it is recognised, and what came early counts", () => {
    const reassembly = new Reassembly((bytes) => bytes[0] === stream[0] && bytes.length === 10)
    assert.deepStrictEqual(reassembly.push(1010, stream.subarray(10, 20)), [])
    assert.deepStrictEqual(reassembly.push(1020, stream.subarray(20, 30)), [])
    const out = reassembly.push(1000, stream.subarray(0, 10))
    assert.isTrue(Bytes.equals(Bytes.concat(out), stream.subarray(0, 30)))
  })

  it("A hundred thousand segments in the worst order take no time", () => {
    const reassembly = placedAt(0)
    const one = Uint8Array.of(1)
    for (let seq = 100_000; seq > 0; seq--) reassembly.push(seq, one)
    const began = performance.now()
    assert.lengthOf(reassembly.push(0, one), 100_001)
    assert.isBelow(performance.now() - began, 2000)
  })
})

const [client, server] = ["127.0.0.1:50000", "127.0.0.1:3300"]
const segment = (from: string, seq: number, flags: number, text = "", ack = 0): Segment.Segment => ({
  from,
  to: from === client ? server : client,
  seq,
  ack,
  flags,
  payload: new TextEncoder().encode(text)
})

describe("Table", () => {
  const { Ack, Fin, Reset, Syn } = Flag
  const follow = (...segments: ReadonlyArray<Segment.Segment>) => {
    const table = new Tcp.Table(never)
    const said = segments.map((one) => {
      const { chunks, connection, end } = table.push(one)
      const from = connection.ends[end]
      return `${connection.index} ${from} ${chunks.map((chunk) => new TextDecoder().decode(chunk)).join("")}`
    })
    return { connections: table.connections, said }
  }

  it("Who sends the SYN is the client, whichever of the two was captured", () => {
    const both = follow(segment(client, 9, Syn), segment(server, 5, Syn | Ack, "", 10), segment(server, 6, Ack, "hi"))
    assert.deepStrictEqual([both.connections.length, both.connections[0]?.client], [1, 0])
    assert.strictEqual(both.said[2], `0 ${server} hi`)
    const answer = follow(segment(server, 5, Syn | Ack, "", 10), segment(client, 9, Syn))
    assert.deepStrictEqual([answer.connections.length, answer.connections[0]?.client], [1, 1])
    const none = follow(segment(client, 9, Ack))
    assert.isUndefined(none.connections[0]?.client)
  })

  it("A SYN that is sent again is no other connection", () => {
    const { connections } = follow(
      segment(client, 9, Syn),
      segment(client, 9, Syn),
      segment(server, 5, Syn | Ack, "", 10)
    )
    assert.lengthOf(connections, 1)
  })

  it("A SYN with another number is another connection on the same ports", () => {
    const { connections, said } = follow(
      segment(client, 9, Syn),
      segment(client, 10, Ack, "old"),
      segment(server, 0, Reset | Ack),
      segment(client, 4_000_000_000, Syn),
      segment(client, 4_000_000_001, Ack, "new"),
      segment(client, 13, Ack, "late")
    )
    assert.deepStrictEqual(
      connections.map(({ closed, index }) => [index, closed]),
      [
        [0, "reset"],
        [1, undefined]
      ]
    )
    assert.deepStrictEqual([said[1], said[4], said[5]], [`0 ${client} old`, `1 ${client} new`, `1 ${client} `])
  })

  it("What was going on before the capture began is another connection than what a SYN opens", () => {
    const { connections, said } = follow(segment(client, 777, Ack, "amid"), segment(client, 9, Syn, "first"))
    assert.lengthOf(connections, 2)
    assert.strictEqual(said[1], `1 ${client} first`)
  })

  it("FIN and RST say how a connection ended", () => {
    assert.strictEqual(follow(segment(client, 9, Syn), segment(client, 10, Fin | Ack)).connections[0]?.closed, "closed")
    assert.strictEqual(follow(segment(client, 9, Syn), segment(server, 0, Reset)).connections[0]?.closed, "reset")
  })
})
