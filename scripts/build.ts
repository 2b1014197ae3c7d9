/**
 * `npm run build`: packages ready to publish, in `build/NAME`, and a proof that they load.
 *
 * In the repository packages point at their sources. A published one points at JavaScript and declarations instead, so
 * its manifest is rewritten here: `npm publish build/wire`, and so on in the order of the picture in README.md.
 */
import { execFileSync } from "node:child_process"
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const out = `${root}build`
const names = globSync("packages/*/package.json", { cwd: root }).map((file) => file.split("/")[1] ?? "")

interface Manifest {
  readonly [key: string]: unknown
  readonly bin?: Readonly<Record<string, string>>
  readonly files: ReadonlyArray<string>
}

const built = (path: string): string => path.replace("./src/", "./dist/").replace(/\.ts$/, ".js")

/** The manifest of the repository, made to point at what was built. */
const published = (manifest: Manifest): Manifest => ({
  ...manifest,
  ...(manifest.bin === undefined
    ? {}
    : { bin: Object.fromEntries(Object.entries(manifest.bin).map(([name, path]) => [name, built(path)])) }),
  exports: {
    ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
    "./*": { types: "./dist/*.d.ts", default: "./dist/*.js" },
    "./internal/*": null
  }
})

const run = (command: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(command, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })

rmSync(out, { recursive: true, force: true })
for (const name of names) rmSync(`${root}packages/${name}/dist`, { recursive: true, force: true })
run("node_modules/.bin/tsc", "-b")

for (const name of names) {
  const [from, to] = [`${root}packages/${name}`, `${out}/${name}`]
  mkdirSync(to, { recursive: true })
  const manifest: Manifest = JSON.parse(readFileSync(`${from}/package.json`, "utf8"))
  writeFileSync(`${to}/package.json`, `${JSON.stringify(published(manifest), undefined, 2)}\n`)
  cpSync(`${from}/dist`, `${to}/dist`, { recursive: true, filter: (path) => !path.endsWith(".tsbuildinfo") })
  for (const extra of manifest.files.filter((folder) => folder !== "dist")) {
    cpSync(`${from}/${extra}`, `${to}/${extra}`, { recursive: true })
  }
  cpSync(`${root}LICENSE`, `${to}/LICENSE`)
}

// Loads every public module from its published form: here npm would have put the packages, and Effect is found above.
const installed = `${out}/node_modules/@msgr2`
mkdirSync(installed, { recursive: true })
for (const name of names) symlinkSync(`${out}/${name}`, `${installed}/${name}`)
const modules = names.flatMap((name) =>
  globSync("*.js", { cwd: `${out}/${name}/dist` })
    .filter((file) => file !== "bin.js")
    .map((file) => (file === "index.js" ? `@msgr2/${name}` : `@msgr2/${name}/${file.slice(0, -3)}`))
)
writeFileSync(`${out}/load.mjs`, modules.map((path) => `import ${JSON.stringify(path)}\n`).join(""))
run(process.execPath, `${out}/load.mjs`)
const demo = run(process.execPath, `${out}/cli/dist/bin.js`, "demo", "--messages", "100")
if (!demo.includes("byte for byte")) throw new Error(`the built demonstration does not work:\n${demo}`)
rmSync(`${out}/load.mjs`)
rmSync(`${out}/node_modules`, { recursive: true })
console.log(`${names.length} packages in build/, ${modules.length} modules load, the demonstration runs`)
