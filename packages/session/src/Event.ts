/**
 * Everything that can happen to a connection. Frames are events too; what the runtime was asked for comes back as one.
 */
import type { Banner } from "@msgr2/wire/Banner"
import type { ControlFrame } from "@msgr2/wire/ControlFrame"
import type { EntityAddr } from "@msgr2/wire/EntityAddr"
import type { EntityName } from "@msgr2/wire/EntityName"
import type { Cookie, GlobalId, GlobalSeq } from "@msgr2/wire/Ids"
import type { Message } from "@msgr2/wire/Message"

/** What the transport tells. */
export type TransportEvent =
  /** The socket is connected. `local` is its own end; `cookie` is random, for a session that needs one. */
  | { readonly _tag: "Connected"; readonly globalSeq: GlobalSeq; readonly cookie: Cookie; readonly local: EntityAddr }
  /** A socket was accepted; `remote` is its far end. */
  | { readonly _tag: "Accepted"; readonly remote: EntityAddr }
  | ({ readonly _tag: "Banner" } & Banner)
  /** The socket is gone. */
  | { readonly _tag: "Disconnected" }
  /** Everything that had arrived has been handed over: the moment for an ack. */
  | { readonly _tag: "Drained" }

/** What the owner of the connection and the clock tell. */
export type OwnerEvent =
  | { readonly _tag: "Submitted"; readonly message: Message }
  | { readonly _tag: "KeepaliveDue"; readonly sec: number; readonly nsec: number }
  | { readonly _tag: "MarkedDown" }
  | { readonly _tag: "HandshakeTimeout" }
  | { readonly _tag: "IdleTimeout" }

/** Answers to the questions among the actions. */
export type Answer =
  /** A payload to begin authentication with. */
  | {
      readonly _tag: "AuthOffer"
      readonly method: number
      readonly modes: ReadonlyArray<number>
      readonly payload: Uint8Array
    }
  /** A payload to go on with. */
  | { readonly _tag: "AuthAnswer"; readonly payload: Uint8Array }
  /** The client believes the server; the keys are with the runtime. */
  | { readonly _tag: "AuthGranted" }
  /** The server believes the client, and who it is. */
  | {
      readonly _tag: "AuthAccepted"
      readonly globalId: GlobalId
      readonly mode: number
      readonly payload: Uint8Array
      readonly name: EntityName
    }
  | {
      readonly _tag: "AuthRefused"
      readonly method: number
      readonly result: number
      readonly allowedMethods: ReadonlyArray<number>
      readonly allowedModes: ReadonlyArray<number>
    }
  | { readonly _tag: "AuthBusy" }
  | { readonly _tag: "Signed"; readonly digest: Uint8Array }
  | { readonly _tag: "Verified"; readonly valid: boolean }
  /** A new session for the client that identified itself. `cookie` is random and not 0. */
  | { readonly _tag: "Admitted"; readonly cookie: Cookie; readonly globalSeq: GlobalSeq }

export type Event = ControlFrame | Message | TransportEvent | OwnerEvent | Answer
