/**
 * Keys, tickets and secrets of ends of ours that pose as daemons: how they show who they are, and judge who dials them.
 */
import { AuthClient, AuthServer, type CryptoKey, Keyring, KeyServer, MonRequest } from "@msgr2/auth"
import { Messenger, NodeTransport } from "@msgr2/messenger"
import { MonMessage, PaxosPrefix } from "@msgr2/mon"
import { Policy } from "@msgr2/session"
import { AuthMethod, Codec, ConnectionMode, EntityName, Message } from "@msgr2/wire"
import { Context, Effect, Layer, Option, Result, Stream } from "effect"
import { readFileSync } from "node:fs"
import { cluster } from "../clusters.ts"
import * as clusters from "./clusters.ts"
import type { Pose } from "./peers.ts"

const { Mon } = EntityName.EntityType

export interface Protection {
  readonly auth: "none" | "cephx"
  readonly mode: "crc" | "secure"
}

const nameOf = (text: string): EntityName.EntityName => Result.getOrThrow(EntityName.parse(text))
const modesOf = ({ mode }: Protection) => [ConnectionMode.ConnectionMode[mode === "secure" ? "Secure" : "Crc"]]

const keyIn = (keyring: string, name: string): CryptoKey.CryptoKey =>
  Result.getOrThrow(Keyring.find(Result.getOrThrow(Keyring.parse(keyring)), nameOf(name))).key

const monKey = ({ dir }: clusters.Cluster) => keyIn(readFileSync(`${dir}/data/mon.a/keyring`, "utf8"), "mon.")

/** The key of a pose, made for it where it wants one of its own. */
const keyOf = ({ caps, name }: Pose, { dir, keyring }: clusters.Cluster): Effect.Effect<CryptoKey.CryptoKey> =>
  caps.length === 0
    ? Effect.sync(() => keyIn(readFileSync(keyring, "utf8"), name))
    : Effect.map(cluster("exec", "--dir", dir, "--", "ceph", "auth", "get-or-create", name, ...caps), ({ stdout }) =>
        keyIn(stdout, name)
      )

/** How a monitor of ours shows to real ones who it is. */
export const asMonitor = (found: clusters.Cluster, protection: Protection): Layer.Layer<AuthClient.AuthClient> =>
  AuthClient.AuthClient.layerMonitor(
    protection.auth === "none"
      ? { methods: [AuthMethod.AuthMethod.None], name: nameOf("mon.z") }
      : { key: monKey(found), modes: modesOf(protection) }
  )

/** How a pose shows who it is. **Units** `id` is what an MDS knows its clients by: one session for each. */
export const showing = (pose: Pose, found: clusters.Cluster, protection: Protection, id: number) => {
  if (pose.entityType === Mon) return asMonitor(found, protection)
  const name = nameOf(pose.name)
  return protection.auth === "none"
    ? AuthClient.AuthClient.layer({ methods: [AuthMethod.AuthMethod.None], name, globalId: BigInt(id) })
    : Layer.unwrap(
        Effect.map(keyOf(pose, found), (key) =>
          AuthClient.AuthClient.layer({ name, key, modes: modesOf(protection), otherKeys: pose.peerType })
        )
      )
}

/** How a monitor of ours judges real ones, which dial it. */
export const monitor = (found: clusters.Cluster, protection: Protection): Layer.Layer<AuthServer.AuthServer> =>
  protection.auth === "none"
    ? AuthServer.AuthServer.layerNone()
    : Layer.unwrap(
        Effect.map(KeyServer.make(new Map([["mon.", { key: monKey(found), caps: new Map() }]])), (keyServer) =>
          AuthServer.AuthServer.layerCephx({ keyServer, modes: modesOf(protection) })
        )
      )

/** A connection to a monitor, on a way without faults. The login alone brings the tickets for everybody else. */
export const login = Effect.fnUntraced(function* ({ entityType }: Pose, { monitors }: clusters.Cluster) {
  const messenger = yield* Layer.build(
    Messenger.Messenger.layer({ entityType }).pipe(Layer.provide(NodeTransport.layer))
  )
  const { connect } = Context.get(messenger, Messenger.Messenger)
  return yield* connect(clusters.only(monitors), { peerType: Mon, policy: Policy.lossyClient })
})

/** What an OSD asks a monitor for before others can dial it: the secrets of all OSDs. */
const secrets = Effect.fnUntraced(function* (pose: Pose, found: clusters.Cluster) {
  const key = yield* keyOf(pose, found)
  const connection = yield* login(pose, found)
  const paxos = PaxosPrefix.initial
  const protocol = AuthMethod.AuthMethod.CephX
  yield* connection.send(
    Message.make(
      MonMessage.encodeMessage({ _tag: "MAuth", paxos, protocol, payload: MonRequest.rotating(), monMapEpoch: 0 })
    )
  )
  const { type, front } = MonMessage.MAuthReply
  const reply = yield* connection.messages.pipe(
    Stream.filter(({ header }) => header.type === type),
    Stream.runHead,
    Effect.map(Option.getOrThrow)
  )
  const { payload } = Result.getOrThrow(Codec.decodePrefix(front, reply.front))
  return Result.getOrThrow(MonRequest.rotated(key, payload))
}, Effect.scoped)

/** How a pose judges those that dial it. */
export const judging = (pose: Pose, found: clusters.Cluster, protection: Protection) => {
  if (pose.entityType === Mon) return monitor(found, protection)
  if (protection.auth === "none") return AuthServer.AuthServer.layerNone({ role: "service" })
  const { entityType: service } = pose
  return Layer.unwrap(
    Effect.map(secrets(pose, found), (rotating) =>
      AuthServer.AuthServer.layerService({ service, secrets: Effect.succeed(rotating), modes: modesOf(protection) })
    )
  )
}
