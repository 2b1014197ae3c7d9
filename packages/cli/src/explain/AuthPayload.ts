/**
 * What the payloads of authentication frames say, as far as everybody can read it.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/cephx/CephxProtocol.h`, `src/auth/none/AuthNoneProtocol.h`
 */
import * as Messages from "@msgr2/auth/CephXMessages"
import { Introduction } from "@msgr2/auth/Introduction"
import { CephXTicketBlob } from "@msgr2/auth/Ticket"
import { AuthMethod } from "@msgr2/wire/AuthMethod"
import * as Codec from "@msgr2/wire/Codec"
import * as EntityName from "@msgr2/wire/EntityName"
import type { WireError } from "@msgr2/wire/WireError"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"

/**
 * What a client shows to a service that is no monitor: a ticket, and a part sealed with the key that came with it.
 *
 * **Shape** `mode:u8 globalId:le64 serviceId:le32 ticket:CephXTicketBlob sealed:bytes`
 */
export const Authorizer = Codec.struct("CephXAuthorizer", {
  mode: Codec.u8,
  globalId: Codec.u64,
  serviceId: Codec.u32,
  ticket: CephXTicketBlob,
  sealed: Codec.bytes
})
export type Authorizer = Codec.Type<typeof Authorizer>

/** Who is asked, and how: what the payloads of one connection mean depends on it. */
export interface Context {
  readonly method: number
  readonly role: "monitor" | "service"
}

/** The first byte of AUTH_REQUEST: 10 and more go to monitors. */
export const contextOf = (method: number, payload: Uint8Array): Context => ({
  method,
  role: (payload[0] ?? 0) >= 10 ? "monitor" : "service"
})

/** What a frame holds, as JSON; `undefined` when there is nothing to read. */
export type Content = Result.Result<Schema.Json, WireError> | undefined

const reader = <A>(codec: Codec.Codec<A>, view: (json: any, value: A) => Schema.Json = (json) => json) => {
  const toJson = Codec.toJson(codec)
  return (payload: Uint8Array): Result.Result<Schema.Json, WireError> =>
    Result.map(Codec.decodePrefix(codec, payload), (value) => view(toJson(value), value))
}

const introduction = reader(Introduction, (json, { name }) => ({ ...json, name: EntityName.format(name) }))
const authorizer = reader(Authorizer)
const challenge = reader(Messages.CephXServerChallenge)
const proof = reader(
  Codec.pair(Messages.CephXRequestHeader, Messages.CephXAuthenticate),
  ([header, { key, ...authenticate }]) => ({ ...header, ...authenticate, proof: key })
)
const tickets = reader(Messages.TicketReply)
const reply = reader(Messages.AuthenticateReply)
const replyWithExtras = reader(Codec.pair(Messages.AuthenticateReply, Messages.Extras), ([head, extras], value) => {
  const { extraTickets } = value[1]
  const more = extraTickets.length === 0 ? undefined : tickets(extraTickets)
  return {
    ...head,
    sealedConnectionSecret: extras.connectionSecret,
    extraTickets: more !== undefined && Result.isSuccess(more) ? more.success : extras.extraTickets
  }
})

/** AUTH_REQUEST. */
export const request = ({ method, role }: Context, payload: Uint8Array): Content =>
  method === AuthMethod.None || (method === AuthMethod.CephX && role === "monitor")
    ? introduction(payload)
    : method === AuthMethod.CephX
      ? authorizer(payload)
      : undefined

/** AUTH_REPLY_MORE. What a service asks is sealed. */
export const replyMore = ({ method, role }: Context, payload: Uint8Array): Content =>
  method === AuthMethod.CephX && role === "monitor" ? challenge(payload) : undefined

/** AUTH_REQUEST_MORE. */
export const requestMore = ({ method, role }: Context, payload: Uint8Array): Content =>
  method === AuthMethod.CephX ? (role === "monitor" ? proof(payload) : authorizer(payload)) : undefined

/** AUTH_DONE. A client that asked for one ticket only is told nothing more. */
export const done = ({ method, role }: Context, payload: Uint8Array): Content => {
  if (method !== AuthMethod.CephX || role !== "monitor") return undefined
  const whole = replyWithExtras(payload)
  return Result.isSuccess(whole) ? whole : reply(payload)
}
