/**
 * Frames sealed with AES-128-GCM: nobody without the connection secret reads, alters, drops or repeats one unnoticed.
 *
 * **Source** msgr2, "msgr2.0-secure mode", "msgr2.1-secure mode"; Ceph `src/msg/async/frames_v2.cc`, `crypto_onwire.cc`
 */
import * as Bytes from "@msgr2/wire/Bytes"
import * as Epilogue from "./Epilogue.ts"
import type { Refuse } from "./FrameError.ts"
import type { Sink } from "./FrameWriter.ts"
import * as Gather from "./Gather.ts"
import type { ByteQueue } from "./internal/ByteQueue.ts"
import type { Plaintext } from "./internal/Plaintext.ts"
import * as Layout from "./Layout.ts"
import type { Secure } from "./Mode.ts"
import * as Preamble from "./Preamble.ts"

/**
 * The plain beginning of the next frame, its preamble first. The bytes stay in the queue.
 *
 * In revision 1 they are proved genuine, once: the nonce has advanced. In revision 0 they are not until `read` has seen
 * the tag, so lengths in there may be anything.
 *
 * **Errors** `AuthTag`, `NonceExhausted`.
 */
export const readHead = (queue: ByteQueue, mode: Secure, refuse: Refuse): Uint8Array => {
  const sealed = queue.peek(Layout.table.Secure[mode.revision].preamble)
  if (mode.revision === 0) return mode.aead.peek(mode.rx, sealed)
  return open(mode, [sealed], refuse)[0]!
}

const open = (mode: Secure, records: ReadonlyArray<Uint8Array>, refuse: Refuse): ReadonlyArray<Uint8Array> => {
  // With a nonce for the second time, the first record of the connection could be played back.
  if (!mode.rx.room(records.length)) refuse("NonceExhausted", -1, "a new connection: the peer has used up its nonces")
  const plain = mode.aead.open(mode.rx, records)
  return plain ?? refuse("AuthTag", -1, "a record sealed with the key and nonce of this connection")
}

/**
 * Takes the frame that `preamble` announces, all of which has arrived, and returns its segments; `undefined` when its
 * sender has aborted it. `head` came from `readHead`. Padding is not looked at.
 *
 * **Errors** `AuthTag`, `LateStatus`, `NonceExhausted`.
 */
export const read = (
  queue: ByteQueue,
  mode: Secure,
  preamble: Preamble.Preamble,
  head: Uint8Array,
  refuse: Refuse
): ReadonlyArray<Uint8Array> | undefined =>
  mode.revision === 0 ? read0(queue, mode, preamble, refuse) : read1(queue, mode, preamble, head, refuse)

const view = (bytes: Uint8Array, at: number, size: number): Uint8Array =>
  size === 0 ? Bytes.empty : new Uint8Array(bytes.buffer, bytes.byteOffset + at, size)

/** Cuts segments `first` to `count - 1` out of `plain`, then looks at the block behind them. */
const split = (
  segments: Array<Uint8Array>,
  plain: Uint8Array,
  start: number,
  mode: Secure,
  { count, lengths }: Preamble.Preamble,
  refuse: Refuse
): ReadonlyArray<Uint8Array> | undefined => {
  let at = start
  for (let i = segments.length; i < count; i++) {
    segments.push(view(plain, at, lengths[i]!))
    at += Layout.padded(lengths[i]!)
  }
  const late = plain[at]!
  const status = Epilogue.read(mode.revision, late)
  return status === undefined ? Epilogue.refuse(late, refuse) : status === "Complete" ? segments : undefined
}

const read0 = (queue: ByteQueue, mode: Secure, preamble: Preamble.Preamble, refuse: Refuse) => {
  const record = queue.borrow(Layout.frame(Layout.secure0, preamble.lengths, preamble.count))
  return split([], open(mode, [record], refuse)[0]!, Preamble.SIZE, mode, preamble, refuse)
}

