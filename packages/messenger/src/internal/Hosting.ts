/**
 * What sessions ask of their messenger: sockets, pauses, judgement.
 */
import type { AuthClient } from "@msgr2/auth/AuthClient"
import type { AuthServer } from "@msgr2/auth/AuthServer"
import * as Arbiter from "@msgr2/session/Arbiter"
import type { Event } from "@msgr2/session/Event"
import { isLiving } from "@msgr2/session/State"
import type { Banner } from "@msgr2/wire/Banner"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import { type GlobalSeq, globalSeq } from "@msgr2/wire/Ids"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { MessengerConfig } from "../MessengerConfig.ts"
import type { Observation, Transition } from "../Observer.ts"
import type { Pipe, Transport } from "../Transport.ts"
import { TransportError } from "../TransportError.ts"
import type { Driver } from "./Driver.ts"
import type { Host, Job } from "./Host.ts"
import { Link } from "./Link.ts"
import * as Questions from "./Questions.ts"
import type { Sessions } from "./Sessions.ts"

/** What a messenger has, whoever uses it. */
export interface House {
  readonly config: MessengerConfig
  readonly transport: Context.Service.Shape<typeof Transport>
  readonly sessions: Sessions
  readonly banner: Banner
  /** Numbers the sockets. */
  readonly nextLink: () => number
  /** This end's own addresses: empty while it listens nowhere. */
  readonly addrs: () => EntityAddr.EntityAddrVec
  /** A number above `above` and above all that were given before. */
  readonly nextGlobalSeq: (above?: GlobalSeq) => GlobalSeq
}

/** A counter that never gives a number twice, and can be told of higher ones. */
export const globalSeqs = (start: bigint): House["nextGlobalSeq"] => {
  let last = start
  return (above = globalSeq(0n)) => {
    if (above > last) last = above
    return globalSeq(++last)
  }
}

/** With whose keys and under whose eyes. */
export interface Guest {
  readonly context: Context.Context<never>
  /** Without one, nobody is dialled. */
  readonly client: Context.Service.Shape<typeof AuthClient> | undefined
  readonly server: Context.Service.Shape<typeof AuthServer> | undefined
  readonly observe: ((observation: Observation) => void) | undefined
  readonly watch: ((transition: Transition) => void) | undefined
}

export interface Hosting extends Host {
  /** A socket that a peer has opened, for a session that is not known yet. */
  readonly receive: (driver: Driver, pipe: Pipe, scope: Scope.Closeable) => Effect.Effect<void>
}

export const make = (house: House, guest: Guest): Hosting => {
  const { banner, config, nextGlobalSeq, nextLink, sessions, transport } = house
  const fork = Effect.runForkWith(guest.context)

  /** Whoever lets go of the session waits for this too. */
  const work = (driver: Driver, effect: Effect.Effect<void>): Fiber.Fiber<void> => {
    const fiber = fork(effect)
    driver.work.add(fiber)
    fiber.addObserver(() => driver.work.delete(fiber))
    return fiber
  }

  const job = (driver: Driver, effect: (job: Job) => Effect.Effect<void>): Job => {
    const job: Job = {
      cancelled: false,
      cancel: () => {
        job.cancelled = true
        fiber?.interruptUnsafe()
      }
    }
    let fiber: Fiber.Fiber<void> | undefined
    // Not at once: the step that asks for it is to be completed first.
    fiber = work(driver, Effect.andThen(Effect.yieldNow, effect(job)))
    return job
  }

  const start = Effect.fnUntraced(function* (link: Link, opening: Event) {
    yield* Effect.forkIn(link.run(opening), link.scope, { startImmediately: true })
    yield* Effect.forkIn(link.timers, link.scope)
  })

  const socket = (target: EntityAddr.EntityAddr): Effect.Effect<Pipe, TransportError, Scope.Scope> =>
    Effect.timeoutOrElse(transport.connect(target), {
      duration: config.handshakeTimeout,
      orElse: () =>
        Effect.fail(new TransportError({ reason: "Timeout", address: EntityAddr.format(target), detail: "" }))
    })

  const dial = (driver: Driver, target: EntityAddr.EntityAddr, job: Job): Effect.Effect<void> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const { client, observe } = guest
        if (client === undefined) return
        const cookie = yield* Questions.randomCookie
        const scope = yield* Scope.make()
        const exit = yield* Effect.exit(Scope.provide(restore(socket(target)), scope))
        if (job.cancelled || Exit.isFailure(exit)) {
          yield* Scope.close(scope, exit)
          const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
          if (job.cancelled) return
          if (error instanceof TransportError) driver.lose(error)
          else driver.die(error)
          return
        }
        const pipe = exit.value
        const questions = Questions.client(client, nextGlobalSeq)
        const link = new Link(
          { id: nextLink(), role: "client", pipe, scope, banner, config, questions, observe },
          driver
        )
        driver.attach(link)
        yield* start(link, { _tag: "Connected", globalSeq: nextGlobalSeq(), cookie, local: pipe.local })
      })
    )

  const wait = (driver: Driver, duration: Duration.Input, event: Event): Job =>
    job(driver, (job) =>
      Effect.andThen(
        Effect.sleep(duration),
        Effect.sync(() => {
          if (!job.cancelled) driver.dispatch(event)
        })
      )
    )

  return {
    dial: (driver, target) => job(driver, (job) => dial(driver, target, job)),
    backoff: (driver, after) => wait(driver, after, { _tag: "BackoffOver" }),
    discard: (driver, link) => {
      work(driver, Effect.uninterruptible(Scope.close(link.scope, Exit.void)))
    },
    arbitrate: (driver, link, request) =>
      Effect.map(Questions.randomCookie, (cookie) => {
        const { state } = driver
        if (link.dropped || state._tag !== "SessionAccepting") return
        const known = sessions.find(request.addrs)
        const question = { own: house.addrs(), policy: state.visitor.policy, existing: known?.state }
        const { existing, newcomer } = Arbiter.arbitrate(question, state, request, {
          cookie,
          globalSeq: nextGlobalSeq()
        })
        if (known !== undefined && existing !== undefined) {
          if (existing._tag === "Reuse") known.adopt(link)
          known.dispatch(existing)
        }
        driver.dispatch(newcomer)
      }),
    moved: (driver, from, event) => {
      const { state } = driver
      guest.watch?.({ connection: driver.id, from: from._tag, to: state._tag, event })
      if (!isLiving(state)) {
        if (isLiving(from)) sessions.remove(from.session.remote.addrs, driver)
        driver.expiry?.cancel()
        return
      }
      if (!driver.visited) return
      if (from._tag === "SessionAccepting") sessions.add(state.session.remote.addrs, driver)
      if (state._tag === "Ready") {
        sessions.attach(driver)
        driver.expiry?.cancel()
      } else if (from._tag === "Ready") {
        driver.expiry = wait(driver, config.sessionTimeout, { _tag: "Expired" })
        sessions.detach(driver)
      }
    },
    receive: (driver, pipe, scope) => {
      const { observe, server } = guest
      if (server === undefined) return Effect.die(new Error("nobody judges visitors"))
      const questions = Questions.server(server, nextGlobalSeq)
      const link = new Link({ id: nextLink(), role: "server", pipe, scope, banner, config, questions, observe }, driver)
      driver.attach(link)
      return start(link, { _tag: "Accepted", remote: pipe.remote })
    }
  }
}
