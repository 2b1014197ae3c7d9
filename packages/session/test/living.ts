/** States of a session, made without a handshake. */
import { type EntityAddr, EntityName, Ids, Message } from "@msgr2/wire"
import { Endpoint, type Event, Options, Outbox, type Peer, Policy, Session, type State } from "../src/index.ts"
import { addr } from "./pair.ts"

/** Where this end and its peer listen; this end's address is the smaller one. */
export const own = addr("v2:10.0.0.1:6800/1")
export const peer = addr("v2:10.0.0.2:6800/1")

export const local: Options.Server = {
  ...Options.defaults,
  entityType: EntityName.EntityType.Osd,
  gid: 1n,
  addrs: [own],
  policies: { otherwise: Policy.losslessPeerReuse }
}

export const policies = {
  initiator: Policy.initiator,
  statefulServer: Policy.statefulServer,
  statelessRegisteredServer: Policy.statelessRegisteredServer,
  statelessServer: Policy.statelessServer,
  losslessPeer: Policy.losslessPeer,
  losslessPeerReuse: Policy.losslessPeerReuse,
  lossyClient: Policy.lossyClient,
  losslessClient: Policy.losslessClient
} as const

/** What a test says of a session; the rest is that of one that is established and was returned to three times. */
export interface Facts {
  readonly policy?: Policy.Policy
  readonly addrs?: EntityAddr.EntityAddrVec
  readonly target?: EntityAddr.EntityAddr | undefined
  readonly retries?: number
  readonly clientCookie?: bigint
  /** The peer has told this end to ask for the session anew. */
  readonly invited?: boolean
  readonly serverCookie?: bigint
  readonly globalSeq?: bigint
  readonly peerGlobalSeq?: bigint
  readonly connectSeq?: bigint
  readonly lossy?: boolean
  readonly wanted?: boolean
  readonly attempts?: number
  readonly progress?: Session.Progress
  /** It has been open before; unless given, it has if it has a name at the server. */
  readonly known?: boolean
}

export const visitor: State.Authenticated = {
  revision: 1,
  compression: false,
  remote: addr("v2:10.0.0.2:40000/0"),
  peerType: EntityName.EntityType.Osd,
  policy: Policy.losslessPeerReuse,
  rounds: 0,
  globalId: Ids.globalId(4200n),
  name: { type: EntityName.EntityType.Osd, id: "2" },
  mode: 1
}

const peerInfo: Peer.Peer = {
  addrs: [peer],
  entityType: EntityName.EntityType.Osd,
  gid: 2n,
  features: Options.defaults.features,
  mode: 1,
  revision: 1,
  compression: undefined,
  globalId: visitor.globalId,
  authenticatedAs: undefined
}

export const sessionOf = (facts: Facts = {}): Session.Session => {
  const policy = facts.policy ?? Policy.losslessPeerReuse
  const fresh = Session.fresh({
    addrs: facts.addrs ?? [peer],
    target: "target" in facts ? facts.target : peer,
    entityType: EntityName.EntityType.Osd,
    policy,
    retries: facts.retries ?? Number.POSITIVE_INFINITY
  })
  return {
    ...fresh,
    peer: (facts.known ?? facts.serverCookie !== 0n) ? peerInfo : undefined,
    clientCookie: Ids.cookie(facts.clientCookie ?? 5n),
    invited: facts.invited ?? false,
    serverCookie: Ids.cookie(facts.serverCookie ?? 7n),
    globalSeq: Ids.globalSeq(facts.globalSeq ?? 4n),
    peerGlobalSeq: Ids.globalSeq(facts.peerGlobalSeq ?? 10n),
    connectSeq: Ids.connectSeq(facts.connectSeq ?? 3n),
    lossy: facts.lossy ?? policy.lossy,
    wanted: facts.wanted ?? false,
    attempts: facts.attempts ?? 0
  }
}

export const accepting: State.Accepting = {
  _tag: "SessionAccepting",
  visitor,
  compression: undefined,
  ident: undefined
}

const dial: State.Dial = {
  target: peer,
  cookie: Ids.cookie(0xd1a1n),
  local: own,
  revision: 1,
  compression: true,
  rounds: 0
}
const grant = { peerType: EntityName.EntityType.Osd, globalId: visitor.globalId, mode: 1 }
const arrangement: State.Arrangement = { dial, ...grant, compression: undefined }

export type Tag = State.Living["_tag"]

/** All states that have a session, in the order in which a session passes through them. */
export const connecting = [
  "StartConnect",
  "BannerConnecting",
  "HelloConnecting",
  "AuthConnecting",
  "AuthConnectingSign",
  "CompressionConnecting",
  "SessionConnecting",
  "SessionReconnecting"
] as const satisfies ReadonlyArray<Tag>
export const tags = [...connecting, "Wait", "Standby", "Ready"] as const satisfies ReadonlyArray<Tag>

/** A session with these facts, in the state `tag`. */
export const living = (tag: Tag, facts: Facts = {}): State.Living => {
  const lasting = { session: sessionOf(facts), progress: facts.progress ?? Session.start }
  switch (tag) {
    case "StartConnect":
    case "Wait":
      return { _tag: tag, target: peer, ...lasting }
    case "BannerConnecting":
    case "HelloConnecting":
      return { _tag: tag, dial, ...lasting }
    case "AuthConnecting":
      return { _tag: tag, dial, peerType: grant.peerType, offered: [1], granted: undefined, ...lasting }
    case "AuthConnectingSign":
      return { _tag: tag, dial, ...grant, ...lasting }
    case "CompressionConnecting":
      return { _tag: tag, dial, ...grant, asked: [], ...lasting }
    case "SessionConnecting":
    case "SessionReconnecting":
      return { _tag: tag, arrangement, ...lasting }
    case "Standby":
      return { _tag: tag, ...lasting }
    case "Ready":
      return { _tag: tag, peer: peerInfo, ...lasting }
  }
}

/** The machine that has them all. */
export const { step } = Endpoint.server(local)

/** The states that follow each other by these events, the last one first asked for. */
export const after = (state: State.State, ...events: ReadonlyArray<Event.Event>): State.State =>
  events.reduce((now, event) => step(now, event)[0], state)

export const disconnected: Event.Event = { _tag: "Disconnected" }

/** A message that its `tid` tells from others. */
export const letter = (tid: number, priority?: number): Message.Message =>
  Message.make({ type: 2, tid: BigInt(tid), ...(priority === undefined ? {} : { priority }) })

/** So many messages received, so many sent and not acknowledged, and these waiting. */
export const progressOf = (facts: {
  readonly received?: number
  readonly sent?: number
  readonly waiting?: ReadonlyArray<Message.Message>
}): Session.Progress => {
  let progress: Session.Progress = { ...Session.start, inSeq: facts.received ?? 0 }
  for (let tid = 1; tid <= (facts.sent ?? 0); tid++) progress = Session.submit(progress, false, letter(tid))
  for (const message of facts.waiting ?? []) progress = Session.enqueue(progress, message)
  return progress
}

/** The `tid`s of everything that has yet to reach the peer, in the order in which it will be sent. */
export const pending = (state: State.State): ReadonlyArray<number> =>
  "progress" in state ? Outbox.toArray(state.progress.outbox).map(({ header }) => Number(header.tid)) : []

export const asLiving = (state: State.State): State.Living => {
  if ("session" in state) return state
  throw new Error(`${state._tag} has no session`)
}

/** What `state` says of an error, if it is the end. */
export const reasonOf = (state: State.State): string | undefined =>
  state._tag === "Closed" ? (state.error?.reason ?? "no error") : undefined
