/**
 * What a connection that the peer has opened means for the session that may exist under its addresses.
 *
 * The order of the rules is Ceph's, and it matters.
 *
 * **Source** msgr2, "Message flow handshake"; Ceph `src/msg/async/ProtocolV2.cc` (`handle_existing_connection`,
 * `handle_reconnect`)
 */
import type { Of } from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import type { Cookie, GlobalSeq } from "@msgr2/wire/Ids"
import type { Answer, Arrival } from "./Event.ts"
import type { Policy } from "./Policy.ts"
import type { Accepting, Authenticated, Living, State } from "./State.ts"

/** The two frames that ask for a session. */
export type SessionRequest = Of<"ClientIdent"> | Of<"Reconnect">

export type Verdict =
  /** Nothing stands in the way of a new session. */
  | { readonly _tag: "Accept" }
  /** The session that exists ends, and a new one begins. */
  | { readonly _tag: "Displace" }
  /**
   * The newcomer is older than what exists: away with it. A process that has started anew and counts from the beginning
   * looks just like that, so what exists is to get on with its own attempt, which will tell.
   */
  | { readonly _tag: "Refuse" }
  /**
   * The newcomer is told this, and may ask again. `proceed`: what exists is to get on with its own attempt; an answer to
   * that which is older than `supersedes` must not count.
   */
  | {
      readonly _tag: "PutOff"
      readonly frame: Extract<Answer, { readonly _tag: "PutOff" }>["frame"]
      readonly proceed: boolean
      readonly supersedes?: GlobalSeq
    }
  /** What exists goes on with the newcomer's socket. */
  | { readonly _tag: "Reuse"; readonly reset: boolean }

/** What the rules look at. */
export interface Question {
  /** This end's addresses. */
  readonly own: EntityAddr.EntityAddrVec
  /** How the newcomer is treated. */
  readonly policy: Policy
  /** What is known under the newcomer's addresses. */
  readonly existing: State | undefined
  /** The session is just being given another socket. */
  readonly replacing?: boolean
}

const accept: Verdict = { _tag: "Accept" }
const putOff = (
  frame: Extract<Verdict, { readonly _tag: "PutOff" }>["frame"],
  proceed = false
): Extract<Verdict, { readonly _tag: "PutOff" }> => ({
  _tag: "PutOff",
  frame,
  proceed
})
const reuse = (reset = false): Verdict => ({ _tag: "Reuse", reset })

/** Below 0 when the connection that the peer opened has precedence over ours: the smaller address dials. */
const race = (own: EntityAddr.EntityAddrVec, peer: EntityAddr.EntityAddrVec): number =>
  EntityAddr.compare(EntityAddr.msgr2Of(peer), EntityAddr.msgr2Of(own))

/** A client that wants a new session. */
export const identify = ({ existing, own, policy, replacing }: Question, ident: Of<"ClientIdent">): Verdict => {
  if (existing === undefined || !("session" in existing)) return accept
  if (replacing === true) return putOff({ _tag: "Wait" })
  const { clientCookie, invited, lossy, peerGlobalSeq, remote, serverCookie } = existing.session
  const attached = existing._tag === "Ready" || existing._tag === "Standby"
  if (peerGlobalSeq > ident.globalSeq) return { _tag: "Refuse" }
  if (lossy) return { _tag: "Displace" }
  if (serverCookie !== 0n && clientCookie !== 0n && clientCookie !== ident.cookie) {
    return reuse(policy.resetCheck)
  }
  if (attached) return reuse()
  if (clientCookie === ident.cookie) {
    // It has not seen our answer to the same request. Or it has asked for the session, and so does this end, because
    // the peer has told it to. Then one request has to count, and the peer will take this one.
    return serverCookie !== 0n || !invited ? reuse() : putOff({ _tag: "Wait" }, true)
  }
  return race(own, ident.addrs) < 0 || remote.policy.server ? reuse() : putOff({ _tag: "Wait" }, true)
}

