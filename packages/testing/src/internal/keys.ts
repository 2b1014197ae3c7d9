import { Fingerprinter } from "../Fingerprint.ts"
import type { Model } from "../Model.ts"

/**
 * The name by which a model knows a state: that of its canonical form, the least among those of its renamings.
 */
export class Keys<S> {
  hi = 0
  lo = 0
  readonly #prints = new Fingerprinter()
  readonly #canonical: (state: S) => unknown
  readonly #renamings: ReadonlyArray<(state: S) => S>

  constructor({ canonical, renamings }: Pick<Model<S, never>, "canonical" | "renamings">) {
    this.#canonical = canonical ?? ((state) => state)
    this.#renamings = renamings ?? []
  }

  /** Leaves the name of `state` in `hi` and `lo`. */
  update(state: S): void {
    const prints = this.#prints
    prints.update(this.#canonical(state))
    this.hi = prints.hi
    this.lo = prints.lo
    for (const rename of this.#renamings) {
      prints.update(this.#canonical(rename(state)))
      if (prints.hi > this.hi || (prints.hi === this.hi && prints.lo >= this.lo)) continue
      this.hi = prints.hi
      this.lo = prints.lo
    }
  }
}
