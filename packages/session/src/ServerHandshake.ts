/**
 * The accepting end's way from a fresh TCP connection to an open session.
 *
 * **Source** msgr2, "Banner" to "Message flow handshake" and the server digraph; Ceph `src/msg/async/ProtocolV2.cc`
 */
import type { Of } from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Features from "@msgr2/wire/Features"
import type { Action } from "./Action.ts"
import { agree } from "./Agreement.ts"
import { closed, handshakeTimeout, type Step, violation } from "./Close.ts"
import * as CompressionPolicy from "./CompressionPolicy.ts"
import type { Event } from "./Event.ts"
import type { Table, Tagged } from "./Machine.ts"
import { MAX_ROUNDS, MAX_SEQ, type Server } from "./Options.ts"
import { policyFor } from "./Policy.ts"
import { admit } from "./Reuse.ts"
import type { Accepting, State, Visitor } from "./State.ts"

const send = (frame: Extract<Action, { readonly _tag: "Send" }>["frame"]): Action => ({ _tag: "Send", frame })

/** What every state before there is a session does besides its own business. */
const visiting = {
  Disconnected: (): Step => closed,
  Failed: (): Step => closed,
  MarkedDown: (): Step => closed,
  HandshakeTimeout: handshakeTimeout,
  // Nothing to report before there is a session.
  Drained: <S extends State>(state: S): Step => [state, []]
}

type Authenticating = Extract<State, { readonly _tag: "AuthAccepting" | "AuthAcceptingMore" }>

const nextRound = (state: Authenticating, frame: Tagged, action: Action): Step =>
  state.visitor.rounds >= MAX_ROUNDS
    ? violation(state, frame, "AuthRounds", `an end after ${MAX_ROUNDS} AUTH frames`)
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

/** Counts the request for a session just taken, and ends a loop. */
const nextRequest = (state: Accepting, frame: Tagged, next: (state: Accepting) => Step): Step => {
  const { visitor } = state
  return visitor.rounds >= MAX_ROUNDS
    ? violation(state, frame, "SessionRounds", `an end after ${MAX_ROUNDS} requests`)
    : next({ ...state, visitor: { ...visitor, rounds: visitor.rounds + 1 } })
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
  const { lossy, registerLossyClients, server } = visitor.policy
  // Nothing is kept for such clients, so nothing can be found.
  const question: Action =
    server && lossy && !registerLossyClients ? { _tag: "Admit" } : { _tag: "Arbitrate", request: frame }
  return [{ ...state, ident: frame }, [question]]
}

export const table = (options: Server): Table<State, Event, Action> => ({
  StartAccept: {
    ...visiting,
    Accepted: (_, { remote }) => [{ _tag: "BannerAccepting", remote }, [{ _tag: "SendBanner" }]]
  },
  BannerAccepting: {
    ...visiting,
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
    ...visiting,
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
    ...visiting,
    ...verdicts,
    AuthRequest: (state, frame) =>
      nextRound(state, frame, { _tag: "AuthJudge", peerType: state.visitor.peerType, request: frame })
  },
  AuthAcceptingMore: {
    ...visiting,
    ...verdicts,
    AuthRequestMore: (state, frame) => nextRound(state, frame, { _tag: "AuthJudgeMore", payload: frame.payload })
  },
  AuthAcceptingSign: {
    ...visiting,
    Signed: (state, { digest }) => [state, [send({ _tag: "AuthSignature", digest })]],
    AuthSignature: (state, { digest }) => [state, [{ _tag: "Verify", digest }]],
    Verified: (state, event) => {
      if (!event.valid) return violation(state, event, "BadSignature", "the HMAC of everything sent so far")
      const visitor = { ...state.visitor, rounds: 0 }
      return [
        visitor.compression
          ? { _tag: "CompressionAccepting", visitor }
          : { _tag: "SessionAccepting", visitor, compression: undefined, ident: undefined },
        []
      ]
    }
  },
  CompressionAccepting: {
    ...visiting,
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
    ...visiting,
    ClientIdent: (state, frame) => nextRequest(state, frame, (next) => identify(options, next, frame)),
    Reconnect: (state, frame) =>
      // This end may have to count on from there.
      frame.connectSeq >= MAX_SEQ
        ? violation(state, frame, "SequenceExhausted", `a number below ${MAX_SEQ}`)
        : nextRequest(state, frame, (next) => [next, [{ _tag: "Arbitrate", request: frame }]]),
    Admitted: (state, event) =>
      state.ident === undefined
        ? violation(state, event, "UnexpectedFrame", "ClientIdent first")
        : admit(options, state, state.ident, event),
    PutOff: (state, { frame }) => [state, [send(frame)]],
    Stale: (state, event) => violation(state, event, "StaleConnection", "the client's newest connection"),
    Foreign: (state, event) => violation(state, event, "ForeignSession", "addresses that are the client's own"),
    HandedOver: () => [{ _tag: "Closed", error: undefined }, []]
  }
})
