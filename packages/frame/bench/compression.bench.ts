/**
 * What a compressed frame costs, beside what the libraries take for the same bytes.
 *
 * Run: `node packages/frame/bench/compression.bench.ts`. Ratios may be compared between machines, microseconds only
 * within one table. A frame is a MESSAGE of crc mode with a header of 41 bytes and the data named in the first column;
 * both are compressed. `bare` is the library's own two calls, with neither container, bounds nor checksums; `shrink` is
 * plain bytes over bytes on the wire.
 */
import { ControlFrame } from "@msgr2/wire"
import { Result } from "effect"
import { createRequire } from "node:module"
import * as zlib from "node:zlib"
import { CompressionMethod, Compressors, FrameDecoder, FrameEncoder, Gather, Limits, Mode } from "../src/index.ts"

const ROUNDS = 8
const { CompressionMethod: Method } = CompressionMethod
const load = createRequire(import.meta.url)

type Run = () => void

/** Microseconds per call of each of `runs`, which take turns; of the best round. */
const measure = (calls: number, runs: ReadonlyArray<Run>): ReadonlyArray<number> => {
  const best = runs.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, run] of runs.entries()) {
      const start = process.hrtime.bigint()
      for (let n = 0; n < calls; n++) run()
      best[i] = Math.min(best[i]!, Number(process.hrtime.bigint() - start) / calls / 1000)
    }
  }
  return best
}

/** Text such as logs and maps are made of. */
const text = (size: number): Uint8Array => {
  const words = "osd ping heartbeat object header placement group map epoch version client reply data".split(" ")
  let line = ""
  for (let x = 1; line.length < size;) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    line += `${words[x % words.length]}.${x >>> 24} `
  }
  return new TextEncoder().encode(line.slice(0, size))
}

const copying = { asBuffer: true, copyOutputData: true }
const level = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } }
const snappy = load("snappy")
const lz4 = load("lz4-napi")

interface Library {
  readonly pack: (plain: Uint8Array) => Uint8Array
  readonly unpack: (packed: Uint8Array) => Uint8Array
}
const libraries: { readonly [method: number]: Library } = {
  [Method.Snappy]: {
    pack: (plain) => snappy.compressSync(plain, copying),
    unpack: (packed) => snappy.uncompressSync(packed, copying)
  },
  [Method.Zlib]: {
    pack: (plain) => zlib.deflateRawSync(plain, { level: 5 }),
    unpack: (packed) => zlib.inflateRawSync(packed)
  },
  [Method.Zstd]: {
    pack: (plain) => zlib.zstdCompressSync(plain, level),
    unpack: (packed) => zlib.zstdDecompressSync(packed)
  },
  [Method.Lz4]: { pack: (plain) => lz4.compressSync(plain), unpack: (packed) => lz4.uncompressSync(packed) }
}

const encodeOne = (encoder: FrameEncoder.FrameEncoder, segments: ReadonlyArray<Uint8Array>) => {
  const out = Gather.make()
  Result.getOrThrow(encoder.frame(out, ControlFrame.MESSAGE, segments))
  return new Uint8Array(Buffer.concat(out.take()))
}

console.log(`node ${process.version}, msgr2.1 crc, 41+0+0+data\n`)
console.log("                         on wire  shrink   us/frame    bare us  ratio")
for (const method of [Method.Snappy, Method.Zlib, Method.Zstd, Method.Lz4]) {
  const compression = Compressors.installed.make(method)
  const library = libraries[method]
  if (compression === undefined || library === undefined) {
    console.log(`${CompressionMethod.format(method)} does not work here`)
    continue
  }
  for (const size of [1024, 4096, 65_536, 1_048_576]) {
    const data = text(size)
    const header = new Uint8Array(41).map((_, i) => (i % 6 === 0 ? i : 0))
    const segments = [header, new Uint8Array(0), new Uint8Array(0), data]
    const mode = Mode.crc(1, { compression })
    const encoder = FrameEncoder.make({ mode })
    encoder.transcript.clear()
    const wire = encodeOne(encoder, segments)
    const out = Gather.make()
    const decoder = FrameDecoder.make({ mode, limits: Limits.afterAuth })
    decoder.transcript.clear()
    const packed = [header, data].map(library.pack)
    const calls = Math.max(3, Math.round(4_000_000 / (size + 4000) / (method === Method.Zlib ? 8 : 1)))
    const [there, bareThere, back, bareBack] = measure(calls, [
      () => {
        if (Result.isFailure(encoder.frame(out, ControlFrame.MESSAGE, segments))) throw new Error("refused")
        out.release(out.take())
      },
      () => void [header, data].map(library.pack),
      () => {
        decoder.push(wire)
        const frame = Result.getOrThrow(decoder.next())
        if (frame?.segments[3]?.length !== size) throw new Error("not the frame")
      },
      () => void packed.map(library.unpack)
    ])
    const row = (label: string, took: number, alone: number) =>
      console.log(
        `${`${CompressionMethod.format(method)} ${label} ${size}`.padEnd(23)} ${String(wire.length).padStart(8)} ` +
          `${((size + 41) / wire.length).toFixed(1).padStart(7)} ${took.toFixed(1).padStart(10)} ` +
          `${alone.toFixed(1).padStart(10)} ${(took / alone).toFixed(2).padStart(6)}`
      )
    row("encode", there!, bareThere!)
    row("decode", back!, bareBack!)
  }
}
