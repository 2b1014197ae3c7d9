import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../..", import.meta.url))

/** Who may import whom. The picture in README.md is this table. */
const arrows: { readonly [name: string]: ReadonlyArray<string> } = {
  wire: [],
  frame: ["wire"],
  session: ["wire"],
  auth: ["wire"],
  messenger: ["auth", "frame", "session", "wire"],
  mon: ["auth", "messenger", "session", "wire"],
  testing: ["auth", "frame", "messenger", "session", "wire"],
  cli: ["auth", "frame", "messenger", "mon", "session", "testing", "wire"]
}

/** Modules of Effect that may change in a minor release, by the first part of their path. */
const unstable = [
  "Arbitrary",
  "cli",
  "cluster",
  "crypto",
  "encoding",
  "net",
  "observability",
  "process",
  "rpc",
  "socket"
]
const mayBeUnstable = ["messenger", "testing", "cli"]

/** The only files that may know Node, besides those of the command line. */
const nodeFiles = [
  "packages/auth/src/internal/",
  "packages/frame/src/internal/aesGcm.ts",
  "packages/frame/src/internal/packages.ts",
  "packages/frame/src/internal/zlib.ts",
  "packages/messenger/src/NodeTransport.ts",
  "packages/testing/src/Capture.ts",
  "packages/testing/src/FaultProxy.ts",
  "packages/testing/src/internal/Relay.ts",
  "packages/cli/src/"
]

interface Import {
  readonly file: string
  readonly from: string
  readonly module: string
}

const imports: ReadonlyArray<Import> = globSync("packages/*/src/**/*.ts", { cwd: root }).flatMap((file) => {
  const text = readFileSync(`${root}/${file}`, "utf8")
  const from = file.split("/")[1] ?? ""
  return [...text.matchAll(/^(?:import|export)\s[^"]*?from\s+"([^"]+)"|import\("([^"]+)"\)/gms)].map((found) => ({
    file,
    from,
    module: found[1] ?? found[2] ?? ""
  }))
})

const offenders = (isWrong: (one: Import) => boolean) =>
  imports.filter(isWrong).map(({ file, module }) => `${file} imports ${module}`)

describe("architecture", () => {
  it("reads what it judges", () => {
    assert.isAbove(imports.length, 300)
    assert.isTrue(imports.some(({ file, module }) => file.endsWith("/NodeTransport.ts") && module === "node:net"))
  })
  it("packages are those of the table", () => {
    const found = globSync("packages/*/package.json", { cwd: root }).map((file) => file.split("/")[1])
    assert.sameMembers(found, Object.keys(arrows))
  })
  it("imports follow the arrows", () => {
    const wrong = offenders(({ from, module }) => {
      const to = /^@msgr2\/([^/]+)/.exec(module)?.[1]
      return to !== undefined && !(arrows[from] ?? []).includes(to)
    })
    assert.deepStrictEqual(wrong, [])
  })
  it("manifests and project references follow the arrows", () => {
    for (const [name, allowed] of Object.entries(arrows)) {
      const used = new Set(
        imports.flatMap(({ from, module }) => (from === name ? (/^@msgr2\/([^/]+)/.exec(module)?.[1] ?? []) : []))
      )
      const manifest = JSON.parse(readFileSync(`${root}/packages/${name}/package.json`, "utf8"))
      const declared = Object.keys(manifest.dependencies).flatMap((dep) => /^@msgr2\/(.+)/.exec(dep)?.[1] ?? [])
      assert.sameMembers(declared, [...used], `dependencies of ${name}`)
      const { references } = JSON.parse(readFileSync(`${root}/packages/${name}/tsconfig.json`, "utf8"))
      assert.sameMembers(
        references.map(({ path }: { readonly path: string }) => path.replace("../", "")),
        [...used],
        `references of ${name}`
      )
      assert.includeMembers([...allowed], [...used])
    }
  })
  it("no file reaches into another package's folders or its internal modules", () => {
    assert.deepStrictEqual(
      offenders(
        ({ file, module }) =>
          (module.includes("/internal/") && module.startsWith("@msgr2")) ||
          (module.startsWith("../..") && file.split("/").length < 5)
      ),
      []
    )
  })
  it("unstable modules of Effect stay in the three packages that may follow a change", () => {
    const wrong = offenders(
      ({ from, module }) =>
        !mayBeUnstable.includes(from) && unstable.some((part) => module.startsWith(`effect/${part}`))
    )
    assert.deepStrictEqual(wrong, [])
  })
  it("session decides and does not run: no Effect, no clock, no chance", () => {
    const allowed = ["effect/Schema", "effect/Result"]
    const wrong = offenders(
      ({ from, module }) => from === "session" && module.startsWith("effect/") && !allowed.includes(module)
    )
    assert.deepStrictEqual(wrong, [])
  })
  it("Node is known only where it has to be", () => {
    const wrong = offenders(
      ({ file, module }) => module.startsWith("node:") && !nodeFiles.some((known) => file.startsWith(known))
    )
    assert.deepStrictEqual(wrong, [])
  })
  it("sources import modules, not the barrel of Effect", () => {
    assert.deepStrictEqual(
      offenders(({ module }) => module === "effect" || module === "@effect/platform-node"),
      []
    )
  })
})
