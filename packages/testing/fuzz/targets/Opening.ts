/**
 * What is read before anything is known of a peer: its banner, and the preamble of a frame.
 */
import { FrameDecoder, FrameError, Preamble } from "@msgr2/frame"
import { Banner, Bytes, WireError } from "@msgr2/wire"
import { Equal, Result, Schema } from "effect"
import { Fuzz } from "../../src/index.ts"
import { bytesOf, must, type Target } from "../Target.ts"
import { repairPreamble } from "./Layouts.ts"

const banners = [
  { supported: 3n, required: 0n },
  { supported: 1n, required: 1n },
  { supported: 0xffff_ffff_ffff_ffffn, required: 0x8000_0000_0000_0000n }
]

/**
 * A banner in chunks.
 *
 * **Shape** `chunk:u8 stream`: chunks have `chunk + 1` bytes.
 */
export const banner: Target = {
  name: "banner",
  seeds: () => [
    ...banners.map((banner) => Bytes.concat([Uint8Array.of(255), Banner.encode(banner), bytesOf("rest")])),
    Bytes.concat([Uint8Array.of(0), Banner.encode(banners[0]!)]),
    Bytes.concat([Uint8Array.of(3), bytesOf("ceph v2\n"), Uint8Array.of(20, 0), new Uint8Array(20)]),
    bytesOf("\u0005ceph v027"),
    bytesOf("\u0005SSH-2.0-OpenSSH_9.2")
  ],
  words: [bytesOf("ceph v2\n"), bytesOf("ceph v027")],
  run: (input) => {
    const stream = input.subarray(1)
    const decoder = FrameDecoder.make()
    let last: Result.Result<Banner.Banner | undefined, WireError.WireError> = Result.succeed(undefined)
    for (const chunk of Fuzz.rechunk(stream, [(input[0] ?? 0) + 1])) {
      decoder.push(chunk)
      last = decoder.banner()
      if (Result.isFailure(last) || last.success !== undefined) break
    }
    const whole = Banner.decode(stream)
    must(Result.isFailure(last) === Result.isFailure(whole), "chunks and the whole are judged alike")
    if (Result.isFailure(last)) {
      must(last.failure instanceof WireError.WireError, "a banner is refused with a WireError")
      return `refused: ${last.failure.reason}`
    }
    if (Result.isFailure(whole)) return "unreachable"
    must(Equal.equals(last.success, whole.success?.banner), "chunks and the whole hold the same banner")
    if (last.success === undefined) return "waits"
    const again = Banner.decode(Banner.encode(last.success))
    must(Result.isSuccess(again) && Equal.equals(again.success?.banner, last.success), "a banner survives its bytes")
    return decoder.consumed === 26 ? "banner" : "longer banner"
  }
}

const isReason = Schema.is(FrameError.Reason)

/**
 * A preamble.
 *
 * **Shape** `repair:u8 preamble:32`; with an odd first byte the checksum is made right.
 */
export const preamble: Target = {
  name: "preamble",
  seeds: () =>
    [
      { tag: 1, lengths: [36] },
      { tag: 17, lengths: [41, 250, 0, 4096] },
      { tag: 16, lengths: [0] },
      { tag: 255, lengths: [1, 0] }
    ].flatMap(({ lengths, tag }) => {
      const bytes = new Uint8Array(1 + Preamble.SIZE)
      const padded = Uint32Array.from({ length: 4 }, (_, i) => lengths[i] ?? 0)
      Preamble.write(bytes, 1, { tag, count: lengths.length, lengths: padded, flags: 0 })
      return [bytes, bytes.with(0, 1)]
    }),
  run: (input) => {
    const bytes = new Uint8Array(Preamble.SIZE)
    bytes.set(input.subarray(1, 1 + Preamble.SIZE))
    if (((input[0] ?? 0) & 1) === 1) repairPreamble(bytes, 0)
    const read = Preamble.make()
    const reason = Preamble.read(bytes, 0, read)
    if (reason !== undefined) {
      must(isReason(reason), "a preamble is refused with a known reason")
      return `refused: ${reason}`
    }
    must(read.count >= 1 && read.count <= 4, "a preamble has one to four segments")
    const written = new Uint8Array(Preamble.SIZE)
    Preamble.write(written, 0, read)
    const again = Preamble.make()
    must(Preamble.read(written, 0, again) === undefined, "what was read can be written")
    const same = (["tag", "count", "flags"] as const).every((field) => again[field] === read[field])
    const lengths = (of: Preamble.Preamble) => of.lengths.subarray(0, read.count).join()
    must(same && lengths(again) === lengths(read), "a preamble survives its bytes")
    return `${read.count} segments`
  }
}
