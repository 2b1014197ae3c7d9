import { assert, describe, it } from "@effect/vitest"
import { FrameEncoder, Gather, Layout, Mode } from "@msgr2/frame"
import { Effect, Redacted, Result } from "effect"
import { execFile } from "node:child_process"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Capture, Conversation } from "../src/index.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), "utf8")
const pages = ["README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md", { cwd: root })]

/** The cells of every row of the tables between `heading` and the next heading of its kind, titles left out. */
const rows = (page: string, heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? assert.fail(heading)
  const lines = section.split("\n").filter((line) => line.startsWith("|"))
  const rules = lines.flatMap((line, i) => (/^\|[\s:|-]+\|$/.test(line) ? [i, i - 1] : []))
  return lines
    .filter((_, i) => !rules.includes(i))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim())
    )
}

/** What is fenced behind the comment `<!-- kind: name -->`. */
const fenced = (page: string, kind: string): ReadonlyArray<readonly [name: string, text: string]> =>
  [...page.matchAll(/<!-- (\w+): (\S+) -->\n\n```\w+\n(.*?)```/gs)].flatMap(([, found, name = "", text = ""]) =>
    found === kind ? [[name, text] as const] : []
  )

// The headings of Ceph's doc/dev/msgr2.rst: A at commit 3f5dca4977, B in release 15.2.5.
const untilFormat = ["msgr2 protocol (msgr2.0 and msgr2.1)", "Goals", "Definitions", "Phases", "Banner", "Frame format"]
const untilSecure = [
  "msgr2.0-crc mode",
  "msgr2.1-crc mode",
  "Hello",
  "Authentication",
  "Post-auth frame format",
  "msgr2.0-secure mode",
  "msgr2.1-secure mode"
]
const compression = [
  "Compression",
  "msgr2.x-secure mode",
  "Post-compression frame format",
  "msgr2.x-force mode",
  "msgr2.x-none mode"
]
const rest = ["Message flow handshake", "Message exchange", "Example of protocol interaction (WIP)"]
const tags =
  "HELLO AUTH_REQUEST AUTH_BAD_METHOD AUTH_REPLY_MORE AUTH_REQUEST_MORE AUTH_DONE CLIENT_IDENT IDENT_MISSING_FEATURES SERVER_IDENT RECONNECT RECONNECT_OK RECONNECT_RETRY_SESSION RECONNECT_RETRY_GLOBAL RECONNECT_WAIT RESET_SESSION MSG ACK KEEPALIVE2 KEEPALIVE2_ACK CLOSE".split(
    " "
  )
const documents = [
  {
    title: "A, with compression",
    headings: [...untilFormat, "Currently supported flags", ...untilSecure, ...compression, ...rest],
    tags: [...tags, "COMPRESSION_REQUEST", "COMPRESSION_DONE"],
    parts: ["client side state machine", "server side state machine"]
  },
  { title: "B, without", headings: [...untilFormat, ...untilSecure, ...rest], tags, parts: [] }
]

