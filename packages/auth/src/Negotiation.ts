/**
 * Which method a client offers, which it offers next, and what it makes of the answers: a pure function of the options
 * and of what the peer said.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/mon/MonClient.cc`, `handle_auth_bad_method`; `src/auth/AuthRegistry.cc`
 */
import * as AuthMethod from "@msgr2/wire/AuthMethod"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as AuthError from "./AuthError.ts"
import * as CephXClient from "./CephXClient.ts"
import * as Cipher from "./Cipher.ts"
import type { CryptoKey } from "./CryptoKey.ts"
import * as Introduction from "./Introduction.ts"
import type { Tickets } from "./Tickets.ts"

const { None, CephX } = AuthMethod.AuthMethod
const { Crc, Secure } = ConnectionMode.ConnectionMode
const { Mon, Mgr } = EntityName.EntityType

/** What `AUTH_REQUEST` carries; `modes` most wanted first. */
export interface Offer {
  readonly method: number
  readonly modes: ReadonlyArray<number>
  readonly payload: Uint8Array
}

/** What `AUTH_BAD_METHOD` carries. */
export interface Refusal {
  readonly method: number
  readonly result: number
  readonly allowedMethods: ReadonlyArray<number>
  readonly allowedModes: ReadonlyArray<number>
}

/** What the handshake was for. Both secrets are empty arrays where there is none; `tickets` come with CephX only. */
export interface Granted {
  readonly globalId: bigint
  readonly sessionKey: Redacted.Redacted<Uint8Array>
  readonly connectionSecret: Redacted.Redacted<Uint8Array>
  readonly tickets: Tickets | undefined
}

/**
 * **Shape** `methods` and `modes` most wanted first; the default is CephX before none. Without `modes`, secure comes
 * before crc towards monitors and managers, and after it towards all others. `otherKeys` is a mask of entity types whose
 * tickets are wanted. `globalId` is what method none presents to services that are no monitors: the id a monitor gave.
 */
export interface Options {
  readonly name: EntityName.EntityName
  readonly methods?: ReadonlyArray<number> | undefined
  readonly key?: CryptoKey | undefined
  readonly modes?: ReadonlyArray<number> | undefined
  readonly otherKeys?: number | undefined
  readonly globalId?: bigint | undefined
}

/** One method as it can be used with one peer; `credentials` make it CephX. */
interface Candidate {
  readonly offer: Offer
  readonly credentials?: CephXClient.Credentials
}

/**
 * One authentication. `at` is the candidate on offer, `undefined` before the first and after the last step.
 *
 * **Shape** `refusal` is the one to report if the peer hangs up now.
 */
export interface State {
  readonly name: EntityName.EntityName
  readonly role: Introduction.Role
  readonly candidates: ReadonlyArray<Candidate>
  readonly at: number | undefined
  readonly cephx: CephXClient.State
  readonly refusal: AuthError.AuthError | undefined
}

/** What a step says, and where it leads. */
export type Step<A> = readonly [Result.Result<A, AuthError.AuthError>, State]

/**
 * Sorts out what can be offered to a peer of this entity type.
 *
 * **Errors** `NoKey`, `UnsupportedCipher`, `NoUsableMethod`. CephX works towards monitors only: other services want a
 * ticket from one.
 */
export const start = (options: Options, peer: number): Result.Result<State, AuthError.AuthError> =>
  Result.gen(function* () {
    const { name, key, methods = [CephX, None], otherKeys = CephXClient.DEFAULT_OTHER_KEYS } = options
    const modes = options.modes ?? (peer === Mon || peer === Mgr ? [Secure, Crc] : [Crc, Secure])
    const role = Introduction.roleOf(peer)
    const candidates: Array<Candidate> = []
    for (const method of methods) {
      if (method === None && modes.includes(Crc)) {
        const payload = Introduction.encode(role, name, role === "monitor" ? 0n : (options.globalId ?? 0n))
        candidates.push({ offer: { method, modes: [Crc], payload } })
      }
      if (method === CephX && key !== undefined && role === "monitor" && modes.length > 0) {
        yield* Cipher.of(key)
        const credentials = { name, key, otherKeys }
        candidates.push({ offer: { method, modes, payload: CephXClient.introduce(credentials) }, credentials })
      }
    }
    if (candidates.length === 0) return yield* Result.fail(nothing(options, peer))
    return { name, role, candidates, at: undefined, cephx: CephXClient.introduced, refusal: undefined }
  })

const nothing = ({ name, key, methods = [CephX, None] }: Options, peer: number): AuthError.AuthError => {
  if (!methods.includes(CephX)) {
    return AuthError.local("NoUsableMethod", "cephx with a key, or none with crc mode", methods[0] ?? 0)
  }
  return key === undefined
    ? AuthError.local("NoKey", `a key for ${EntityName.format(name)}, or method none with crc mode`)
    : AuthError.local("NoUsableMethod", `a monitor: a ticket for ${EntityName.formatType(peer)} is not at hand`)
}

