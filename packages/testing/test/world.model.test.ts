import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@msgr2/session"
import {
  Chart,
  Check,
  Path,
  Reduction,
  type World,
  WorldChart,
  WorldModel,
  type WorldMoves,
  WorldSetups
} from "../src/index.ts"
import { mutants } from "./mutants.ts"

const { clientAndServer, peers } = WorldSetups
const { losslessClient, losslessPeer, losslessPeerReuse, lossyClient, statefulServer, statelessServer } = Policy
const two = ["A", "B"]

const modelOf = (setup: World.Setup, machines?: World.Machines) => WorldModel.model({ setup, reaches: [] }, machines)

describe("worlds that count as one", () => {
  const audited: ReadonlyArray<readonly [name: string, setup: World.Setup, maxStates: number]> = [
    [
      "a client and a server that forget",
      clientAndServer(losslessClient, statefulServer, { submits: [1, 1], cuts: 1, restarts: 1, markDowns: 1 }),
      20_000
    ],
    [
      "acks and messages that take their time",
      clientAndServer(losslessClient, statefulServer, {
        submits: [2, 0],
        cuts: 1,
        acks: "lazy",
        writes: "lazy",
        priorities: [127, 196]
      }),
      20_000
    ],
    [
      "lossy sessions",
      clientAndServer(lossyClient, statelessServer, { submits: [1, 1], cuts: 1, restarts: 1, markDowns: 1 }),
      20_000
    ],
    ["peers", peers(two, losslessPeer, { submits: [1, 1], cuts: 1, links: 2 }), 20_000],
    [
      "peers that start behind",
      peers(two, losslessPeerReuse, { submits: [1, 1], restarts: 1, counter: "behind" }),
      20_000
    ],
    [
      "peers that start far behind",
      peers(two, losslessPeer, { submits: [1, 1], restarts: 2, counter: "far behind" }),
      20_000
    ]
  ]
  for (const [name, setup, maxStates] of audited) {
    it(`have the same properties, and moves to the same worlds: ${name}`, { timeout: 60_000 }, () => {
      const { violations } = Check.check(Reduction.audited(modelOf(setup)), { maxStates })
      assert.deepStrictEqual(
        violations.map((violation) => Chart.explain(violation, WorldChart.chart(setup))),
        []
      )
    })
  }
  it("are fewer when clients that are alike change places, and show the same", { timeout: 60_000 }, () => {
    const setup = WorldSetups.clients(2, losslessClient, statefulServer, { submits: [0, 1, 1], cuts: 1 })
    const reaches = ["resumed", "a live session taken over"] as const
    const alike = Check.check(WorldModel.model({ setup, reaches, alike: [1, 2] }))
    const apart = Check.check(WorldModel.model({ setup, reaches }))
    assert.deepStrictEqual([alike.violations, apart.violations], [[], []])
    assert.isBelow(alike.states, 0.6 * apart.states)
  })
  it("are those of the handshake in full, seen from where requests are made", { timeout: 60_000 }, () => {
    const reaches = ["RETRY", "WAIT", "both sides ask", "both sides return"] as const
    for (const detail of ["full", "session"] as const) {
      const setup = peers(two, losslessPeer, { submits: [1, 1], cuts: 1, links: 2, detail })
      const { violations, witnesses } = Check.check(WorldModel.model({ setup, reaches }))
      assert.deepStrictEqual([violations, Object.keys(witnesses).toSorted()], [[], [...reaches].toSorted()])
    }
  })
})

// --- what the checker has found

/** Moves as words: the kind, then its fields in order. */
const script = (text: string): ReadonlyArray<WorldMoves.Move> =>
  text
    .trim()
    .split(/\s*[;\n]\s*/)
    .map((line): WorldMoves.Move => {
      const [_tag = "", left = "", right, priority] = line.split(" ")
      if (right === undefined) return { _tag, end: Number(left) } as WorldMoves.Move
      const move = /^\d+$/.test(right)
        ? {
            _tag,
            end: Number(left),
            to: Number(right),
            ...(priority === undefined ? {} : { priority: Number(priority) })
          }
        : { _tag, link: Number(left), side: right }
      return move as WorldMoves.Move
    })

/** A bug that the checker has found in the machines, or in Ceph's rules when the machines followed them. */
interface Found {
  readonly what: string
  /** The mutant that has it still. */
  readonly mutant: string
  readonly moves: string
}

