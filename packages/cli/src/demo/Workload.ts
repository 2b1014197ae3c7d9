/**
 * What the two ends of the demonstration say to each other, and how each proves what it heard.
 */
import * as Message from "@msgr2/wire/Message"
import { createHash, type Hash } from "node:crypto"

/** A type number that no Ceph daemon uses. */
const TYPE = 0xd3e0

/** Payload sizes, in turn. */
const sizes = [0, 64, 512, 4096, 100, 16_384, 1]

/** Message `i` of a direction: sizes vary, contents are those of a small generator, so that a byte out of place shows. */
export const message = (i: number, salt: number): Message.Message => {
  const size = sizes[i % sizes.length] ?? 0
  const data = new Uint8Array(size)
  let x = (i * 2_654_435_761 + salt) >>> 0
  for (let at = 0; at < size; at++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    data[at] = x >>> 24
  }
  return Message.make({ type: TYPE, tid: BigInt(i), data })
}

/** A digest over messages in their order: ids, lengths and contents. */
export class Tally {
  count = 0
  bytes = 0
  private readonly hash: Hash = createHash("sha256")

  add({ header, data }: Message.Message): void {
    this.count++
    this.bytes += data.length
    this.hash.update(`${header.tid}:${data.length}:`)
    this.hash.update(data)
  }

  digest(): string {
    return this.hash.copy().digest("hex")
  }
}