describe("spec-map.md", () => {
  const page = read("docs/spec-map.md")
  const defined = new Map([...page.matchAll(/^\[([^\]]+)\]: (\S+)$/gm)].map(([, name = "", path = ""]) => [name, path]))
  const named = (cell: string) => [...cell.matchAll(/\[([^\]]+)\](?!\()/g)].map(([, name = ""]) => name)

  for (const { headings, parts, tags, title } of documents) {
    const table = rows(page, title)
    const isPart = (heading: string) => heading.startsWith("· ")
    it(`${title}: every heading has its row, in order`, () => {
      assert.deepStrictEqual(
        table.flatMap(([heading = ""]) => (isPart(heading) ? [] : [heading])),
        headings
      )
    })
    it(`${title}: every frame, failure scenario and state machine has its row`, () => {
      const items = table.flatMap(([heading = ""]) => (isPart(heading) ? [heading.slice(2)] : []))
      assert.sameMembers(
        items.flatMap((item) => [...item.matchAll(/TAG_(\w+)/g)].map(([, tag]) => tag)),
        tags
      )
      const scenarios = items.flatMap((item) => /^Failure scenario (\d):/.exec(item)?.[1] ?? [])
      assert.deepStrictEqual(scenarios, ["1", "2", "3", "4", "5", "6"])
      assert.includeMembers(items, parts)
    })
    it(`${title}: every row names a module and a test, or what it waits for`, () => {
      for (const [heading = "", modules = "", tests = "", open = ""] of table) {
        assert.match(open, /^$|^nothing to do: /, heading)
        if (open === "") assert.isAbove(Math.min(named(modules).length, named(tests).length), 0, heading)
        for (const name of named(modules)) assert.match(defined.get(name) ?? "", /\/src\/\w+\.ts$/, heading)
        for (const name of named(tests)) assert.match(defined.get(name) ?? "", /\/test\/[\w.]+\.test\.ts$/, heading)
      }
    })
  }

  it("every name is the path of a file that exists, and is used", () => {
    const used = documents.flatMap(({ title }) => rows(page, title).flatMap((cells) => cells.flatMap(named)))
    assert.sameMembers([...new Set(used)], [...defined.keys()])
    for (const [name, path] of defined) {
      const [, pkg, part, file] = /^\.\.\/packages\/(\w+)\/(src|test)\/([\w.]+?)(?:\.test)?\.ts$/.exec(path) ?? []
      assert.strictEqual(part === "src" ? `${pkg}/${file}` : `${pkg}/test/${file}`, name)
      assert.isTrue(existsSync(join(root, "docs", path)), path)
    }
  })
})

describe("pages", () => {
  const prose = (page: string) => page.replace(/^```.*?^```$/gms, "").replace(/`[^`\n]*`/g, "")
  /** As GitHub makes them. */
  const anchors = (page: string) =>
    [...page.replace(/^```.*?^```$/gms, "").matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-")
    )
  for (const path of pages) {
    it(`${path}: every link leads somewhere`, () => {
      const page = prose(read(path))
      const links = [...page.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)].map(([, a, b]) => a ?? b ?? "")
      assert.isAbove(links.length, 0)
      for (const link of links.filter((link) => !/^https?:/.test(link))) {
        const [file = "", anchor] = link.split("#")
        const target = file === "" ? path : join(dirname(path), file)
        assert.isTrue(existsSync(join(root, target)), link)
        if (anchor !== undefined) assert.include(anchors(read(target)), anchor)
      }
      const names = [...page.matchAll(/\[([^\]\n]+)\](?![(:])/g)].map(([, name = ""]) => name)
      assert.deepStrictEqual(
        names.filter((name) => !page.includes(`\n[${name}]: `)),
        []
      )
    })
    it(`${path}: every npm script it names exists`, () => {
      const { scripts } = JSON.parse(read("package.json"))
      for (const [, name] of read(path).matchAll(/\bnpm (?:run )?(start|test(?::\w+)?|(?<=run )[\w:]+)/g)) {
        assert.property(scripts, name ?? "")
      }
    })
  }
})

const examples = { "README.md": "packages/cli/test/examples", "docs/testing.md": "packages/testing/test/examples" }

for (const [path, folder] of Object.entries(examples)) {
  describe(`Examples of ${path}`, () => {
    const page = read(path)
    it("are the files of that name", () => {
      const found = fenced(page, "example")
      assert.sameMembers(
        found.map(([name]) => name),
        globSync("*.ts", { cwd: join(root, folder) })
      )
      for (const [name, text] of found) assert.strictEqual(text, read(`${folder}/${name}`))
      assert.strictEqual([...page.matchAll(/^```ts$/gm)].length, found.length)
    })
    for (const [name, text] of fenced(page, "output")) {
      it.live(
        `print what it says: ${name}`,
        () =>
          Effect.gen(function* () {
            const printed = yield* Effect.callback<string>((resume) => {
              const child = execFile(process.execPath, [join(root, folder, name)], (error, stdout, stderr) =>
                resume(Effect.succeed(error === null ? stdout : stderr))
              )
              return Effect.sync(() => child.kill())
            })
            assert.strictEqual(printed, text)
          }),
        20_000
      )
    }
  })
}

