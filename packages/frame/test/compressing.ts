/** What the tests of compression share. */
import { Schema } from "effect"
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { CompressionMethod, Compressors, FrameDecoder, FrameEncoder, Limits, Mode } from "../src/index.ts"
import { type Name, revisionOf, secret, succeed } from "./harness.ts"

export const { CompressionMethod: Method } = CompressionMethod
export const methods = [Method.Snappy, Method.Zlib, Method.Zstd, Method.Lz4]
export const nameOf = CompressionMethod.format
export const MiB = 1024 * 1024

export const compressor = (method: number, minSize = 0) => {
  const made = Compressors.installed.make(method, minSize)
  if (made === undefined) throw new Error(`${nameOf(method)} does not work here`)
  return made
}
export const pack = (method: number, plain: Uint8Array): Uint8Array => {
  const packed = compressor(method).compress(plain)
  if (packed === undefined) throw new Error(`${nameOf(method)} resists`)
  return packed
}
export const unpack = (method: number, packed: Uint8Array, limit: number = MiB) =>
  compressor(method).decompress(packed, limit)

/** What a client sends and what its server reads, after they have agreed on `method`. */
export const ends = (name: Name, method: number, minSize = 0, limits: Limits.Limits = Limits.afterAuth) => {
  const mode = (role: "client" | "server") => {
    const options = { revision: revisionOf(name), compression: compressor(method, minSize) }
    return name.endsWith("crc")
      ? Mode.crc(options.revision, options)
      : succeed(Mode.secure({ role, secret, ...options }))
  }
  return {
    encoder: FrameEncoder.make({ mode: mode("client") }),
    decoder: FrameDecoder.make({ mode: mode("server"), limits })
  }
}

/** Text that repeats itself now and then, as most payloads do. */
export const prose = (size: number, seed = 1): Uint8Array => {
  const words = ["osd", "ping", "object", "header", "placement", "group", "map", "epoch", "client", "reply"]
  let text = ""
  for (let x = seed; text.length < size;) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
    text += `${words[(x >>> 16) % words.length]} ${x % 1000} `
  }
  return new TextEncoder().encode(text.slice(0, size))
}

/** Bytes that no algorithm makes fewer. */
export const noise = (size: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  for (let i = 0, x = size; i < size; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}

export const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
export const plainBytes = Schema.Uint8Array.check(Schema.isMaxLength(3000))

/** Length and new peak memory in KiB for each of `limits`, in a process of its own. */
export const peaks = (method: number, segment: Uint8Array, limits: ReadonlyArray<number>): ReadonlyArray<number> =>
  execFileSync(
    process.execPath,
    [fileURLToPath(new URL("peak.ts", import.meta.url)), `${method}`, ...limits.map(String)],
    {
      input: segment,
      encoding: "utf8"
    }
  )
    .trim()
    .split(/\s/)
    .map(Number)
