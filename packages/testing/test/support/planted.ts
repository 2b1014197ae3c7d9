/**
 * Targets with a fault that only somebody outside the process can see.
 */
import { type Target } from "../../fuzz/Target.ts"

const target = (name: string, run: Target["run"]): Target => ({ name, seeds: () => [Uint8Array.of(1, 2, 3)], run })

/** No input of the seeds has it; mutated ones soon do. */
const isBad = (input: Uint8Array): boolean => input.includes(0xff)

export const targets: ReadonlyArray<Target> = [
  target("harmless", (input) => (input.length > 3 ? "long" : "short")),
  target("hangs", (input) => {
    while (isBad(input)) continue
    return "ends"
  }),
  target("dies", (input) => {
    if (isBad(input)) process.kill(process.pid, "SIGABRT")
    return "lives"
  }),
  target("eats", (input) => {
    const eaten: Array<ReadonlyArray<number>> = []
    while (isBad(input)) eaten.push(Array.from({ length: 1_000_000 }, (_, i) => i + 0.5))
    return "is satisfied"
  }),
  target("throws", (input) => {
    if (isBad(input)) throw new TypeError("undefined is not a function")
    return "returns"
  })
]
