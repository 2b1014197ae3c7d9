/** Two parties that may both listen and dial, every socket between them, and a chart of what they said of sessions. */
import { type ControlFrame, EntityAddr, EntityName, Ids } from "@msgr2/wire"
import { Action, Arbiter, Endpoint, type Event, Options, Outbox, type Policy, State } from "../src/index.ts"
import * as Chart from "./chart.ts"
import { letter } from "./living.ts"
import { addr, answers } from "./pair.ts"

export type Side = Chart.Side

/** One machine. `plug` is its end of a socket. */
export interface Actor {
  readonly side: Side
  readonly endpoint: Endpoint.Endpoint
  state: State.State
  plug: Plug | undefined
}

interface Plug {
  owner: Actor | undefined
  /** `undefined` once the socket is gone. */
  far: Plug | undefined
  readonly inbound: Array<Event.Event>
}

/** A process: its sessions, its counter, and what its application has seen. */
export interface Party {
  readonly side: Side
  readonly options: Options.Server
  readonly policy: Policy.Policy
  actors: ReadonlyArray<Actor>
  attempts: bigint
  /** `tid`s of messages as they were delivered. */
  readonly delivered: Array<number>
  readonly resets: Array<"remote" | "end">
}

export interface Setup {
  readonly addr: string
  readonly policy: Policy.Policy
}

/** A thing that may happen next. */
export interface Move {
  readonly kind: "deliver" | "dial" | "tick" | "timeout"
  readonly side: Side
  /** What is delivered. */
  readonly event?: Event.Event | undefined
  readonly run: () => void
}

const gone: Event.Event = { _tag: "Disconnected" }

export class World {
  readonly parties: { readonly [S in Side]: Party }
  readonly chart = new Chart.Chart()
  private plugs: ReadonlyArray<Plug> = []
  private dials: ReadonlyArray<readonly [actor: Actor, target: EntityAddr.EntityAddr]> = []
  private cookies = 0n
  private turn = 0

  constructor(client: Setup, server: Setup) {
    this.parties = { client: party("client", client), server: party("server", server) }
  }

  /** An owner on `side` wants an open connection to the other one. */
  connect(side: Side): void {
    const party = this.parties[side]
    const known = party.actors.find(({ state }) => State.isLiving(state))
    if (known !== undefined) return this.take(known, { _tag: "Wanted" })
    const target = this.target(side)
    const endpoint = Endpoint.client({
      ...party.options,
      target,
      targetType: EntityName.EntityType.Osd,
      policy: party.policy
    })
    const actor = this.enter(side, endpoint)
    this.dials = [...this.dials, [actor, target]]
  }

  submit(side: Side, ...tids: ReadonlyArray<number>): void {
    const actor = this.session(side)
    for (const tid of tids) this.take(actor, { _tag: "Submitted", message: letter(tid) })
  }

  /** The one session that `side` has. */
  session(side: Side): Actor {
    const [actor, ...others] = this.parties[side].actors.filter(({ state }) => State.isLiving(state))
    if (actor === undefined || others.length > 0) throw new Error(`${others.length} sessions too many at ${side}`)
    return actor
  }

  open(side: Side): Extract<State.State, { readonly _tag: "Ready" }> {
    const { state } = this.session(side)
    if (state._tag !== "Ready") throw new Error(`${side} is ${state._tag}`)
    return state
  }

  /** Everything that may happen next. Time passes last: a timeout is shorter than a back-off that is due to WAIT. */
  moves(): ReadonlyArray<Move> {
    const dials = this.dials.map(([actor, target]): Move => ({
      kind: "dial",
      side: actor.side,
      run: () => this.dial(actor, target)
    }))
    const inbound: Array<Move> = []
    const timeouts: Array<Move> = []
    for (const plug of this.plugs) {
      const { far, inbound: queue, owner } = plug
      if (owner === undefined) continue
      const { side, state } = owner
      if (queue.length > 0) inbound.push({ kind: "deliver", side, event: queue[0], run: () => this.deliver(plug) })
      else if (far === undefined) {
        const _tag = state._tag === "Ready" ? "IdleTimeout" : "HandshakeTimeout"
        timeouts.push({ kind: "timeout", side, run: () => this.take(owner, { _tag }) })
      }
    }
    const ticks = this.actors()
      .filter(({ state }) => state._tag === "Wait")
      .map((actor): Move => ({
        kind: "tick",
        side: actor.side,
        run: () => this.take(actor, { _tag: "BackoffOver" })
      }))
    return [...dials, ...inbound, ...timeouts, ...ticks]
  }

