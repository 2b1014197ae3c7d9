/**
 * Collects the bytes of a batch of frames for one write: small pieces are copied into a slab, large ones kept as they are.
 */

export interface Options {
  /** Bytes of one slab. */
  readonly slab?: number
  /** A piece of at least this many bytes is not copied. */
  readonly keep?: number
}

/** A run of memory that is filled from front to back. */
interface Slab {
  readonly bytes: Uint8Array
  /** Chunks that have been handed out and not been released. */
  loans: number
}

/** Headers and checks are always copied: whoever made them uses their memory again. */
const LEAST = 128

/** Idle slabs worth holding on to. */
const SPARES = 8

/**
 * Handed-out bytes are never written again, so a receiver may keep them for ever. One that says when it is done
 * (`release`) spares the allocation of new slabs.
 */
export class Gather {
  /** Bytes since the last `take`. */
  size = 0
  /** Where `reserve` has made room. */
  slab: Uint8Array
  readonly #slabSize: number
  readonly #keep: number
  #current: Slab
  /** End of what has been written to the slab, and start of what no chunk holds yet. */
  #at = 0
  #from = 0
  #chunks: Array<Uint8Array> = []
  readonly #spares: Array<Slab> = []
  readonly #owners = new WeakMap<Uint8Array, Slab>()

  constructor(options: Options = {}) {
    this.#slabSize = Math.max(LEAST, options.slab ?? 64 * 1024)
    this.#keep = Math.max(LEAST, Math.min(options.keep ?? 8 * 1024, this.#slabSize))
    this.#current = this.#fresh()
    this.slab = this.#current.bytes
  }

  /**
   * Makes room for `size` bytes in one piece, fewer than are kept uncopied, and says where in `slab` it begins. They must
   * be written before the next call.
   */
  reserve(size: number): number {
    if (this.#at + size > this.slab.length) this.#turn()
    const at = this.#at
    this.#at += size
    this.size += size
    return at
  }

  /** Appends `bytes`. If they are many they are kept, and must not change until they have left. */
  put(bytes: Uint8Array): void {
    const size = bytes.length
    if (size === 0) return
    if (size < this.#keep) {
      // In this order: making room may change the slab.
      const at = this.reserve(size)
      this.slab.set(bytes, at)
      return
    }
    this.#cut()
    this.#chunks.push(bytes)
    this.size += size
  }

  /** Everything since the last time, in order. The chunks are the caller's; to reuse their memory, `release` them. */
  take(): ReadonlyArray<Uint8Array> {
    this.#cut()
    const chunks = this.#chunks
    this.#chunks = []
    this.size = 0
    return chunks
  }

  /** Nobody looks at `chunks`, which came from `take`, any more: their slabs may be written again. */
  release(chunks: ReadonlyArray<Uint8Array>): void {
    for (const chunk of chunks) {
      const owner = this.#owners.get(chunk)
      if (owner === undefined) continue
      this.#owners.delete(chunk)
      owner.loans--
      if (owner.loans > 0) continue
      if (owner !== this.#current) {
        if (this.#spares.length < SPARES) this.#spares.push(owner)
      } else if (this.#at === this.#from) {
        this.#at = 0
        this.#from = 0
      }
    }
  }

  /** Ends the present chunk. */
  #cut(): void {
    if (this.#at === this.#from) return
    const chunk = this.slab.subarray(this.#from, this.#at)
    this.#owners.set(chunk, this.#current)
    this.#current.loans++
    this.#chunks.push(chunk)
    this.#from = this.#at
  }

  /** Begins the next slab. */
  #turn(): void {
    this.#cut()
    this.#current = this.#spares.pop() ?? this.#fresh()
    this.slab = this.#current.bytes
    this.#at = 0
    this.#from = 0
  }

  #fresh(): Slab {
    return { bytes: new Uint8Array(this.#slabSize), loans: 0 }
  }
}

export const make = (options?: Options): Gather => new Gather(options)
