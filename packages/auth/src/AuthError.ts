/**
 * The one error of authentication, on both sides and before the first byte is sent.
 */
import * as AuthMethod from "@msgr2/wire/AuthMethod"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import * as Schema from "effect/Schema"

/** Negated Linux errno as `AUTH_BAD_METHOD` carries them. */
export const Errno = { Perm: -1, Io: -5, Access: -13, Busy: -16, Invalid: -22, NotSupported: -95 } as const

const errnoNames: { readonly [errno: number]: string } = {
  [-1]: "EPERM",
  [-2]: "ENOENT",
  [-5]: "EIO",
  [-13]: "EACCES",
  [-16]: "EBUSY",
  [-22]: "EINVAL",
  [-95]: "EOPNOTSUPP"
}

/** What went wrong, as a user would say it. */
const words = {
  NoUsableMethod: "no authentication method is left to try",
  NoCommonMode: "no connection mode suits both sides",
  AccessDenied: "access denied",
  NoKey: "there is no key to authenticate with",
  NoTicket: "there is no ticket to show to the peer",
  TicketExpired: "the ticket for the peer has expired",
  BadKey: "the key is malformed",
  BadPayload: "the peer sent something that cannot be decoded",
  BadMagic: "a decrypted payload is not what CephX encrypts, most likely because the keys differ",
  BadCiphertext: "a payload cannot be decrypted, most likely because the keys differ",
  UnsupportedCipher: "the cipher of the key is not supported yet",
  ModeNotOffered: "the peer chose a connection mode that was not offered",
  MissingConnectionSecret: "the peer chose secure mode without sending a secret for it",
  BadReply: "the peer does not prove that it could open the ticket",
  BadGlobalId: "the peer did not give this client an id",
  OutOfOrder: "the peer answered out of order",
  Refused: "the peer refused",
  Busy: "the peer cannot authenticate anybody now"
} as const

export const Reason = Schema.Literals(Object.keys(words) as ReadonlyArray<keyof typeof words>)
export type Reason = typeof Reason.Type

/**
 * Authentication that cannot succeed as it stands.
 *
 * **Shape** `method` is the method under way (0 before there is one), `result` the peer's negative errno or 0 when the
 * sin was found on this side, `expected` says in words what would have been accepted. The two lists are the peer's.
 * No field ever holds a secret.
 */
export class AuthError extends Schema.TaggedError<AuthError>()("AuthError", {
  reason: Reason,
  method: Schema.Int,
  result: Schema.Int,
  expected: Schema.String,
  allowedMethods: Schema.optionalKey(Schema.Array(Schema.Int)),
  allowedModes: Schema.optionalKey(Schema.Array(Schema.Int))
}) {
  override get message(): string {
    const method = this.method === AuthMethod.AuthMethod.Unknown ? "authentication" : AuthMethod.format(this.method)
    const errno = this.result === 0 ? "" : ` (${this.result} ${errnoNames[this.result] ?? "error"})`
    const lists = [
      this.allowedMethods && `methods ${this.allowedMethods.map(AuthMethod.format).join(" ") || "none at all"}`,
      this.allowedModes && `modes ${this.allowedModes.map(ConnectionMode.format).join(" ") || "none at all"}`
    ].filter((list) => list !== undefined)
    const allowed = lists.length === 0 ? "" : `; the peer allows ${lists.join(", ")}`
    return `${method}: ${words[this.reason]}${errno}${allowed}; expected ${this.expected}`
  }
}

/** A sin found on this side, while doing CephX unless `method` says otherwise. */
export const local = (reason: Reason, expected: string, method: number = AuthMethod.AuthMethod.CephX): AuthError =>
  new AuthError({ reason, method, result: 0, expected })
