/**
 * Every frame that is not a message: one line per field, and the table of tags.
 *
 * **Source** msgr2, "Authentication" to "Message exchange"; Ceph `src/msg/async/frames_v2.h`
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Codec from "./Codec.ts"
import { EntityAddr, EntityAddrVec } from "./EntityAddr.ts"
import { ConnectSeq, Cookie, GlobalId, GlobalSeq, MsgSeq } from "./Ids.ts"
import { WireError } from "./WireError.ts"

const frame = <const Name extends string, const F extends Codec.Fields>(name: Name, tag: number, fields: F) => ({
  ...Codec.tagged(name, fields),
  name,
  tag
})

const ident = {
  /** A rank or id of a daemon, the global id of a client, -1 while unknown. */
  gid: Codec.i64,
  globalSeq: GlobalSeq,
  supported: Codec.u64,
  required: Codec.u64,
  /** Bit 0: lossy. The server's word counts. */
  flags: Codec.u64
} as const

/** The entity type of the sender and the address at which it sees the receiver. */
export const Hello = frame("Hello", 1, { entityType: Codec.u8, peerAddr: EntityAddr })

/** `preferredModes` most wanted first. */
export const AuthRequest = frame("AuthRequest", 2, {
  method: Codec.u32,
  preferredModes: Codec.list(Codec.u32),
  payload: Codec.bytes
})

/** `method` is the refused one, `result` a negated Linux errno. */
export const AuthBadMethod = frame("AuthBadMethod", 3, {
  method: Codec.u32,
  result: Codec.i32,
  allowedMethods: Codec.list(Codec.u32),
  allowedModes: Codec.list(Codec.u32)
})

export const AuthReplyMore = frame("AuthReplyMore", 4, { payload: Codec.bytes })
export const AuthRequestMore = frame("AuthRequestMore", 5, { payload: Codec.bytes })
export const AuthDone = frame("AuthDone", 6, { globalId: GlobalId, mode: Codec.u32, payload: Codec.bytes })

/** HMAC-SHA256 over every byte the sender has received before authentication ended; zeros without a session key. */
export const AuthSignature = frame("AuthSignature", 7, { digest: Codec.fixed(32) })

/** `target` is the address the client dialled: the server must own exactly that one. */
export const ClientIdent = frame("ClientIdent", 8, {
  addrs: EntityAddrVec,
  target: EntityAddr,
  ...ident,
  cookie: Cookie
})

export const ServerIdent = frame("ServerIdent", 9, { addrs: EntityAddrVec, ...ident, cookie: Cookie })
export const IdentMissingFeatures = frame("IdentMissingFeatures", 10, { features: Codec.u64 })

/** `msgSeq` is the last message the sender has received. */
export const Reconnect = frame("Reconnect", 11, {
  addrs: EntityAddrVec,
  clientCookie: Cookie,
  serverCookie: Cookie,
  globalSeq: GlobalSeq,
  connectSeq: ConnectSeq,
  msgSeq: MsgSeq
})

export const ResetSession = frame("ResetSession", 12, { full: Codec.bool })
export const RetrySession = frame("RetrySession", 13, { connectSeq: ConnectSeq })
export const RetryGlobal = frame("RetryGlobal", 14, { globalSeq: GlobalSeq })
export const ReconnectOk = frame("ReconnectOk", 15, { msgSeq: MsgSeq })
export const Wait = frame("Wait", 16, {})

/** The sender's clock; the answer repeats it. */
export const Keepalive2 = frame("Keepalive2", 18, { sec: Codec.u32, nsec: Codec.u32 })
export const Keepalive2Ack = frame("Keepalive2Ack", 19, { sec: Codec.u32, nsec: Codec.u32 })
export const Ack = frame("Ack", 20, { msgSeq: MsgSeq })

export const CompressionRequest = frame("CompressionRequest", 21, {
  isCompress: Codec.bool,
  preferredMethods: Codec.list(Codec.u32)
})
export const CompressionDone = frame("CompressionDone", 22, { isCompress: Codec.bool, method: Codec.u32 })

