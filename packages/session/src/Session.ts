/**
 * What two ends remember of each other, whichever connection carries it.
 *
 * **Source** msgr2, "Message flow handshake" and "Message exchange"; Ceph `src/msg/async/ProtocolV2.h`
 */
import type { EntityAddr, EntityAddrVec } from "@msgr2/wire/EntityAddr"
import { type ConnectSeq, type Cookie, connectSeq, cookie, type GlobalSeq, globalSeq } from "@msgr2/wire/Ids"
import type { Message } from "@msgr2/wire/Message"
import * as Outbox from "./Outbox.ts"
import type { Peer } from "./Peer.ts"
import type { Policy } from "./Policy.ts"

/** With whom the session is, and how that peer is treated. */
export interface Remote {
  /** The peer's addresses, by which its session is found. */
  readonly addrs: EntityAddrVec
  /** Where to dial; `undefined` for a peer that listens nowhere. */
  readonly target: EntityAddr | undefined
  /** Entity type the peer must have; `undefined` accepts any. */
  readonly entityType: number | undefined
  readonly policy: Policy
  /**
   * Attempts in a row that may fail before the session is given up. By default none while it is lossy, and any number
   * when it can last.
   */
  readonly retries: number | undefined
}

/** Identity of a session. Changes only in handshakes. */
export interface Session {
  readonly remote: Remote
  /**
   * The address this end goes by where it listens nowhere: that by which the peer first saw it. It stays when this end
   * moves, since the peer knows the session by it.
   */
  readonly own: EntityAddr | undefined
  /** Who answered last, once somebody has. */
  readonly peer: Peer | undefined
  readonly clientCookie: Cookie
  /** The peer has told this end to ask for the session anew, and will take its request. */
  readonly invited: boolean
  readonly serverCookie: Cookie
  /** Number of this end's latest attempt to connect. */
  readonly globalSeq: GlobalSeq
  readonly peerGlobalSeq: GlobalSeq
  readonly connectSeq: ConnectSeq
  /** True when nothing survives a lost connection: the server's word, once it has spoken. */
  readonly lossy: boolean
  /** The owner wants an open connection, whether or not there is something to send. */
  readonly wanted: boolean
  /** Attempts in a row that have failed. */
  readonly attempts: number
}

export const fresh = (remote: Remote): Session => ({
  remote,
  own: undefined,
  peer: undefined,
  clientCookie: cookie(0n),
  invited: false,
  serverCookie: cookie(0n),
  globalSeq: globalSeq(0n),
  peerGlobalSeq: globalSeq(0n),
  connectSeq: connectSeq(0n),
  lossy: remote.policy.lossy,
  wanted: false,
  attempts: 0
})

/** The session has an identity at both ends: it can be returned to. */
export const isEstablished = (self: Session): boolean => self.serverCookie !== 0n

/** One more attempt to return to it. */
export const again = (self: Session): Session =>
  isEstablished(self) ? { ...self, connectSeq: connectSeq(self.connectSeq + 1n) } : self

/** The peer has forgotten the session: its names are void, and so are its numbers. */
export const forget = (self: Session, full: boolean): Session => ({
  ...self,
  clientCookie: full ? cookie(0n) : self.clientCookie,
  invited: !full,
  serverCookie: cookie(0n),
  // It may be another process by now, one that counts from the beginning.
  peerGlobalSeq: full ? globalSeq(0n) : self.peerGlobalSeq,
  connectSeq: connectSeq(0n),
  attempts: full ? self.attempts : 0
})

/** Attempts in a row that an end which was told to ask makes under the name it has. */
const PATIENCE = 2

/**
 * The peer does not take the request for a session: this end is to wait for the peer's. So that has to be heard, even if
 * it counts from the beginning.
 *
 * Where the peer has asked for the request, it may be busy. Or it was told to ask as well, by an answer that crossed its
 * own: then neither would ever take the other's, and before long the next request is for a session of another name, for
 * which the addresses decide.
 */
export const putOff = (self: Session): Session => {
  const renamed = self.invited && self.attempts >= PATIENCE ? { clientCookie: cookie(0n), invited: false } : undefined
  return { ...self, peerGlobalSeq: globalSeq(0n), ...renamed }
}

/**
 * The peer, in its attempt `globalSeq`, was told to ask anew, and is waited for, whatever this end was told before; but
 * for an attempt that came late.
 */
export const invite = (self: Session, globalSeq: GlobalSeq): Session =>
  globalSeq < self.peerGlobalSeq ? self : { ...self, invited: false, peerGlobalSeq: globalSeq }

/** Where both directions stand. Changes with every message. */
export interface Progress {
  /** Last message accepted. */
  readonly inSeq: number
  /** Last message sent. */
  readonly outSeq: number
  /** Messages accepted since the peer was last told. */
  readonly unreported: number
  readonly outbox: Outbox.Outbox
}

export const start: Progress = { inSeq: 0, outSeq: 0, unreported: 0, outbox: Outbox.empty }

/** Lets `message` wait until there is somebody to send it to. */
export const enqueue = (self: Progress, message: Message): Progress => ({
  ...self,
  outbox: Outbox.enqueue(self.outbox, message)
})

/** Numbers `message` as the next one out. The ack that rides along settles what was unreported. */
export const submit = (self: Progress, lossy: boolean, message: Message): Progress => {
  const outSeq = self.outSeq + 1
  return {
    inSeq: self.inSeq,
    outSeq,
    unreported: 0,
    outbox: lossy ? self.outbox : Outbox.keep(self.outbox, outSeq, message)
  }
}

/** Takes the peer's word that it has everything up to `seq`. */
export const acknowledge = (self: Progress, seq: number): Progress => {
  const outbox = Outbox.acknowledge(self.outbox, seq)
  return outbox === self.outbox ? self : { ...self, outbox }
}

/** The connection is lost: what was not acknowledged goes again, with the numbers it had. */
export const requeue = (self: Progress): Progress => ({
  inSeq: self.inSeq,
  outSeq: self.outSeq - self.outbox.sent.size,
  unreported: 0,
  outbox: Outbox.requeue(self.outbox)
})

/** The same session again: the peer has everything up to `seq`. */
export const resume = (self: Progress, seq: number): Progress => {
  const outbox = Outbox.discard(self.outbox, seq)
  return { ...self, outSeq: self.outSeq + self.outbox.replay.size - outbox.replay.size, outbox }
}

/** A new session: both directions count from 1 again, and what was not acknowledged goes again. */
export const restart = (self: Progress): Progress => ({ inSeq: 0, outSeq: 0, unreported: 0, outbox: self.outbox })
