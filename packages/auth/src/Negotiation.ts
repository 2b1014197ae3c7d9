/**
 * Which method a client offers, which it offers next, and what it makes of the answers: a pure function of the options
 * and of what the peer said.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/mon/MonClient.cc`, `handle_auth_bad_method`; `src/auth/AuthRegistry.cc`
 */
import * as AuthMethod from "@msgr2/wire/AuthMethod"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Result from "effect/Result"
import * as Attempt from "./Attempt.ts"
import * as AuthError from "./AuthError.ts"
import * as CephXClient from "./CephXClient.ts"
import * as Cipher from "./Cipher.ts"
import type { CryptoKey } from "./CryptoKey.ts"
import type { Entropy } from "./Entropy.ts"
import * as Introduction from "./Introduction.ts"
import type { Pass } from "./Tickets.ts"

export type { Granted } from "./Attempt.ts"

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

/**
 * What a client has to show to a peer that wants an authorizer instead of a login: a ticket, or why there is none.
 * `undefined` for peers that take logins.
 */
export type Shown = Result.Result<Pass, AuthError.AuthError> | undefined

/** `methods` as they stand, with what is preferred when nothing was said. */
export const methodsOf = ({ methods = [CephX, None] }: Pick<Options, "methods">): ReadonlyArray<number> => methods

/**
 * One authentication. `at` is the candidate on offer and `attempt` how far it has come; both `undefined` before the first
 * and after the last step.
 *
 * **Shape** `refusal` is the one to report if the peer hangs up now.
 */
export interface State {
  readonly candidates: ReadonlyArray<Attempt.Candidate>
  readonly at: number | undefined
  readonly attempt: Attempt.Attempt | undefined
  readonly refusal: AuthError.AuthError | undefined
}

/** What a step says, and where it leads. */
export type Step<A> = readonly [Result.Result<A, AuthError.AuthError>, State]

/**
 * Sorts out what can be offered to a peer of this entity type.
 *
 * **Errors** `NoKey`, `UnsupportedCipher`, `NoUsableMethod`, and why there is no ticket when that is all that is missing.
 */
export const start = (options: Options, peer: number, shown: Shown): Result.Result<State, AuthError.AuthError> =>
  Result.gen(function* () {
    const { name, key, otherKeys = CephXClient.DEFAULT_OTHER_KEYS } = options
    const modes = options.modes ?? (peer === Mon || peer === Mgr ? [Secure, Crc] : [Crc, Secure])
    const role: Introduction.Role = shown === undefined ? "monitor" : "service"
    const candidates: Array<Attempt.Candidate> = []
    for (const method of methodsOf(options)) {
      if (method === None && modes.includes(Crc)) {
        candidates.push(Attempt.none(role, name, role === "monitor" ? 0n : (options.globalId ?? 0n)))
      }
      if (method !== CephX || modes.length === 0) continue
      if (shown !== undefined && Result.isSuccess(shown)) {
        yield* Cipher.of(shown.success.ticket.sessionKey)
        candidates.push(Attempt.authorizer(shown.success, modes))
      } else if (shown === undefined && key !== undefined) {
        yield* Cipher.of(key)
        candidates.push(Attempt.login({ name, key, otherKeys }, modes))
      }
    }
    if (candidates.length === 0) return yield* Result.fail(nothing(options, shown))
    return { candidates, at: undefined, attempt: undefined, refusal: undefined }
  })

const nothing = (options: Options, shown: Shown): AuthError.AuthError => {
  const { name, key } = options
  const methods = methodsOf(options)
  if (!methods.includes(CephX)) {
    return AuthError.local("NoUsableMethod", "cephx with a key, or none with crc mode", methods[0] ?? 0)
  }
  if (shown !== undefined && Result.isFailure(shown)) return shown.failure
  return shown === undefined && key === undefined
    ? AuthError.local("NoKey", `a key for ${EntityName.format(name)}, or method none with crc mode`)
    : AuthError.local("NoUsableMethod", "at least one connection mode")
}

/** Starts over with the most wanted method. */
export const begin = (state: State, entropy: Entropy): Step<Offer> =>
  offer({ ...state, refusal: undefined }, 0, entropy)

