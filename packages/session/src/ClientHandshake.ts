/**
 * The dialling end's way from a fresh TCP connection to an open session.
 *
 * Questions leave the machine where an answer needs keys; everything else is decided here.
 *
 * **Source** msgr2, "Banner" to "Message flow handshake" and the client digraph; Ceph `src/msg/async/ProtocolV2.cc`
 */
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import type { Of } from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Features from "@msgr2/wire/Features"
import { cookie as makeCookie } from "@msgr2/wire/Ids"
import * as Sockaddr from "@msgr2/wire/Sockaddr"
import type { Action } from "./Action.ts"
import { agree } from "./Agreement.ts"
import { handshaking, type Step, violation } from "./Close.ts"
import * as CompressionPolicy from "./CompressionPolicy.ts"
import type { Event } from "./Event.ts"
import type { Table } from "./Machine.ts"
import { type Client, MAX_AUTH_ROUNDS } from "./Options.ts"
import * as Session from "./Session.ts"
import type { Dial, State } from "./State.ts"

type SessionStart = Omit<Extract<State, { readonly _tag: "SessionConnecting" }>, "_tag">

/** The lossy bit of an ident's flags. */
export const LOSSY = 1n

const send = (frame: Extract<Action, { readonly _tag: "Send" }>["frame"]): Action => ({ _tag: "Send", frame })

/** The address a client that listens nowhere declares: where the server sees it, with port 0 and its own nonce. */
const learn = (options: Client, dial: Dial, seenAt: EntityAddr.EntityAddr): EntityAddr.EntityAddr => {
  const known = Sockaddr.isBlankIp(seenAt.sockaddr) ? dial.local : seenAt
  const host = Sockaddr.host(known.sockaddr)
  const learned = host === undefined ? undefined : EntityAddr.make(host, 0, options.nonce, EntityAddr.AddrType.Any)
  return learned ?? { ...EntityAddr.blank, nonce: options.nonce }
}

const identify = (options: Client, { compression, dial, globalId, mode, peerType }: SessionStart): Step => [
  { _tag: "SessionConnecting", compression, dial, globalId, mode, peerType },
  [
    ...(compression === undefined ? [] : [{ _tag: "SetCompression", method: compression } as const]),
    send({
      _tag: "ClientIdent",
      addrs: options.addrs.length > 0 ? options.addrs : [dial.local],
      target: options.target,
      gid: options.gid,
      globalSeq: dial.globalSeq,
      supported: options.features,
      required: options.policy.featuresRequired | Features.required,
      flags: options.policy.lossy ? LOSSY : 0n,
      cookie: options.policy.lossy ? makeCookie(0n) : dial.cookie
    })
  ]
]

/** Counts the AUTH_* frame just taken, and ends a loop. */
const nextRound = (
  state: Extract<State, { readonly _tag: "AuthConnecting" }>,
  frame: { readonly _tag: string },
  action: Action
): Step =>
  state.dial.rounds >= MAX_AUTH_ROUNDS
    ? violation(state, frame, "AuthRounds", `an end after ${MAX_AUTH_ROUNDS} AUTH frames`)
    : [{ ...state, dial: { ...state.dial, rounds: state.dial.rounds + 1 } }, [action]]

const open = (options: Client, state: SessionStart, frame: Of<"ServerIdent">): Step => {
  // The server's word decides, whatever this end asked for.
  const lossy = (frame.flags & LOSSY) !== 0n
  return [
    {
      _tag: "Ready",
      peer: {
        addrs: frame.addrs,
        entityType: state.peerType,
        gid: frame.gid,
        features: frame.supported & options.features,
        mode: state.mode,
        revision: state.dial.revision,
        compression: state.compression,
        globalId: state.globalId,
        authenticatedAs: undefined
      },
      session: {
        ...Session.fresh,
        clientCookie: options.policy.lossy ? makeCookie(0n) : state.dial.cookie,
        serverCookie: frame.cookie,
        globalSeq: state.dial.globalSeq,
        peerGlobalSeq: frame.globalSeq,
        lossy
      },
      progress: Session.start
    },
    [{ _tag: "Opened" }]
  ]
}

