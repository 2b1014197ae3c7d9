/** What TCP delivered on each connection of a capture. */
import { Bytes } from "@msgr2/wire"
import { Result } from "effect"
import * as Pcap from "../../src/explain/Pcap.ts"
import * as Segment from "../../src/explain/Segment.ts"
import * as Tcp from "../../src/explain/Tcp.ts"

export interface Streams {
  readonly c2s: Uint8Array
  readonly s2c: Uint8Array
}

/** By the index of the connection, in order of its first packet. */
export const streams = (file: Uint8Array): ReadonlyMap<number, Streams> => {
  const table = new Tcp.Table(() => false)
  const parts = new Map<number, { readonly c2s: Array<Uint8Array>; readonly s2c: Array<Uint8Array> }>()
  for (const packet of Result.getOrThrow(Pcap.open(file)).packets()) {
    const segment = Segment.decode(packet)
    if (typeof segment === "string") continue
    const { chunks, connection, end } = table.push(segment)
    const sides = parts.get(connection.index) ?? { c2s: [], s2c: [] }
    parts.set(connection.index, sides)
    sides[end === connection.client ? "c2s" : "s2c"].push(...chunks)
  }
  return new Map([...parts].map(([index, { c2s, s2c }]) => [index, { c2s: Bytes.concat(c2s), s2c: Bytes.concat(s2c) }]))
}
