import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Case, Plan, Scenario, Weather } from "../src/index.ts"
import * as Cli from "../sim/sim.ts"
import * as faulty from "./support/faulty.ts"

const SEEDS = 120
const seeds = Array.from({ length: SEEDS }, (_, seed) => seed)
const told = ({ violations }: Scenario.Report) => violations.map(({ law, text }) => `${law}: ${text}`)

const claims: { readonly [P in Plan.PolicyName]: string } = {
  lossy: "lossy clients and a stateless server",
  stateful: "lossless clients and a stateful server",
  peers: "lossless peers",
  reuse: "lossless peers that check for resets"
}

describe("scenarios", () => {
  const runs = Plan.PolicyName.literals.map((policy) => ({
    policy,
    reports: seeds.map((seed) => Scenario.run(seed, Case.draw(seed, policy).plan))
  }))
  const [{ reports } = { reports: [] }] = runs

  for (const { policy, reports } of runs) {
    it(`${claims[policy]} keep their promises in ${SEEDS} seeds`, () => {
      for (const seed of seeds) assert.deepStrictEqual(told(reports[seed]!), [], `seed ${seed}`)
    })

    it(`${claims[policy]} meet everything that can go wrong, and messages arrive all the same`, () => {
      const sum = (count: (report: Scenario.Report) => number) =>
        reports.reduce((sum, report) => sum + count(report), 0)
      for (const name of ["cuts", "crashes", "partitions", "stalls", "refusals"] as const) {
        assert.isAbove(
          sum(({ counts }) => counts[name]),
          SEEDS / 20,
          name
        )
      }
      assert.isAbove(
        sum(({ sent }) => sent),
        5 * SEEDS
      )
      assert.isAbove(sum(({ heard }) => heard) / sum(({ sent }) => sent), policy === "lossy" ? 0.5 : 0.9)
      assert.isBelow(sum(({ heard }) => heard) / sum(({ sent }) => sent), 1, "something was lost with a process")
      assert.isAbove(
        sum(({ opened }) => opened),
        2 * SEEDS
      )
    })
  }

  it("run the same again, whatever ran before", () => {
    for (const seed of seeds.slice(0, 20).toReversed()) {
      const again = Scenario.run(seed, Case.draw(seed, "lossy").plan)
      assert.strictEqual(again.traceHash, reports[seed]?.traceHash, `seed ${seed}`)
    }
    assert.strictEqual(new Set(reports.map(({ traceHash }) => traceHash)).size, SEEDS)
  })

  it("are the same when their lines are kept, and the lines tell the handshake", () => {
    const plan: Plan.Plan = {
      policy: "lossy",
      ends: ["a", "b"],
      settings: Plan.calm,
      weather: Weather.calm,
      script: [],
      faults: []
    }
    const { lines } = Scenario.run(1, plan, { keepLines: true })
    const sent = lines.flatMap((line) => / ([ab] -> \S+)/.exec(line)?.[1] ?? [])
    assert.includeMembers(sent, ["b -> ClientIdent", "a -> ServerIdent", "b -> Message"])
  })

  it("are written as JSON and read again", () => {
    for (const policy of Plan.PolicyName.literals) {
      for (const seed of seeds.slice(0, 30)) {
        const one = Case.draw(seed, policy)
        assert.deepStrictEqual(Case.parse(Case.print(one)), one)
      }
    }
    assert.throws(() => Case.parse(`{"seed":1,"plan":{"policy":"odd"}}`))
  })

  it("are told as a script", () => {
    const plan: Plan.Plan = {
      policy: "stateful",
      ends: ["a", "b"],
      settings: { ...Plan.calm, keepalive: 500, patience: 2000, compression: "zstd" },
      weather: Weather.calm,
      script: [
        { _tag: "Restart", at: 20, end: "a", millis: 5, silent: true },
        { _tag: "Send", at: 3, end: "b", to: "a", count: 2, size: 10, priority: 64, how: "atOnce", thenClose: true }
      ],
      faults: [{ _tag: "Cut", link: 0, times: 3, direction: "down", byte: 7, noticed: [0, null] }]
    }
    assert.deepStrictEqual(Plan.format(plan).split("\n"), [
      "stateful: a, b",
      "settings: buffers 262144 out, 1048576 in, 65536 messages; keepalives every 500 ms, silence for 2000 ms; not secure; compressed by zstd",
      "weather: 1-1 ms on the way, 0 % cut, 1048576 bytes in flight",
      "  3 ms: b sends 2 of 10 bytes to a, priority 64, at once, and says goodbye",
      "  20 ms: a loses its power and is back after 5 ms",
      "  ! links 0 to 2 are each cut after byte 7 down: the dialling end notices at once, the accepting one only when it waits for an answer"
    ])
  })
})

