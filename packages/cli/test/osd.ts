/** An OSD that compresses what it sends to its kind, for the tests against real Ceph, and a peer of ours that poses as one. */
import { AuthClient } from "@msgr2/auth"
import { Compressors } from "@msgr2/frame"
import { Messenger, NodeTransport, Observer } from "@msgr2/messenger"
import { MonClient } from "@msgr2/mon"
import { CompressionPolicy, Policy } from "@msgr2/session"
import { EntityAddr, EntityName } from "@msgr2/wire"
import { Effect, Layer, Result, Schema } from "effect"
import { rmSync } from "node:fs"
import { dirname } from "node:path"
import { cluster, directory, freeBase } from "./clusters.ts"

const { Client, Osd } = EntityName.EntityType
const name = (text: string) => Result.getOrThrow(EntityName.parse(text))

/** The monitor's address of a cluster with one OSD that is told to compress everything. */
export const compressing = Effect.acquireRelease(
  Effect.gen(function* () {
    const port = yield* freeBase
    const dir = directory("osd")
    const options = ["--release", "18", "--auth", "none", "--mode", "crc", "--port", `${port}`, "--osds", "1"]
    const settings = [
      "ms_osd_compress_mode = force",
      "ms_osd_compression_algorithm = snappy zlib zstd lz4",
      "ms_osd_compress_min_size = 1"
    ].flatMap((setting) => ["--set", setting])
    yield* cluster("up", ...options, "--dir", dir, ...settings)
    return { dir, monitor: EntityAddr.make("127.0.0.1", port) ?? EntityAddr.blank }
  }),
  ({ dir }) => Effect.map(cluster("down", "--dir", dir), () => rmSync(dirname(dir), { recursive: true, force: true }))
)

const Dump = Schema.Struct({
  osds: Schema.Array(
    Schema.Struct({
      cluster_addrs: Schema.Struct({
        addrvec: Schema.Array(Schema.Struct({ type: Schema.String, addr: Schema.String, nonce: Schema.Int }))
      })
    })
  )
})

/** Where the first OSD listens for other OSDs, from the monitors' map. */
export const osdAddress = (monitor: EntityAddr.EntityAddr) =>
  Effect.gen(function* () {
    const { output } = yield* MonClient.MonClient.use(({ command }) => command({ prefix: "osd dump", format: "json" }))
    const dump = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Dump))(new TextDecoder().decode(output))
    const found = dump.osds[0]?.cluster_addrs.addrvec.find(({ type }) => type === "v2")
    return Result.getOrThrow(EntityAddr.parse(`v2:${found?.addr}/${found?.nonce}`))
  }).pipe(
    Effect.provide(
      MonClient.MonClient.layer({ monitors: [monitor] }).pipe(
        Layer.provide(AuthClient.AuthClient.layer({ name: name("client.admin"), methods: [1] })),
        Layer.provide(Messenger.Messenger.layer({ entityType: Client }).pipe(Layer.provide(NodeTransport.layer)))
      )
    )
  )

/** Connects as an OSD that wants `method` for everything, and asks twice for a sign of life. */
export const greet = (target: EntityAddr.EntityAddr, method: number) => {
  const seen: Array<string> = []
  let identSize = 0
  const messenger = Messenger.Messenger.layer({
    entityType: Osd,
    gid: 7n,
    clientPolicy: Policy.losslessPeer,
    compression: { ...CompressionPolicy.defaults, mode: "force", methods: [method], minSize: 0 },
    compressors: Compressors.installed
  })
  return Effect.gen(function* () {
    const { connect } = yield* Messenger.Messenger
    const connection = yield* connect(target, { peerType: Osd })
    yield* connection.keepalive
    yield* connection.keepalive
    return { seen, identSize, compression: connection.peer.compression }
  }).pipe(
    Effect.scoped,
    Effect.provide(messenger.pipe(Layer.provide(NodeTransport.layer))),
    Effect.provide(AuthClient.AuthClient.layer({ name: name("osd.7"), methods: [1], globalId: 7n })),
    Effect.provideService(Observer.Observer, ({ direction, frame, size }) => {
      seen.push(`${direction} ${frame?._tag ?? "banner"}`)
      if (frame?._tag === "ClientIdent") identSize = size
    })
  )
}