/** All of them, by ascending tag. */
export const all = [
  Hello,
  AuthRequest,
  AuthBadMethod,
  AuthReplyMore,
  AuthRequestMore,
  AuthDone,
  AuthSignature,
  ClientIdent,
  ServerIdent,
  IdentMissingFeatures,
  Reconnect,
  ResetSession,
  RetrySession,
  RetryGlobal,
  ReconnectOk,
  Wait,
  Keepalive2,
  Keepalive2Ack,
  Ack,
  CompressionRequest,
  CompressionDone
] as const

export type ControlFrame = Codec.Type<(typeof all)[number]>
export type Name = ControlFrame["_tag"]
export type Of<N extends Name> = Extract<ControlFrame, { readonly _tag: N }>

/** The tag of a message, the one frame that is no control frame. */
export const MESSAGE = 17

/** Ceph's names, by tag. */
const cephNames: ReadonlyArray<string> = [
  "",
  "HELLO",
  "AUTH_REQUEST",
  "AUTH_BAD_METHOD",
  "AUTH_REPLY_MORE",
  "AUTH_REQUEST_MORE",
  "AUTH_DONE",
  "AUTH_SIGNATURE",
  "CLIENT_IDENT",
  "SERVER_IDENT",
  "IDENT_MISSING_FEATURES",
  "SESSION_RECONNECT",
  "SESSION_RESET",
  "SESSION_RETRY",
  "SESSION_RETRY_GLOBAL",
  "SESSION_RECONNECT_OK",
  "WAIT",
  "MESSAGE",
  "KEEPALIVE2",
  "KEEPALIVE2_ACK",
  "ACK",
  "COMPRESSION_REQUEST",
  "COMPRESSION_DONE"
]

/** `HELLO`, or `TAG(99)` for a number nobody has named. */
export const cephName = (tag: number): string => cephNames[tag] || `TAG(${tag})`

const byTag: ReadonlyArray<Codec.Any | undefined> = cephNames.map((_, tag) => all.find((codec) => codec.tag === tag))
const byName = Object.fromEntries(all.map((codec) => [codec.name, codec])) as {
  readonly [N in Name]: Codec.Codec<Of<N>> & { readonly tag: number }
}

/** True for the tags of this module. */
export const isControl = (tag: number): boolean => byTag[tag] !== undefined

export const tagOf = (frame: ControlFrame): number => byName[frame._tag].tag

/** The codec of one name. */
export const codec = <N extends Name>(name: N): Codec.Codec<Of<N>> & { readonly tag: number } => byName[name]

/** The payload of `frame`: its one segment. */
export const encode = (frame: ControlFrame): Uint8Array => Codec.encode(byName[frame._tag] as Codec.Any, frame)

/**
 * The control frame of `tag` that `payload` holds. Bytes behind the known fields are skipped, as Ceph does, so that
 * fields may be added; a signature must be exactly its 32 bytes.
 *
 * **Errors** `WireError`, `Unsupported` for a tag that is none of a control frame.
 */
export const decode = (tag: number, payload: Uint8Array): Result.Result<ControlFrame, WireError> => {
  const codec = byTag[tag]
  if (codec === undefined) {
    return Result.fail(
      new WireError({ type: cephName(tag), reason: "Unsupported", offset: 0, expected: "the tag of a control frame" })
    )
  }
  return codec.name === "AuthSignature" ? Codec.decode(codec, payload) : Codec.decodePrefix(codec, payload)
}

const schemas: ReadonlyArray<Schema.Codec<ControlFrame>> = all.map(
  // Each is the Schema of one member of the union, which the compiler cannot follow through `map`.
  (codec) => codec.schema as unknown as Schema.Codec<ControlFrame>
)

/** Any control frame: for generators and JSON. */
export const schema: Schema.Codec<ControlFrame> = Schema.Union(schemas)
