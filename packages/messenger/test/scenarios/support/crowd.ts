/** Many servers and clients on one network. A client asks by a message, and the server repeats it. */
import type { Policy } from "@msgr2/session"
import { EntityAddr, Message } from "@msgr2/wire"
import { Duration, Effect, Exit, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Connection, TransportError } from "../../../src/index.ts"
import { digest, message, pattern, TYPE } from "../../support/messages.ts"
import { addr, memory, turn } from "../../support/world.ts"
import * as Node from "./node.ts"
import { dice, Storm } from "./storm.ts"

export interface Options {
  readonly servers: number
  readonly clients: number
  readonly server: Policy.Policy
  readonly client: Policy.Policy
  /** How likely it is that a socket dies at a read or a write. */
  readonly failure?: number
  /** How late what is read may be. **Units** milliseconds. */
  readonly delay?: number
  readonly receiveBuffer?: number
  readonly seed: number
  /** **Units** bytes. */
  readonly longest: number
}

export const IN_FLIGHT = 64
export const CONNECTIONS = 128

/** One connection of a client that is open as far as it knows, and what it waits for. */
interface Line {
  readonly connection: Connection.Connection
  readonly client: number
  readonly server: number
  readonly scope: Scope.Closeable
  readonly asked: Array<string>
  answered: number
}

/** What is said now and then to be in the way of the rest, and is not repeated. */
const URGENT = 200
const urgent = Message.make({ type: TYPE, priority: URGENT, front: pattern(7, 0) })

const repeat: Node.Handler = ({ messages, send }) =>
  Stream.runForEach(messages, (each) => (each.header.priority === URGENT ? Effect.void : send(each)))

const serverAddr = (i: number) => addr("127.0.0.1", 6800 + i, 1 + i)
const clientAddr = (i: number) => addr("127.0.0.1", 7800 + i, 101 + i)

export class Crowd {
  readonly storm: Storm
  readonly wrong: Array<string> = []
  answers = 0
  /** Connections that were lost, and sessions that the other end had lost, without a close. */
  lost = 0
  resets = 0
  gaps = 0
  mostInFlight = 0
  mostLines = 0
  private readonly options: Options
  private readonly roll: () => number
  private readonly lines = new Set<Line>()
  private readonly making = new Set<string>()
  private readonly clients: Array<Node.Node> = []
  /** The servers' ends, by the server and the address of the client. */
  private readonly atServers = new Map<string, Connection.Connection>()
  private tid = 0

  private constructor(options: Options) {
    this.options = options
    this.roll = dice(options.seed)
    this.storm = new Storm({ roll: this.roll, failure: options.failure ?? 0, delay: options.delay ?? 0 })
  }

  static readonly make = Effect.fnUntraced(function* (
    options: Options
  ): Effect.fn.Return<Crowd, TransportError.TransportError, Scope.Scope> {
    const crowd = new Crowd(options)
    const network = yield* Layer.build(crowd.storm.layer(memory))
    yield* Effect.provideContext(crowd.populate(), network)
    return crowd
  })

  private readonly populate = Effect.fnUntraced({ self: this }, function* (this: Crowd) {
    const { client, clients, receiveBuffer, server, servers } = this.options
    const settings = {
      // All that is late is late in handshakes too.
      handshakeTimeout: Duration.minutes(5),
      ...(receiveBuffer === undefined ? {} : { receiveBuffer })
    }
    for (let i = 0; i < servers; i++) {
      const node = yield* Node.make({ serverPolicies: { otherwise: server }, ...settings })
      yield* node.serve(serverAddr(i), (connection) => {
        this.atServers.set(`${i} ${EntityAddr.key(connection.peer.addrs)}`, connection)
        return Effect.ignore(repeat(connection))
      })
    }
    for (let i = 0; i < clients; i++) {
      const node = yield* Node.make({ serverPolicies: { otherwise: client }, ...settings })
      // Servers may return to sessions that this end has closed: it wants none of them.
      if (client.standby) yield* node.serve(clientAddr(i), () => Effect.void)
      this.clients.push(node)
    }
  })

  private pick(count: number): number {
    return Math.floor(this.roll() * count)
  }

  get open(): number {
    return this.lines.size
  }

  /** Questions without an answer. */
  get inFlight(): number {
    let sum = 0
    for (const { answered, asked } of this.lines) sum += asked.length - answered
    return sum
  }