const offer = (state: State, at: number, entropy: Entropy): Step<Offer> => {
  const candidate = state.candidates[at]
  if (candidate === undefined) return outOfOrder(state, "a method")
  const { method, modes } = candidate
  const step = candidate.begin(entropy)
  return Result.isFailure(step)
    ? [Result.fail(step.failure), over(state)]
    : [Result.succeed({ method, modes, payload: step.success[0] }), { ...state, at, attempt: step.success[1] }]
}

const over = (state: State): State => ({ ...state, at: undefined, attempt: undefined })

/** What is on offer, if anything is. */
export const candidate = ({ at, candidates }: State): Attempt.Candidate | undefined =>
  at === undefined ? undefined : candidates[at]

/**
 * The next method that both sides have. What counts as refused is what was offered, whatever the peer says it was, so
 * that no peer can keep this going.
 *
 * **Errors** why there is none left, `AccessDenied` before anything else.
 */
export const refused = (state: State, refusal: Refusal, entropy: Entropy): Step<Offer> => {
  const { at } = state
  const offered = candidate(state)
  if (at === undefined || offered === undefined) return outOfOrder(state, "AUTH_REQUEST before AUTH_BAD_METHOD")
  const error = state.refusal?.reason === "AccessDenied" ? state.refusal : explain(offered, refusal)
  const next = state.candidates.findIndex(({ method }, index) => index > at && refusal.allowedMethods.includes(method))
  const after = { ...state, refusal: error }
  return next < 0 ? [Result.fail(error), over(after)] : offer(after, next, entropy)
}

const explain = ({ method, modes, evidence }: Attempt.Candidate, refusal: Refusal): AuthError.AuthError => {
  const { NotSupported, Access, Perm, Busy } = AuthError.Errno
  const [reason, expected]: readonly [AuthError.Reason, string] =
    refusal.result === NotSupported
      ? refusal.allowedMethods.includes(method)
        ? ["NoCommonMode", `one of ${modes.map(ConnectionMode.format).join(", ")}`]
        : ["NoUsableMethod", `a peer that allows ${AuthMethod.format(method)}`]
      : refusal.result === Access || refusal.result === Perm
        ? ["AccessDenied", evidence]
        : refusal.result === Busy
          ? ["Busy", "a peer that is ready"]
          : ["Refused", "AUTH_DONE"]
  return new AuthError.AuthError({
    reason,
    method,
    result: refusal.result,
    expected,
    // The lists are as long as the peer likes.
    allowedMethods: refusal.allowedMethods.slice(0, 16),
    allowedModes: refusal.allowedModes.slice(0, 16)
  })
}

/** Answers the peer's challenge. */
export const more = (state: State, payload: Uint8Array, entropy: Entropy): Step<Uint8Array> => {
  if (state.attempt === undefined) return outOfOrder(state, "AUTH_REQUEST before AUTH_REPLY_MORE")
  const step = state.attempt.more(payload, entropy)
  return Result.isSuccess(step)
    ? [Result.succeed(step.success[0]), { ...state, attempt: step.success[1] }]
    : [Result.fail(step.failure), over(state)]
}

/**
 * Takes what the peer grants.
 *
 * **Units** `now` in milliseconds since 1970.
 *
 * **Errors** `ModeNotOffered`, `BadGlobalId` and those of `CephXClient.finish` and `AuthorizerClient.finish`.
 */
export const done = (state: State, answer: CephXClient.Done, now: number): Step<Attempt.Granted> => {
  const offered = candidate(state)
  if (offered === undefined || state.attempt === undefined) return outOfOrder(state, "AUTH_REQUEST before AUTH_DONE")
  const { method, modes } = offered
  if (modes.includes(answer.mode)) return [state.attempt.done(answer, now), over(state)]
  const expected = `one of ${modes.map(ConnectionMode.format).join(", ")}, got ${ConnectionMode.format(answer.mode)}`
  return [Result.fail(AuthError.local("ModeNotOffered", expected, method)), over(state)]
}

const outOfOrder = (state: State, expected: string): Step<never> => [
  Result.fail(AuthError.local("OutOfOrder", expected, candidate(state)?.method ?? 0)),
  over(state)
]
