/**
 * The accepting end's way from a fresh TCP connection to an open session.
 *
 * **Source** msgr2, "Banner" to "Message flow handshake" and the server digraph; Ceph `src/msg/async/ProtocolV2.cc`
 */
import type { Of } from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Features from "@msgr2/wire/Features"
import { cookie as makeCookie } from "@msgr2/wire/Ids"
import type { Action } from "./Action.ts"
import { agree } from "./Agreement.ts"
import { LOSSY } from "./ClientHandshake.ts"
import { handshaking, type Step, violation } from "./Close.ts"
import * as CompressionPolicy from "./CompressionPolicy.ts"
import type { Event } from "./Event.ts"
import type { Table, Tagged } from "./Machine.ts"
import { MAX_AUTH_ROUNDS, type Server } from "./Options.ts"
import { policyFor } from "./Policy.ts"
import * as Session from "./Session.ts"
import type { Ident, State, Visitor } from "./State.ts"

const send = (frame: Extract<Action, { readonly _tag: "Send" }>["frame"]): Action => ({ _tag: "Send", frame })

type Accepting = Extract<State, { readonly _tag: "SessionAccepting" }>
type Authenticating = Extract<State, { readonly _tag: "AuthAccepting" | "AuthAcceptingMore" }>

const nextRound = (state: Authenticating, frame: Tagged, action: Action): Step =>
  state.visitor.rounds >= MAX_AUTH_ROUNDS
    ? violation(state, frame, "AuthRounds", `an end after ${MAX_AUTH_ROUNDS} AUTH frames`)
    : [{ ...state, visitor: { ...state.visitor, rounds: state.visitor.rounds + 1 } }, [action]]

/** The four verdicts on a client's proof, the same after its first word and after a further one. */
const verdicts = {
  AuthAnswer: ({ visitor }: { readonly visitor: Visitor }, { payload }: { readonly payload: Uint8Array }): Step => [
    { _tag: "AuthAcceptingMore", visitor },
    [send({ _tag: "AuthReplyMore", payload })]
  ],
  AuthAccepted: (
    { visitor }: { readonly visitor: Visitor },
    { globalId, mode, payload, name }: Extract<Event, { readonly _tag: "AuthAccepted" }>
  ): Step => [
    { _tag: "AuthAcceptingSign", visitor: { ...visitor, globalId, name, mode } },
    [
      send({ _tag: "AuthDone", globalId, mode, payload }),
      { _tag: "SetMode", mode, revision: visitor.revision },
      { _tag: "Sign" }
    ]
  ],
  // Back to the start: the challenge of a failed attempt is used up.
  AuthRefused: (
    { visitor }: { readonly visitor: Visitor },
    { method, result, allowedMethods, allowedModes }: Extract<Event, { readonly _tag: "AuthRefused" }>
  ): Step => [
    { _tag: "AuthAccepting", visitor },
    [send({ _tag: "AuthBadMethod", method, result, allowedMethods, allowedModes })]
  ],
  AuthBusy: (state: Authenticating, event: Tagged): Step =>
    violation(state, event, "AuthBusy", "an authenticator that is ready")
}

/** The checks of a CLIENT_IDENT in Ceph's order. */
const identify = (options: Server, state: Accepting, frame: Of<"ClientIdent">): Step => {
  const { visitor } = state
  const first = frame.addrs[0]
  if (first === undefined || EntityAddr.equals(first, EntityAddr.blank)) {
    return violation(state, frame, "BlankAddress", "an address of the client")
  }
  if (!options.addrs.some((addr) => EntityAddr.equals(addr, frame.target))) {
    return violation(
      state,
      frame,
      "WrongTarget",
      `one of ${EntityAddr.formatVec(options.addrs)} as target, got ${EntityAddr.format(frame.target)}`
    )
  }
  const missing = (visitor.policy.featuresRequired | Features.required) & ~frame.supported
  if (missing !== 0n) return [state, [send({ _tag: "IdentMissingFeatures", features: missing })]]
  const ident: Ident = {
    addrs: frame.addrs,
    gid: frame.gid,
    globalSeq: frame.globalSeq,
    features: frame.supported & options.features,
    cookie: frame.cookie
  }
  return [{ ...state, ident }, [{ _tag: "Admit", ident: frame }]]
}

