import { AuthClient } from "@msgr2/auth/AuthClient"
import { AuthServer } from "@msgr2/auth/AuthServer"
import type { Connection } from "@msgr2/messenger/Connection"
import { Messenger } from "@msgr2/messenger/Messenger"
import { Transport } from "@msgr2/messenger/Transport"
import { Policy } from "@msgr2/session"
import { type SimHost, SimNetwork, Simulation, Weather } from "@msgr2/testing"
import { EntityName, Message } from "@msgr2/wire"
import { Effect, Exit, Layer, Stream } from "effect"

// An application: whatever is asked is answered, and a hundred things are asked.
const answer = (connection: Connection) => Stream.runForEach(connection.messages, connection.send)
const ask = Effect.fnUntraced(function* (connection: Connection) {
  for (let i = 0; i < 100; i++) yield* connection.send(Message.make({ type: 0xd3e0, data: new Uint8Array(50) }))
  return yield* connection.messages.pipe(Stream.take(100), Stream.runCount)
})

const { Client, Mon } = EntityName.EntityType
const messenger = (entityType: number, { transport }: SimHost.SimHost) =>
  Messenger.layer({
    entityType,
    serverPolicies: { otherwise: Policy.statefulServer },
    clientPolicy: Policy.losslessClient
  }).pipe(Layer.provide(Layer.succeed(Transport, transport)))

// Its world: two hosts, and eight connections that break after 4,000 bytes, which only one of the two hosts is told.
const program = Effect.gen(function* () {
  const { clock } = yield* Simulation.Simulation
  const network = yield* SimNetwork.SimNetwork.make({ ...Weather.calm, latency: [1, 30], cutting: 0.3 })
  network.inflict([{ _tag: "Cut", link: 0, times: 8, direction: "up", byte: 4000, noticed: [50, null] }])
  const [a, b] = [network.host("a"), network.host("b")]

  yield* Effect.flatMap(Messenger, ({ serve }) => serve(a.address(6800), answer)).pipe(
    Effect.provide([messenger(Mon, a), AuthServer.layerNone()])
  )
  const asking = Effect.gen(function* () {
    const { connect } = yield* Messenger
    const connection = yield* connect(a.address(6800))
    const answers = yield* ask(connection)
    const { resumed } = yield* connection.stats
    return `${answers} answers in ${Math.round(clock.now)} ms, resumed ${resumed} times`
  })
  const login = AuthClient.layer({ name: { type: Client, id: "b" }, methods: [1] })
  return yield* Effect.provide(asking, [messenger(Client, b), login])
})

for (const seed of [1, 2, 3]) {
  const { outcome } = Simulation.simulate(seed, Effect.scoped(program))
  if (outcome._tag !== "Finished") console.log(outcome._tag)
  else console.log(Exit.isSuccess(outcome.exit) ? outcome.exit.value : outcome.exit.cause)
}
