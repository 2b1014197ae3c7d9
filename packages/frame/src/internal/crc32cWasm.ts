/**
 * The inner loop of CRC-32C as a WebAssembly module of half a kilobyte, assembled when this file is loaded. About twice
 * as fast as the same loop in JavaScript; nothing is computed here that `Crc32c.ts` does not also compute without it.
 */
import type { Code } from "./assembler.ts"
import * as Asm from "./assembler.ts"

/** The loop's arguments and variables, by number. */
const [register, at, end, word] = [0, 1, 2, 3]

/** Table `table` of the sixteen, at byte `byte` of a word: `tables[256 * table + (word >>> (8 * byte) & 255)]`. */
const lookUp = (word: Code, byte: number, table: number): Code =>
  Asm.load32(
    Asm.and(byte === 0 ? Asm.shiftLeft(word, 2) : Asm.shiftRight(word, 8 * byte - 2), Asm.constant(0x3fc)),
    1024 * table
  )

const advance = (bytes: number): Code => Asm.set(at, Asm.add(Asm.get(at), Asm.constant(bytes)))
const remain = (bytes: number): Code => Asm.atMost(Asm.add(Asm.get(at), Asm.constant(bytes)), Asm.get(end))

/** Takes `4 * words` bytes at a time: byte `i` of them goes through table `4 * words - 1 - i`. */
const slices = (words: number): Code => {
  const numbers = Array.from({ length: words }, (_, i) => i)
  const load = numbers.flatMap((i) => {
    const bytes = Asm.load32(Asm.get(at), 4 * i)
    return Asm.set(word + i, i === 0 ? Asm.xor(Asm.get(register), bytes) : bytes)
  })
  const terms = numbers.flatMap((i) =>
    [0, 1, 2, 3].map((byte) => lookUp(Asm.get(word + i), byte, 4 * (words - i) - 1 - byte))
  )
  return Asm.loopWhile(remain(4 * words), [
    ...load,
    ...Asm.set(
      register,
      terms.reduce((left, right) => Asm.xor(left, right))
    ),
    ...advance(4 * words)
  ])
}

const singly: Code = Asm.loopWhile(remain(1), [
  ...Asm.set(
    register,
    Asm.xor(Asm.shiftRight(Asm.get(register), 8), lookUp(Asm.xor(Asm.get(register), Asm.load8(Asm.get(at), 0)), 0, 0))
  ),
  ...advance(1)
])

/** What this file needs of the global `WebAssembly`, whose types come with the DOM library only. */
interface Machine {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => {
    readonly exports: {
      readonly run: (register: number, at: number, end: number) => number
      readonly memory: { readonly buffer: ArrayBuffer }
    }
  }
}

/** Bytes of input that fit beside the tables; small enough to stay in the processor's first cache. */
const WINDOW = 16 * 1024

/**
 * The same as `Crc32c.update`, or `undefined` where there is no WebAssembly (`node --jitless`).
 *
 * **Shape** `tables`: sixteen times 256 words. The result is signed.
 */
export const make = (
  tables: Int32Array
): ((register: number, bytes: Uint8Array, start: number, end: number) => number) | undefined => {
  const machine = (globalThis as { readonly WebAssembly?: Machine }).WebAssembly
  if (machine === undefined) return undefined
  const code = Asm.assemble({
    parameters: 3,
    locals: 4,
    body: [...slices(4), ...slices(1), ...singly, ...Asm.get(register)]
  })
  const { run, memory } = new machine.Instance(new machine.Module(code)).exports
  const input = tables.byteLength
  new Int32Array(memory.buffer).set(tables)
  const window = new Uint8Array(memory.buffer, input, WINDOW)
  return (register, bytes, start, end) => {
    let state = register
    for (let at = start; at < end; at += WINDOW) {
      const size = Math.min(WINDOW, end - at)
      window.set(size === bytes.length ? bytes : bytes.subarray(at, at + size))
      state = run(state, input, input + size)
    }
    return state
  }
}
