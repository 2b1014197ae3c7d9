/**
 * `msgr2 explain` as a whole: a capture file in, lines of JSON out. Packets, TCP, frames of every mode and what they carry.
 */
import { Compressors } from "@msgr2/frame"
import * as Keys from "@msgr2/cli/explain/Keys"
import * as Ndjson from "@msgr2/cli/explain/Ndjson"
import * as Pcap from "@msgr2/cli/explain/Pcap"
import * as Trace from "@msgr2/cli/explain/Trace"
import { Bytes } from "@msgr2/wire"
import { Result } from "effect"
import { capture } from "../../../cli/test/explain/packets.ts"
import { segments, turns } from "../../../cli/test/explain/recording.ts"
import { Capture } from "../../src/index.ts"
import { must, reader, type Target } from "../Target.ts"

/** The beginnings of a recorded connection, such that the file is short. */
const beginning = (name: Capture.Name): Capture.Connection => {
  const [connection] = Capture.load(name).connections
  if (connection === undefined) throw new Error(`${name} has no connection`)
  return connection
}

const sealed = beginning("c-cephx-secure-r18")

/** Those of the one recording that is sealed, at the addresses that all the seeds have. */
const keys = Result.getOrThrow(
  Keys.parseLog(
    JSON.stringify([
      {
        client: "127.0.0.1:50000",
        server: "127.0.0.1:3300",
        session_key: Bytes.toHex(sealed.sessionKey ?? Bytes.empty),
        connection_secret: Bytes.toHex(sealed.connectionSecret ?? Bytes.empty)
      }
    ])
  )
)

export const target: Target = reader({
  name: "explain",
  seeds: () =>
    Capture.names
      .map(beginning)
      .flatMap(({ c2s, s2c }) => [
        capture(segments(turns(c2s.subarray(0, 2000), s2c.subarray(0, 2500), 700))),
        capture(segments(turns(c2s.subarray(0, 300), s2c.subarray(0, 600), 90), { handshake: false, close: false }))
      ]),
  read: (bytes) => {
    const trace = Result.getOrThrow(Trace.read(bytes, { keys, compressors: Compressors.installed }))
    const ends = new Set<string>()
    let found = 0
    for (let next = trace.next(); next.done !== true; next = trace.next()) {
      must(++found <= bytes.length, "no more is found than there are bytes")
      const line = Ndjson.of(next.value)
      if (next.value._tag === "Note") {
        ends.add(next.value.note.text.replace(/\d+/g, "0").slice(0, 24))
        continue
      }
      const { offset, size } = next.value.entry
      must(offset >= 0 && offset + size <= bytes.length, "a frame lies within the file")
      must(typeof JSON.parse(line) === "object", "a line is JSON")
      const { error } = next.value.entry
      if (error !== undefined) ends.add(`${error._tag} ${error.reason}`)
    }
    return `${Math.min(found, 8)} found, ${[...ends].toSorted().slice(0, 2).join(", ") || "whole"}`
  },
  isTyped: (error) => error instanceof Pcap.PcapError
})