describe("README.md", () => {
  const page = read("README.md")
  it("the table of packages is that of the manifests", () => {
    const table = rows(page, "What is inside").map(([name = "", , imports = ""]) => [
      name.replaceAll("`", ""),
      imports.split(", ").filter((part) => part !== "")
    ])
    const manifests = globSync("packages/*/package.json", { cwd: root }).map((path) => {
      const { dependencies, name } = JSON.parse(read(path))
      const own = Object.keys(dependencies).flatMap((dependency) => /^@msgr2\/(.+)/.exec(dependency)?.[1] ?? [])
      return [name, own.toSorted()]
    })
    assert.sameDeepMembers(table, manifests)
  })
})

describe("one-message.md", () => {
  const page = read("docs/one-message.md")
  const layouts = [Layout.crc0, Layout.secure0, Layout.crc1, Layout.secure1] as const
  const sum = (layout: Layout.Layout, lengths: ReadonlyArray<number>) =>
    `${Layout.parts(layout, lengths).join("+")} = ${Layout.frame(layout, lengths)}`
  const secret = Redacted.make(new Uint8Array(64))
  const modes = [0, 1].flatMap((revision) => [
    () => Mode.crc(revision as Mode.Revision),
    () => Result.getOrThrow(Mode.secure({ role: "client", revision: revision as Mode.Revision, secret }))
  ])

  it("the example frames of the documents have these lengths", () => {
    const table = rows(page, "How the lengths add up").filter((cells) => cells.length === 5)
    assert.deepStrictEqual(
      table.map(([segments]) => segments),
      ["0", "20", "0+70", "20+70+0+350", "105", "105+70+0+350"]
    )
    for (const [segments = "", ...sums] of table) {
      const lengths = segments.split("+").map(Number)
      assert.deepStrictEqual(
        sums,
        layouts.map((layout) => sum(layout, lengths))
      )
      const encoded = modes.map((mode) =>
        FrameEncoder.make({ mode: mode() }).frame(
          Gather.make(),
          255,
          lengths.map((length) => new Uint8Array(length))
        )
      )
      assert.deepStrictEqual(
        encoded.map((size) => Result.getOrThrow(size)),
        layouts.map((layout) => Layout.frame(layout, lengths))
      )
    }
  })

  it("the command and its answer have the lengths that were recorded", () => {
    const sizes = (["b-cephx-crc-r18", "c-cephx-secure-r18"] as const).map((name) => {
      const connection = Capture.load(name).connections[1] ?? assert.fail(name)
      const { c2s, s2c } = Result.getOrThrow(Conversation.read(connection))
      return [c2s, s2c].map(({ entries }) => {
        const last = entries.at(-1)
        if (last?.frame._tag !== "Message") return assert.fail("no message at the end")
        const { ackSeq, seq, type } = last.frame.header
        return { segments: last.segments.map(({ length }) => length), size: last.size, type, seq, ackSeq }
      })
    })
    const [crc = [], secure = []] = sizes
    const table = rows(page, "How the lengths add up").filter((cells) => cells.length === 4)
    assert.deepStrictEqual(
      table.map((cells) => cells.slice(1)),
      crc.map(({ segments }) => [segments.join("+"), sum(Layout.crc1, segments), sum(Layout.secure1, segments)])
    )
    for (const [i, title] of ["Out", "In"].entries()) {
      const cell = (part: string) => Number(rows(page, title).find(([name]) => name === part)?.[1])
      assert.strictEqual(cell("frame, crc mode"), crc[i]?.size)
      assert.strictEqual(cell("frame, secure mode"), secure[i]?.size)
    }
    const total = crc[1]?.segments.reduce((size, length) => size + length, 0) ?? 0
    const counted = rows(page, "In").flatMap(([part, size]) =>
      part === "segments" || part === "parts" ? [Number(size)] : []
    )
    assert.deepStrictEqual(counted, [total, total - 41])
    assert.deepStrictEqual(
      secure.map(({ ackSeq, seq, type }) => [type, seq, ackSeq]),
      [
        [50, 6, 6],
        [51, 7, 6]
      ]
    )
  })
})
