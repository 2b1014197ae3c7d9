/**
 * The next world while a move is being made: what is not touched stays shared with the one before.
 */
import type { Means } from "@msgr2/session/Arbiter"
import type { Event } from "@msgr2/session/Event"
import { type Cookie, type GlobalSeq, globalSeq } from "@msgr2/wire/Ids"
import {
  type Actor,
  type Budget,
  cookieOf,
  type End,
  type Link,
  other,
  type Side,
  type Tally,
  type World
} from "./World.ts"
import type { Ends } from "./WorldEnds.ts"

const nothing: ReadonlyArray<string> = []

export class Draft {
  readonly ends: Ends
  readonly #ends: Array<End>
  #links: ReadonlyArray<Link>
  #tallies: ReadonlyArray<Tally>
  #left: Budget
  #drawn: bigint
  #dialled: number
  #born: number
  #wrong = nothing

  constructor(world: World, ends: Ends) {
    this.ends = ends
    this.#ends = [...world.ends]
    this.#links = world.links
    this.#tallies = world.tallies
    this.#left = world.left
    this.#drawn = world.drawn
    this.#dialled = world.dialled
    this.#born = world.born
  }

  done(): World {
    return {
      ends: this.#ends,
      links: this.#links,
      tallies: this.#tallies,
      left: this.#left,
      drawn: this.#drawn,
      dialled: this.#dialled,
      born: this.#born,
      wrong: this.#wrong
    }
  }

  /** The property of that name does not hold. */
  blame(property: string): void {
    if (!this.#wrong.includes(property)) this.#wrong = [...this.#wrong, property]
  }

  spend(from: keyof Omit<Budget, "submits">): void {
    this.#left = { ...this.#left, [from]: this.#left[from] - 1 }
  }

  spendSubmit(end: number): void {
    this.#left = { ...this.#left, submits: this.#left.submits.with(end, (this.#left.submits[end] ?? 0) - 1) }
  }

  get size(): number {
    return this.#ends.length
  }

  end(place: number): End {
    const end = this.#ends[place]
    if (end === undefined) throw new RangeError(`there is no end ${place}`)
    return end
  }

  setEnd(place: number, end: End): void {
    this.#ends[place] = end
  }

  actor(end: number, id: number): Actor | undefined {
    return this.end(end).actors.find((actor) => actor.id === id)
  }

  /** In place of the one with this id. */
  put(end: number, actor: Actor): void {
    const { actors, address, globalSeq } = this.end(end)
    const at = actors.findIndex(({ id }) => id === actor.id)
    this.#ends[end] = { address, globalSeq, actors: at < 0 ? [...actors, actor] : actors.with(at, actor) }
  }

  remove(end: number, id: number): void {
    const { actors, address, globalSeq } = this.end(end)
    this.#ends[end] = { address, globalSeq, actors: actors.filter((actor) => actor.id !== id) }
  }

  bear(): number {
    return ++this.#born
  }

  drawCookie(): Cookie {
    return cookieOf(++this.#drawn)
  }

  /** What a new session would be given. */
  means(place: number): Means {
    return { cookie: cookieOf(this.#drawn + 1n), globalSeq: globalSeq(this.end(place).globalSeq + 1n) }
  }

  useMeans(place: number): void {
    this.drawCookie()
    this.takeGlobalSeq(place)
  }

  /** A number above all that `end` has had, and above `above`. */
  takeGlobalSeq(place: number, above = 0n): GlobalSeq {
    const { actors, address, globalSeq: last } = this.end(place)
    const taken = globalSeq((last > above ? last : above) + 1n)
    this.#ends[place] = { address, globalSeq: taken, actors }
    return taken
  }

  link(id: number): Link | undefined {
    return this.#links.find((link) => link.id === id)
  }

  connect(dialler: number, acceptor: number): Link {
    const link: Link = {
      id: ++this.#dialled,
      dialler,
      acceptor,
      open: { dialler: true, acceptor: true },
      towards: { dialler: [], acceptor: [] }
    }
    this.#links = [...this.#links, link]
    return link
  }

  #setLink(link: Link): void {
    this.#links =
      link.open.dialler || link.open.acceptor
        ? this.#links.map((known) => (known.id === link.id ? link : known))
        : this.#links.filter(({ id }) => id !== link.id)
  }

  /** Writes `frame` from `side` to the other one. */
  write(id: number, side: Side, frame: Event): void {
    const link = this.link(id)
    const to = other(side)
    if (link === undefined || !link.open.dialler || !link.open.acceptor) return
    this.#setLink({ ...link, towards: { ...link.towards, [to]: [...link.towards[to], frame] } })
  }

  /** Takes the oldest frame towards `side`. */
  read(id: number, side: Side): Event | undefined {
    const link = this.link(id)
    const [frame, ...rest] = link?.towards[side] ?? []
    if (link !== undefined && frame !== undefined)
      this.#setLink({ ...link, towards: { ...link.towards, [side]: rest } })
    return frame
  }

  /** `side` is done with the connection: what is on its way to it is lost, what it has written is not. */
  close(id: number, side: Side): void {
    const link = this.link(id)
    if (link === undefined || !link.open[side]) return
    this.#setLink({ ...link, open: { ...link.open, [side]: false }, towards: { ...link.towards, [side]: [] } })
  }

  /** Nothing that `end` has written arrives any more. */
  lose(end: number): void {
    this.#links = this.#links.map((link) => {
      const { acceptor, dialler, towards } = link
      if (dialler === end) return { ...link, towards: { ...towards, acceptor: [] } }
      return acceptor === end ? { ...link, towards: { ...towards, dialler: [] } } : link
    })
  }

  tally(from: number, to: number): Tally {
    const tally = this.#tallies[from * this.size + to]
    if (tally === undefined) throw new RangeError(`there is no tally from ${from} to ${to}`)
    return tally
  }

  setTally(from: number, to: number, tally: Tally): void {
    this.#tallies = this.#tallies.with(from * this.size + to, tally)
  }
}