/** Faults of a transport, the laws that may find them, in how many seeds, and how long the script may be then. */
const faults: ReadonlyArray<
  readonly [name: string, wrap: faulty.Wrap, laws: ReadonlyArray<string>, seeds: number, lines: number]
> = [
  ["that drops a write", faulty.dropping, ["Lost", "Hole", "Ending", "Counts"], 5, 2],
  ["that says something twice", faulty.doubling, ["Ending", "Counts"], 10, 2],
  ["that turns bytes around", faulty.reversing, ["Ending"], 5, 2],
  ["that forgets its last words", faulty.forgetful, ["Lost"], 100, 2],
  [
    "that looks at bytes when they are not its own any more",
    faulty.hasty,
    ["Altered", "Hole", "Ending", "Lost"],
    40,
    3
  ],
  ["that goes deaf", faulty.deaf, ["Lost", "Stuck"], 5, 3],
  ["that does not close what it has opened", faulty.leaking, ["Leak"], 5, 2],
  ["that lets real time in", faulty.ticking, ["Escape"], 5, 1]
]

describe("a simulation finds a transport", () => {
  for (const [name, wrap, laws, within, lines] of faults) {
    it(`${name} in ${within} seeds, and tells it in ${lines} lines`, () => {
      const found = seeds
        .slice(0, within)
        .map((seed) => Case.draw(seed, "lossy"))
        .find(({ plan, seed }) => Scenario.run(seed, plan, { wrap }).violations.length > 0)
      if (found === undefined) return assert.fail("not found")
      const { value } = Case.shrink(found, { wrap }, 600)
      assert.isAtMost(value.plan.script.length + value.plan.faults.length, lines, Plan.format(value.plan))
      const report = Scenario.run(value.seed, value.plan, { wrap })
      assert.include(laws, report.violations[0]?.law, told(report).join("\n"))
    })
  }
})

describe("making a case short", () => {
  it("ends after so many steps, however long each run is", () => {
    const found = seeds
      .map((seed) => Case.draw(seed, "lossy"))
      .find(({ plan, seed }) => Scenario.run(seed, plan, { wrap: faulty.doubling }).violations.length > 0)
    if (found === undefined) return assert.fail("not found")
    const simplest = Case.shrink(found, { wrap: faulty.doubling }, 100)
    const first = Case.shrink(found, { wrap: faulty.doubling }, 100, 1)
    assert.isAbove(simplest.steps, 0)
    assert.deepStrictEqual([first.value, first.steps], [found, 0])
  })
})

/** Seeds that have found something. */
const found: ReadonlyArray<readonly [what: string, policy: Plan.PolicyName, seed: number]> = [
  ["a peer comes back at its old address with its clock set back by most of an hour", "peers", 201_835],
  ["a sender that waits for room misses that it is there again", "lossy", 215_384]
]

describe("what the simulation has found", () => {
  for (const [what, policy, seed] of found) {
    it(`does not happen any more: ${what}`, () => {
      assert.deepStrictEqual(told(Scenario.run(seed, Case.draw(seed, policy).plan)), [])
    })
  }
})

