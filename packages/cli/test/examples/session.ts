import { AuthClient } from "@msgr2/auth/AuthClient"
import { AuthServer } from "@msgr2/auth/AuthServer"
import { Messenger } from "@msgr2/messenger/Messenger"
import * as NodeTransport from "@msgr2/messenger/NodeTransport"
import { Transport } from "@msgr2/messenger/Transport"
import { Policy } from "@msgr2/session"
import { FaultProxy } from "@msgr2/testing"
import { EntityAddr, EntityName, Message, Sockaddr } from "@msgr2/wire"
import { Effect, Fiber, Layer, Stream } from "effect"

const loopback = (port: number) => Effect.fromResult(EntityAddr.parse(`v2:127.0.0.1:${port}`))
let way: EntityAddr.EntityAddr | undefined

const program = Effect.gen(function* () {
  const messenger = yield* Messenger
  const { addrs } = yield* messenger.serve(yield* loopback(0), (connection) => Stream.runDrain(connection.messages))
  const target = EntityAddr.msgr2Of(addrs)

  // On the way to the server stands a proxy that can break connections.
  const proxy = yield* FaultProxy.make({ target: { host: "127.0.0.1", port: Sockaddr.port(target.sockaddr) ?? 0 } })
  way = yield* loopback(proxy.port)

  const connection = yield* messenger.connect(target)
  const events = yield* connection.events.pipe(Stream.take(2), Stream.runCollect, Effect.forkScoped)
  console.log("one:", yield* connection.deliver(Message.make({ type: 0xd3e0 })))
  yield* proxy.strike("Reset")
  console.log("two:", yield* connection.deliver(Message.make({ type: 0xd3e0 })))
  for (const event of yield* Fiber.join(events)) console.log(event._tag)
  console.log(`resumed ${(yield* connection.stats).resumed} time`)
})

// A server that remembers its clients, and a client that comes back to it.
const messenger = Messenger.layer({
  entityType: EntityName.EntityType.Mon,
  serverPolicies: { otherwise: Policy.statefulServer },
  clientPolicy: Policy.losslessClient
}).pipe(Layer.provide(Transport.layerRedirected((address) => way ?? address)), Layer.provide(NodeTransport.layer))
const auth = Layer.mergeAll(
  AuthServer.layerNone(),
  AuthClient.layer({ name: { type: EntityName.EntityType.Client, id: "example" }, methods: [1] })
)

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide([messenger, auth])))
