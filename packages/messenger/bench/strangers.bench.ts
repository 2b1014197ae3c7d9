/**
 * What a server keeps of clients that come once, complete the handshake of a session that could be resumed, and never
 * come back. Run it with `npm run bench:strangers -- [COUNT]`, a million unless given; it prints the live heap as the
 * count grows. That is to follow `maxDetached`, not the count.
 */
import { AuthServer } from "@msgr2/auth/AuthServer"
import { Policy } from "@msgr2/session"
import { EntityAddr } from "@msgr2/wire"
import { Effect, Layer, References } from "effect"
import type { Connection } from "../src/Connection.ts"
import * as MemoryTransport from "../src/MemoryTransport.ts"
import { Messenger } from "../src/Messenger.ts"
import { Transport } from "../src/Transport.ts"
import { clientWords, Speaker } from "../test/support/raw.ts"
import { addr, anywhere, Mon } from "../test/support/world.ts"

const COUNT = Number(process.argv[2] ?? 1_000_000)
const KEPT = 1024
/** At a time. */
const PARTY = 100
const POINTS = 10

const { gc } = globalThis

/** With the buffers outside it, which are let go of a moment after what held them. **Units** bytes. */
const liveHeap = Effect.gen(function* () {
  gc?.()
  yield* Effect.sleep("100 millis")
  gc?.()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
})

/** Everything that stranger number `i` says up to and including CLIENT_IDENT. */
const words = (i: number, address: EntityAddr.EntityAddr): Uint8Array =>
  new Speaker().say(
    ...clientWords(address).map(([, word]) =>
      "_tag" in word && word._tag === "ClientIdent"
        ? { ...word, addrs: [{ ...addr("10.0.0.1", 0, i), type: EntityAddr.AddrType.Any }] }
        : word
    )
  )

/** Counts sessions, and wakes whoever waits for so many. */
class Register {
  /** READY so far, and those of them that were given up. */
  opened = 0
  ended = 0
  private wanted = 0
  private wake = () => {}

  readonly handler = (connection: Connection) =>
    Effect.suspend(() => {
      if (++this.opened === this.wanted) this.wake()
      return Effect.map(Effect.exit(connection.closed), () => void this.ended++)
    })

  reached(count: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.wanted = count
      this.wake = () => resume(Effect.void)
      if (this.opened >= count) this.wake()
    })
  }
}

const main = Effect.gen(function* () {
  const register = new Register()
  const messenger = yield* Messenger
  const { addrs } = yield* messenger.serve(anywhere, register.handler)
  const [address = EntityAddr.blank] = addrs
  const transport = yield* Transport
  const party = Effect.fnUntraced(function* (first: number) {
    for (let i = first; i < first + PARTY; i++) (yield* transport.connect(address)).write([words(i, address)])
    yield* register.reached(first + PARTY - 1)
  }, Effect.scoped)

  const heap = yield* liveHeap
  const began = performance.now()
  console.log("   strangers   sessions kept   live heap above the start   microseconds each")
  for (let first = 1, next = Math.ceil(COUNT / POINTS); first <= COUNT; first += PARTY) {
    yield* party(first)
    const come = first + PARTY - 1
    if (come < next && come < COUNT) continue
    next += Math.ceil(COUNT / POINTS)
    const grown = (((yield* liveHeap) - heap) / 2 ** 20).toFixed(1)
    const each = (((performance.now() - began) * 1000) / come).toFixed(0)
    console.log(
      `${come.toLocaleString("en").padStart(12)}${(register.opened - register.ended).toLocaleString("en").padStart(16)}` +
        `${`${grown} MiB`.padStart(28)}${each.padStart(20)}`
    )
  }
})

const layer = Layer.provideMerge(
  Layer.mergeAll(
    Messenger.layer({ entityType: Mon, serverPolicies: { otherwise: Policy.statefulServer }, maxDetached: KEPT }),
    AuthServer.layerNone()
  ),
  MemoryTransport.layer
)

if (gc === undefined) console.log("without --expose-gc the heap has garbage in it")
await Effect.runPromise(
  Effect.scoped(main).pipe(Effect.provide(layer), Effect.provideService(References.MinimumLogLevel, "Fatal"))
)