const found: ReadonlyArray<Found> = [
  {
    what: "a late request of a race that is over does not end the session",
    mutant: "a restarted peer is known by its lower global_seq",
    moves: `
      Submit 0 1 127; Connect 0 1; Submit 1 0 127; Connect 1 0; Deliver 1 acceptor; Deliver 1 dialler
      Cut 1 dialler; Deliver 2 acceptor
    `
  },
  {
    what: "SERVER_IDENT does not count when the session has been begun anew since",
    mutant: "an answer counts that was given before its session was begun anew",
    moves: `
      Submit 0 1 127; Connect 0 1; Deliver 1 acceptor; Submit 1 0 127; Cut 1 acceptor; Connect 1 0
      Deliver 2 acceptor; Deliver 1 dialler; Deliver 1 dialler; Deliver 2 dialler; Deliver 2 acceptor
      Deliver 2 dialler; Deliver 2 acceptor
    `
  },
  {
    what: "two requests for one session that cross do not leave two sessions",
    mutant: "the same cookie goes before a race",
    moves: `
      Submit 0 1 127; Connect 0 1; Cut 1 dialler; Deliver 1 acceptor; Notice 1 acceptor; BackoffOver 0 1
      Connect 0 1; Submit 1 0 127; Connect 1 0; Deliver 3 acceptor; Deliver 3 dialler; Deliver 2 acceptor
      Deliver 3 acceptor; Notice 2 acceptor; Connect 1 0; Deliver 4 acceptor; Deliver 4 dialler
    `
  },
  {
    what: "a session that an old request has made is not taken for the one that is lost",
    mutant: "the server cookie is not compared",
    moves: `
      Submit 0 1 127; Connect 0 1; Cut 1 dialler; BackoffOver 0 1; Connect 0 1; Deliver 2 acceptor
      Deliver 2 dialler; Submit 1 0 127; Deliver 2 dialler; MarkDown 1 0; Deliver 1 acceptor; Notice 2 dialler
      Connect 0 1; Deliver 3 acceptor; Deliver 3 dialler; Deliver 3 acceptor
    `
  },
  {
    what: "SERVER_IDENT of a process that counts from the beginning does not count when the session has been begun anew",
    mutant: "a RECONNECT with a low global_seq is late, and the answer under way counts",
    moves: `
      Submit 0 1 127; Connect 0 1; Deliver 1 acceptor; Deliver 1 dialler; Restart 1; Notice 1 dialler; Connect 0 1
      Submit 1 0 127; Deliver 2 acceptor; Deliver 2 dialler; Deliver 2 acceptor; Cut 2 acceptor; Connect 1 0
      Deliver 3 acceptor; Deliver 2 dialler; Deliver 2 dialler; Deliver 3 dialler; Deliver 3 acceptor
      Deliver 3 dialler; Deliver 3 acceptor
    `
  }
]

describe("what the checker has found", () => {
  for (const { moves, mutant: name, what } of found) {
    const mutant = mutants.find((one) => one.name === name) ?? assert.fail(name)
    /** The world after as many of the moves as it allows, up to the first that breaks something. */
    const play = (machines: World.Machines) => {
      const model = modelOf(mutant.setup, machines)
      let [world] = model.initial
      let made = 0
      for (const move of script(moves)) {
        if (world === undefined || world.wrong.length > 0 || !Path.isEnabled(model, world, move)) break
        world = model.next(world, move)
        made++
      }
      return { made, wrong: world?.wrong }
    }
    it(`${what}`, () => {
      assert.deepStrictEqual(play(mutant.machines), { made: script(moves).length, wrong: [mutant.property] })
      const { made, wrong } = play(WorldModel.shipped)
      assert.deepStrictEqual(wrong, [])
      assert.isAtLeast(made, 8)
    })
  }

  it("is drawn with a lane for each end", () => {
    const mutant = mutants.find(({ name }) => name === found[1]?.mutant) ?? assert.fail()
    const model = modelOf(mutant.setup, mutant.machines)
    const [violation] = Check.check(model).violations
    assert.deepStrictEqual(violation?.path.moves, script(found[1]?.moves ?? ""))
    const chart = Chart.render(violation?.path ?? assert.fail(), WorldChart.chart(mutant.setup))
    assert.strictEqual(`\n${chart}`, duplicate)
  })
})

const duplicate = `
A                                                             B
*   sends B a message of priority 127                         |
|   [StartConnect]                                            |
*   gets a socket to B                                        |
|   [SessionConnecting]                                       |
|-- CLIENT_IDENT (cookie 1, gs 101) on 1 -------------------->|
|                                                             |   [Ready]
|                                                             *   sends A a message of priority 127
|                                                             *   loses connection 1
|                                                             |   [StartConnect]
|                                                             *   gets a socket to A
|                                                             |   [SessionReconnecting]
|<-- RECONNECT (cookies 1 and 2, gs 102, cs 1, seq 0) on 2 ---|
|<-- SERVER_IDENT (cookie 2, gs 101) on 1 --------------------|
|   [Ready]                                                   |
|<-- MESSAGE 0 (seq 1, ack 0) on 1 ---------------------------|
|-- RESET (partial) on 2 ------------------------------------>|
|                                                             |   [SessionConnecting]
|<-- CLIENT_IDENT (cookie 1, gs 102) on 2 --------------------|
|-- SERVER_IDENT (cookie 4, gs 102) on 2 -------------------->|
|                                                             |   [Ready]
|<-- MESSAGE 0 (seq 1, ack 0) on 2 ---------------------------|
|   wrong: a message is delivered at most once in a session   |
`