  /** A turn of everybody, and a little time. */
  readonly pass = Effect.suspend(() => {
    const { delay = 0 } = this.options
    return Effect.andThen(turn, TestClock.adjust(this.pick(20 + delay / 5)))
  })

  /** A client begins to connect to a server, unless it is connected; a lossy one in any case. */
  readonly connect = Effect.suspend(() => {
    const [client, server] = [this.pick(this.options.clients), this.pick(this.options.servers)]
    const { lossy } = this.options.client
    const taken = [...this.lines].some((line) => line.client === client && line.server === server)
    const key = lossy ? `${client} ${server} ${++this.tid}` : `${client} ${server}`
    if (this.lines.size + this.making.size >= CONNECTIONS || this.making.has(key)) return Effect.void
    if (taken && !lossy) return Effect.void
    this.making.add(key)
    return Effect.asVoid(
      Effect.forkScoped(
        Effect.ensuring(
          this.line(client, server),
          Effect.sync(() => this.making.delete(key))
        )
      )
    )
  })

  private readonly line = Effect.fnUntraced({ self: this }, function* (this: Crowd, client: number, server: number) {
    const node = this.clients[client]
    if (node === undefined) return
    const scope = yield* Scope.fork(yield* Effect.scope)
    const connecting = node.connect(serverAddr(server), {
      policy: this.options.client,
      retries: Number.POSITIVE_INFINITY
    })
    const connection = yield* Scope.provide(connecting, scope)
    const line: Line = { connection, client, server, scope, asked: [], answered: 0 }
    this.lines.add(line)
    this.mostLines = Math.max(this.mostLines, this.lines.size)
    yield* Effect.forkIn(this.listen(line), scope)
    yield* Effect.forkIn(this.attend(line), scope)
  })

  private listen(line: Line): Effect.Effect<void> {
    return Effect.ignore(
      Stream.runForEach(line.connection.messages, (each) =>
        Effect.sync(() => {
          const [expected, got] = [line.asked[line.answered++], digest(each)]
          this.answers++
          if (got !== expected)
            this.wrong.push(`tid ${each.header.tid} at ${line.answered}, ${line.client}-${line.server}`)
        })
      )
    )
  }

  private attend(line: Line): Effect.Effect<void> {
    const resets = Stream.runForEach(line.connection.events, ({ _tag }) =>
      Effect.sync(() => {
        if (_tag === "Reset" && this.lines.has(line)) this.resets++
      })
    )
    const end = Effect.map(Effect.exit(line.connection.closed), () => {
      if (this.lines.delete(line)) this.lost++
    })
    return Effect.asVoid(Effect.all([resets, end], { concurrency: 2 }))
  }

  private get anyLine(): Line | undefined {
    return [...this.lines][this.pick(this.lines.size)]
  }

  /** One asks, as soon as not too many wait for an answer. */
  readonly send = Effect.gen({ self: this }, function* () {
    while (this.inFlight >= IN_FLIGHT) yield* this.pass
    const line = this.anyLine
    if (line === undefined) return
    const { connection, scope } = line
    if (this.roll() < 0.05) {
      yield* Effect.forkIn(Effect.ignore(connection.send(urgent)), scope)
      return
    }
    const question = message(++this.tid, this.pick(256), 0, this.pick(this.options.longest))
    line.asked.push(digest(question))
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    yield* Effect.forkIn(Effect.ignore(connection.send(question)), scope, { startImmediately: true })
  })

  /** One closes its connection, and among peers the other end does too. */
  readonly close = Effect.suspend(() => {
    const line = this.anyLine
    if (line === undefined || this.lines.size < 10) return Effect.void
    this.lines.delete(line)
    const { client, server } = this.options
    const known = this.atServers.get(`${line.server} ${EntityAddr.key([clientAddr(line.client)])}`)
    const other = client.standby && !server.server ? known?.close : undefined
    return Effect.andThen(
      line.connection.close,
      Effect.andThen(other ?? Effect.void, Scope.close(line.scope, Exit.void))
    )
  })

  /** Everything is answered, or the storm has been too much for so many steps. */
  readonly finish = Effect.gen({ self: this }, function* () {
    for (let step = 0; step < 3000 && (this.inFlight > 0 || this.making.size > 0); step++) {
      for (let i = 0; i < 4; i++) yield* turn
      yield* TestClock.adjust("100 millis")
    }
    for (const { connection } of this.lines) this.gaps += (yield* connection.stats).gaps
  })
}
