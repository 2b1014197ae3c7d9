import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type Hunt, hunt, type Mutant, mutants, table } from "./mutants.ts"

const page = readFileSync(fileURLToPath(new URL("../../../docs/mutants.md", import.meta.url)), "utf8")

const hunts = new Map<Mutant, Hunt>()
const hunted = (mutant: Mutant): Hunt => {
  const known = hunts.get(mutant) ?? hunt(mutant)
  hunts.set(mutant, known)
  return known
}

describe("bugs put back into the machines", () => {
  for (const mutant of mutants) {
    it(`${mutant.name}: "${mutant.property}" kills it`, { timeout: 60_000 }, () => {
      assert.strictEqual(hunted(mutant).property, mutant.property)
    })
  }
  it("docs/mutants.md has what was found", { timeout: 60_000 }, () => {
    assert.isAtLeast(mutants.length, 15)
    assert.include(page, table(mutants.map(hunted)))
  })
})
