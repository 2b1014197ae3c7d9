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
import type { TransportError } from "@msgr2/messenger/TransportError"
import * as Policy from "@msgr2/session/Policy"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as EntityName from "@msgr2/wire/EntityName"
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
import { clientName, type FromServer } from "./Parts.ts"
import { main as serverMain } from "./Server.ts"
import { message, Tally } from "./Workload.ts"

type Listening = Extract<FromServer, { readonly _tag: "Listening" }>
type Report = Extract<FromServer, { readonly _tag: "Result" }>

interface Server {
  readonly listening: Effect.Effect<Listening, CliError>
  readonly report: Effect.Effect<Report, CliError>
}

/** This program, as a source or built. */
const bin = new URL(import.meta.url.endsWith(".ts") ? "../bin.ts" : "../bin.js", import.meta.url)

/** Starts the other process; it ends with the scope. */
const startServer = (chart: Chart.Chart): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function* () {
    const listening = yield* Deferred.make<Listening, CliError>()
    const report = yield* Deferred.make<Report, CliError>()
    yield* Effect.acquireRelease(
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
    return { listening: Deferred.await(listening), report: Deferred.await(report) }
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

const count = (n: number): string => n.toLocaleString("en-US")

const run = Effect.fnUntraced(function* (mode: number, messages: number) {
  const print = (line: string) => console.log(line)
  const chart = Chart.make(print, 3)
  const server = yield* startServer(chart)
  const { address, keyring } = yield* server.listening
  const target = yield* Effect.fromResult(
    Result.mapError(EntityAddr.parse(address), (message) => new CliError({ message }))
  )
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
    Effect.provide(Messenger.layer().pipe(Layer.provide(NodeTransport.layer))),
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
  print(`rate       ${count(Math.round((2000 * messages) / milliseconds))} msg/s, both directions together`)
  print(
    `content    ${intact ? "every message arrived once, in order, byte for byte (sha256 of both ends agree)" : "DAMAGED"}`
  )
  if (!intact) return yield* new CliError({ message: "what was sent is not what arrived" })
})

type DemoError = CliError | ConnectionError | Keyring.KeyringError | TransportError

export const command = Command.make(
  "demo",
  {
    mode: Flag.Literals("mode", ["secure", "crc"]).pipe(
      Flag.withDefault("secure"),
      Flag.withDescription("How the connection is protected")
    ),
    messages: Flag.Int("messages").pipe(
      Flag.withDefault(20_000),
      Flag.withDescription("How many messages go each way")
    ),
    role: Flag.Literals("role", ["both", "server"]).pipe(Flag.withDefault("both"), Flag.withHidden)
  },
  ({ messages, mode, role }): Effect.Effect<void, DemoError> =>
    role === "server"
      ? serverMain
      : run(
          mode === "secure" ? ConnectionMode.ConnectionMode.Secure : ConnectionMode.ConnectionMode.Crc,
          messages
        ).pipe(Effect.scoped)
).pipe(Command.withDescription("Let two ends of our own talk over TCP on loopback, and draw it"))
