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
import { msgSeq } from "@msgr2/wire/Ids"
import * as Sockaddr from "@msgr2/wire/Sockaddr"
import type { Action } from "./Action.ts"
import { agree } from "./Agreement.ts"
import { type Step, violation } from "./Close.ts"
import * as CompressionPolicy from "./CompressionPolicy.ts"
import type { Event } from "./Event.ts"
import { fault } from "./Fault.ts"
import { dialling } from "./Lasting.ts"
import type { Table } from "./Machine.ts"
import { type Local, MAX_ROUNDS } from "./Options.ts"
import { opened } from "./Opening.ts"
import type { Peer } from "./Peer.ts"
import { ProtocolError } from "./ProtocolError.ts"
import { LOSSY } from "./Policy.ts"
import * as Session from "./Session.ts"
import type { Arrangement, Dial, Lasting, Living, State } from "./State.ts"

const send = (frame: Extract<Action, { readonly _tag: "Send" }>["frame"]): Action => ({ _tag: "Send", frame })

/** The address a client that listens nowhere declares: where the server sees it, with port 0 and its own nonce. */
const learn = (options: Local, dial: Dial, seenAt: EntityAddr.EntityAddr): EntityAddr.EntityAddr => {
  const known = Sockaddr.isBlankIp(seenAt.sockaddr) ? dial.local : seenAt
  const host = Sockaddr.host(known.sockaddr)
  const learned = host === undefined ? undefined : EntityAddr.make(host, 0, options.nonce, EntityAddr.AddrType.Any)
  return learned ?? { ...EntityAddr.blank, nonce: options.nonce }
}

/** Asks for a new session. */
export const identify = (options: Local, { arrangement, progress, session }: Asking): Step => {
  const { dial } = arrangement
  const named = session.lossy || session.clientCookie !== 0n ? session : { ...session, clientCookie: dial.cookie }
  return [
    { _tag: "SessionConnecting", arrangement, progress, session: named },
    [
      send({
        _tag: "ClientIdent",
        addrs: addrsOf(options, dial),
        target: dial.target,
        gid: gidOf(options, arrangement),
        globalSeq: named.globalSeq,
        supported: options.features,
        required: named.remote.policy.featuresRequired | Features.required,
        flags: named.lossy ? LOSSY : 0n,
        cookie: named.clientCookie
      })
    ]
  ]
}

/** A client has no rank and no id: to daemons it goes by the global id that the monitors gave it. */
const gidOf = ({ gid }: Local, { globalId, peerType }: Arrangement): bigint =>
  gid === -1n && peerType !== EntityName.EntityType.Mon ? globalId : gid

/** What has been agreed, and the session it is for. */
export interface Asking extends Lasting {
  readonly arrangement: Arrangement
}

/** The addresses this end goes by. */
const addrsOf = (options: Local, dial: Dial): EntityAddr.EntityAddrVec =>
  options.addrs.length > 0 ? options.addrs : [dial.local]

/** Asks to go on with the session that was. */
export const returnTo = (options: Local, { arrangement, progress, session }: Asking): Step => [
  { _tag: "SessionReconnecting", arrangement, progress, session },
  [
    send({
      _tag: "Reconnect",
      addrs: addrsOf(options, arrangement.dial),
      clientCookie: session.clientCookie,
      serverCookie: session.serverCookie,
      globalSeq: session.globalSeq,
      connectSeq: session.connectSeq,
      msgSeq: msgSeq(progress.inSeq)
    })
  ]
]

/** The agreements of a handshake put together. */
const arranged = (
  state: Extract<State, { readonly _tag: "AuthConnectingSign" | "CompressionConnecting" }>,
  compression: number | undefined
): Asking => {
  const { dial, globalId, mode, peerType, progress, session } = state
  return { arrangement: { dial: { ...dial, rounds: 0 }, globalId, mode, peerType, compression }, progress, session }
}

/** Everything that concerns the connection is agreed: now the session. */
const begin = (options: Local, asking: Asking): Step => {
  const { compression } = asking.arrangement
  const [state, actions] = (Session.isEstablished(asking.session) ? returnTo : identify)(options, asking)
  return compression === undefined
    ? [state, actions]
    : [state, [{ _tag: "SetCompression", method: compression }, ...actions]]
}

/** Counts the AUTH_* frame just taken, and ends a loop. */
const nextRound = (
  state: Extract<State, { readonly _tag: "AuthConnecting" }>,
  frame: { readonly _tag: string },
  action: Action
): Step =>
  state.dial.rounds >= MAX_ROUNDS
    ? violation(state, frame, "AuthRounds", `an end after ${MAX_ROUNDS} AUTH frames`)
    : [{ ...state, dial: { ...state.dial, rounds: state.dial.rounds + 1 } }, [action]]

const open = (options: Local, { arrangement, progress, session }: Asking, frame: Of<"ServerIdent">): Step => {
  const { compression, dial, globalId, mode, peerType } = arrangement
  const peer: Peer = {
    addrs: frame.addrs,
    entityType: peerType,
    gid: frame.gid,
    features: frame.supported & options.features,
    mode,
    revision: dial.revision,
    compression,
    globalId,
    authenticatedAs: undefined
  }
  return opened(
    {
      ...session,
      serverCookie: frame.cookie,
      invited: false,
      peerGlobalSeq: frame.globalSeq,
      // The server's word decides, whatever this end asked for.
      lossy: (frame.flags & LOSSY) !== 0n
    },
    Session.restart(progress),
    peer,
    false
  )
}