  /** Lets happen what can without time passing, in turn, until nothing more does or `stop` says so. */
  run(stop: () => boolean = () => false, held: (move: Move) => boolean = () => false): void {
    for (let n = 0; n < 10_000; n++) {
      const moves = this.moves().filter((move) => (move.kind === "dial" || move.kind === "deliver") && !held(move))
      if (moves.length === 0 || stop()) return
      moves[this.turn++ % moves.length]?.run()
    }
    throw new Error("it never ends")
  }

  /** Lets time pass until nothing more happens. */
  rest(): void {
    for (let n = 0; n < 100; n++) {
      this.run()
      const [move] = this.moves()
      if (move === undefined) return
      move.run()
    }
    throw new Error("it never rests")
  }

  /** The back-off of `side` is over. */
  tick(side: Side): void {
    this.take(this.session(side), { _tag: "BackoffOver" })
  }

  /** The next frame of this name is lost, and the connection with it. */
  lose(name: ControlFrame.Name): void {
    const before = this.chart.count(name)
    this.run(() => this.chart.count(name) > before)
    this.chart.lose(name)
    this.unplug()
  }

  /** The connection fails; with `reset`, because that side has forgotten everything but its counter. */
  cut(reset?: Side): void {
    this.chart.cut(reset)
    if (reset !== undefined) this.parties[reset].actors = []
    this.unplug()
  }

  /** Every socket fails, with all that is in it. Only `notices`, if given, learns of it before a timeout. */
  unplug(notices?: Side): void {
    for (const plug of this.plugs) {
      const { owner } = plug
      if (owner === undefined || !this.actors().includes(owner)) plug.owner = undefined
      const learns = notices === undefined || owner?.side === notices
      plug.inbound.splice(0, Number.POSITIVE_INFINITY, ...(learns ? [gone] : []))
      plug.far = undefined
    }
    this.dials = this.dials.filter(([actor]) => this.actors().includes(actor))
  }

  /** This process ends, and begins anew with the same addresses; its counter goes on, as one made from a clock does. */
  restart(side: Side): void {
    const party = this.parties[side]
    party.actors = []
    party.delivered.length = 0
    this.unplug()
  }

  private actors(): ReadonlyArray<Actor> {
    return [...this.parties.client.actors, ...this.parties.server.actors]
  }

  private target(side: Side): EntityAddr.EntityAddr {
    const [target] = this.parties[Chart.other(side)].options.addrs
    if (target === undefined) throw new Error("nobody listens")
    return target
  }

  private enter(side: Side, endpoint: Endpoint.Endpoint): Actor {
    const actor: Actor = { side, endpoint, state: endpoint.initial, plug: undefined }
    const party = this.parties[side]
    party.actors = [...party.actors, actor]
    return actor
  }

  private nextGlobalSeq(side: Side, above = 0n): Ids.GlobalSeq {
    const party = this.parties[side]
    party.attempts = (above > party.attempts ? above : party.attempts) + 1n
    return Ids.globalSeq(party.attempts)
  }

  private nextCookie(): Ids.Cookie {
    return Ids.cookie(++this.cookies)
  }

  private dial(actor: Actor, target: EntityAddr.EntityAddr): void {
    this.dials = this.dials.filter(([other]) => other !== actor)
    const visitor = this.enter(Chart.other(actor.side), Endpoint.server(this.parties[Chart.other(actor.side)].options))
    const near: Plug = { owner: actor, far: undefined, inbound: [] }
    const far: Plug = { owner: visitor, far: near, inbound: [] }
    near.far = far
    this.plugs = [...this.plugs.filter(({ owner }) => owner !== undefined), near, far]
    actor.plug = near
    visitor.plug = far
    const local = this.parties[actor.side].options.addrs[0] ?? target
    this.take(actor, {
      _tag: "Connected",
      globalSeq: this.nextGlobalSeq(actor.side),
      cookie: this.nextCookie(),
      local
    })
    this.take(visitor, { _tag: "Accepted", remote: local })
  }

