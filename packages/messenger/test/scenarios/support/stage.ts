/** Two messengers that dial each other: "me", whose objects are counted, and the peer. */
import { assert } from "@effect/vitest"
import type { Policy } from "@msgr2/session"
import { Effect, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { MessengerConfig, TransportError } from "../../../src/index.ts"
import { addr, memory, turn } from "../../support/world.ts"
import type { Breakpoint } from "./breakpoints.ts"
import { End } from "./end.ts"
import type { Entry } from "./ledger.ts"

/** Who has the smaller address, and so the precedence when both dial. */
export type First = "me" | "peer"

export interface Setting {
  readonly me: Policy.Policy
  readonly peer: Policy.Policy
  readonly breakpoints?: ReadonlyArray<Breakpoint>
  readonly peerBreakpoints?: ReadonlyArray<Breakpoint>
  readonly first?: First
  readonly config?: Partial<MessengerConfig.MessengerConfig>
}

const small = addr("127.0.0.1", 6801, 2)
const large = addr("127.0.0.1", 6901, 4)

const STEP = "100 millis"
/** Steps after which something that has not happened is not going to. */
const STEPS = 300
/** Turns of the event loop in which everything happens that needs no time. */
const TURNS = 6

/** Lets time pass until `done`, as little as possible. */
export const until = (what: () => string, done: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let step = 0; step < STEPS; step++) {
      for (let i = 0; i < TURNS; i++) {
        if (done()) return
        yield* turn
      }
      yield* TestClock.adjust(STEP)
    }
    return yield* Effect.die(new Error(`never: ${what()}`))
  })

/** Lets everything happen that needs no time. */
export const moment = Effect.gen(function* () {
  for (let i = 0; i < TURNS; i++) yield* turn
})

/** Lets everything happen that is going to happen. */
export const calm = Effect.gen(function* () {
  for (let step = 0; step < 10; step++) {
    yield* moment
    yield* TestClock.adjust("2 seconds")
  }
})

/** Nobody waits and nobody is on the way. */
const RESTING: ReadonlyArray<string | undefined> = ["established", "closed", "replaced"]

export class Stage {
  readonly me: End
  readonly peer: End

  private constructor(me: End, peer: End) {
    this.me = me
    this.peer = peer
  }

  static readonly make = Effect.fnUntraced(function* ({
    breakpoints = [],
    config = {},
    first = "me",
    me,
    peer,
    peerBreakpoints = []
  }: Setting): Effect.fn.Return<Stage, TransportError.TransportError, Scope.Scope> {
    const network = yield* Layer.build(memory)
    const [address, other] = first === "me" ? [small, large] : [large, small]
    return new Stage(
      yield* End.make({ config, address, other, policy: me, breakpoints, firstTid: 1000 }, network),
      yield* End.make(
        { config, address: other, other: address, policy: peer, breakpoints: peerBreakpoints, firstTid: 2000 },
        network
      )
    )
  })

  get everythingHeard(): boolean {
    const { me, peer } = this
    const heard = me.heard.length >= peer.sent.length && peer.heard.length >= me.sent.length
    return heard && [me, peer].every(({ unanswered, waiting }) => waiting === 0 && unanswered === 0)
  }

  private until(what: string, done: () => boolean): Effect.Effect<void> {
    return until(() => `${what}: ${this}`, done)
  }

  /** Something is held. */
  readonly held = this.until("held", () => this.me.breakpoints.held > 0)
  readonly peerHeld = this.until("held at the peer", () => this.peer.breakpoints.held > 0)
  readonly release = Effect.suspend(() => this.me.breakpoints.release)

  /** My connection is open, and everything has been heard. */
  readonly established = this.until("established", () => this.me.state === "established" && this.everythingHeard)

  /** Some object of mine has given its socket away. */
  readonly replaced = this.until("replaced", () => this.me.ledger.entries.some(({ state }) => state === "replaced"))

  /** One of the ends has been told that the other's attempt has precedence. */
  readonly putOff = this.until("put off", () =>
    [this.me, this.peer].some(({ ledger }) => ledger.entries.some(({ state }) => state === "Wait"))
  )

  /** There are so many objects, all of them at rest; where one is open, everything has been heard. */
  readonly results = (count: number): Effect.Effect<void> =>
    this.until(`${count} at rest`, () => {
      const { entries } = this.me.ledger
      if (entries.length < count || entries.some(({ state }) => !RESTING.includes(state))) return false
      return this.everythingHeard || entries.every(({ state }) => state !== "established")
    })

  /** Acks that are on their way arrive. */
  readonly acked = moment

  /** My session has no connection, and nothing that asks for one. */
  readonly standby = this.until("standby", () => this.me.state === "Standby")

  /** This is what has become of my objects so far. */
  readonly holds = (...expected: ReadonlyArray<Entry>): Effect.Effect<void> =>
    Effect.andThen(
      moment,
      Effect.sync(() => assert.deepStrictEqual(this.me.ledger.entries, expected))
    )

  /** Longer than the first pause between attempts. */
  readonly aWhile = TestClock.adjust("210 millis")

  /** Both ends send. */
  readonly talk = Effect.suspend(() => Effect.andThen(this.me.send, this.peer.send))

  toString(): string {
    const { me, peer } = this
    const entries = me.ledger.entries.map((each) => JSON.stringify(each)).join("; ")
    const states = peer.ledger.entries.map(({ state }) => state).join(" ")
    const heard = `${me.heard.length} of ${peer.sent.length}, ${peer.heard.length} of ${me.sent.length}`
    return `${entries}; the peer's ${states}; heard ${heard}; missed ${me.breakpoints.missed.join(", ")}`
  }
}