/** The peer has something better to do: tries again much later. */
export const waiting = (options: Local, state: Living, frame: Of<"Wait">, expected: string): Step =>
  fault(options, state, new ProtocolError({ reason: "AskedToWait", state: state._tag, received: frame._tag, expected }))

export const table = (options: Local): Table<State, Event, Action> => ({
  StartConnect: {
    ...dialling(options),
    Connected: ({ progress, session, target }, { globalSeq, cookie, local }) => [
      { _tag: "BannerConnecting", dial: { target, cookie, local }, progress, session: { ...session, globalSeq } },
      [{ _tag: "SendBanner" }]
    ]
  },
  BannerConnecting: {
    ...dialling(options),
    Banner: (state, banner) => {
      const agreed = agree(options, banner)
      if (agreed._tag === "Disagreed") return violation(state, banner, "MissingMsgr2Features", agreed.expected)
      const { dial, progress, session } = state
      return [
        { _tag: "HelloConnecting", dial: { ...dial, ...agreed.agreed, rounds: 0 }, progress, session },
        [
          { _tag: "SetRevision", revision: agreed.agreed.revision },
          send({ _tag: "Hello", entityType: options.entityType, peerAddr: dial.target })
        ]
      ]
    }
  },
  HelloConnecting: {
    ...dialling(options),
    Hello: (state, frame) => {
      const { dial, progress, session } = state
      const wanted = session.remote.entityType
      if (wanted !== undefined && frame.entityType !== wanted) {
        const [expected, got] = [EntityName.formatType(wanted), EntityName.formatType(frame.entityType)]
        return violation(state, frame, "WrongPeerType", `a ${expected}, got a ${got}`)
      }
      const local = session.own ?? learn(options, dial, frame.peerAddr)
      return [
        {
          _tag: "AuthConnecting",
          dial: { ...dial, local },
          peerType: frame.entityType,
          offered: [],
          granted: undefined,
          progress,
          session: Sockaddr.isBlankIp(local.sockaddr) ? session : { ...session, own: local }
        },
        [{ _tag: "AuthBegin", peerType: frame.entityType }]
      ]
    }
  },
  AuthConnecting: {
    ...dialling(options),
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
      const { dial, granted, peerType, progress, session } = state
      if (granted === undefined) return violation(state, event, "UnexpectedFrame", "AuthDone first")
      return [
        { _tag: "AuthConnectingSign", dial, peerType, progress, session, ...granted },
        [{ _tag: "SetMode", mode: granted.mode, revision: dial.revision }, { _tag: "Sign" }]
      ]
    }
  },
  AuthConnectingSign: {
    ...dialling(options),
    Signed: (state, { digest }) => [state, [send({ _tag: "AuthSignature", digest })]],
    AuthSignature: (state, { digest }) => [state, [{ _tag: "Verify", digest }]],
    Verified: (state, event) => {
      if (!event.valid) return violation(state, event, "BadSignature", "the HMAC of everything sent so far")
      const { dial, globalId, mode, peerType, progress, session } = state
      if (!dial.compression) return begin(options, arranged(state, undefined))
      const asked = CompressionPolicy.allowed(options.compression, state)
      return [
        { _tag: "CompressionConnecting", dial, globalId, mode, peerType, asked, progress, session },
        [send({ _tag: "CompressionRequest", isCompress: asked.length > 0, preferredMethods: asked })]
      ]
    }
  },
  CompressionConnecting: {
    ...dialling(options),
    CompressionDone: (state, frame) => {
      if (!frame.isCompress) return begin(options, arranged(state, undefined))
      if (state.asked.includes(frame.method)) return begin(options, arranged(state, frame.method))
      const asked = state.asked.length === 0 ? "no compression" : `method ${state.asked.join(" or ")}`
      return violation(state, frame, "CompressionNotAsked", `${asked}, as requested, got method ${frame.method}`)
    }
  },
  SessionConnecting: {
    ...dialling(options),
    // Of a late attempt that changes nothing: the answer has a higher number than what came before the question.
    Superseded: (state, { globalSeq }) => {
      const { session, superseded = globalSeq } = state
      const latest = globalSeq > superseded ? globalSeq : superseded
      return [{ ...state, session: Session.invite(session, globalSeq), superseded: latest }, []]
    },
    ServerIdent: (state, frame) => {
      if (frame.globalSeq < (state.superseded ?? 0n)) return fault(options, state)
      const { target } = state.arrangement.dial
      if (frame.addrs.some((addr) => EntityAddr.equals(addr, target))) return open(options, state, frame)
      const [expected, got] = [EntityAddr.format(target), EntityAddr.formatVec(frame.addrs)]
      return violation(state, frame, "WrongTarget", `${expected} among the server's addresses ${got}`)
    },
    IdentMissingFeatures: (state, frame) =>
      violation(state, frame, "MissingFeatures", `features ${Features.format(frame.features).join(" ")}`),
    Wait: (state, frame) =>
      waiting(options, { ...state, session: Session.putOff(state.session) }, frame, "SERVER_IDENT")
  }
})
