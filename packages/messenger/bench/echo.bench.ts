/**
 * Echo between two processes over TCP on loopback: ours in crc and secure mode, beside bare sockets that carry the same
 * bytes. Run it with `node packages/messenger/bench/echo.bench.ts`; compare rows of one run only, as ratios.
 *
 * `raw` is node:net with `data` events that sends back what it gets and looks at nothing.
 */
import { AuthClient } from "@msgr2/auth/AuthClient"
import { AuthServer } from "@msgr2/auth/AuthServer"
import * as Keyring from "@msgr2/auth/Keyring"
import * as KeyServer from "@msgr2/auth/KeyServer"
import { EntityAddr, EntityName, Message } from "@msgr2/wire"
import { Effect, Layer, Redacted, Result, Stream } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import * as net from "node:net"
import { fileURLToPath } from "node:url"
import type { Connection } from "../src/Connection.ts"
import { Messenger } from "../src/Messenger.ts"
import * as NodeTransport from "../src/NodeTransport.ts"

const self = fileURLToPath(import.meta.url)
const name = Result.getOrThrow(EntityName.parse("client.bench"))
const TYPE = 0xd3e0

interface Case {
  readonly size: number
  /** Messages on their way at once. */
  readonly window: number
  readonly count: number
}

const cases: ReadonlyArray<Case> = [
  { size: 64, window: 2048, count: 150_000 },
  { size: 4096, window: 128, count: 30_000 },
  { size: 65_536, window: 16, count: 4000 },
  { size: 1_048_576, window: 8, count: 300 },
  { size: 64, window: 1, count: 4000 }
]

interface Measured {
  readonly seconds: number
  /** CPU of the measuring process. */
  readonly cpu: number
}

const clock = () => {
  const began = performance.now()
  const cpu = process.cpuUsage()
  return (): Measured => {
    const { system, user } = process.cpuUsage(cpu)
    return { seconds: (performance.now() - began) / 1000, cpu: (system + user) / 1e6 }
  }
}

// ---- the other process ----------------------------------------------------------------------------------------------

const only = process.argv[3]
const echo = (connection: Connection) => Stream.runForEachArray(connection.messages, connection.sendAll)

const serve = Effect.gen(function* () {
  const messenger = yield* Messenger
  const keyServer = yield* KeyServer.generate([name])
  const { addrs } = yield* messenger
    .serve(EntityAddr.make("127.0.0.1", 0) ?? EntityAddr.blank, echo)
    .pipe(Effect.provide(AuthServer.layerCephx({ keyServer })))
  const keyring = Redacted.value(Keyring.format(keyServer.keyring))
  const raw = net.createServer((socket) => socket.setNoDelay(true).pipe(socket))
  raw.listen(0, "127.0.0.1", () => {
    process.send?.({
      address: addrs.map(EntityAddr.format).join(),
      keyring,
      port: (raw.address() as net.AddressInfo).port
    })
  })
  yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(Messenger.layer({ entityType: 1 }).pipe(Layer.provide(NodeTransport.layer))))

// ---- this process ---------------------------------------------------------------------------------------------------

const ours = (address: string, keyring: string, mode: number, { count, size, window }: Case): Promise<Measured> => {
  const layers = Layer.merge(
    AuthClient.layer({
      name,
      key: Result.getOrThrow(Keyring.find(Result.getOrThrow(Keyring.parse(keyring)), name)).key,
      modes: [mode]
    }),
    Messenger.layer().pipe(Layer.provide(NodeTransport.layer))
  )
  return Effect.gen(function* () {
    const messenger = yield* Messenger
    const connection = yield* messenger.connect(Result.getOrThrow(EntityAddr.parse(address)))
    const data = new Uint8Array(size).fill(7)
    const batch = (n: number) => Array.from({ length: n }, () => Message.make({ type: TYPE, data }))
    const stop = clock()
    let sent = Math.min(window, count)
    yield* Effect.forkChild(connection.sendAll(batch(sent)))
    yield* connection.messages.pipe(
      Stream.take(count),
      Stream.runForEachArray((messages) => {
        const next = Math.min(messages.length, count - sent)
        sent += next
        return connection.sendAll(batch(next))
      })
    )
    return stop()
  }).pipe(Effect.scoped, Effect.provide(layers), Effect.runPromise)
}

/** Bytes of one of our messages on the wire in crc mode. */
const wireSize = (size: number) => 32 + 41 + 4 + size + 13

const bare = (port: number, { count, size, window }: Case): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const message = Buffer.alloc(wireSize(size), 7)
    const total = count * message.length
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true })
    let sent = 0
    let heard = 0
    const send = (n: number) => {
      socket.write(n === 1 ? message : Buffer.concat(Array.from({ length: n }, () => message)))
      sent += n
    }
    let stop = clock()
    socket.on("connect", () => {
      stop = clock()
      send(Math.min(window, count))
    })
    socket.on("data", (chunk) => {
      heard += chunk.length
      if (heard === total) {
        socket.destroy()
        return resolve(stop())
      }
      const room = Math.min(Math.floor(heard / message.length) + window, count) - sent
      if (room > 0) send(room)
    })
    socket.on("error", reject)
  })

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const main = async (child: ChildProcess) => {
  const { address, keyring, port } = await new Promise<{ address: string; keyring: string; port: number }>((resolve) =>
    child.once("message", resolve as (value: unknown) => void)
  )
  const rounds = Number(process.argv[2] ?? 3)
  console.log("size      window  kind      msg/s      MB/s   us/msg cpu   ratio to raw")
  for (const one of cases.filter(({ size }) => only === undefined || only === String(size))) {
    const runs = { raw: [] as Array<Measured>, crc: [] as Array<Measured>, secure: [] as Array<Measured> }
    // Interleaved, so that a slow moment of the machine meets all three.
    for (let round = 0; round < rounds; round++) {
      runs.raw.push(await bare(port, one))
      runs.crc.push(await ours(address, keyring, 1, one))
      if (process.argv[4] !== "crc") runs.secure.push(await ours(address, keyring, 2, one))
    }
    const base = median(runs.raw.map(({ seconds }) => seconds))
    for (const [kind, list] of Object.entries(runs)) {
      if (list.length === 0) continue
      const seconds = median(list.map(({ seconds }) => seconds))
      const cpu = median(list.map(({ cpu }) => cpu))
      const rate = one.count / seconds
      console.log(
        [
          String(one.size).padEnd(9),
          String(one.window).padEnd(7),
          kind.padEnd(7),
          rate.toFixed(0).padStart(7),
          ((rate * one.size) / 1e6).toFixed(1).padStart(9),
          ((1e6 * cpu) / one.count).toFixed(1).padStart(12),
          (base / seconds).toFixed(2).padStart(14)
        ].join(" ")
      )
    }
  }
  child.kill()
}

if (process.argv[2] === "serve") await Effect.runPromise(serve)
else await main(fork(self, ["serve"]))