export const table = (options: Client): Table<State, Event, Action> => ({
  StartConnect: {
    ...handshaking,
    Connected: (_, { globalSeq, cookie, local }) => [
      { _tag: "BannerConnecting", globalSeq, cookie, local },
      [{ _tag: "SendBanner" }]
    ]
  },
  BannerConnecting: {
    ...handshaking,
    Banner: (state, banner) => {
      const agreed = agree(options, banner)
      if (agreed._tag === "Disagreed") return violation(state, banner, "MissingMsgr2Features", agreed.expected)
      const { globalSeq, cookie, local } = state
      return [
        { _tag: "HelloConnecting", dial: { ...agreed.agreed, globalSeq, cookie, local, rounds: 0 } },
        [
          { _tag: "SetRevision", revision: agreed.agreed.revision },
          send({ _tag: "Hello", entityType: options.entityType, peerAddr: options.target })
        ]
      ]
    }
  },
  HelloConnecting: {
    ...handshaking,
    Hello: (state, frame) =>
      options.targetType !== undefined && frame.entityType !== options.targetType
        ? violation(
            state,
            frame,
            "WrongPeerType",
            `a ${EntityName.formatType(options.targetType)}, got a ${EntityName.formatType(frame.entityType)}`
          )
        : [
            {
              _tag: "AuthConnecting",
              dial: { ...state.dial, local: learn(options, state.dial, frame.peerAddr) },
              peerType: frame.entityType,
              offered: [],
              granted: undefined
            },
            [{ _tag: "AuthBegin", peerType: frame.entityType }]
          ]
  },
  AuthConnecting: {
    ...handshaking,
    AuthOffer: (state, { method, modes, payload }) => [
      { ...state, offered: modes },
      [send({ _tag: "AuthRequest", method, preferredModes: modes, payload })]
    ],
    AuthAnswer: (state, { payload }) => [state, [send({ _tag: "AuthRequestMore", payload })]],
    AuthReplyMore: (state, frame) => nextRound(state, frame, { _tag: "AuthMore", payload: frame.payload }),
    AuthBadMethod: (state, frame) => nextRound(state, frame, { _tag: "AuthNext", refusal: frame }),
    AuthDone: (state, frame) =>
      !state.offered.includes(frame.mode)
        ? violation(
            state,
            frame,
            "ModeNotOffered",
            `${state.offered.map(ConnectionMode.format).join(" or ")}, got ${ConnectionMode.format(frame.mode)}`
          )
        : [
            { ...state, granted: { globalId: frame.globalId, mode: frame.mode } },
            [{ _tag: "AuthFinish", done: frame }]
          ],
    AuthGranted: (state, event) => {
      const { dial, granted, peerType } = state
      if (granted === undefined) return violation(state, event, "UnexpectedFrame", "AuthDone first")
      return [
        { _tag: "AuthConnectingSign", dial, peerType, ...granted },
        [{ _tag: "SetMode", mode: granted.mode, revision: dial.revision }, { _tag: "Sign" }]
      ]
    }
  },
  AuthConnectingSign: {
    ...handshaking,
    Signed: (state, { digest }) => [state, [send({ _tag: "AuthSignature", digest })]],
    AuthSignature: (state, { digest }) => [state, [{ _tag: "Verify", digest }]],
    Verified: (state, event) => {
      if (!event.valid) return violation(state, event, "BadSignature", "the HMAC of everything sent so far")
      if (!state.dial.compression) return identify(options, { ...state, compression: undefined })
      const { dial, globalId, mode, peerType } = state
      const asked = CompressionPolicy.allowed(options.compression, state)
      return [
        { _tag: "CompressionConnecting", dial, globalId, mode, peerType, asked },
        [send({ _tag: "CompressionRequest", isCompress: asked.length > 0, preferredMethods: asked })]
      ]
    }
  },
  CompressionConnecting: {
    ...handshaking,
    CompressionDone: (state, frame) => {
      if (!frame.isCompress) return identify(options, { ...state, compression: undefined })
      if (state.asked.includes(frame.method)) return identify(options, { ...state, compression: frame.method })
      const asked = state.asked.length === 0 ? "no compression" : `method ${state.asked.join(" or ")}`
      return violation(state, frame, "CompressionNotAsked", `${asked}, as requested, got method ${frame.method}`)
    }
  },
  SessionConnecting: {
    ...handshaking,
    ServerIdent: (state, frame) =>
      frame.addrs.some((addr) => EntityAddr.equals(addr, options.target))
        ? open(options, state, frame)
        : violation(
            state,
            frame,
            "WrongTarget",
            `${EntityAddr.format(options.target)} among the server's addresses ${EntityAddr.formatVec(frame.addrs)}`
          ),
    IdentMissingFeatures: (state, frame) =>
      violation(state, frame, "MissingFeatures", `features ${Features.format(frame.features).join(" ")}`),
    Wait: (state, frame) => violation(state, frame, "AskedToWait", "SERVER_IDENT")
  }
})
