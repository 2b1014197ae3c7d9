/**
 * A network of simulated hosts, each with a `Transport`: pieces take their time and are cut anywhere, links die in the
 * middle of a byte stream and their ends notice it sooner, later or never, hosts go and come back.
 */
import { Gate } from "@msgr2/messenger/Gate"
import type { Listener, Pipe } from "@msgr2/messenger/Transport"
import type { TransportError } from "@msgr2/messenger/TransportError"
import type * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Sockaddr from "@msgr2/wire/Sockaddr"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Chance } from "./Chance.ts"
import type { Fault } from "./Fault.ts"
import { type End, failure, Link } from "./internal/Link.ts"
import { Wires } from "./internal/Wires.ts"
import { type Door, SimHost } from "./SimHost.ts"
import { Simulation } from "./Simulation.ts"
import type { Weather } from "./Weather.ts"

/** What has happened to the links of a network. */
export interface Counts {
  links: number
  cuts: number
  stalls: number
  partitions: number
  refusals: number
  crashes: number
}

type Pair = readonly [string, string]

const separates = ([one, other]: Pair, from: string, to: string): boolean =>
  (from === one && to === other) || (from === other && to === one)

const joins = ({ ends: [dialler, listener] }: Link, between: Pair): boolean =>
  separates(between, dialler.host, listener.host)

export class SimNetwork {
  readonly counts: Counts = { links: 0, cuts: 0, stalls: 0, partitions: 0, refusals: 0, crashes: 0 }
  /** Told of everything that happens to a link, with the names of its hosts. */
  onTrouble: (what: "Cut" | "Delay", one: string, other: string) => void = () => {}
  private readonly wires: Wires
  private readonly weather: Weather
  private readonly chance: Chance
  private readonly hosts: Array<SimHost> = []
  private readonly links: Array<Link> = []
  private faults: ReadonlyArray<Fault> = []
  private partitions: ReadonlyArray<{ readonly between: Pair; readonly until: number }> = []

  constructor(wires: Wires, weather: Weather) {
    this.wires = wires
    this.weather = weather
    this.chance = wires.chance("dialling")
  }

  static readonly make = (weather: Weather): Effect.Effect<SimNetwork, never, Simulation> =>
    Effect.map(Simulation, (simulation) => new SimNetwork(new Wires(simulation), weather))

  /** The host of this name; made when it is asked for first. */
  host(name: string): SimHost {
    const found = this.hosts.find((host) => host.name === name)
    if (found !== undefined) return found
    const made = new SimHost(name, `10.0.0.${this.hosts.length + 1}`, this)
    this.hosts.push(made)
    return made
  }

  /** Pipes that somebody has and has not closed. */
  get open(): number {
    return this.links.reduce((open, link) => open + link.open, 0)
  }

  /** Lets these things go wrong from now on. */
  inflict(faults: ReadonlyArray<Fault>): void {
    this.faults = faults
    for (const fault of faults) {
      if ("at" in fault) this.wires.at(fault.at, () => this.strike(fault))
    }
  }

  /** Nothing goes wrong any more; what is broken stays broken, but can be made anew. */
  calm(): void {
    this.faults = []
    this.partitions = []
    for (const link of this.links) link.calm()
    for (const host of this.hosts) {
      host.isRefusing = false
      host.changed.check()
    }
  }

  /** Nothing happens in this network any more. */
  stop(): void {
    this.calm()
    this.wires.stop()
  }

  /** Takes a host down with all its links, and refuses new ones there; silently, as when its power goes, or not. */
  crash(host: SimHost, silently: boolean): void {
    this.counts.crashes++
    this.wires.note(`${host.name} crashes${silently ? " silently" : ""}`)
    host.isOn = !silently
    host.doors.clear()
    for (const link of this.links) {
      for (const which of [0, 1] as const) {
        if (link.ends[which].host === host.name) link.crash(which, silently)
      }
    }
  }

  /** Brings a host back. */
  restore(host: SimHost): void {
    host.isOn = true
    host.changed.check()
  }

  private strike(fault: Fault): void {
    // What was to come when the weather became calm does not.
    if (!this.faults.includes(fault)) return
    switch (fault._tag) {
      case "Sever":
        for (const link of this.links) {
          if (joins(link, fault.between) && link.isAlive) this.cut(link, fault.noticed)
        }
        return
      case "Partition": {
        const until = this.wires.now + fault.millis
        this.counts.partitions++
        this.onTrouble("Delay", ...fault.between)
        this.wires.note(`nothing passes between ${fault.between.join(" and ")}`)
        this.partitions = [...this.partitions, { between: fault.between, until }]
        for (const link of this.links) {
          if (joins(link, fault.between)) link.hold(until)
        }
        this.wires.at(until, () => {
          for (const name of fault.between) this.host(name).changed.check()
        })
        return
      }
      case "Refuse": {
        const host = this.host(fault.host)
        host.isRefusing = true
        this.wires.after(fault.millis, () => {
          host.isRefusing = false
        })
        return
      }
    }
  }

