/**
 * `msgr2 demo`: two ends of our own, in two processes, over TCP on loopback.
 */
import { AuthClient } from "@msgr2/auth/AuthClient"
import * as Keyring from "@msgr2/auth/Keyring"
import type { Connection } from "@msgr2/messenger/Connection"
import type { ConnectionError } from "@msgr2/messenger/ConnectionError"
import { Messenger } from "@msgr2/messenger/Messenger"
import * as NodeTransport from "@msgr2/messenger/NodeTransport"
import { Observer } from "@msgr2/messenger/Observer"
import { Transport } from "@msgr2/messenger/Transport"
import type { TransportError } from "@msgr2/messenger/TransportError"
import * as Policy from "@msgr2/session/Policy"
import * as FaultProxy from "@msgr2/testing/FaultProxy"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Sockaddr from "@msgr2/wire/Sockaddr"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { fork } from "node:child_process"
import { CliError } from "../Failure.ts"
import * as Chart from "./Chart.ts"
import { clientName, type FromServer, REPORT } from "./Parts.ts"
import { main as serverMain } from "./Server.ts"
import { message, Tally } from "./Workload.ts"

type Listening = Extract<FromServer, { readonly _tag: "Listening" }>
type Report = Extract<FromServer, { readonly _tag: "Result" }>

interface Server {
  readonly listening: Effect.Effect<Listening, CliError>
  /** Asks what it has heard and said. */
  readonly report: Effect.Effect<Report, CliError>
}

/** This program, as a source or built. */
const bin = new URL(import.meta.url.endsWith(".ts") ? "../bin.ts" : "../bin.js", import.meta.url)

/** Starts the other process; it ends with the scope. */
const startServer = (chart: Chart.Chart): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function* () {
    const listening = yield* Deferred.make<Listening, CliError>()
    const report = yield* Deferred.make<Report, CliError>()
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const child = fork(bin, ["demo", "--role", "server"], {
          stdio: ["ignore", "inherit", "inherit", "ipc"]
        })
        child.on("message", (word: FromServer) => {
          if (word._tag === "Sight") chart.server(word.sight)
          else if (word._tag === "Listening") Deferred.doneUnsafe(listening, Effect.succeed(word))
          else Deferred.doneUnsafe(report, Effect.succeed(word))
        })
        child.on("exit", (code) => {
          const gone = Effect.fail(new CliError({ message: `the server process ended early, with code ${code}` }))
          Deferred.doneUnsafe(listening, gone)
          Deferred.doneUnsafe(report, gone)
        })
        return child
      }),
      (child) =>
        Effect.callback<void>((resume) => {
          if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
          child.once("exit", () => resume(Effect.void))
          child.disconnect()
        })
    )
    return {
      listening: Deferred.await(listening),
      report: Effect.andThen(
        Effect.sync(() => child.send(REPORT)),
        Deferred.await(report)
      )
    }
  })

interface Exchanged {
  readonly said: Tally
  readonly heard: Tally
  readonly milliseconds: number
}

/** Says `count` messages and hears as many. */
const converse = Effect.fnUntraced(function* (connection: Connection, count: number) {
  const said = new Tally()
  const heard = new Tally()
  const batches = Array.from({ length: Math.ceil(count / 64) }, (_, b) => Math.min(64, count - 64 * b))
  const began = performance.now()
  const speak = Effect.forEach(
    batches,
    (size) => {
      const batch = Array.from({ length: size }, (_, i) => message(said.count + i, 1))
      for (const each of batch) said.add(each)
      return connection.sendAll(batch)
    },
    { discard: true }
  )
  const listen = connection.messages.pipe(
    Stream.take(count),
    Stream.runForEachArray((batch) => Effect.sync(() => batch.forEach((each) => heard.add(each))))
  )
  yield* Effect.all([speak, listen], { concurrency: "unbounded", discard: true })
  return { said, heard, milliseconds: performance.now() - began } satisfies Exchanged
})

/** **Units** bytes of a message of the workload, on average and about, and of a handshake at most. */
const BYTES = 3100
const HANDSHAKE = 4096

const count = (n: number): string => n.toLocaleString("en-US")

const times = (n: number): string => (n === 1 ? "1 time" : `${count(n)} times`)

/** Cuts `cuts` connections, one after the other, each after some of the traffic that is still to come. */
const cutting = (cuts: number, messages: number): FaultProxy.Plan => {
  const share = Math.floor((messages * BYTES) / (cuts + 1))
  return ({ faults }) =>
    faults < cuts
      ? {
          kind: "Reset",
          // What comes back is always still to come, however far ahead the other direction is.
          direction: "down",
          after: HANDSHAKE + Math.floor(share / (faults + 1))
        }
      : undefined
}

