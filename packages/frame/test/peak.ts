/**
 * How much memory a segment takes to inflate, or to refuse: a process of its own for Compressors.test.ts, because peaks
 * belong to processes.
 *
 * Run: `node test/peak.ts METHOD LIMIT... < SEGMENT`. Prints, for each limit in turn, the length of the result, -1 if
 * refused, and by how many KiB the peak has grown.
 */
import { readFileSync } from "node:fs"
import { Compressors } from "../src/index.ts"

const [method = 0, ...limits] = process.argv.slice(2).map(Number)
const compressor = Compressors.installed.make(method)
if (compressor === undefined) throw new Error(`no method ${method}`)
const segment = new Uint8Array(readFileSync(0))
for (const limit of limits) {
  const before = process.resourceUsage().maxRSS
  const inflated = compressor.decompress(segment, limit)
  console.log(inflated?.length ?? -1, process.resourceUsage().maxRSS - before)
}
