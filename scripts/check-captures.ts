/**
 * `node scripts/check-captures.ts DIR`: holds every NAME.pcap of a directory against its NAME.sessions.json.
 *
 * A sessions file is a JSON array with one object for each TCP connection in order of its first packet: `client`, `server`,
 * `session_key`, `connection_secret`, `c2s_bytes`, `s2c_bytes`, and `frames`, the count of each `"c2s TAG"`. Every frame must
 * decode, the counts must be equal, and every frame that is not compressed must encode to the bytes it came from. The
 * exit code is 1 when anything differs.
 */
import { FrameEncoder, Gather, Mode } from "@msgr2/frame"
import { Bytes } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { existsSync, globSync, readFileSync } from "node:fs"
import { basename } from "node:path"
import { fileURLToPath } from "node:url"
import * as Keys from "../packages/cli/src/explain/Keys.ts"
import { counts, explain, type Found, type Session } from "../packages/cli/test/explain/recording.ts"
import { segmentsOf } from "../packages/cli/test/explain/reencode.ts"
import { type Streams, streams } from "../packages/cli/test/explain/streams.ts"
import * as Tool from "../packages/testing/tool.ts"

interface Again {
  same: number
  /** Compressed by another hand: what they inflate to is the same, their bytes need not be. */
  compressed: number
  readonly different: Array<string>
}

/** Encodes each frame of one direction, and compares it with what was recorded. */
const again = (found: Found, direction: "c2s" | "s2c", stream: Uint8Array, session: Session, tally: Again): void => {
  const revision = found.conversation.agreed.revision ?? 1
  const encoder = FrameEncoder.make({ mode: Mode.crc(revision) })
  const out = Gather.make()
  const role = direction === "c2s" ? "client" : "server"
  let sealed = false
  for (const { compressed, offset, protection, size, tag, value } of found.entries.filter(
    (entry) => entry.direction === direction
  )) {
    if (protection === "secure" && !sealed) {
      sealed = true
      const secret = Redacted.make(Bytes.fromHex(session.connection_secret ?? "") ?? Bytes.empty)
      encoder.setMode(Result.getOrThrow(Mode.secure({ role, revision, secret })))
    }
    if (value === undefined) continue
    if (compressed) {
      tally.compressed++
      // Sealed records are numbered: without this one's bytes the numbers of the next are not known.
      if (sealed) return
      continue
    }
    if (value._tag === "Banner") encoder.banner(out, value)
    else Result.getOrThrow(encoder.frame(out, tag, segmentsOf(value)))
    if (Bytes.equals(Bytes.concat(out.take()), stream.subarray(offset, offset + size))) tally.same++
    else tally.different.push(`connection ${found.index} ${direction} @${offset}`)
  }
}

const logOf = (path: string): string => path.replace(/\.pcap$/, ".sessions.json")

const check = (path: string): ReadonlyArray<string> => {
  const file = new Uint8Array(readFileSync(path))
  const log = readFileSync(logOf(path), "utf8")
  const sessions = JSON.parse(log) as ReadonlyArray<Session>
  const { conversations, errors } = explain(file, Result.getOrThrow(Keys.parseLog(log)))
  const carried = streams(file)
  const faults = [...errors]
  const tally: Again = { same: 0, compressed: 0, different: [] }
  let frames = 0
  for (const [i, session] of sessions.entries()) {
    const found = conversations.find(({ index }) => index === i)
    const counted = found === undefined ? {} : counts(found.entries)
    frames += found?.entries.length ?? 0
    const expected = Object.entries(session.frames)
    if (expected.length !== Object.keys(counted).length || expected.some(([key, n]) => counted[key] !== n)) {
      faults.push(`connection ${i}: ${JSON.stringify(counted)} is not ${JSON.stringify(session.frames)}`)
    }
    if (found === undefined) continue
    const { c2s, s2c }: Streams = carried.get(i) ?? { c2s: Bytes.empty, s2c: Bytes.empty }
    const read = (direction: "c2s" | "s2c") =>
      found.entries.reduce((sum, entry) => sum + (entry.direction === direction ? entry.size : 0), 0)
    if (read("c2s") !== session.c2s_bytes || read("s2c") !== session.s2c_bytes)
      faults.push(`connection ${i}: bytes left`)
    again(found, "c2s", c2s, session, tally)
    again(found, "s2c", s2c, session, tally)
  }
  faults.push(...tally.different)
  console.log(
    `${basename(path).padEnd(34)} ${String(sessions.length).padStart(5)} connections ${String(frames).padStart(6)} frames ` +
      `${String(tally.same).padStart(6)} encode alike ${String(tally.compressed).padStart(4)} compressed ` +
      `${String(faults.length).padStart(3)} faults`
  )
  return faults
}

const main = (args: ReadonlyArray<string>): number => {
  const [directory, ...more] = args
  if (directory === undefined || more.length > 0) throw new Tool.Misuse("expected one directory of captures")
  const paths = globSync(`${directory}/*.pcap`).toSorted()
  if (paths.length === 0) throw new Tool.Misuse(`expected a directory with captures, "${directory}" has no *.pcap`)
  const alone = paths.find((path) => !existsSync(logOf(path)))
  if (alone !== undefined) throw new Tool.Misuse(`expected ${logOf(alone)} beside ${alone}`)
  const faults = paths.flatMap((path) => check(path).map((fault) => `${basename(path)}: ${fault}`))
  for (const fault of faults.slice(0, 20)) console.log(fault)
  console.log(`${paths.length} captures, ${faults.length} faults`)
  return faults.length === 0 ? 0 : 1
}

await Tool.main(fileURLToPath(import.meta.url), main)
