/** Messages whose content tells them apart. */
import { Message } from "@msgr2/wire"
import { Effect, type Scope, Stream } from "effect"
import { createHash } from "node:crypto"
import type { Connection, ConnectionError } from "../../src/index.ts"

export const TYPE = 0xd3e0

/** `size` bytes that differ from those of other seeds, from their first on. */
export const pattern = (size: number, seed: number): Uint8Array => {
  const words = new Uint32Array(Math.ceil(size / 4))
  let x = (seed * 2_654_435_761 + 1) >>> 0 || 1
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[i] = x
  }
  return new Uint8Array(words.buffer, 0, size)
}

export const message = (tid: number, front = 0, middle = 0, data = 0): Message.Message =>
  Message.make({
    type: TYPE,
    tid: BigInt(tid),
    front: pattern(front, 3 * tid),
    middle: pattern(middle, 3 * tid + 1),
    data: pattern(data, 3 * tid + 2)
  })

/** What a message says, whatever number it got on its way. */
export const digest = ({ data, front, header, middle }: Message.Message): string => {
  const hash = createHash("sha1")
  hash.update(`${header.type} ${header.tid} ${header.version} ${header.priority} ${front.length} ${middle.length} `)
  for (const part of [front, middle, data]) hash.update(part)
  return hash.digest("base64")
}

export const digests = (messages: Iterable<Message.Message>): ReadonlyArray<string> => Array.from(messages, digest)

/** The next `count` messages. What came in the same batch after them is lost: for a test's last look. */
export const receive = (connection: Connection.Connection, count: number) =>
  Effect.map(Stream.runCollect(Stream.take(connection.messages, count)), (chunk) => [...chunk])

/** What the next `count` messages say. */
export const hear = (connection: Connection.Connection, count: number) =>
  Effect.map(receive(connection, count), digests)

/** One that listens again and again and loses nothing in between. */
export interface Ear {
  /** What the next `count` messages say. */
  readonly hear: (count: number) => Effect.Effect<ReadonlyArray<string>, ConnectionError.ConnectionError>
}

export const ear = (connection: Connection.Connection): Effect.Effect<Ear, never, Scope.Scope> =>
  Effect.map(Stream.toPull(connection.messages), (pull): Ear => {
    const heard: Array<string> = []
    const hear: Ear["hear"] = (count) =>
      heard.length >= count
        ? Effect.sync(() => heard.splice(0, count))
        : Effect.flatMap(
            Effect.catchTag(pull, "Done", () => Effect.die(new Error("the stream has ended"))),
            (batch) => {
              heard.push(...digests(batch))
              return hear(count)
            }
          )
    return { hear }
  })
