/**
 * What a client and a monitor say to each other in CephX: the payloads of a handshake in the order they are sent, then
 * those of the messages `MAuth` and `MAuthReply`.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/cephx/CephxProtocol.h`, `CephxProtocol.cc`
 */
import * as Codec from "@msgr2/wire/Codec"
import * as Schema from "effect/Schema"
import { structV } from "./StructV.ts"
import { CephXTicketBlob } from "./Ticket.ts"

/** What a request asks for, and what its response repeats. */
export const RequestType = {
  AuthSessionKey: 0x0100,
  PrincipalSessionKey: 0x0200,
  RotatingKey: 0x0400
} as const

/**
 * The monitor's answer to the first request.
 *
 * **Shape** `1:u8 serverChallenge:le64`
 */
export const CephXServerChallenge = structV(1, Codec.struct("CephXServerChallenge", { serverChallenge: Codec.u64 }))
export type CephXServerChallenge = Codec.Type<typeof CephXServerChallenge>

/**
 * What a proof is computed from.
 *
 * **Shape** `serverChallenge:le64 clientChallenge:le64`, without a version.
 */
export const CephXChallengeBlob = Codec.struct("CephXChallengeBlob", {
  serverChallenge: Codec.u64,
  clientChallenge: Codec.u64
})
export type CephXChallengeBlob = Codec.Type<typeof CephXChallengeBlob>

/** **Shape** `requestType:le16` */
export const CephXRequestHeader = Codec.struct("CephXRequestHeader", { requestType: Codec.u16 })
export type CephXRequestHeader = Codec.Type<typeof CephXRequestHeader>

/** **Shape** `requestType:le16 status:le32`; `status` is 0 or a negative errno. */
export const CephXResponseHeader = Codec.struct("CephXResponseHeader", {
  requestType: Codec.u16,
  status: Codec.i32
})
export type CephXResponseHeader = Codec.Type<typeof CephXResponseHeader>

const base = { clientChallenge: Codec.u64, key: Codec.u64, oldTicket: CephXTicketBlob }
const baseSchemas = {
  clientChallenge: base.clientChallenge.schema,
  key: base.key.schema,
  oldTicket: base.oldTicket.schema
}
const authenticateV1 = Codec.struct("CephXAuthenticate", base)
const authenticateV2 = Codec.struct("CephXAuthenticate", { ...base, otherKeys: Codec.u32 })

/** `structV` 3 has the layout of 2 and says: this client always presents its old ticket when it reclaims an id. */
export interface CephXAuthenticate extends Codec.Type<typeof authenticateV2> {
  readonly structV: number
}

/**
 * The client's proof that it has the key.
 *
 * **Shape** `structV:u8 clientChallenge:le64 key:le64 oldTicket:CephXTicketBlob otherKeys:le32`. `key` is the proof,
 * `otherKeys` a mask of the entity types whose tickets are wanted at once; version 1 has none and reads as 0.
 *
 * **Errors** `Unsupported` for version 0.
 */
export const CephXAuthenticate: Codec.Codec<CephXAuthenticate> = {
  name: "CephXAuthenticate",
  schema: Schema.Union([
    Schema.Struct({ structV: Schema.Literal(1), ...baseSchemas, otherKeys: Schema.Literal(0) }),
    Schema.Struct({ structV: Schema.Literals([2, 3]), ...baseSchemas, otherKeys: Codec.u32.schema })
  ]),
  min: 1 + authenticateV1.min,
  size: (value) => 1 + (value.structV < 2 ? authenticateV1.size(value) : authenticateV2.size(value)),
  write: (writer, value) => {
    Codec.u8.write(writer, value.structV)
    if (value.structV < 2) authenticateV1.write(writer, value)
    else authenticateV2.write(writer, value)
  },
  read: (reader) => {
    const at = reader.offset
    const version = Codec.u8.read(reader)
    if (version < 1) reader.fail("CephXAuthenticate", "Unsupported", "version 1 or newer", at)
    return version < 2
      ? { structV: 1, ...authenticateV1.read(reader), otherKeys: 0 }
      : { structV: Math.min(version, 3), ...authenticateV2.read(reader) }
  }
}

/**
 * One ticket of a reply.
 *
 * **Shape** `serviceId:le32 1:u8 serviceTicket:bytes encrypted:u8 ticket:bytes`. `serviceTicket` is a
 * `CephXServiceTicket` sealed with a key of the client. `ticket` is a `CephXTicketBlob`, or, when `encrypted`, one
 * inside a length, sealed with the session key of the client's previous ticket.
 */
export const TicketEntry = Codec.struct("TicketEntry", {
  serviceId: Codec.u32,
  serviceTicket: structV(1, Codec.bytes),
  encrypted: Codec.bool,
  ticket: Codec.bytes
})
export type TicketEntry = Codec.Type<typeof TicketEntry>

/** **Shape** `1:u8 count:le32 entries` */
export const TicketReply = structV(1, Codec.struct("TicketReply", { entries: Codec.list(TicketEntry) }))
export type TicketReply = Codec.Type<typeof TicketReply>

/**
 * What follows the tickets of `AUTH_DONE` when the request had `otherKeys`.
 *
 * **Shape** `connectionSecret:bytes extraTickets:bytes`. The first holds nothing or once more `length:le32` and the
 * sealed byte string, the second nothing or a `TicketReply`.
 */
export const Extras = Codec.struct("Extras", { connectionSecret: Codec.bytes, extraTickets: Codec.bytes })
export type Extras = Codec.Type<typeof Extras>

/**
 * The answer to a proof, as `AUTH_DONE` carries it. A status other than 0 ends it after the header.
 *
 * **Shape** `CephXResponseHeader TicketReply`, and `Extras` when the request had `otherKeys`.
 */
export const AuthenticateReply = Codec.struct("AuthenticateReply", {
  header: CephXResponseHeader,
  tickets: TicketReply
})
export type AuthenticateReply = Codec.Type<typeof AuthenticateReply>

/**
 * Asks for more tickets, behind an authorizer for the authentication service.
 *
 * **Shape** `1:u8 keys:le32`, a mask of entity types.
 */
export const CephXServiceTicketRequest = structV(1, Codec.struct("CephXServiceTicketRequest", { keys: Codec.u32 }))
export type CephXServiceTicketRequest = Codec.Type<typeof CephXServiceTicketRequest>

/**
 * The secrets of a service, for a daemon of that service. A status other than 0 ends it after the header.
 *
 * **Shape** `CephXResponseHeader sealed:bytes`, where `sealed` is a `RotatingSecrets` under the daemon's own key.
 */
export const RotatingReply = Codec.struct("RotatingReply", { header: CephXResponseHeader, sealed: Codec.bytes })
export type RotatingReply = Codec.Type<typeof RotatingReply>
