/**
 * What two ends remember of each other, whichever connection carries it.
 *
 * **Source** msgr2, "Message flow handshake" and "Message exchange"; Ceph `src/msg/async/ProtocolV2.h`
 */
import { type ConnectSeq, type Cookie, connectSeq, cookie, type GlobalSeq, globalSeq } from "@msgr2/wire/Ids"
import type { Message } from "@msgr2/wire/Message"
import * as Outbox from "./Outbox.ts"

/** Identity of a session. Changes only in handshakes. */
export interface Session {
  readonly clientCookie: Cookie
  readonly serverCookie: Cookie
  /** Number of this end's latest attempt to connect. */
  readonly globalSeq: GlobalSeq
  readonly peerGlobalSeq: GlobalSeq
  readonly connectSeq: ConnectSeq
  /** True when nothing survives a lost connection: the server's word. */
  readonly lossy: boolean
}

export const fresh: Session = {
  clientCookie: cookie(0n),
  serverCookie: cookie(0n),
  globalSeq: globalSeq(0n),
  peerGlobalSeq: globalSeq(0n),
  connectSeq: connectSeq(0n),
  lossy: false
}

/** Where both directions stand. Changes with every message. */
export interface Progress {
  /** Last message accepted. */
  readonly inSeq: number
  /** Last message sent. */
  readonly outSeq: number
  /** Messages accepted since the peer was last told. */
  readonly unreported: number
  /** Sent and not acknowledged; always empty in a lossy session. */
  readonly sent: Outbox.Outbox
}

export const start: Progress = { inSeq: 0, outSeq: 0, unreported: 0, sent: Outbox.empty }

/** Numbers `message` as the next one out. The ack that rides along settles what was unreported. */
export const submit = (self: Progress, lossy: boolean, message: Message): Progress => {
  const outSeq = self.outSeq + 1
  return {
    inSeq: self.inSeq,
    outSeq,
    unreported: 0,
    sent: lossy ? self.sent : Outbox.push(self.sent, { seq: outSeq, message })
  }
}

/** Takes the peer's word that it has everything up to `seq`. */
export const acknowledge = (self: Progress, seq: number): Progress => {
  const sent = Outbox.acknowledge(self.sent, seq)
  return sent === self.sent ? self : { ...self, sent }
}
