/** A monitor that knows just enough: its map, three commands, and versions. */
import { AuthClient, AuthServer } from "@msgr2/auth"
import { type Connection, MemoryTransport, Messenger } from "@msgr2/messenger"
import { EntityAddr, EntityName, Message, UTime } from "@msgr2/wire"
import { Effect, Layer, Result, Stream } from "effect"
import { MonMap, MonMessage, PaxosPrefix } from "../../src/index.ts"

export const addr = (port: number): EntityAddr.EntityAddr => EntityAddr.make("10.0.0.1", port) ?? EntityAddr.blank

export const fsid = "00010203-0405-0607-0809-0a0b0c0d0e0f"

/** The map of monitors at these ports, in this order. */
export const mapOf = (ports: ReadonlyArray<number>): MonMap.MonMap => ({
  structV: 9,
  fsid,
  epoch: 1,
  lastChanged: UTime.zero,
  created: UTime.zero,
  persistentFeatures: 0n,
  optionalFeatures: 0n,
  mons: ports.map((port) => [
    `m${port}`,
    {
      structV: 5,
      name: `m${port}`,
      publicAddrs: [addr(port)],
      priority: 0,
      weight: 0,
      crushLoc: [],
      timeAdded: undefined
    }
  ]),
  ranks: ports.map((port) => `m${port}`),
  minMonRelease: 18,
  removedRanks: [],
  strategy: 1,
  disallowedLeaders: [],
  stretchModeEnabled: false,
  tiebreakerMon: "",
  stretchMarkedDownMons: [],
  authEpoch: undefined,
  authServiceCipher: undefined,
  authAllowedCiphers: undefined,
  authPreferredCipher: undefined
})

const text = new TextEncoder()

export interface Behaviour {
  readonly port: number
  readonly map: ReadonlyArray<number>
  /** Called for each command; `undefined` hangs up without an answer. */
  readonly answer?: (prefix: string) => { readonly result: number; readonly output: string } | undefined
  /** Sends no map when asked. */
  readonly mute?: boolean
  /** Run when a client has gone. */
  readonly onLeave?: Effect.Effect<void>
  /** Everything that was asked of it. */
  readonly asked: Array<string>
}

const reply = (message: MonMessage.MonMessage, tid: bigint, data = "") =>
  Message.make({ ...MonMessage.encodeMessage(message), tid, priority: 196, data: text.encode(data) })

const serveOne = (behaviour: Behaviour) => (connection: Connection.Connection) =>
  connection.messages.pipe(
    Stream.runForEach(({ front, header }) => {
      const message = Result.getOrThrow(MonMessage.decodeMessage(header.type, front))
      switch (message._tag) {
        case "MMonSubscribe":
          behaviour.asked.push(...message.what.map(([what]) => `subscribe ${what}`))
          return behaviour.mute === true || !message.what.some(([what]) => what === "monmap")
            ? Effect.void
            : connection.send(reply({ _tag: "MMonMap", monMap: mapOf(behaviour.map) }, 0n))
        case "MMonGetVersion":
          return connection.send(
            reply({ _tag: "MMonGetVersionReply", handle: message.handle, version: 7, oldestVersion: 2 }, 0n)
          )
        case "MMonCommand": {
          const { prefix } = JSON.parse(message.cmd[0] ?? "{}") as { prefix: string }
          behaviour.asked.push(prefix)
          const answer = (behaviour.answer ?? (() => ({ result: 0, output: `${behaviour.port} ${prefix}` })))(prefix)
          if (answer === undefined) return connection.close
          const status = answer.result === 0 ? "" : `no ${prefix}`
          const ack = { _tag: "MMonCommandAck", paxos: PaxosPrefix.initial, status, cmd: [...message.cmd] } as const
          return connection.send(reply({ ...ack, result: answer.result }, header.tid, answer.output))
        }
        default:
          return Effect.void
      }
    }),
    Effect.ensuring(behaviour.onLeave ?? Effect.void)
  )

/** Lets a monitor answer at its address for as long as the scope lives. */
export const start = (behaviour: Behaviour) =>
  Effect.gen(function* () {
    const messenger = yield* Messenger.Messenger
    return yield* messenger.serve(addr(behaviour.port), serveOne(behaviour))
  }).pipe(Effect.provide(AuthServer.AuthServer.layerNone()))

const name = Result.getOrThrow(EntityName.parse("client.admin"))

/** One network in memory, a messenger on it, and a client that needs no key. */
export const networkWith = (options: MemoryTransport.Options) =>
  Layer.merge(
    Messenger.Messenger.layer({ entityType: EntityName.EntityType.Mon }).pipe(
      Layer.provide(MemoryTransport.layerWith(options))
    ),
    AuthClient.AuthClient.layer({ name, methods: [1] })
  )
export const network = networkWith({})
