/**
 * What a machine asks that needs keys or chance, answered by the services that have them.
 */
import type { Exchange } from "@msgr2/auth/AuthClient"
import { AuthClient } from "@msgr2/auth/AuthClient"
import type { AuthError } from "@msgr2/auth/AuthError"
import { AuthServer, type ServerExchange, type Verdict } from "@msgr2/auth/AuthServer"
import type { Question } from "@msgr2/session/Action"
import type { Answer } from "@msgr2/session/Event"
import { type Cookie, cookie, type GlobalSeq, globalId } from "@msgr2/wire/Ids"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"

type Asked = Exclude<Question, { readonly _tag: "Sign" | "Verify" | "Arbitrate" }>
type NextGlobalSeq = (above?: GlobalSeq) => GlobalSeq
type Secret = Redacted.Redacted<Uint8Array>

/** The answers of one connection, and the keys its authentication left behind. */
export interface Questions {
  readonly ask: (question: Asked) => Effect.Effect<Answer, AuthError>
  /** Why the peer has refused what it was offered last, if it has: the reason to give when it hangs up then. */
  readonly refusal: Effect.Effect<AuthError | undefined>
  readonly sessionKey: () => Secret
  readonly connectionSecret: () => Secret
}

const none: Secret = Redacted.make(new Uint8Array(0))

/** A random cookie that is not 0. */
export const randomCookie: Effect.Effect<Cookie> = Effect.map(
  Effect.all([Random.nextIntBetween(1, 0xffff_ffff), Random.nextIntBetween(0, 0xffff_ffff)]),
  ([low, high]) => cookie((BigInt(high) << 32n) | BigInt(low))
)

const unexpected = (question: Asked): Effect.Effect<never> =>
  Effect.die(new Error(`the machine of the other role asks ${question._tag}`))

/** A client's answers. */
export const client = (auth: Context.Service.Shape<typeof AuthClient>, nextGlobalSeq: NextGlobalSeq): Questions => {
  let exchange: Exchange | undefined
  let sessionKey = none
  let connectionSecret = none
  const withExchange = (question: Asked, use: (exchange: Exchange) => Effect.Effect<Answer, AuthError>) =>
    exchange === undefined ? unexpected(question) : use(exchange)
  return {
    sessionKey: () => sessionKey,
    connectionSecret: () => connectionSecret,
    refusal: Effect.suspend(() => exchange?.lastRefusal ?? Effect.undefined),
    ask: (question) => {
      switch (question._tag) {
        case "AuthBegin":
          return Effect.flatMap(auth.open({ type: question.peerType }), (opened) => {
            exchange = opened
            return Effect.map(opened.begin, (offer): Answer => ({ _tag: "AuthOffer", ...offer }))
          })
        case "AuthNext":
          return withExchange(question, (exchange) =>
            Effect.map(exchange.refused(question.refusal), (offer): Answer => ({ _tag: "AuthOffer", ...offer }))
          )
        case "AuthMore":
          return withExchange(question, (exchange) =>
            Effect.map(exchange.more(question.payload), (payload): Answer => ({ _tag: "AuthAnswer", payload }))
          )
        case "AuthFinish":
          return withExchange(question, (exchange) =>
            Effect.map(exchange.done(question.done), (granted): Answer => {
              sessionKey = granted.sessionKey
              connectionSecret = granted.connectionSecret
              return { _tag: "AuthGranted" }
            })
          )
        case "TakeGlobalSeq":
          return Effect.sync((): Answer => ({ _tag: "GlobalSeqTaken", globalSeq: nextGlobalSeq(question.above) }))
        default:
          return unexpected(question)
      }
    }
  }
}

/** A server's answers. */
export const server = (auth: Context.Service.Shape<typeof AuthServer>, nextGlobalSeq: NextGlobalSeq): Questions => {
  let exchange: ServerExchange | undefined
  let sessionKey = none
  let connectionSecret = none
  const judge = (verdict: Verdict): Answer => {
    switch (verdict._tag) {
      case "More":
        return { _tag: "AuthAnswer", payload: verdict.payload }
      case "Busy":
        return { _tag: "AuthBusy" }
      case "Refused":
        return { ...verdict, _tag: "AuthRefused" }
      case "Done":
        sessionKey = verdict.sessionKey
        connectionSecret = verdict.connectionSecret
        return {
          _tag: "AuthAccepted",
          globalId: globalId(verdict.globalId),
          mode: verdict.mode,
          payload: verdict.payload,
          name: verdict.name
        }
    }
  }
  return {
    sessionKey: () => sessionKey,
    connectionSecret: () => connectionSecret,
    refusal: Effect.undefined,
    ask: (question) => {
      switch (question._tag) {
        case "AuthJudge": {
          const { method, payload, preferredModes } = question.request
          const request = { method, modes: preferredModes, payload }
          const opened = exchange === undefined ? auth.open({ type: question.peerType }) : Effect.succeed(exchange)
          return Effect.flatMap(opened, (opened) => {
            exchange = opened
            return Effect.map(opened.request(request), judge)
          })
        }
        case "AuthJudgeMore":
          return exchange === undefined ? unexpected(question) : Effect.map(exchange.more(question.payload), judge)
        case "Admit":
          return Effect.map(randomCookie, (cookie): Answer => ({
            _tag: "Admitted",
            cookie,
            globalSeq: nextGlobalSeq()
          }))
        default:
          return unexpected(question)
      }
    }
  }
}