const run = Effect.fnUntraced(function* (mode: number, messages: number, cuts: number) {
  const print = (line: string) => console.log(line)
  const chart = Chart.make(print, 3)
  const server = yield* startServer(chart)
  const { address, keyring } = yield* server.listening
  const target = yield* Effect.fromResult(
    Result.mapError(EntityAddr.parse(address), (message) => new CliError({ message }))
  )
  // Everything goes through a proxy that breaks connections; both ends talk of the server's own address.
  const proxy = yield* Effect.mapError(
    FaultProxy.make({
      target: { host: "127.0.0.1", port: Sockaddr.port(target.sockaddr) ?? 0 },
      plan: cutting(cuts, messages)
    }),
    ({ message }) => new CliError({ message })
  )
  const way = EntityAddr.make(proxy.host, proxy.port) ?? target
  const keys = yield* Effect.fromResult(Keyring.parse(keyring))
  const key = keys.get(EntityName.format(clientName))?.key
  const connect = Effect.gen(function* () {
    const messenger = yield* Messenger
    const connection = yield* messenger.connect(target, {
      peerType: EntityName.EntityType.Mon,
      policy: Policy.losslessClient
    })
    yield* connection.keepalive
    const exchanged = yield* converse(connection, messages)
    return { exchanged, stats: yield* connection.stats, peer: connection.peer }
  })
  const { exchanged, peer, stats } = yield* connect.pipe(
    Effect.scoped,
    Effect.provide(AuthClient.layer({ name: clientName, key, modes: [mode] })),
    Effect.provide(
      Messenger.layer({ outboxMessages: 512 }).pipe(
        Layer.provide(Transport.layerRedirected(() => way)),
        Layer.provide(NodeTransport.layer)
      )
    ),
    Effect.provideService(Observer, (observation) => chart.client(Chart.sight(observation)))
  )
  const report = yield* server.report
  const { heard, milliseconds, said } = exchanged
  const intact = report.heard === said.digest() && report.said === heard.digest() && report.count === messages
  print("")
  print(`mode       msgr2.${peer.revision} ${ConnectionMode.format(peer.mode)}, cephx, ${EntityAddr.format(target)}`)
  print(`messages   ${count(said.count)} there, ${count(heard.count)} back`)
  print(`frames     ${count(stats.framesOut)} sent, ${count(stats.framesIn)} received`)
  print(`bytes      ${count(stats.bytesOut)} sent, ${count(stats.bytesIn)} received`)
  print(`cuts       ${count(stats.opened - 1)}, after which the session went on ${times(stats.resumed)}`)
  print(`rate       ${count(Math.round((2000 * messages) / milliseconds))} msg/s, both directions together`)
  print(
    `content    ${intact ? "every message arrived once, in order, byte for byte (sha256 of both ends agree)" : "DAMAGED"}`
  )
  if (!intact) return yield* new CliError({ message: "what was sent is not what arrived" })
})

type DemoError = CliError | ConnectionError | Keyring.KeyringError | TransportError

const atLeast = (flag: string, least: number, given: number): Effect.Effect<void, CliError> =>
  given >= least
    ? Effect.void
    : Effect.fail(new CliError({ message: `--${flag}: expected a whole number from ${least} up, got ${given}` }))

export const command = Command.make(
  "demo",
  {
    mode: Flag.Literals("mode", ["secure", "crc"]).pipe(
      Flag.withDefault("secure"),
      Flag.withDescription("How the connection is protected (default: secure)")
    ),
    messages: Flag.Int("messages").pipe(
      Flag.withDefault(20_000),
      Flag.withDescription("How many messages go each way, at least 1 (default: 20000)")
    ),
    cuts: Flag.Int("cuts").pipe(
      Flag.withDefault(4),
      Flag.withDescription("How many times the connection is cut in mid-traffic (default: 4)")
    ),
    role: Flag.Literals("role", ["both", "server"]).pipe(Flag.withDefault("both"), Flag.withHidden)
  },
  ({ cuts, messages, mode, role }): Effect.Effect<void, DemoError> =>
    role === "server"
      ? serverMain
      : Effect.andThen(
          Effect.all([atLeast("messages", 1, messages), atLeast("cuts", 0, cuts)], { discard: true }),
          run(
            mode === "secure" ? ConnectionMode.ConnectionMode.Secure : ConnectionMode.ConnectionMode.Crc,
            messages,
            cuts
          ).pipe(Effect.scoped)
        )
).pipe(Command.withDescription("Let two ends of our own talk over TCP on loopback, and draw it"))
