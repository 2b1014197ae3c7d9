/**
 * The second process of the demonstration: a server with a key server inside. It tells its parent where it listens,
 * hands over the client's key, answers every message, and reports what it saw.
 */
import { AuthServer } from "@msgr2/auth/AuthServer"
import * as Keyring from "@msgr2/auth/Keyring"
import * as KeyServer from "@msgr2/auth/KeyServer"
import type { Connection } from "@msgr2/messenger/Connection"
import { Messenger } from "@msgr2/messenger/Messenger"
import * as NodeTransport from "@msgr2/messenger/NodeTransport"
import { Observer } from "@msgr2/messenger/Observer"
import * as Policy from "@msgr2/session/Policy"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import { EntityType } from "@msgr2/wire/EntityName"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { sight } from "./Chart.ts"
import type { FromServer } from "./Parts.ts"
import { clientName, REPORT } from "./Parts.ts"
import { message, Tally } from "./Workload.ts"

const tell = (word: FromServer): void => {
  process.send?.(word)
}

/** Answers each message with one of its own, and says, when asked, what it has heard and said. */
const converse = (connection: Connection) => {
  const heard = new Tally()
  const said = new Tally()
  const report = (word: unknown) => {
    if (word !== REPORT) return
    tell({ _tag: "Result", heard: heard.digest(), said: said.digest(), count: heard.count, bytes: heard.bytes })
  }
  process.on("message", report)
  return connection.messages.pipe(
    Stream.runForEachArray((batch) => {
      const replies = batch.map((received) => {
        heard.add(received)
        const reply = message(said.count, 2)
        said.add(reply)
        return reply
      })
      return connection.sendAll(replies)
    }),
    Effect.ensuring(
      Effect.sync(() => {
        process.off("message", report)
      })
    )
  )
}

/** Runs until the parent goes away. */
export const main = Effect.gen(function* () {
  const messenger = yield* Messenger
  const keyServer = yield* KeyServer.generate([clientName])
  const address = EntityAddr.make("127.0.0.1", 0)
  if (address === undefined) return
  const { addrs } = yield* messenger.serve(address, converse).pipe(Effect.provide(AuthServer.layerCephx({ keyServer })))
  const keyring = Redacted.value(Keyring.format(keyServer.keyring))
  tell({ _tag: "Listening", address: addrs.map(EntityAddr.format).join(","), keyring })
  const parentGone = yield* Deferred.make<void>()
  process.once("disconnect", () => Deferred.doneUnsafe(parentGone, Effect.void))
  yield* Deferred.await(parentGone)
}).pipe(
  Effect.scoped,
  Effect.provide(
    Messenger.layer({ entityType: EntityType.Mon, serverPolicies: { otherwise: Policy.statefulServer } }).pipe(
      Layer.provide(NodeTransport.layer)
    )
  ),
  Effect.provideService(Observer, (observation) => tell({ _tag: "Sight", sight: sight(observation) }))
)
