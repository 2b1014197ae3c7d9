/**
 * What a frame costs, beside what its checksums or its sealing alone cost.
 *
 * Run: `node packages/frame/bench/frame.bench.ts`. Ratios may be compared between machines, nanoseconds only within one
 * table. A frame is a MESSAGE with a header of 41 bytes, a front of 250 and the data named in the first column; it is
 * decoded from chunks of 64 KiB. `bare` is the same number of checksums or AES-GCM records over the same bytes, called
 * directly.
 */
import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto"
import { Message } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { Crc32c, FrameDecoder, FrameEncoder, Gather, Layout, Limits, Mode } from "../src/index.ts"

const CHUNK = 64 * 1024
const FRONT = 250
const ROUNDS = 12
const secret = Redacted.make(Uint8Array.from({ length: 64 }, (_, i) => i))
const mode = (name: "crc" | "secure", role: "client" | "server"): Mode.Mode =>
  name === "crc" ? Mode.crc(1) : Result.getOrThrow(Mode.secure({ role, revision: 1, secret }))

type Run = () => void

/**
 * Nanoseconds per call of each of `runs`, which take turns so that a busy machine is unfair to none; of the best round,
 * since what disturbs a round only ever makes it slower.
 */
const measure = (calls: number, runs: ReadonlyArray<Run>): ReadonlyArray<number> => {
  const best = runs.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, run] of runs.entries()) {
      const start = process.hrtime.bigint()
      run()
      best[i] = Math.min(best[i]!, Number(process.hrtime.bigint() - start) / calls)
    }
  }
  return best
}

const encodeAll = (name: "crc" | "secure", message: Message.Message, frames: number): ReadonlyArray<Uint8Array> => {
  const encoder = FrameEncoder.make({ mode: mode(name, "client") })
  encoder.transcript.clear()
  const out = Gather.make()
  for (let seq = 1; seq <= frames; seq++) Result.getOrThrow(encoder.message(out, message, seq, 0))
  const wire = Buffer.concat(out.take())
  const chunks: Array<Uint8Array> = []
  for (let at = 0; at < wire.length; at += CHUNK) chunks.push(new Uint8Array(wire.subarray(at, at + CHUNK)))
  return chunks
}

const encode = (name: "crc" | "secure", message: Message.Message, frames: number): Run => {
  const encoder = FrameEncoder.make({ mode: mode(name, "client") })
  encoder.transcript.clear()
  const out = Gather.make()
  return () => {
    for (let seq = 1; seq <= frames; seq++) {
      if (Result.isFailure(encoder.message(out, message, seq, 0))) throw new Error("refused")
      if (out.size >= CHUNK) out.release(out.take())
    }
    out.release(out.take())
  }
}

const decode = (name: "crc" | "secure", message: Message.Message, frames: number): Run => {
  const chunks = encodeAll(name, message, frames)
  return () => {
    const decoder = FrameDecoder.make({ limits: Limits.afterAuth, mode: mode(name, "server") })
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
    if (read !== frames) throw new Error(`read ${read} of ${frames} frames`)
  }
}

const bareCrc = (data: Uint8Array, calls: number): Run => {
  const preamble = new Uint8Array(28)
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

/** The two records of such a frame. */
const bareGcm = (data: Uint8Array, calls: number): { readonly seal: Run; readonly open: Run } => {
  const key = createSecretKey(Buffer.alloc(16, 1))
  const iv = Buffer.alloc(12)
  const options = { authTagLength: 16 }
  const head = new Uint8Array(Layout.HEAD)
  const rest = new Uint8Array(Layout.padded(FRONT) + Layout.padded(data.length) + Layout.BLOCK)
  const sealOne = (plain: Uint8Array) => {
    const cipher = createCipheriv("aes-128-gcm", key, iv, options)
    const sealed = cipher.update(plain)
    cipher.final()
    return { sealed, tag: cipher.getAuthTag() }
  }
  const openOne = ({ sealed, tag }: ReturnType<typeof sealOne>) => {
    const decipher = createDecipheriv("aes-128-gcm", key, iv, options)
    decipher.setAuthTag(tag)
    decipher.update(sealed)
    decipher.final()
  }
  const sealed = [sealOne(head), sealOne(rest)] as const
  return {
    seal: () => {
      for (let i = 0; i < calls; i++) {
        sealOne(head)
        sealOne(rest)
      }
    },
    open: () => {
      for (let i = 0; i < calls; i++) {
        openOne(sealed[0])
        openOne(sealed[1])
      }
    }
  }
}

const row = (label: string, size: number, took: number, bare: number) =>
  console.log(
    `${label.padEnd(22)} ${String(size).padStart(8)} ${took.toFixed(0).padStart(10)} ${bare.toFixed(0).padStart(10)} ` +
      `${(took / bare).toFixed(2).padStart(6)} ${((size / took) * 1000).toFixed(0).padStart(9)}`
  )

console.log(`node ${process.version}, msgr2.1, 41+${FRONT}+0+data\n`)
console.log("                        on wire   ns/frame    bare ns  ratio      MB/s")
for (const size of [0, 512, 4096, 32768, 131072]) {
  const data = new Uint8Array(size).map((_, i) => i * 7)
  const message = Message.make({ type: 42, front: new Uint8Array(FRONT).fill(5), data })
  const lengths = size > 0 ? [41, FRONT, 0, size] : [41, FRONT]
  const many = Math.round(40_000_000 / (2_000 + size))
  const few = Math.round(many / 4)
  const gcm = bareGcm(data, few)
  const crc = measure(many, [bareCrc(data, many), encode("crc", message, many), decode("crc", message, many)])
  const sealed = measure(few, [gcm.seal, encode("secure", message, few), gcm.open, decode("secure", message, few)])
  row(`crc    encode ${size}`, Layout.frame(Layout.crc1, lengths), crc[1]!, crc[0]!)
  row(`crc    decode ${size}`, Layout.frame(Layout.crc1, lengths), crc[2]!, crc[0]!)
  row(`secure encode ${size}`, Layout.frame(Layout.secure1, lengths), sealed[1]!, sealed[0]!)
  row(`secure decode ${size}`, Layout.frame(Layout.secure1, lengths), sealed[3]!, sealed[2]!)
}