/** Starts over with the most wanted method. */
export const begin = (state: State): Step<Offer> => offer({ ...state, refusal: undefined }, 0)

const offer = (state: State, at: number): Step<Offer> => {
  const candidate = state.candidates[at]
  return candidate === undefined
    ? outOfOrder(state, "a method")
    : [Result.succeed(candidate.offer), { ...state, at, cephx: CephXClient.introduced }]
}

/**
 * The next method that both sides have. What counts as refused is what was offered, whatever the peer says it was, so
 * that no peer can keep this going.
 *
 * **Errors** why there is none left, `AccessDenied` before anything else.
 */
export const refused = (state: State, refusal: Refusal): Step<Offer> => {
  const { at } = state
  const candidate = at === undefined ? undefined : state.candidates[at]
  if (at === undefined || candidate === undefined) return outOfOrder(state, "AUTH_REQUEST before AUTH_BAD_METHOD")
  const error = state.refusal?.reason === "AccessDenied" ? state.refusal : explain(state.name, candidate, refusal)
  const next = state.candidates.findIndex(
    ({ offer }, index) => index > at && refusal.allowedMethods.includes(offer.method)
  )
  const after = { ...state, refusal: error }
  return next < 0 ? [Result.fail(error), { ...after, at: undefined }] : offer(after, next)
}

const explain = (name: EntityName.EntityName, { offer }: Candidate, refusal: Refusal): AuthError.AuthError => {
  const { NotSupported, Access, Perm, Busy } = AuthError.Errno
  const [reason, expected]: readonly [AuthError.Reason, string] =
    refusal.result === NotSupported
      ? refusal.allowedMethods.includes(offer.method)
        ? ["NoCommonMode", `one of ${offer.modes.map(ConnectionMode.format).join(", ")}`]
        : ["NoUsableMethod", `a peer that allows ${AuthMethod.format(offer.method)}`]
      : refusal.result === Access || refusal.result === Perm
        ? ["AccessDenied", `the key that the peer has for ${EntityName.format(name)}`]
        : refusal.result === Busy
          ? ["Busy", "a peer that is ready"]
          : ["Refused", "AUTH_DONE"]
  return new AuthError.AuthError({
    reason,
    method: offer.method,
    result: refusal.result,
    expected,
    // The lists are as long as the peer likes.
    allowedMethods: refusal.allowedMethods.slice(0, 16),
    allowedModes: refusal.allowedModes.slice(0, 16)
  })
}

/** Answers the peer's challenge. */
export const more = (state: State, payload: Uint8Array, clientChallenge: bigint): Step<Uint8Array> => {
  const credentials = state.at === undefined ? undefined : state.candidates[state.at]?.credentials
  if (credentials === undefined) return outOfOrder(state, "no AUTH_REPLY_MORE for this method")
  const proved = CephXClient.prove(credentials, state.cephx, payload, clientChallenge)
  return Result.isSuccess(proved)
    ? [Result.succeed(proved.success[0]), { ...state, cephx: proved.success[1] }]
    : [Result.fail(proved.failure), { ...state, at: undefined }]
}

/**
 * Takes what the peer grants.
 *
 * **Units** `now` in milliseconds since 1970.
 *
 * **Errors** `ModeNotOffered`, `BadGlobalId` and those of `CephXClient.finish`.
 */
export const done = (state: State, answer: CephXClient.Done, now: number): Step<Granted> => {
  const candidate = state.at === undefined ? undefined : state.candidates[state.at]
  return candidate === undefined
    ? outOfOrder(state, "AUTH_REQUEST before AUTH_DONE")
    : [grant(state, candidate, answer, now), { ...state, at: undefined }]
}

const grant = (
  state: State,
  { offer, credentials }: Candidate,
  answer: CephXClient.Done,
  now: number
): Result.Result<Granted, AuthError.AuthError> => {
  const { globalId, mode } = answer
  if (!offer.modes.includes(mode)) {
    const offered = offer.modes.map(ConnectionMode.format).join(", ")
    const expected = `one of ${offered}, got ${ConnectionMode.format(mode)}`
    return Result.fail(AuthError.local("ModeNotOffered", expected, offer.method))
  }
  if (credentials !== undefined) {
    return Result.map(CephXClient.finish(credentials, state.cephx, answer, now), (session) => ({
      globalId,
      ...session
    }))
  }
  if (state.role === "monitor" && globalId === 0n) {
    return Result.fail(AuthError.local("BadGlobalId", "a global id other than 0 in AUTH_DONE", offer.method))
  }
  const empty = Redacted.make(new Uint8Array(0))
  return Result.succeed({ globalId, sessionKey: empty, connectionSecret: empty, tickets: undefined })
}

const outOfOrder = (state: State, expected: string): Step<never> => {
  const method = state.at === undefined ? 0 : (state.candidates[state.at]?.offer.method ?? 0)
  return [Result.fail(AuthError.local("OutOfOrder", expected, method)), { ...state, at: undefined }]
}
