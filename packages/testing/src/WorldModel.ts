/**
 * A setup as a model for the checker.
 */
import * as Arbiter from "@msgr2/session/Arbiter"
import * as Endpoint from "@msgr2/session/Endpoint"
import { type Model, permutations } from "./Model.ts"
import type { Machines, Setup, World } from "./World.ts"
import { canonical } from "./WorldCanonical.ts"
import { Ends } from "./WorldEnds.ts"
import * as Moves from "./WorldMoves.ts"
import { next } from "./WorldNext.ts"
import * as Properties from "./WorldProperties.ts"
import * as Reaches from "./WorldReaches.ts"
import type { Exploration } from "./WorldSetups.ts"
import { FAR } from "./WorldNumbers.ts"
import * as Tally from "./WorldTally.ts"

/** The machines that ship. */
export const shipped: Machines = { client: Endpoint.client, server: Endpoint.server, arbitrate: Arbiter.arbitrate }

/** Where ends begin to count their attempts: high enough for one to come back behind. */
const first = ({ counter, budget }: Setup): bigint =>
  counter === "far behind" ? (BigInt(budget.restarts) + 1n) * FAR : 100n

/** Nobody knows anybody. */
export const start = (setup: Setup): World => ({
  ends: setup.ends.map(() => ({ address: 0, globalSeq: first(setup), actors: [] })),
  links: [],
  tallies: setup.ends.flatMap(() => setup.ends.map(() => Tally.empty)),
  left: setup.budget,
  drawn: 0n,
  dialled: 0,
  born: 0,
  wrong: []
})

/** The world in which each end has the place that `places` gives to it. Names inside the machines stay: they are constants. */
const renamed =
  (places: ReadonlyArray<number>) =>
  (world: World): World => {
    const to = (end: number) => places[end] ?? end
    const from = world.ends.map((_, end) => places.indexOf(end))
    const size = world.ends.length
    return {
      ...world,
      ends: from.flatMap((end) => {
        const found = world.ends[end]
        if (found === undefined) return []
        return [{ ...found, actors: found.actors.map((actor) => ({ ...actor, to: to(actor.to) })) }]
      }),
      links: world.links.map((link) => ({ ...link, dialler: to(link.dialler), acceptor: to(link.acceptor) })),
      tallies: world.tallies.map((tally, i) => {
        const [left, right] = [from[Math.floor(i / size)] ?? 0, from[i % size] ?? 0]
        return world.tallies[left * size + right] ?? tally
      }),
      left: { ...world.left, submits: from.map((end) => world.left.submits[end] ?? 0) }
    }
  }

/** Every way to rename the ends of `alike` among themselves, but for the one that changes nothing. */
const renamings = (size: number, alike: ReadonlyArray<number>): ReadonlyArray<(world: World) => World> =>
  permutations(alike)
    .slice(1)
    .map((order) => renamed(Array.from({ length: size }, (_, end) => order[alike.indexOf(end)] ?? end)))

export const model = (
  { alike = [], reaches, setup }: Exploration,
  machines: Machines = shipped
): Model<World, Moves.Move> => {
  const ends = new Ends(setup, machines)
  const all = Reaches.all(ends)
  return {
    initial: [start(setup)],
    moves: Moves.moves(ends),
    next: next(ends),
    canonical,
    renamings: renamings(setup.ends.length, alike),
    always: Properties.always,
    onStep: Properties.onStep,
    eventually: Properties.eventually,
    noLoop: Properties.noLoop(setup),
    sometimes: Object.fromEntries(reaches.map((name) => [name, all[name]]))
  }
}
