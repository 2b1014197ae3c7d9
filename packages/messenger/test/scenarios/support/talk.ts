/** What is said to sessions and heard of them, one at a time. */
import type { Policy } from "@msgr2/session"
import { Effect, Exit, Layer, Scope, Stream } from "effect"
import type { Connection, Transport } from "../../../src/index.ts"
import { digest } from "../../support/messages.ts"
import { addr } from "../../support/world.ts"
import type { Breakpoints } from "./breakpoints.ts"
import * as Node from "./node.ts"
import { until } from "./stage.ts"

export const here = addr("127.0.0.1", 6800, 1)
export const there = addr("127.0.0.1", 6900, 2)

/** What befalls a session, from now on. */
export const chronicle = Effect.fnUntraced(function* ({ events }: Connection.Connection) {
  const tags: Array<string> = []
  yield* Effect.forkScoped(
    Stream.runForEach(events, (event) =>
      Effect.sync(() => tags.push(event._tag === "Connected" && event.resumed ? "Resumed" : event._tag))
    ),
    { startImmediately: true }
  )
  return tags
})

/** What has come, in the order in which it comes. */
export const listen = Effect.fnUntraced(function* ({ messages }: Connection.Connection) {
  const heard: Array<string> = []
  yield* Effect.forkScoped(
    Effect.ignore(Stream.runForEach(messages, (each) => Effect.sync(() => heard.push(digest(each)))))
  )
  return heard
})

/** A server that can be stopped and started again at its address, with no memory of what was. */
export const phoenix = Effect.fnUntraced(function* (policy: Policy.Policy) {
  const life = { scope: yield* Scope.fork(yield* Effect.scope) }
  const rise = Effect.gen(function* () {
    const node = yield* Node.make({ serverPolicies: { otherwise: policy } })
    yield* node.serve(here)
    return node.accepted
  })
  const parent = yield* Effect.scope
  return {
    accepted: yield* Scope.provide(rise, life.scope),
    fall: Effect.suspend(() => Scope.close(life.scope, Exit.void)),
    rise: Effect.gen(function* () {
      life.scope = yield* Scope.fork(parent)
      return yield* Scope.provide(rise, life.scope)
    })
  }
})

/** A client whose sockets meet breakpoints. */
export const exposed = Effect.fnUntraced(function* (breakpoints: Breakpoints, options: Node.Options = {}) {
  const network = Layer.succeedContext(yield* Effect.context<Transport.Transport>())
  const transport = yield* Layer.build(breakpoints.layer(network))
  return yield* Effect.provideContext(Node.make(options), transport)
})

/** Waits for so many entries. */
export const reach = (list: ReadonlyArray<string>, count: number) =>
  until(
    () => `${count} of ${list.join()}`,
    () => list.length >= count
  )
