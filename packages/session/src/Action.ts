/**
 * Everything a machine asks of its runtime, in the order it is to happen.
 */
import type { ControlFrame, Of } from "@msgr2/wire/ControlFrame"
import type { EntityAddr } from "@msgr2/wire/EntityAddr"
import type { GlobalSeq } from "@msgr2/wire/Ids"
import type { Message } from "@msgr2/wire/Message"
import type { SessionRequest } from "./Arbiter.ts"
import type { Revision } from "./Peer.ts"
import type { ProtocolError } from "./ProtocolError.ts"

/** To be done at once; nothing comes back. */
export type Command =
  | { readonly _tag: "SendBanner" }
  | { readonly _tag: "Send"; readonly frame: ControlFrame }
  | { readonly _tag: "SendMessage"; readonly message: Message; readonly seq: number; readonly ackSeq: number }
  /** Both directions speak crc mode of this revision from the next frame on. */
  | { readonly _tag: "SetRevision"; readonly revision: Revision }
  /** Authentication is over: transcripts end, and both directions change to this mode from the next frame on. */
  | { readonly _tag: "SetMode"; readonly mode: number; readonly revision: Revision }
  /** Both directions may compress by this method from the next frame on. */
  | { readonly _tag: "SetCompression"; readonly method: number }
  | { readonly _tag: "Deliver"; readonly message: Message }
  /** A message was skipped by the peer: accepted, as Ceph does, and worth a word. */
  | { readonly _tag: "Gap"; readonly expected: number; readonly received: number }
  /** A message came twice and was dropped. */
  | { readonly _tag: "Duplicate"; readonly seq: number }
  | { readonly _tag: "KeepaliveAcked"; readonly sec: number; readonly nsec: number }
  /** The session has a connection that may be used: a first one, or, `resumed`, once again. */
  | { readonly _tag: "Opened"; readonly resumed: boolean }
  /** Connect a socket to `target`. */
  | { readonly _tag: "Dial"; readonly target: EntityAddr }
  /** Say when so much time is over. **Units** milliseconds. */
  | { readonly _tag: "Backoff"; readonly after: number }
  /** Drop the socket, whatever is still in it. The session goes on. `error` is what the peer did wrong, if it did. */
  | { readonly _tag: "Disconnect"; readonly error: ProtocolError | undefined }
  /** The peer has lost the session. What was received and not used, and what was to be sent, is dropped with it. */
  | { readonly _tag: "RemoteReset" }
  /** Close the socket when what was sent before has been written. `error` is absent when the owner asked for it. */
  | { readonly _tag: "Hangup"; readonly error: ProtocolError | undefined }

/** To be answered by an event. Nothing more is read from the peer until then. */
export type Question =
  | { readonly _tag: "AuthBegin"; readonly peerType: number }
  | { readonly _tag: "AuthMore"; readonly payload: Uint8Array }
  | { readonly _tag: "AuthNext"; readonly refusal: Of<"AuthBadMethod"> }
  | { readonly _tag: "AuthFinish"; readonly done: Of<"AuthDone"> }
  | { readonly _tag: "AuthJudge"; readonly peerType: number; readonly request: Of<"AuthRequest"> }
  | { readonly _tag: "AuthJudgeMore"; readonly payload: Uint8Array }
  /** HMAC over everything received before authentication ended. */
  | { readonly _tag: "Sign" }
  /** Is this the HMAC over everything sent before authentication ended? */
  | { readonly _tag: "Verify"; readonly digest: Uint8Array }
  /** A number above `above` for a further attempt. */
  | { readonly _tag: "TakeGlobalSeq"; readonly above: GlobalSeq }
  /** A place for a client whose sessions are not kept. */
  | { readonly _tag: "Admit" }
  /** What does the session that may exist under these addresses say to this? */
  | { readonly _tag: "Arbitrate"; readonly request: SessionRequest }

export type Action = Command | Question
export type QuestionTag = Question["_tag"]

const questions: { readonly [T in QuestionTag]: true } = {
  AuthBegin: true,
  AuthMore: true,
  AuthNext: true,
  AuthFinish: true,
  AuthJudge: true,
  AuthJudgeMore: true,
  Sign: true,
  Verify: true,
  TakeGlobalSeq: true,
  Admit: true,
  Arbitrate: true
}

export const isQuestion = (action: Action): action is Question => action._tag in questions
