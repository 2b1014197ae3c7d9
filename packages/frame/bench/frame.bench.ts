/**
 * What a frame costs, beside what its checksums or its sealing alone cost.
 *
 * Run: `node packages/frame/bench/frame.bench.ts [--quick]`: about two minutes, or a quarter of one. Ratios may be compared
 * between machines, nanoseconds only within one table. The grid is that of Ceph's own measurement
 * (`src/test/msgr/test_frames_v2.cc`): a MESSAGE with a header of 41 bytes, a front of 250, no middle and the data named in
 * the second column, in every mode. It is decoded from chunks of 64 KiB. `bare` is the same number of checksums or of
 * AES-GCM records over the same bytes, called directly; GB/s are those of the bytes on the wire.
 */
import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto"
import { Message } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { Crc32c, FrameDecoder, FrameEncoder, Gather, Layout, Limits, Mode, Preamble } from "../src/index.ts"

const CHUNK = 64 * 1024
const FRONT = 250
const SIZES = [0, 512, 4096, 32 * 1024, 128 * 1024, 4 * 1024 * 1024]
const quick = process.argv.includes("--quick")
/** Milliseconds for one line of the table. */
const PER_CELL = quick ? 500 : 4000
/** Bytes, and a price for each frame in bytes, that one run of one contender handles. */
const PER_RUN = 24_000_000
const PER_FRAME = 3000

const modes = [
  ["crc", 0],
  ["crc", 1],
  ["secure", 0],
  ["secure", 1]
] as const
type Name = (typeof modes)[number][0]

const secret = Redacted.make(Uint8Array.from({ length: 64 }, (_, i) => i))
const modeOf = (name: Name, revision: Mode.Revision, role: "client" | "server"): Mode.Mode =>
  name === "crc" ? Mode.crc(revision) : Result.getOrThrow(Mode.secure({ role, revision, secret }))

type Run = () => void

/**
 * Nanoseconds per call of each of `runs`, which take turns so that a busy machine is unfair to none; of the best round,
 * since what disturbs a round only ever makes it slower.
 */
const measure = (calls: number, runs: ReadonlyArray<Run>): ReadonlyArray<number> => {
  const best = runs.map(() => Number.POSITIVE_INFINITY)
  const end = performance.now() + PER_CELL
  for (let round = 0; round < 3 || performance.now() < end; round++) {
    for (const [i, run] of runs.entries()) {
      const start = process.hrtime.bigint()
      run()
      best[i] = Math.min(best[i]!, Number(process.hrtime.bigint() - start) / calls)
    }
  }
  return best
}

/** One cell of the grid. */
interface Cell {
  readonly name: Name
  readonly revision: Mode.Revision
  readonly message: Message.Message
  readonly frames: number
}

const encoderOf = ({ name, revision }: Cell): FrameEncoder.FrameEncoder => {
  const encoder = FrameEncoder.make({ mode: modeOf(name, revision, "client") })
  encoder.transcript.clear()
  return encoder
}

const encode = (cell: Cell): Run => {
  const encoder = encoderOf(cell)
  const out = Gather.make()
  return () => {
    for (let seq = 1; seq <= cell.frames; seq++) {
      if (Result.isFailure(encoder.message(out, cell.message, seq, 0))) throw new Error("refused")
      if (out.size >= CHUNK) out.release(out.take())
    }
    out.release(out.take())
  }
}

/** What a socket would deliver. */
const chunksOf = (cell: Cell): ReadonlyArray<Uint8Array> => {
  const encoder = encoderOf(cell)
  const out = Gather.make()
  for (let seq = 1; seq <= cell.frames; seq++) Result.getOrThrow(encoder.message(out, cell.message, seq, 0))
  const wire = Buffer.concat(out.take())
  const chunks: Array<Uint8Array> = []
  for (let at = 0; at < wire.length; at += CHUNK) chunks.push(new Uint8Array(wire.subarray(at, at + CHUNK)))
  return chunks
}

