/**
 * Everything a machine asks of its runtime, in the order it is to happen.
 */
import type { Revision } from "./State.ts"
import type { ControlFrame, Of } from "@msgr2/wire/ControlFrame"
import type { Message } from "@msgr2/wire/Message"
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
  /** The connection may be used. */
  | { readonly _tag: "Opened" }
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
  | { readonly _tag: "Admit"; readonly ident: Of<"ClientIdent"> }

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
  Admit: true
}

export const isQuestion = (action: Action): action is Question => action._tag in questions