/** A peer that wants to return to a session. */
export const reconnect = ({ existing, own, policy, replacing }: Question, frame: Of<"Reconnect">): Verdict => {
  if (existing === undefined || !("session" in existing)) return putOff({ _tag: "ResetSession", full: true })
  const { clientCookie, connectSeq, peerGlobalSeq, remote, serverCookie } = existing.session
  const retryGlobal = putOff({ _tag: "RetryGlobal", globalSeq: peerGlobalSeq })
  if (replacing === true) return retryGlobal
  if (clientCookie !== frame.clientCookie) return putOff({ _tag: "ResetSession", full: policy.resetCheck })
  if (serverCookie === 0n) {
    // This end was dialling itself and has not seen the answer. Nor must it from now on.
    return { ...putOff({ _tag: "ResetSession", full: false }), supersedes: frame.globalSeq }
  }
  // Ceph does not look at this name. Who returns to a session knows it; who returns to one that is forgotten here may
  // know the client's name alone, when an old request of its own was answered meanwhile.
  if (serverCookie !== frame.serverCookie) return putOff({ _tag: "ResetSession", full: policy.resetCheck })
  if (peerGlobalSeq > frame.globalSeq) return retryGlobal
  if (connectSeq > frame.connectSeq) return putOff({ _tag: "RetrySession", connectSeq })
  return connectSeq === frame.connectSeq && race(own, remote.addrs) > 0 && !remote.policy.server
    ? putOff({ _tag: "Wait" }, true)
    : reuse()
}

export const judge = (question: Question, request: SessionRequest): Verdict =>
  request._tag === "ClientIdent" ? identify(question, request) : reconnect(question, request)

/** What the answer needs besides the verdict. */
export interface Means {
  /** Random, not 0. */
  readonly cookie: Cookie
  /** A fresh number of this messenger. */
  readonly globalSeq: GlobalSeq
}

export interface Arbitration {
  /** For the session that exists; goes first. With `Reuse`, it is given the newcomer's socket before. */
  readonly existing: Arrival | undefined
  readonly newcomer: Answer
}

/**
 * Whether the session is with somebody else than this visitor proved to be. Ceph goes by the addresses alone, which
 * anybody may claim: a guess would be enough to end a stranger's session, or to be sent what waits for it.
 */
const isForeign = (existing: State | undefined, { name, peerType }: Authenticated): boolean => {
  if (existing === undefined || !("session" in existing)) return false
  const { peer, remote } = existing.session
  const known = peer?.authenticatedAs
  return (
    (remote.entityType !== undefined && remote.entityType !== peerType) ||
    (known !== undefined && (known.type !== name.type || known.id !== name.id))
  )
}

/** What the session hears while the newcomer is put off. */
const meanwhile = ({ proceed, supersedes }: Extract<Verdict, { readonly _tag: "PutOff" }>): Arrival | undefined => {
  if (supersedes !== undefined) return { _tag: "Superseded", globalSeq: supersedes }
  return proceed ? { _tag: "Proceed" } : undefined
}

/** The verdict as events for both machines. */
export const arbitrate = (
  question: Question,
  { compression, visitor }: Accepting,
  request: SessionRequest,
  means: Means
): Arbitration => {
  if (isForeign(question.existing, visitor)) return { existing: undefined, newcomer: { _tag: "Foreign" } }
  const verdict = judge(question, request)
  switch (verdict._tag) {
    case "Accept":
      return { existing: undefined, newcomer: { _tag: "Admitted", ...means } }
    case "Displace":
      return { existing: { _tag: "Displaced" }, newcomer: { _tag: "Admitted", ...means } }
    case "Refuse":
      return { existing: { _tag: "Proceed" }, newcomer: { _tag: "Stale" } }
    case "PutOff":
      return { existing: meanwhile(verdict), newcomer: { _tag: "PutOff", frame: verdict.frame } }
    case "Reuse":
      return {
        existing: { _tag: "Reuse", visitor, compression, request, reset: verdict.reset, ...means },
        newcomer: { _tag: "HandedOver" }
      }
  }
}

/** The addresses under which the session of `state` is to be found. */
export const addrsOf = (state: Living): EntityAddr.EntityAddrVec => state.session.remote.addrs