const open = (
  options: Server,
  { compression, visitor }: Accepting,
  ident: Ident,
  { cookie, globalSeq }: Extract<Event, { readonly _tag: "Admitted" }>
): Step => {
  const { lossy } = visitor.policy
  const serverCookie = lossy ? makeCookie(0n) : cookie
  return [
    {
      _tag: "Ready",
      peer: {
        addrs: ident.addrs,
        entityType: visitor.peerType,
        gid: ident.gid,
        features: ident.features,
        mode: visitor.mode,
        revision: visitor.revision,
        compression,
        globalId: visitor.globalId,
        authenticatedAs: visitor.name
      },
      session: {
        ...Session.fresh,
        clientCookie: ident.cookie,
        serverCookie,
        globalSeq,
        peerGlobalSeq: ident.globalSeq,
        lossy
      },
      progress: Session.start
    },
    [
      send({
        _tag: "ServerIdent",
        addrs: options.addrs,
        gid: options.gid,
        globalSeq,
        supported: options.features,
        required: visitor.policy.featuresRequired | Features.required,
        flags: lossy ? LOSSY : 0n,
        cookie: serverCookie
      }),
      { _tag: "Opened" }
    ]
  ]
}

export const table = (options: Server): Table<State, Event, Action> => ({
  StartAccept: {
    ...handshaking,
    Accepted: (_, { remote }) => [{ _tag: "BannerAccepting", remote }, [{ _tag: "SendBanner" }]]
  },
  BannerAccepting: {
    ...handshaking,
    Banner: (state, banner) => {
      const agreed = agree(options, banner)
      return agreed._tag === "Disagreed"
        ? violation(state, banner, "MissingMsgr2Features", agreed.expected)
        : [
            { _tag: "HelloAccepting", remote: state.remote, agreed: agreed.agreed },
            [
              { _tag: "SetRevision", revision: agreed.agreed.revision },
              send({ _tag: "Hello", entityType: options.entityType, peerAddr: state.remote })
            ]
          ]
    }
  },
  HelloAccepting: {
    ...handshaking,
    Hello: ({ agreed, remote }, { entityType }) => [
      {
        _tag: "AuthAccepting",
        visitor: {
          ...agreed,
          remote,
          peerType: entityType,
          policy: policyFor(options.policies, entityType),
          rounds: 0
        }
      },
      []
    ]
  },
  AuthAccepting: {
    ...handshaking,
    ...verdicts,
    AuthRequest: (state, frame) =>
      nextRound(state, frame, { _tag: "AuthJudge", peerType: state.visitor.peerType, request: frame })
  },
  AuthAcceptingMore: {
    ...handshaking,
    ...verdicts,
    AuthRequestMore: (state, frame) => nextRound(state, frame, { _tag: "AuthJudgeMore", payload: frame.payload })
  },
  AuthAcceptingSign: {
    ...handshaking,
    Signed: (state, { digest }) => [state, [send({ _tag: "AuthSignature", digest })]],
    AuthSignature: (state, { digest }) => [state, [{ _tag: "Verify", digest }]],
    Verified: (state, event) =>
      !event.valid
        ? violation(state, event, "BadSignature", "the HMAC of everything sent so far")
        : state.visitor.compression
          ? [{ _tag: "CompressionAccepting", visitor: state.visitor }, []]
          : [{ _tag: "SessionAccepting", visitor: state.visitor, compression: undefined, ident: undefined }, []]
  },
  CompressionAccepting: {
    ...handshaking,
    CompressionRequest: ({ visitor }, frame) => {
      const method = CompressionPolicy.grant(options.compression, visitor, frame)
      return [
        { _tag: "SessionAccepting", visitor, compression: method, ident: undefined },
        method === undefined
          ? [send({ _tag: "CompressionDone", isCompress: false, method: 0 })]
          : [send({ _tag: "CompressionDone", isCompress: true, method }), { _tag: "SetCompression", method }]
      ]
    }
  },
  SessionAccepting: {
    ...handshaking,
    ClientIdent: (state, frame) => identify(options, state, frame),
    // No session outlives its connection here, so there is never one to return to.
    Reconnect: (state) => [state, [send({ _tag: "ResetSession", full: true })]],
    Admitted: (state, event) =>
      state.ident === undefined
        ? violation(state, event, "UnexpectedFrame", "ClientIdent first")
        : open(options, state, state.ident, event)
  }
})