describe("npm run sim", () => {
  const run = async (settings: Partial<Cli.Settings>) => {
    const findings = mkdtempSync(join(tmpdir(), "msgr2-sim-"))
    const printed: Array<string> = []
    try {
      const code = await Cli.run({ ...Cli.defaults, jobs: 2, findings, ...settings }, (line) => printed.push(line))
      return { code, text: printed.join("\n"), saved: existsSync(findings) ? readdirSync(findings) : [] }
    } finally {
      rmSync(findings, { recursive: true })
    }
  }

  it("runs all seeds in its processes and says how many", async () => {
    const { code, saved, text } = await run({ seeds: 31, from: 1000 })
    assert.strictEqual(code, 0, text)
    assert.match(text, /^lossy: 31 seeds in .* ok$/m)
    assert.deepStrictEqual(saved, [])
  })

  it("fails, prints the shortened script and saves it for a replay", async () => {
    const wrap = new URL("support/faulty.ts", import.meta.url).href
    const { code, saved, text } = await run({ seeds: 10, failures: 1, jobs: 1, wrap })
    assert.strictEqual(code, 1)
    assert.strictEqual(saved.length, 1)
    assert.match(text, /^lossy, seed \d+, after \d+ runs/m)
    assert.match(text, /replay: npm run sim -- --replay .*lossy-\d+\.json --wrap .*faulty\.ts$/m)
    assert.match(text, /FAILED/)
  })

  it("ends with ok, or with the laws that were broken", () => {
    const last = (seed: number, options: Scenario.Options) => {
      const printed: Array<string> = []
      return [Cli.show(Case.draw(seed, "lossy"), options, (line) => printed.push(line)), printed.at(-1)] as const
    }
    assert.deepStrictEqual(last(1, {}), [0, "ok"])
    const broken = seeds.map((seed) => last(seed, { wrap: faulty.dropping })).find(([code]) => code !== 0)
    assert.match(broken?.[1] ?? "", /^[A-Z][a-z]+: /)
  })
})

/** Runs a command of this package in a process of its own. */
const command = (path: string, ...args: ReadonlyArray<string>) => {
  const cwd = fileURLToPath(new URL("..", import.meta.url))
  const options = { cwd, encoding: "utf8", timeout: 60_000 } as const
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(cwd, path), ...args], options)
  return { code: status, stdout, stderr }
}

/** What is asked, of which command, and the words in the line that comes back. */
const misuses: ReadonlyArray<readonly [path: string, args: string, words: string]> = [
  ["sim/sim.ts", "--sedes 3", "Unknown option '--sedes'; --help names the options"],
  ["sim/sim.ts", "--seeds 0", '--seeds: expected a whole number from 1 to 9007199254740991, got "0"'],
  ["sim/sim.ts", "--seeds -1", "Option '--seeds' argument is ambiguous"],
  ["sim/sim.ts", "--jobs 1.5", "--jobs: expected a whole number"],
  ["sim/sim.ts", "--failures= ", "--failures: expected a whole number"],
  ["sim/sim.ts", "--seed 9007199254740992", "--seed: expected a whole number"],
  ["sim/sim.ts", "--policy lossy --policy odd", "--policy: expected lossy, stateful, peers, reuse or all"],
  ["sim/sim.ts", "--replay /nonexistent", '--replay: cannot read "/nonexistent"'],
  ["sim/sim.ts", "--replay package.json", '"package.json" is none'],
  ["sim/sim.ts", "--wrap /nonexistent.ts", '--wrap: cannot load "/nonexistent.ts"'],
  ["sim/sim.ts", "--wrap src/Chart.ts", 'exports a function "wrap"'],
  ["fuzz/fuzz.ts", "--seconds 0", '--seconds: expected a number above 0, got "0"'],
  ["fuzz/fuzz.ts", "--target banner --target odd", 'no target begins with "odd"; --list names them'],
  ["fuzz/fuzz.ts", "--input /nonexistent", '--input: cannot read "/nonexistent"'],
  ["model/model.ts", "--config nope", 'no configuration begins with "nope"; --list names them'],
  ["model/model.ts", "deep", "Unexpected argument 'deep'"]
]

describe("a command of this package", () => {
  for (const path of new Set(misuses.map(([path]) => path))) {
    it(`${path} tells how it is used when asked`, () => {
      const { code, stderr, stdout } = command(path, "--help")
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^[A-Z].*\n\nRun: `npm run \w+ -- /)
      assert.notMatch(stdout, /^ \*|\*\//m)
    })
  }
  for (const [path, args, words] of misuses) {
    it(`${path} ${args} is refused in a line`, () => {
      const { code, stderr, stdout } = command(path, ...args.split(/ (?=.)/))
      assert.deepStrictEqual([code, stdout, stderr.split("\n").length], [2, "", 2], stderr)
      assert.include(stderr, words)
    })
  }
  it("runs a seed of each policy that is named", () => {
    const { code, stdout } = command("sim/sim.ts", "--seed", "3", "--policy", "lossy", "--policy", "peers")
    assert.strictEqual(code, 0)
    assert.deepStrictEqual(stdout.match(/^(lossy|peers|ok)\b/gm), ["lossy", "ok", "peers", "ok"])
  })
})
