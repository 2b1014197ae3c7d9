/**
 * Just enough of a WebAssembly assembler to write one loop down readably.
 *
 * Code is a list of bytes; every helper returns those of one instruction or block. Operands come before their
 * instruction, as on the machine's stack.
 *
 * **Source** WebAssembly core specification 1.0, chapter "Binary format"
 */

/** Bytes of instructions. */
export type Code = ReadonlyArray<number>

const Op = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  load32: 0x28,
  load8: 0x2d,
  constant: 0x41,
  equalsZero: 0x45,
  atMost: 0x4d,
  add: 0x6a,
  and: 0x71,
  xor: 0x73,
  shiftLeft: 0x74,
  shiftRight: 0x76
} as const

const Type = { empty: 0x40, function: 0x60, i32: 0x7f } as const
const Section = { types: 1, functions: 3, memories: 5, exports: 7, code: 10 } as const
const Export = { function: 0, memory: 2 } as const

/** `value` as signed LEB128, which reads the same unsigned unless the last byte has bit 6. */
const leb = (value: number): Code => {
  const low = value & 0x7f
  const rest = value >> 7
  return (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40) ? [low] : [low | 0x80, ...leb(rest)]
}

export const constant = (value: number): Code => [Op.constant, ...leb(value)]
export const get = (local: number): Code => [Op.localGet, ...leb(local)]
export const set = (local: number, value: Code): Code => [...value, Op.localSet, ...leb(local)]
export const add = (left: Code, right: Code): Code => [...left, ...right, Op.add]
export const and = (left: Code, right: Code): Code => [...left, ...right, Op.and]
export const xor = (left: Code, right: Code): Code => [...left, ...right, Op.xor]
export const shiftLeft = (left: Code, bits: number): Code => [...left, ...constant(bits), Op.shiftLeft]
export const shiftRight = (left: Code, bits: number): Code => [...left, ...constant(bits), Op.shiftRight]
export const atMost = (left: Code, right: Code): Code => [...left, ...right, Op.atMost]

/** What lies at `address + offset`, little-endian; the 0 promises no alignment. */
export const load32 = (address: Code, offset: number): Code => [...address, Op.load32, 0, ...leb(offset)]
export const load8 = (address: Code, offset: number): Code => [...address, Op.load8, 0, ...leb(offset)]

/** Repeats `body` as long as `condition` holds before it: a loop (branch 0 repeats) in a block (branch 1 leaves). */
export const loopWhile = (condition: Code, body: Code): Code => {
  const leaveUnless = [...condition, Op.equalsZero, Op.branchIf, 1]
  return [Op.block, Type.empty, Op.loop, Type.empty, ...leaveUnless, ...body, Op.branch, 0, Op.end, Op.end]
}

const vector = (items: ReadonlyArray<Code>): Code => [...leb(items.length), ...items.flat()]
const sized = (content: Code): Code => [...leb(content.length), ...content]
const section = (id: number, item: ReadonlyArray<Code>): Code => [id, ...sized(vector(item))]
const name = (text: string): Code => sized(Array.from(text, (letter) => letter.charCodeAt(0)))

/**
 * A module with one function over 32-bit integers, exported as `run`, and one page of memory (64 KiB), exported as
 * `memory`. `body` leaves the result on the stack.
 */
export const assemble = (options: {
  readonly parameters: number
  readonly locals: number
  readonly body: Code
}): Uint8Array => {
  const parameters = Array.from({ length: options.parameters }, () => [Type.i32])
  const signature = [Type.function, ...vector(parameters), ...vector([[Type.i32]])]
  const locals = vector([[...leb(options.locals), Type.i32]])
  const magic = "\0asm\u0001\0\0\0"
  return Uint8Array.from([
    ...name(magic).slice(1),
    ...section(Section.types, [signature]),
    ...section(Section.functions, [[0]]),
    ...section(Section.memories, [[0, 1]]),
    ...section(Section.exports, [
      [...name("run"), Export.function, 0],
      [...name("memory"), Export.memory, 0]
    ]),
    ...section(Section.code, [sized([...locals, ...options.body, Op.end])])
  ])
}
