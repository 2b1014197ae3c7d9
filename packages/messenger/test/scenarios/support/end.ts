/** One messenger with one peer, and everything that a scenario has it do. */
import type { Policy } from "@msgr2/session"
import type { EntityAddr, Message } from "@msgr2/wire"
import { type Context, Effect, Exit, Layer, type Scope, Stream } from "effect"
import type { Connection, MessengerConfig, Transport, TransportError } from "../../../src/index.ts"
import { digest, message } from "../../support/messages.ts"
import { type Breakpoint, Breakpoints } from "./breakpoints.ts"
import { Ledger } from "./ledger.ts"
import * as Node from "./node.ts"

export interface Options {
  readonly address: EntityAddr.EntityAddr
  readonly other: EntityAddr.EntityAddr
  /** How it treats the other, whoever dials. */
  readonly policy: Policy.Policy
  readonly breakpoints?: ReadonlyArray<Breakpoint>
  readonly config?: Partial<MessengerConfig.MessengerConfig>
  /** Number of its first message. */
  readonly firstTid: number
}

type Network = Context.Context<Transport.Transport>

/** What a scenario starts goes on by itself; where it fails, the scenario sees what is missing. */
const begin = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.asVoid(Effect.forkScoped(Effect.ignore(effect), { startImmediately: true }))

export class End {
  /** What it has sent, and what has come, in this order. */
  readonly sent: Array<string> = []
  readonly heard: Array<string> = []
  /** The connection that was opened last, until it is over. */
  current: Connection.Connection | undefined
  /** Messages for whichever connection is opened next. */
  waiting = 0
  /** Keepalives that have not been answered. */
  unanswered = 0
  readonly breakpoints: Breakpoints
  readonly ledger: Ledger
  private readonly options: Options
  private readonly node: Node.Node
  private readonly met = new Set<number>()

  private constructor(options: Options, node: Node.Node, breakpoints: Breakpoints, ledger: Ledger) {
    this.options = options
    this.node = node
    this.breakpoints = breakpoints
    this.ledger = ledger
  }

  /** Listens, on a network that it shares with others. Ends with the scope. */
  static readonly make = Effect.fnUntraced(function* (
    options: Options,
    network: Network
  ): Effect.fn.Return<End, TransportError.TransportError, Scope.Scope> {
    const ledger = new Ledger()
    const breakpoints = new Breakpoints(options.breakpoints ?? [], ledger.passed)
    const transport = yield* Layer.build(breakpoints.layer(Layer.succeedContext(network)))
    const { config, policy } = options
    const node = yield* Effect.provideContext(
      Node.make({ serverPolicies: { otherwise: policy }, ...config, ledger }),
      transport
    )
    const end = new End(options, node, breakpoints, ledger)
    yield* node.serve(options.address, (connection) =>
      Effect.andThen(end.meet(connection), Effect.ignore(connection.closed))
    )
    return end
  })

  /** Dials the other, or joins the session that there is. However often it fails, as in Ceph, it goes on trying. */
  readonly connect = Effect.suspend(() => {
    const { other, policy } = this.options
    const dialled = this.node.connect(other, { policy, retries: Number.POSITIVE_INFINITY })
    return begin(Effect.flatMap(dialled, (connection) => this.meet(connection)))
  })

  private readonly meet = Effect.fnUntraced({ self: this }, function* (this: End, connection: Connection.Connection) {
    this.current = connection
    if (!this.met.has(connection.id)) {
      this.met.add(connection.id)
      yield* begin(this.listen(connection))
      yield* begin(this.attend(connection))
    }
    const { waiting } = this
    this.waiting = 0
    for (let i = 0; i < waiting; i++) yield* connection.send(this.next())
  })

  private listen({ messages }: Connection.Connection) {
    return Stream.runForEach(messages, (each) => Effect.sync(() => this.heard.push(digest(each))))
  }

  private attend({ closed, events, id }: Connection.Connection) {
    const resets = Stream.runForEach(events, ({ _tag }) =>
      Effect.sync(() => {
        if (_tag === "Reset") this.ledger.forgotten(id)
      })
    )
    const end = Effect.map(Effect.exit(closed), (exit) => {
      if (Exit.isFailure(exit)) this.ledger.lost(id)
      if (this.current?.id === id) this.current = undefined
    })
    return Effect.all([resets, end], { concurrency: 2, discard: true })
  }

  private next(): Message.Message {
    const made = message(this.options.firstTid + this.sent.length, 10)
    this.sent.push(digest(made))
    return made
  }

  /** The connection that there must be. */
  private readonly own = Effect.suspend(() =>
    this.current === undefined ? Effect.die(new Error("no connection")) : Effect.succeed(this.current)
  )

  /** Sends a message on the connection that is there, or on the next one. */
  readonly send = Effect.suspend((): Effect.Effect<void, never, Scope.Scope> => {
    const { current } = this
    if (current !== undefined) return begin(current.send(this.next()))
    this.waiting++
    return Effect.void
  })

  /** Sends one that may go with a session that the other has forgotten. */
  readonly trySend = Effect.flatMap(this.own, ({ send }) => begin(send(message(this.options.firstTid + 999))))
  readonly keepalive = Effect.flatMap(this.own, ({ keepalive }) => {
    this.unanswered++
    return begin(Effect.map(keepalive, () => this.unanswered--))
  })
  readonly close = Effect.flatMap(this.own, ({ close }) => close)

  /** Where its current connection is. */
  get state(): string | undefined {
    return this.current === undefined ? undefined : this.ledger.stateOf(this.current.id)
  }
}
