/**
 * Where a connection stands: the nodes of the two digraphs.
 *
 * **Source** msgr2, client and server digraphs; Ceph `src/msg/async/ProtocolV2.h`
 */
import type { EntityAddr, EntityAddrVec } from "@msgr2/wire/EntityAddr"
import type { EntityName } from "@msgr2/wire/EntityName"
import type { Cookie, GlobalId, GlobalSeq } from "@msgr2/wire/Ids"
import type { Policy } from "./Policy.ts"
import type { ProtocolError } from "./ProtocolError.ts"
import type { Progress, Session } from "./Session.ts"

/** 1 is msgr2.1: both banners said so. */
export type Revision = 0 | 1

/** What the banners agreed on. */
export interface Agreed {
  readonly revision: Revision
  /** Both banners have the bit, so the compression frames are exchanged. */
  readonly compression: boolean
}

/** What the dialling end knows of this attempt. */
export interface Dial extends Agreed {
  readonly globalSeq: GlobalSeq
  readonly cookie: Cookie
  /** Own address, as far as it is known. */
  readonly local: EntityAddr
  /** AUTH_* frames taken so far. */
  readonly rounds: number
}

/** What the accepting end knows of its visitor. */
export interface Visitor extends Agreed {
  readonly remote: EntityAddr
  readonly peerType: number
  readonly policy: Policy
  readonly rounds: number
}

export interface Authenticated extends Visitor {
  readonly globalId: GlobalId
  readonly name: EntityName
  readonly mode: number
}

/** Who is at the other end of an open connection, and what was agreed. */
export interface Peer {
  readonly addrs: EntityAddrVec
  readonly entityType: number
  /** Rank, id or global id; -1 while unknown. */
  readonly gid: bigint
  /** Connection features that both ends have. */
  readonly features: bigint
  readonly mode: number
  readonly revision: Revision
  /** The method by which frames may go compressed. */
  readonly compression: number | undefined
  /** The global id that authentication gave to the client's end. */
  readonly globalId: GlobalId
  /** Who the client proved to be; only the accepting end learns it. */
  readonly authenticatedAs: EntityName | undefined
}

export type ClientState =
  | { readonly _tag: "StartConnect" }
  | {
      readonly _tag: "BannerConnecting"
      readonly globalSeq: GlobalSeq
      readonly cookie: Cookie
      readonly local: EntityAddr
    }
  | { readonly _tag: "HelloConnecting"; readonly dial: Dial }
  | {
      readonly _tag: "AuthConnecting"
      readonly dial: Dial
      readonly peerType: number
      readonly offered: ReadonlyArray<number>
      /** Set while the last word of the server is being checked. */
      readonly granted: { readonly globalId: GlobalId; readonly mode: number } | undefined
    }
  | {
      readonly _tag: "AuthConnectingSign"
      readonly dial: Dial
      readonly peerType: number
      readonly globalId: GlobalId
      readonly mode: number
    }
  | {
      readonly _tag: "CompressionConnecting"
      readonly dial: Dial
      readonly peerType: number
      readonly globalId: GlobalId
      readonly mode: number
      /** Methods that were asked for; none when no compression was. */
      readonly asked: ReadonlyArray<number>
    }
  | {
      readonly _tag: "SessionConnecting"
      readonly dial: Dial
      readonly peerType: number
      readonly globalId: GlobalId
      readonly mode: number
      readonly compression: number | undefined
    }

export type ServerState =
  | { readonly _tag: "StartAccept" }
  | { readonly _tag: "BannerAccepting"; readonly remote: EntityAddr }
  | { readonly _tag: "HelloAccepting"; readonly remote: EntityAddr; readonly agreed: Agreed }
  | { readonly _tag: "AuthAccepting"; readonly visitor: Visitor }
  | { readonly _tag: "AuthAcceptingMore"; readonly visitor: Visitor }
  | { readonly _tag: "AuthAcceptingSign"; readonly visitor: Authenticated }
  | { readonly _tag: "CompressionAccepting"; readonly visitor: Authenticated }
  | {
      readonly _tag: "SessionAccepting"
      readonly visitor: Authenticated
      readonly compression: number | undefined
      readonly ident: Ident | undefined
    }

/** The part of CLIENT_IDENT that outlives the handshake. */
export interface Ident {
  readonly addrs: EntityAddrVec
  readonly gid: bigint
  readonly globalSeq: GlobalSeq
  readonly features: bigint
  readonly cookie: Cookie
}

export type State =
  | ClientState
  | ServerState
  | { readonly _tag: "Ready"; readonly peer: Peer; readonly session: Session; readonly progress: Progress }
  /** Over. `error` is absent when an owner closed the connection or the peer went away from an open one. */
  | { readonly _tag: "Closed"; readonly error: ProtocolError | undefined }