const read1 = (
  queue: ByteQueue,
  mode: Secure,
  preamble: Preamble.Preamble,
  head: Uint8Array,
  refuse: Refuse
): ReadonlyArray<Uint8Array> | undefined => {
  const { count, lengths } = preamble
  const length = lengths[0]!
  queue.skip(Layout.secure1.preamble)
  const remainder = Layout.secure1.segment(0, length)
  const sealed = queue.borrow(Layout.frame(Layout.secure1, lengths, count) - Layout.secure1.preamble)
  const records: Array<Uint8Array> = []
  if (remainder > 0) records.push(sealed.subarray(0, remainder))
  if (count > 1) records.push(sealed.subarray(remainder))
  const plain = records.length > 0 ? open(mode, records, refuse) : records
  const inline = view(head, Preamble.SIZE, Math.min(length, Layout.INLINE))
  const segments = [remainder > 0 ? Bytes.concat([inline, view(plain[0]!, 0, length - Layout.INLINE)]) : inline]
  return count > 1 ? split(segments, plain[plain.length - 1]!, 0, mode, preamble, refuse) : segments
}

/** Records that `write` will seal: nonces that it needs. */
export const records = (mode: Secure, { count, lengths }: Preamble.Preamble): number =>
  mode.revision === 0 ? 1 : 1 + (Layout.secure1.segment(0, lengths[0]!) > 0 ? 1 : 0) + (count > 1 ? 1 : 0)

/** Appends the frame of `preamble` and as many of `segments` as it counts. */
export const write = (
  out: Gather.Gather,
  mode: Secure,
  plain: Plaintext,
  preamble: Preamble.Preamble,
  segments: ReadonlyArray<Uint8Array>,
  late: number
): void => {
  const { count } = preamble
  const first = segments[0]!
  plain.begin(segments, count)
  const at = plain.reserve(Preamble.SIZE)
  Preamble.write(plain.bytes, at, preamble)
  if (mode.revision === 0) {
    for (let i = 0; i < count; i++) plain.putPadded(segments[i]!)
    plain.putLate(late)
    mode.aead.seal(mode.tx, [plain.record()], out)
    return
  }
  plain.put(first.length > Layout.INLINE ? first.subarray(0, Layout.INLINE) : first)
  plain.zeros(Math.max(0, Layout.INLINE - first.length))
  const sealed = [plain.record()]
  if (first.length > Layout.INLINE) {
    plain.putPadded(first.subarray(Layout.INLINE))
    sealed.push(plain.record())
  }
  if (count > 1) {
    for (let i = 1; i < count; i++) plain.putPadded(segments[i]!)
    plain.putLate(late)
    sealed.push(plain.record())
  }
  mode.aead.seal(mode.tx, sealed, out)
}

/** A piece of this length is not copied while it waits: another call of the cipher costs less. */
const KEEP = 64 * 1024

/**
 * Appends a frame whose segments come in pieces, each record as soon as all of it is there: `write` with the same bytes
 * seals the same records.
 *
 * **Units** `total` is the length of all segments.
 */
export const pieces = (out: Gather.Gather, mode: Secure, preamble: Preamble.Preamble, total: number): Sink => {
  const { count, lengths } = preamble
  const whole = mode.revision === 0
  const inline = Math.min(lengths[0]!, Layout.INLINE)
  const rest = Array.from(lengths.subarray(whole ? 0 : 1, count))
  const runs = whole ? rest : [inline, lengths[0]! - inline, ...rest]
  const waiting = Gather.make({ slab: Math.min(total + 2 * Layout.HEAD, KEEP), keep: KEEP })
  const pad = (size: number) => {
    if (size === 0) return
    const at = waiting.reserve(size)
    waiting.slab.fill(0, at, at + size)
  }
  const seal = () => {
    const record = waiting.take()
    if (record.length > 0) mode.aead.seal(mode.tx, [record], out)
    waiting.release(record)
  }
  return {
    runs,
    begin: () => {
      const at = waiting.reserve(Preamble.SIZE)
      Preamble.write(waiting.slab, at, preamble)
    },
    put: (piece) => waiting.put(piece),
    endRun: (index) => {
      const width = !whole && index === 0 ? Layout.INLINE : Layout.padded(runs[index]!)
      pad(width - runs[index]!)
      if (!whole && index < 2) seal()
    },
    finish: (late) => {
      if (!whole && count === 1) return
      const at = waiting.reserve(Layout.BLOCK)
      waiting.slab.fill(0, at, at + Layout.BLOCK)
      waiting.slab[at] = late
      seal()
    }
  }
}
