/**
 * LZ4 blocks written by hand, as a sender with a scattered buffer would: each is one of a stream and looks back into
 * what those before it have become.
 */
const ascii = (text: string): ReadonlyArray<number> => [...text].map((char) => char.charCodeAt(0))

const u32 = (value: number): ReadonlyArray<number> => [0, 8, 16, 24].map((bits) => (value >>> bits) & 0xff)

/** A count that a nibble cannot say goes on in bytes. */
const extra = (count: number): ReadonlyArray<number> =>
  count < 15 ? [] : [...Array.from({ length: Math.floor((count - 15) / 255) }, () => 255), (count - 15) % 255]

/** One sequence: new bytes, then `length` bytes from `offset` back; no match ends the block. */
export const sequence = (
  literals: ReadonlyArray<number>,
  match?: { readonly offset: number; readonly length: number }
): ReadonlyArray<number> => [
  (Math.min(15, literals.length) << 4) | (match === undefined ? 0 : Math.min(15, match.length - 4)),
  ...extra(literals.length),
  ...literals,
  ...(match === undefined ? [] : [match.offset & 0xff, match.offset >> 8, ...extra(match.length - 4)])
]

/** Ceph's container: a table, then the blocks. */
export const container = (
  blocks: ReadonlyArray<{ readonly original: number; readonly block: ReadonlyArray<number> }>
): Uint8Array =>
  Uint8Array.from([
    ...u32(blocks.length),
    ...blocks.flatMap(({ block, original }) => [...u32(original), ...u32(block.length)]),
    ...blocks.flatMap(({ block }) => block)
  ])

/** "abcdefgh", the same again from the first block, then from both, across the border and overlapping itself. */
export const dependent = {
  packed: container([
    { original: 8, block: sequence(ascii("abcdefgh")) },
    { original: 12, block: [...sequence([], { offset: 8, length: 8 }), ...sequence(ascii("1234"))] },
    {
      original: 305,
      block: [
        ...sequence([], { offset: 20, length: 20 }),
        ...sequence(ascii("x"), { offset: 1, length: 279 }),
        ...sequence(ascii("56789"))
      ]
    }
  ]),
  plain: `abcdefghabcdefgh1234abcdefghabcdefgh1234${"x".repeat(280)}56789`
} as const