  private deliver(plug: Plug): void {
    const event = plug.inbound.shift()
    if (event === undefined || plug.owner === undefined) return
    const { owner } = plug
    this.take(owner, event)
    // Nothing more has arrived: the moment for an ack.
    if (plug.owner === owner && plug.inbound.length === 0) this.take(owner, { _tag: "Drained" })
  }

  /** Lets go of the actor's socket, if it has one. */
  private drop(actor: Actor): void {
    const { plug } = actor
    if (plug === undefined) return
    actor.plug = undefined
    plug.owner = undefined
    plug.far?.inbound.push(gone)
    if (plug.far !== undefined) plug.far.far = undefined
    plug.far = undefined
  }

  private take(actor: Actor, event: Event.Event): void {
    const before = actor.state
    const [state, actions] = actor.endpoint.step(before, event)
    actor.state = state
    for (const action of actions) this.act(actor, action)
    if (state._tag === "Closed") {
      const party = this.parties[actor.side]
      party.actors = party.actors.filter((other) => other !== actor)
      if (State.isLiving(before)) party.resets.push("end")
    }
  }

  private act(actor: Actor, action: Action.Action): void {
    const party = this.parties[actor.side]
    const send = (event: Event.Event): void => {
      actor.plug?.far?.inbound.push(event)
    }
    switch (action._tag) {
      case "SendBanner":
        return send({ _tag: "Banner", supported: 3n, required: 0n })
      case "Send":
        this.chart.frame(actor.side, action.frame)
        return send(action.frame)
      case "SendMessage": {
        const { header, ...rest } = action.message
        const numbers = { seq: Ids.msgSeq(action.seq), ackSeq: Ids.msgSeq(action.ackSeq) }
        return send({ ...rest, header: { ...header, ...numbers } })
      }
      case "Deliver":
        party.delivered.push(Number(action.message.header.tid))
        return
      case "RemoteReset":
        party.resets.push("remote")
        return
      case "Opened":
        if (State.isLiving(actor.state) && Outbox.hasPending(actor.state.progress.outbox)) {
          this.take(actor, { _tag: "Writable", count: 100 })
        }
        return
      case "Dial":
        this.dials = [...this.dials.filter(([other]) => other !== actor), [actor, action.target]]
        return
      case "Disconnect":
        return this.drop(actor)
      case "Hangup":
        return this.drop(actor)
      case "Arbitrate":
        return this.arbitrate(actor, action.request)
      case "TakeGlobalSeq": {
        const globalSeq = this.nextGlobalSeq(actor.side, action.above)
        return this.take(actor, { _tag: "GlobalSeqTaken", globalSeq })
      }
      default:
        if (Action.isQuestion(action)) this.take(actor, answers(action))
    }
  }

  private arbitrate(visitor: Actor, request: Arbiter.SessionRequest): void {
    if (visitor.state._tag !== "SessionAccepting") return
    const { actors, options } = this.parties[visitor.side]
    const key = EntityAddr.key(request.addrs)
    const known = actors.find(({ state }) => State.isLiving(state) && EntityAddr.key(Arbiter.addrsOf(state)) === key)
    const { existing, newcomer } = Arbiter.arbitrate(
      { own: options.addrs, policy: visitor.state.visitor.policy, existing: known?.state },
      visitor.state,
      request,
      { cookie: this.nextCookie(), globalSeq: this.nextGlobalSeq(visitor.side) }
    )
    if (known !== undefined && existing !== undefined) {
      if (existing._tag === "Reuse") {
        this.drop(known)
        this.dials = this.dials.filter(([actor]) => actor !== known)
        known.plug = visitor.plug
        if (known.plug !== undefined) known.plug.owner = known
        visitor.plug = undefined
      }
      this.take(known, existing)
    }
    this.take(visitor, newcomer)
  }
}

const party = (side: Side, { addr: text, policy }: Setup): Party => ({
  side,
  options: {
    ...Options.defaults,
    entityType: EntityName.EntityType.Osd,
    addrs: [addr(text)],
    policies: { otherwise: policy }
  },
  policy,
  actors: [],
  attempts: 0n,
  delivered: [],
  resets: []
})
