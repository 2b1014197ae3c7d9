/**
 * One thing that reads what somebody else wrote, and what must hold whatever that was.
 */

/** A law that an input has broken. Any other exception out of `Target.run` is a finding too. */
export class Flaw extends Error {}

/** Throws a `Flaw` unless `holds`. */
export const must = (holds: boolean, law: string): void => {
  if (!holds) throw new Flaw(law)
}

/**
 * What the runner feeds with inputs. Everything that a run depends on is in its input, so a saved input is a whole case.
 */
export interface Target {
  readonly name: string
  /** Valid inputs, one for each thing the code can do: what a corpus is planted with. */
  readonly seeds: () => ReadonlyArray<Uint8Array>
  /** Pieces that make sense to this target, for mutations to put in. */
  readonly words?: ReadonlyArray<Uint8Array>
  /**
   * Reads `input` and checks the laws. The result names what happened, in few words that few inputs share: an input with a
   * new name is interesting.
   *
   * **Errors** throws for a finding.
   */
  readonly run: (input: Uint8Array) => string
}

/** **Units** milliseconds that one input may take, bytes that it may leave behind, bytes of the longest input tried. */
export const Budget = {
  millis: 100,
  memory: (size: number): number => 8 * 1024 * 1024 + 256 * size,
  longest: 8 * 1024
} as const

/** `0`, `1`, `2-3`, `4-7` ...: sizes that are the same kind of size. */
export const sizeClass = (size: number): string => (size === 0 ? "0" : `2^${Math.floor(Math.log2(size))}`)

/**
 * A target for any reader of bytes.
 *
 * **Shape** `read` returns the name of what happened, or throws; what `isTyped` knows is one of its documented errors.
 */
export const reader = (options: {
  readonly name: string
  readonly seeds: () => ReadonlyArray<Uint8Array>
  readonly words?: ReadonlyArray<Uint8Array>
  readonly read: (bytes: Uint8Array) => string
  readonly isTyped: (error: unknown) => boolean
}): Target => ({
  name: options.name,
  seeds: options.seeds,
  words: options.words ?? [],
  run: (input) => {
    try {
      return options.read(input)
    } catch (error) {
      if (!options.isTyped(error)) throw error
      return `refused: ${String((error as { readonly reason?: unknown }).reason ?? (error as Error).name)}`
    }
  }
})

const utf8 = new TextEncoder()
const tolerantUtf8 = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true })

export const bytesOf = (text: string): Uint8Array => utf8.encode(text)
export const textOf = (bytes: Uint8Array): string => tolerantUtf8.decode(bytes)
