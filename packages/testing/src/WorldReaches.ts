/**
 * What can happen in a world: that a model is about what it is said to be about.
 */
import * as Arbiter from "@msgr2/session/Arbiter"
import type { Event } from "@msgr2/session/Event"
import type { State } from "@msgr2/session/State"
import type { Predicates } from "./Model.ts"
import { type Actor, holder, type World } from "./World.ts"
import type { Ends } from "./WorldEnds.ts"

type Case<T extends Event["_tag"]> = Extract<Event, { readonly _tag: T }>

/** A frame is on its way to somebody who will take it. */
const isUnderWay =
  <T extends Event["_tag"]>(tag: T, such: (frame: Case<T>, reader: State) => boolean = () => true) =>
  (world: World): boolean =>
    world.links.some((link) =>
      (["dialler", "acceptor"] as const).some((side) => {
        const reader = holder(world, link, side)?.state
        return (
          reader !== undefined &&
          link.towards[side].some((frame) => frame._tag === tag && such(frame as Case<T>, reader))
        )
      })
    )

/** What the arbiter would say to the requests that are read next, and of which sessions. */
const verdicts = (ends: Ends, world: World) =>
  world.links.flatMap((link) => {
    const visitor = holder(world, link, "acceptor")?.state
    const [request] = link.towards.acceptor
    if (visitor?._tag !== "SessionAccepting") return []
    if (request?._tag !== "ClientIdent" && request?._tag !== "Reconnect") return []
    const end = world.ends[link.acceptor]
    const known = end?.actors.find(({ listed, to }) => listed && to === link.dialler)
    const question: Arbiter.Question = {
      own: [ends.address(link.acceptor, end?.address ?? 0)],
      policy: visitor.visitor.policy,
      existing: known?.state,
      replacing: known?.handover !== undefined
    }
    return [{ verdict: Arbiter.judge(question, request), existing: known?.state }]
  })

const count = (world: World, such: (actor: Actor) => boolean): number =>
  world.ends.filter(({ actors }) => actors.some(such)).length

/** `ends` are those of the setup that the worlds belong to. */
export const all = (ends: Ends) =>
  ({
    resumed: isUnderWay("ReconnectOk", ({ msgSeq }, reader) => {
      if (reader._tag !== "SessionReconnecting") return false
      const { outbox, outSeq } = reader.progress
      return outbox.replay.size > 0 && outSeq + outbox.replay.size > msgSeq
    }),
    "resumed, with something that had arrived": isUnderWay(
      "ReconnectOk",
      ({ msgSeq }, reader) =>
        reader._tag === "SessionReconnecting" &&
        reader.progress.outbox.replay.size > 0 &&
        msgSeq > reader.progress.outSeq
    ),
    RETRY: isUnderWay("RetrySession"),
    RETRY_GLOBAL: isUnderWay("RetryGlobal"),
    WAIT: isUnderWay("Wait"),
    "RESET, full": isUnderWay("ResetSession", ({ full }) => full),
    "RESET, partial": isUnderWay("ResetSession", ({ full }) => !full),
    "an answer that is void": isUnderWay(
      "ServerIdent",
      ({ globalSeq }, reader) => reader._tag === "SessionConnecting" && (reader.superseded ?? 0n) > globalSeq
    ),
    "a live session taken over": (world) =>
      verdicts(ends, world).some(({ existing, verdict }) => verdict._tag === "Reuse" && existing?._tag === "Ready"),
    "a stale attempt refused": (world) => verdicts(ends, world).some(({ verdict }) => verdict._tag === "Refuse"),
    "a lossy session displaced": (world) => verdicts(ends, world).some(({ verdict }) => verdict._tag === "Displace"),
    "a session reset by another": (world) =>
      verdicts(ends, world).some(({ verdict }) => verdict._tag === "Reuse" && verdict.reset),
    "both sides ask": (world) => count(world, ({ state }) => state._tag === "SessionConnecting") > 1,
    "both sides return": (world) => count(world, ({ state }) => state._tag === "SessionReconnecting") > 1
  }) satisfies Predicates<World>

export type Reach = keyof ReturnType<typeof all>
