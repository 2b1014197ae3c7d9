import { AuthClient } from "@msgr2/auth/AuthClient"
import { AuthServer } from "@msgr2/auth/AuthServer"
import * as KeyServer from "@msgr2/auth/KeyServer"
import { Messenger } from "@msgr2/messenger/Messenger"
import * as NodeTransport from "@msgr2/messenger/NodeTransport"
import { EntityAddr, EntityName, Message } from "@msgr2/wire"
import { Effect, Layer, Stream } from "effect"

const program = Effect.gen(function* () {
  const messenger = yield* Messenger
  const name = yield* Effect.fromResult(EntityName.parse("client.example"))
  const keyServer = yield* KeyServer.generate([name])

  // Whoever has the key gets its messages back.
  const anyPort = yield* Effect.fromResult(EntityAddr.parse("v2:127.0.0.1:0"))
  const { addrs } = yield* messenger
    .serve(anyPort, (connection) => Stream.runForEach(connection.messages, connection.send))
    .pipe(Effect.provide(AuthServer.layerCephx({ keyServer })))

  const connection = yield* messenger
    .connect(EntityAddr.msgr2Of(addrs))
    .pipe(Effect.provide(AuthClient.layer({ name, key: keyServer.keyring.get("client.example")?.key })))
  yield* connection.send(Message.make({ type: 0xd3e0, data: new TextEncoder().encode("hello") }))
  const [echo] = yield* connection.messages.pipe(Stream.take(1), Stream.runCollect)
  console.log(`message ${echo?.header.seq}: ${new TextDecoder().decode(echo?.data)}`)
})

// This end hands out keys, which is what a monitor does.
const messenger = Messenger.layer({ entityType: EntityName.EntityType.Mon }).pipe(Layer.provide(NodeTransport.layer))

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(messenger)))
