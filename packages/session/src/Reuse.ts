/**
 * The accepting end's half of a session's beginning: a new one, or an old one on a new socket.
 *
 * **Source** Ceph `src/msg/async/ProtocolV2.cc` (`reuse_connection`, `send_server_ident`, `send_reconnect_ok`)
 */
import type { Of } from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Features from "@msgr2/wire/Features"
import { connectSeq, cookie as makeCookie, msgSeq } from "@msgr2/wire/Ids"
import * as Sockaddr from "@msgr2/wire/Sockaddr"
import type { Action } from "./Action.ts"
import type { Means } from "./Arbiter.ts"
import type { Step } from "./Close.ts"
import type { Arrival } from "./Event.ts"
import { opened } from "./Opening.ts"
import type { Local, Server } from "./Options.ts"
import type { Peer } from "./Peer.ts"
import { LOSSY } from "./Policy.ts"
import * as Session from "./Session.ts"
import type { Accepting, Authenticated, Lasting, Living } from "./State.ts"

const send = (frame: Extract<Action, { readonly _tag: "Send" }>["frame"]): Action => ({ _tag: "Send", frame })

/** Where a client that declares these addresses can be dialled, if it listens anywhere. */
const listening = (addrs: EntityAddr.EntityAddrVec): EntityAddr.EntityAddr | undefined => {
  const addr = EntityAddr.msgr2Of(addrs)
  const { Msgr2 } = EntityAddr.AddrType
  return addr.type === Msgr2 && (Sockaddr.port(addr.sockaddr) ?? 0) !== 0 ? addr : undefined
}

/** A new session, in the words of SERVER_IDENT. */
const begin = (
  options: Local,
  { progress, session }: Lasting,
  { compression, visitor }: Pick<Accepting, "compression" | "visitor">,
  ident: Of<"ClientIdent">,
  { cookie, globalSeq }: Means
): Step => {
  const { lossy } = session
  const { featuresRequired } = session.remote.policy
  const next: Session.Session = {
    ...session,
    clientCookie: ident.cookie,
    invited: false,
    serverCookie: lossy ? makeCookie(0n) : cookie,
    globalSeq,
    peerGlobalSeq: ident.globalSeq,
    connectSeq: connectSeq(0n)
  }
  const peer: Peer = {
    ...agreed(visitor, compression),
    addrs: ident.addrs,
    gid: ident.gid,
    features: ident.supported & options.features
  }
  const answer = send({
    _tag: "ServerIdent",
    addrs: options.addrs,
    gid: options.gid,
    globalSeq,
    supported: options.features,
    required: featuresRequired | Features.required,
    flags: lossy ? LOSSY : 0n,
    cookie: next.serverCookie
  })
  return opened(next, Session.restart(progress), peer, false, [answer])
}

const agreed = (visitor: Authenticated, compression: number | undefined) => ({
  entityType: visitor.peerType,
  mode: visitor.mode,
  revision: visitor.revision,
  compression,
  globalId: visitor.globalId,
  authenticatedAs: visitor.name
})

/** A client that nobody knew. */
export const admit = (options: Server, state: Accepting, ident: Of<"ClientIdent">, means: Means): Step => {
  const { peerType, policy } = state.visitor
  // Of a session with oneself, only the half that has dialled may dial again.
  const toSelf = ident.addrs.some((addr) => options.addrs.some((own) => EntityAddr.equals(addr, own)))
  const remote: Session.Remote = {
    addrs: ident.addrs,
    target: options.dialsBack === false || toSelf ? undefined : listening(ident.addrs),
    entityType: peerType,
    policy,
    retries: undefined
  }
  return begin(options, { session: Session.fresh(remote), progress: Session.start }, state, ident, means)
}

/** The peer's socket takes the place of this end's, whatever that was doing. */
export const reuse = (options: Local, state: Living, event: Extract<Arrival, { readonly _tag: "Reuse" }>): Step => {
  const { compression, request, visitor } = event
  const progress = state._tag === "Ready" ? Session.requeue(state.progress) : state.progress
  const { session } = state
  if (request._tag === "ClientIdent") {
    const kept: Lasting = { session, progress: event.reset ? Session.start : progress }
    const [next, actions] = begin(options, kept, { compression, visitor }, request, event)
    return [next, event.reset ? [{ _tag: "RemoteReset" }, ...actions] : actions]
  }
  const peer: Peer = {
    ...agreed(visitor, compression),
    addrs: request.addrs,
    gid: session.peer?.gid ?? -1n,
    features: session.peer?.features ?? options.features
  }
  const next = {
    ...session,
    // From here on both ends know the session by one name, although two answers may have crossed.
    serverCookie: request.serverCookie,
    connectSeq: request.connectSeq,
    peerGlobalSeq: request.globalSeq
  }
  return opened(next, Session.resume(progress, request.msgSeq), peer, true, [
    send({ _tag: "ReconnectOk", msgSeq: msgSeq(progress.inSeq) })
  ])
}
