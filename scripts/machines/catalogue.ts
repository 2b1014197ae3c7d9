/**
 * One of everything that can happen to an end, and more than one where it can go well or badly.
 *
 * The type asks for every event there is, so that none is forgotten when one is added.
 */
import { EntityAddr, EntityName, Features, Ids, Message, Sockaddr } from "@msgr2/wire"
import { CompressionPolicy, type Event, Options, Policy } from "@msgr2/session"

type Of<T extends Event.Event["_tag"]> = Extract<Event.Event, { readonly _tag: T }>
type Catalogue = { readonly [T in Event.Event["_tag"]]: ReadonlyArray<Omit<Of<T>, "_tag">> }

const { Mon, Osd } = EntityName.EntityType
const addr = (port: number): EntityAddr.EntityAddr => ({
  type: EntityAddr.AddrType.Msgr2,
  nonce: 1,
  sockaddr: Sockaddr.make("10.0.0.1", port) ?? Sockaddr.blank
})
const [own, peer, stranger] = [addr(6800), addr(6801), addr(6802)]
const payload = new Uint8Array(0)
const digest = new Uint8Array(32)
const [cookie, globalSeq, globalId] = [Ids.cookie(7n), Ids.globalSeq(9n), Ids.globalId(4100n)]
const beyond = Options.MAX_SEQ
const name = { type: Osd, id: "1" }

/** What both kinds of ends are made of. Their peers have the other address. */
const local: Options.Local = {
  ...Options.defaults,
  entityType: Osd,
  gid: 0n,
  addrs: [own],
  compression: { ...CompressionPolicy.defaults, mode: "force" }
}

/** Ends that dial, different in everything that decides where they go. */
export const clients: ReadonlyArray<Options.Client> = [
  { policy: Policy.lossyClient, retries: 0 },
  { policy: Policy.losslessClient },
  { policy: Policy.losslessPeer }
].map((how) => ({ ...local, target: peer, targetType: Osd, ...how }))

/** Ends that are dialled. */
export const servers: ReadonlyArray<Options.Server> = [
  Policy.statelessServer,
  Policy.statefulServer,
  Policy.losslessPeer,
  Policy.losslessClient
].map((otherwise) => ({ ...local, policies: { otherwise: Policy.requiring(otherwise, Features.mask("CrushV4")) } }))

const ident = { addrs: [peer], gid: 1n, globalSeq, supported: Features.pacific, required: 0n, flags: 0n, cookie }
const reconnect = {
  addrs: [peer],
  clientCookie: cookie,
  serverCookie: cookie,
  globalSeq,
  connectSeq: Ids.connectSeq(3n),
  msgSeq: Ids.msgSeq(0)
}
const visitor = {
  revision: 1,
  compression: false,
  remote: peer,
  peerType: Osd,
  policy: Policy.losslessPeer,
  rounds: 0,
  globalId,
  name,
  mode: 1
} as const
const taken = { visitor, compression: undefined, cookie, globalSeq }
const message = Message.make({ type: 2 })
const numbered = (seq: number) => ({ ...message, header: { ...message.header, seq: Ids.msgSeq(seq) } })

export const catalogue: Catalogue = {
  Connected: [{ globalSeq, cookie, local: own }],
  Accepted: [{ remote: peer }],
  Banner: [
    { supported: 3n, required: 0n },
    { supported: 1n, required: 0n },
    { supported: 3n, required: 4n }
  ],
  Disconnected: [{}],
  Failed: [{}],
  Writable: [{ count: 1 }],
  Drained: [{}],
  Submitted: [{ message }, { message, hold: true }],
  Wanted: [{}],
  KeepaliveDue: [{ sec: 1, nsec: 0 }],
  MarkedDown: [{}],
  BackoffOver: [{}],
  HandshakeTimeout: [{}],
  IdleTimeout: [{}],

  AuthOffer: [{ method: 2, modes: [1], payload }],
  AuthAnswer: [{ payload }],
  AuthGranted: [{}],
  AuthAccepted: [{ globalId, mode: 1, payload, name }],
  AuthRefused: [{ method: 1, result: -95, allowedMethods: [2], allowedModes: [1] }],
  AuthBusy: [{}],
  Signed: [{ digest }],
  Verified: [{ valid: true }, { valid: false }],
  GlobalSeqTaken: [{ globalSeq }],
  Admitted: [{ cookie, globalSeq }],
  PutOff: [
    { frame: { _tag: "Wait" } },
    { frame: { _tag: "ResetSession", full: true } },
    { frame: { _tag: "RetrySession", connectSeq: Ids.connectSeq(3n) } },
    { frame: { _tag: "RetryGlobal", globalSeq } }
  ],
  Stale: [{}],
  Foreign: [{}],
  HandedOver: [{}],

  Reuse: [
    { ...taken, request: { _tag: "ClientIdent", ...ident, target: own }, reset: false },
    { ...taken, request: { _tag: "ClientIdent", ...ident, target: own }, reset: true },
    { ...taken, request: { _tag: "Reconnect", ...reconnect }, reset: false }
  ],
  Proceed: [{}],
  Superseded: [{ globalSeq }],
  Displaced: [{}],
  Expired: [{}],

  Hello: [
    { entityType: Osd, peerAddr: own },
    { entityType: Mon, peerAddr: own }
  ],
  AuthRequest: [{ method: 2, preferredModes: [1], payload }],
  AuthBadMethod: [{ method: 2, result: -95, allowedMethods: [1], allowedModes: [1] }],
  AuthReplyMore: [{ payload }],
  AuthRequestMore: [{ payload }],
  AuthDone: [
    { globalId, mode: 1, payload },
    { globalId, mode: 2, payload }
  ],
  AuthSignature: [{ digest }],
  CompressionRequest: [
    { isCompress: true, preferredMethods: [1] },
    { isCompress: false, preferredMethods: [] }
  ],
  CompressionDone: [
    { isCompress: false, method: 0 },
    { isCompress: true, method: 1 },
    { isCompress: true, method: 9 }
  ],
  ClientIdent: [
    { ...ident, target: own },
    { ...ident, target: own, addrs: [] },
    { ...ident, target: stranger },
    { ...ident, target: own, supported: 0n }
  ],
  ServerIdent: [ident, { ...ident, flags: 1n, cookie: Ids.cookie(0n) }, { ...ident, addrs: [stranger] }],
  IdentMissingFeatures: [{ features: 1n }],
  Reconnect: [reconnect, { ...reconnect, connectSeq: Ids.connectSeq(beyond) }],
  ResetSession: [{ full: true }, { full: false }],
  RetrySession: [{ connectSeq: Ids.connectSeq(3n) }, { connectSeq: Ids.connectSeq(beyond) }],
  RetryGlobal: [{ globalSeq }, { globalSeq: Ids.globalSeq(beyond) }],
  ReconnectOk: [{ msgSeq: Ids.msgSeq(0) }],
  Wait: [{}],
  Keepalive2: [{ sec: 1, nsec: 0 }],
  Keepalive2Ack: [{ sec: 1, nsec: 0 }],
  Ack: [{ msgSeq: Ids.msgSeq(1) }],
  Message: [numbered(1), numbered(5)]
}

export const events: ReadonlyArray<Event.Event> = Object.entries(catalogue).flatMap(([_tag, variants]) =>
  variants.map((variant) => ({ ...variant, _tag }) as Event.Event)
)
