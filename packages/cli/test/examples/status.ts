import { AuthClient } from "@msgr2/auth/AuthClient"
import * as Keyring from "@msgr2/auth/Keyring"
import { Messenger } from "@msgr2/messenger/Messenger"
import * as NodeTransport from "@msgr2/messenger/NodeTransport"
import { MonClient } from "@msgr2/mon/MonClient"
import { EntityAddr, EntityName } from "@msgr2/wire"
import { Effect, Layer, Result } from "effect"
import { readFileSync } from "node:fs"

const [, , address = "v2:127.0.0.1:3300", file = "/etc/ceph/ceph.client.admin.keyring"] = process.argv
const name = Result.getOrThrow(EntityName.parse("client.admin"))
const { key } = Result.getOrThrow(Keyring.find(Result.getOrThrow(Keyring.parse(readFileSync(file, "utf8"))), name))

const status = Effect.gen(function* () {
  const mon = yield* MonClient
  const { output } = yield* mon.command({ prefix: "status", format: "json" })
  console.log(JSON.parse(new TextDecoder().decode(output)).health.status)
})

const monClient = MonClient.layer({ monitors: [Result.getOrThrow(EntityAddr.parse(address))] }).pipe(
  Layer.provide(AuthClient.layer({ name, key })),
  Layer.provide(Messenger.layer().pipe(Layer.provide(NodeTransport.layer)))
)

await Effect.runPromise(status.pipe(Effect.provide(monClient)))