const decode = (cell: Cell): Run => {
  const chunks = chunksOf(cell)
  return () => {
    const decoder = FrameDecoder.make({ limits: Limits.afterAuth, mode: modeOf(cell.name, cell.revision, "server") })
    decoder.transcript.clear()
    let read = 0
    for (const chunk of chunks) {
      decoder.push(chunk)
      for (;;) {
        const next = decoder.next()
        if (Result.isFailure(next)) throw next.failure
        if (next.success === undefined) break
        read++
      }
    }
    if (read !== cell.frames) throw new Error(`read ${read} of ${cell.frames} frames`)
  }
}

const bareCrc = (data: Uint8Array, calls: number): Run => {
  const preamble = new Uint8Array(Preamble.SIZE - Layout.CRC)
  const header = new Uint8Array(41)
  const front = new Uint8Array(FRONT)
  return () => {
    let sum = 0
    for (let i = 0; i < calls; i++) {
      sum ^= Crc32c.update(0, preamble) ^ Crc32c.segment(header) ^ Crc32c.segment(front)
      if (data.length > 0) sum ^= Crc32c.segment(data)
    }
    if (sum === 1) throw new Error("unlikely")
  }
}

/** Lengths of the records of such a frame, without their tags. */
const recordsOf = (revision: Mode.Revision, data: number): ReadonlyArray<number> => {
  const rest = Layout.padded(FRONT) + Layout.padded(data) + Layout.BLOCK
  return revision === 0 ? [Preamble.SIZE + Layout.padded(41) + rest] : [Layout.HEAD, rest]
}

const bareGcm = (sizes: ReadonlyArray<number>, calls: number): { readonly seal: Run; readonly open: Run } => {
  const key = createSecretKey(Buffer.alloc(16, 1))
  const iv = Buffer.alloc(12)
  const options = { authTagLength: Layout.TAG }
  const seal = (plain: Uint8Array) => {
    const cipher = createCipheriv("aes-128-gcm", key, iv, options)
    const sealed = cipher.update(plain)
    cipher.final()
    return { sealed, tag: cipher.getAuthTag() }
  }
  const open = ({ sealed, tag }: ReturnType<typeof seal>) => {
    const decipher = createDecipheriv("aes-128-gcm", key, iv, options)
    decipher.setAuthTag(tag)
    decipher.update(sealed)
    decipher.final()
  }
  const plain = sizes.map((size) => new Uint8Array(size))
  const sealed = plain.map(seal)
  const repeat = (run: Run): Run => {
    return () => {
      for (let i = 0; i < calls; i++) run()
    }
  }
  return { seal: repeat(() => plain.forEach(seal)), open: repeat(() => sealed.forEach(open)) }
}

const row = (label: string, data: number, size: number, took: number, bare: number) =>
  console.log(
    label.padEnd(18) +
      [data, size].map((bytes) => String(bytes).padStart(9)).join("") +
      [took, bare].map((ns) => ns.toFixed(0).padStart(11)).join("") +
      [took / bare, size / took].map((number) => number.toFixed(2).padStart(8)).join("")
  )

console.log(`node ${process.version}, 41+${FRONT}+0+data${quick ? ", quick" : ""}\n`)
console.log("mode                   data  on wire   ns/frame    bare ns   ratio    GB/s")
for (const [name, revision] of modes) {
  for (const size of SIZES) {
    const data = new Uint8Array(size).map((_, i) => i * 7)
    const message = Message.make({ type: 42, front: new Uint8Array(FRONT).fill(5), data })
    const share = (quick ? 0.25 : 1) / (name === "secure" ? 4 : 1)
    const frames = Math.max(2, Math.round((PER_RUN * share) / (PER_FRAME + size)))
    const cell: Cell = { name, revision, message, frames }
    const lengths = size > 0 ? [41, FRONT, 0, size] : [41, FRONT]
    const onWire = Layout.frame(Mode.layout(modeOf(name, revision, "client")), lengths)
    const crc = bareCrc(data, frames)
    const { open, seal } = name === "crc" ? { open: crc, seal: crc } : bareGcm(recordsOf(revision, size), frames)
    const times = measure(frames, [seal, encode(cell), open, decode(cell)])
    const label = `2.${revision} ${name}`
    row(`${label} encode`, size, onWire, times[1]!, times[0]!)
    row(`${label} decode`, size, onWire, times[3]!, times[2]!)
  }
}
