/**
 * Inputs that are kept: one file for each, named by its content.
 */
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** Where the repository keeps them, a folder per target. */
export const folder = fileURLToPath(new URL("../fixtures/corpus", import.meta.url))

/** Inputs of one target that are worth keeping. */
export const MOST = 64
/** **Units** bytes of an input that is worth keeping. */
export const LONGEST = 2048

const ENDING = ".bin"

/** The kept inputs of `target`, in the order of their names. */
export const load = (target: string, root = folder): ReadonlyArray<Uint8Array> => {
  const path = join(root, target)
  if (!existsSync(path)) return []
  return readdirSync(path)
    .filter((name) => name.endsWith(ENDING))
    .toSorted()
    .map((name) => new Uint8Array(readFileSync(join(path, name))))
}

/** Writes `input` and returns the path. The same input is the same file. */
export const save = (target: string, input: Uint8Array, root = folder): string => {
  const name = createHash("sha256").update(input).digest("hex").slice(0, 12)
  const path = join(root, target, `${name}${ENDING}`)
  mkdirSync(join(root, target), { recursive: true })
  writeFileSync(path, input)
  return path
}