  private cut(link: Link, noticed: Extract<Fault, { readonly _tag: "Cut" }>["noticed"]): void {
    this.counts.cuts++
    this.onTrouble("Cut", link.ends[0].host, link.ends[1].host)
    this.wires.note(`link ${link.number} is cut`)
    link.cut(noticed)
  }

  private arm(link: Link): void {
    for (const fault of this.faults) {
      if (!("link" in fault)) continue
      const times = fault._tag === "Cut" ? fault.times : 1
      if (link.number < fault.link || link.number >= fault.link + times) continue
      link.mark(fault.direction, fault.byte, () => {
        if (fault._tag === "Cut") return this.cut(link, fault.noticed)
        this.counts.stalls++
        this.onTrouble("Delay", link.ends[0].host, link.ends[1].host)
        this.wires.note(`link ${link.number} stands still`)
        link.hold(this.wires.now + fault.millis, fault.direction)
      })
    }
    for (const { between, until } of this.partitions) {
      if (joins(link, between) && until > this.wires.now) link.hold(until)
    }
  }

  private readonly latency = Effect.suspend(() => {
    const [least, most] = this.weather.latency
    return Effect.sleep(least + this.chance.unit() * (most - least))
  })

  private isPassable(from: SimHost, to: SimHost): boolean {
    return !this.partitions.some(
      ({ between, until }) => until > this.wires.now && separates(between, from.name, to.name)
    )
  }

  /** Dials from a host: TCP asks again until somebody answers, so a host that is off is waited for. */
  connect(from: SimHost, address: EntityAddr.EntityAddr): Effect.Effect<Pipe, TransportError, Scope.Scope> {
    const to = this.hosts.find(({ ip }) => ip === Sockaddr.host(address.sockaddr))
    if (to === undefined) return Effect.fail(failure("Unreachable", address))
    const visit = Effect.suspend(() => {
      const open = to.isRefusing ? undefined : to.doors.get(Sockaddr.port(address.sockaddr) ?? 0)
      if (open === undefined) {
        this.counts.refusals++
        return Effect.undefined
      }
      const ends = [
        { host: from.name, address: from.address(from.nextPort++) },
        { host: to.name, address: open.address }
      ] satisfies readonly [End, End]
      const link = new Link(this.links.length, ends, this.wires, this.weather)
      this.counts.links++
      this.links.push(link)
      this.wires.note(`link ${link.number} from ${from.name} to ${to.name}`)
      this.arm(link)
      open.visitors.push(link)
      open.gate.check()
      return link.pipe(0)
    })
    return this.latency.pipe(
      Effect.andThen(to.changed.when(() => to.isOn && this.isPassable(from, to))),
      // A link that is made has an owner.
      Effect.andThen(Effect.uninterruptible(visit)),
      Effect.tap(() => this.latency),
      Effect.flatMap((pipe) => (pipe === undefined ? Effect.fail(failure("Refused", address)) : Effect.succeed(pipe)))
    )
  }

  listen(host: SimHost, address: EntityAddr.EntityAddr): Effect.Effect<Listener, TransportError, Scope.Scope> {
    return Effect.suspend(() => {
      const asked = Sockaddr.port(address.sockaddr) ?? 0
      const port = asked === 0 ? host.nextPort++ : asked
      const bound = { ...host.address(port, address.nonce), type: address.type }
      if (host.doors.has(port)) return Effect.fail(failure("AddressInUse", bound))
      const door: Door = { address: bound, visitors: [], gate: new Gate() }
      const accept: Listener["accept"] = Effect.flatMap(
        door.gate.when(() => door.visitors.length > 0),
        () =>
          Effect.flatMap(
            Effect.uninterruptible(Effect.suspend(() => door.visitors.shift()?.pipe(1) ?? Effect.undefined)),
            (pipe) => (pipe === undefined ? accept : Effect.succeed(pipe))
          )
      )
      return Effect.acquireRelease(
        Effect.sync((): Listener => {
          host.doors.set(port, door)
          return { address: bound, accept }
        }),
        () =>
          Effect.sync(() => {
            if (host.doors.get(port) === door) host.doors.delete(port)
            for (const visitor of door.visitors) visitor.leave(1)
          })
      )
    })
  }
}
