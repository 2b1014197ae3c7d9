/**
 * Modules that need not be there: optional packages whose binaries exist for some machines only, and parts of Node that
 * came late.
 */
import { createRequire } from "node:module"

const load = createRequire(import.meta.url)

/** The module of this name; `undefined` when it is not installed, or is and does not load here. */
export const find = (name: string): unknown => {
  try {
    return load(name)
  } catch {
    return undefined
  }
}
