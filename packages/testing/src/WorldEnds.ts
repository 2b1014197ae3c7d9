/**
 * What the ends of a world are to the machines: options, addresses, and the answers that need no keys.
 */
import type { Question } from "@msgr2/session/Action"
import type { Endpoint } from "@msgr2/session/Endpoint"
import type { Event } from "@msgr2/session/Event"
import * as Options from "@msgr2/session/Options"
import type { Policies } from "@msgr2/session/Policy"
import type { Banner } from "@msgr2/wire/Banner"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import { globalId } from "@msgr2/wire/Ids"
import * as Message from "@msgr2/wire/Message"
import * as Features from "@msgr2/wire/Features"
import * as Result from "effect/Result"
import type { Actor, Machines, Setup } from "./World.ts"

/** Types of entities, by the place of the end: policies are chosen by them. */
const types = [4, 1, 2, 8, 16]
const typeOf = (end: number): number => types[end] ?? 32

/** No compression: its two frames touch nothing but the link. */
const local = { ...Options.defaults, msgr2Supported: Features.Msgr2.Revision1 }
const banner: Banner = { supported: local.msgr2Supported, required: local.msgr2Required }
export const bannerEvent: Event = { _tag: "Banner", ...banner }

const none = new Uint8Array(0)
const digest = new Uint8Array(32)
const name = { type: 8, id: "admin" }

/** Answers that every peer agrees with. The other questions are for the world to answer. */
export const answer = (question: Question): Event | undefined => {
  switch (question._tag) {
    case "AuthBegin":
    case "AuthNext":
      return { _tag: "AuthOffer", method: 1, modes: [ConnectionMode.ConnectionMode.Crc], payload: none }
    case "AuthMore":
      return { _tag: "AuthAnswer", payload: none }
    case "AuthFinish":
      return { _tag: "AuthGranted" }
    case "AuthJudge":
    case "AuthJudgeMore":
      return {
        _tag: "AuthAccepted",
        globalId: globalId(1n),
        mode: ConnectionMode.ConnectionMode.Crc,
        payload: none,
        name
      }
    case "Sign":
      return { _tag: "Signed", digest }
    case "Verify":
      return { _tag: "Verified", valid: true }
    default:
      return undefined
  }
}

/** More than there are ends, or addresses of one end. */
const base = 100

/** Everything that is made once for a setup. */
export class Ends {
  readonly setup: Setup
  readonly machines: Machines
  readonly #own = new Map<number, EntityAddr.EntityAddr>()
  readonly #clients = new Map<number, Endpoint>()
  readonly #servers = new Map<number, Endpoint>()
  readonly #messages: Array<Message.Message> = []

  constructor(setup: Setup, machines: Machines) {
    this.setup = setup
    this.machines = machines
  }

  /** The address of `end`, the one it has had `before` others. */
  address(end: number, before: number): EntityAddr.EntityAddr {
    const key = end * base + before
    const known = this.#own.get(key)
    if (known !== undefined) return known
    const parsed = Result.getOrThrow(EntityAddr.parse(this.setup.ends[end]?.address ?? ""))
    const own = { ...parsed, nonce: parsed.nonce + before }
    this.#own.set(key, own)
    return own
  }

  private local(end: number, before: number): Options.Local {
    const own = this.address(end, before)
    const addrs = this.setup.ends[end]?.listens === true ? [own] : []
    return { ...local, entityType: typeOf(end), gid: BigInt(end), nonce: own.nonce, addrs }
  }

  /** The socket address from which `end` dials. */
  socket(end: number, before: number): EntityAddr.EntityAddr {
    return { ...this.address(end, before), nonce: 0, type: EntityAddr.AddrType.Msgr2 }
  }

  client(end: number, before: number, to: number, toBefore: number): Endpoint {
    const key = ((end * base + before) * base + to) * base + toBefore
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const { policies, retries } = this.setup.ends[end] ?? {}
    const policy = policies?.[to]
    if (policy === undefined) throw new RangeError(`end ${end} has no policy towards end ${to}`)
    const made = this.machines.client({
      ...this.local(end, before),
      target: this.address(to, toBefore),
      targetType: typeOf(to),
      policy,
      ...(retries === undefined ? {} : { retries })
    })
    this.#clients.set(key, made)
    return made
  }

  server(end: number, before: number): Endpoint {
    const key = end * base + before
    const known = this.#servers.get(key)
    if (known !== undefined) return known
    const policies = this.setup.ends[end]?.policies ?? []
    const byType = Object.fromEntries(policies.map((policy, to) => [typeOf(to), policy]))
    const otherwise = policies[0]
    if (otherwise === undefined) throw new RangeError(`end ${end} has no policies`)
    const all: Policies = { otherwise, byType }
    const made = this.machines.server({ ...this.local(end, before), policies: all })
    this.#servers.set(key, made)
    return made
  }

  machine(end: number, before: number, actor: Actor): Endpoint {
    return actor.role === "server" ? this.server(end, before) : this.client(end, before, actor.to, actor.address)
  }

  /** Message `number` of a tally, of that priority: one and the same value each time. */
  message(number: number, priority: number): Message.Message {
    const key = 256 * number + priority
    return (this.#messages[key] ??= Message.make({ type: 1, tid: BigInt(number), priority }))
  }
}
