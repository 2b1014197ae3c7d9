/**
 * CRC-32C in plain JavaScript and through WebAssembly, by length: where `Crc32c.update` should change over.
 *
 * Run: `node packages/frame/bench/crc32c.bench.ts`
 */
import { Crc32c } from "../src/index.ts"
import * as Crc32cWasm from "../src/internal/crc32cWasm.ts"

const wasm = Crc32cWasm.make(Crc32c.tables)
const source = new Uint8Array(1 << 20).map((_, i) => i * 7 + (i >> 8))

const measure = (size: number, run: () => number): number => {
  const calls = Math.max(20, Math.min(500_000, Math.floor(1e8 / (size + 50))))
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 8; round++) {
    let sum = 0
    const start = process.hrtime.bigint()
    for (let i = 0; i < calls; i++) sum ^= run()
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls)
    if (sum === 1) throw new Error("unlikely")
  }
  return best
}

console.log("   bytes   plain ns    wasm ns   update ns")
for (const size of [4, 28, 41, 64, 80, 96, 128, 256, 1024, 4096, 65536, 1 << 20]) {
  const bytes = source.slice(5, 5 + size)
  const times = [
    measure(size, () => Crc32c.updatePlain(0, bytes)),
    wasm === undefined ? Number.NaN : measure(size, () => wasm(0, bytes, 0, size)),
    measure(size, () => Crc32c.update(0, bytes))
  ]
  console.log(String(size).padStart(8), ...times.map((time) => time.toFixed(0).padStart(10)))
}
