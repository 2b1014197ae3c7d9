/**
 * Where a connection stands: the nodes of the two digraphs.
 *
 * **Source** msgr2, client and server digraphs; Ceph `src/msg/async/ProtocolV2.h`
 */
import type { Of } from "@msgr2/wire/ControlFrame"
import type { EntityAddr } from "@msgr2/wire/EntityAddr"
import type { EntityName } from "@msgr2/wire/EntityName"
import type { Cookie, GlobalId, GlobalSeq } from "@msgr2/wire/Ids"
import type { Peer, Revision } from "./Peer.ts"
import type { Policy } from "./Policy.ts"
import type { ProtocolError } from "./ProtocolError.ts"
import type { Progress, Session } from "./Session.ts"

/** What the banners agreed on. */
export interface Agreed {
  readonly revision: Revision
  /** Both banners have the bit, so the compression frames are exchanged. */
  readonly compression: boolean
}

/** A connected socket to `target`, of which the banner is not yet known. */
export interface Dialled {
  readonly target: EntityAddr
  /** For a session that still needs a name. */
  readonly cookie: Cookie
  /** Own address, as far as it is known. */
  readonly local: EntityAddr
}

/** What the dialling end knows of this attempt. */
export interface Dial extends Dialled, Agreed {
  /** Frames taken so far that ask for another try. */
  readonly rounds: number
}

/** What was agreed with the peer before the session is spoken of. */
export interface Arrangement {
  readonly dial: Dial
  readonly peerType: number
  readonly globalId: GlobalId
  readonly mode: number
  readonly compression: number | undefined
}

/** What outlives a connection: every state of a known session has it. */
export interface Lasting {
  readonly session: Session
  readonly progress: Progress
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

export type ClientState =
  /** A socket is being connected. */
  | ({ readonly _tag: "StartConnect"; readonly target: EntityAddr } & Lasting)
  | ({ readonly _tag: "BannerConnecting"; readonly dial: Dialled } & Lasting)
  | ({ readonly _tag: "HelloConnecting"; readonly dial: Dial } & Lasting)
  | ({
      readonly _tag: "AuthConnecting"
      readonly dial: Dial
      readonly peerType: number
      readonly offered: ReadonlyArray<number>
      /** Set while the last word of the server is being checked. */
      readonly granted: { readonly globalId: GlobalId; readonly mode: number } | undefined
    } & Lasting)
  | ({
      readonly _tag: "AuthConnectingSign"
      readonly dial: Dial
      readonly peerType: number
      readonly globalId: GlobalId
      readonly mode: number
    } & Lasting)
  | ({
      readonly _tag: "CompressionConnecting"
      readonly dial: Dial
      readonly peerType: number
      readonly globalId: GlobalId
      readonly mode: number
      /** Methods that were asked for; none when no compression was. */
      readonly asked: ReadonlyArray<number>
    } & Lasting)
  | ({
      readonly _tag: "SessionConnecting"
      readonly arrangement: Arrangement
      /** An answer from before this attempt of the peer's is void. */
      readonly superseded?: GlobalSeq
    } & Lasting)
  | ({ readonly _tag: "SessionReconnecting"; readonly arrangement: Arrangement } & Lasting)
  /** Dials again later: the last attempt failed, or the peer said that its own has precedence. */
  | ({ readonly _tag: "Wait"; readonly target: EntityAddr } & Lasting)

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
      /** The request that is being answered. */
      readonly ident: Of<"ClientIdent"> | undefined
    }

/** A session without a connection, and nothing that asks for one; or no way to make one. */
export type Standby = { readonly _tag: "Standby" } & Lasting

export type Ready = { readonly _tag: "Ready"; readonly peer: Peer } & Lasting

export type Accepting = Extract<ServerState, { readonly _tag: "SessionAccepting" }>

export type State =
  | ClientState
  | ServerState
  | Standby
  | Ready
  /** Over. `error` is absent when an owner closed the connection or the peer went away from an open one. */
  | { readonly _tag: "Closed"; readonly error: ProtocolError | undefined }

/** The states that have a session: those that can be found by the peer's addresses. */
export type Living = Extract<State, Lasting>

export const isLiving = (state: State): state is Living => "session" in state
