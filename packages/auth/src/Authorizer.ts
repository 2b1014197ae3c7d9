/**
 * What a client shows to a service that is no monitor, and a monitor to another monitor: a ticket, and proof that it has
 * the key that came with it. The payloads in the order they are sent.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/auth/cephx/CephxProtocol.h`, `CephxProtocol.cc`
 */
import { Bytes } from "@msgr2/wire/Bytes"
import * as Codec from "@msgr2/wire/Codec"
import * as Schema from "effect/Schema"
import { structV } from "./StructV.ts"
import { CephXTicketBlob } from "./Ticket.ts"

/** The first byte of an authorizer, where a client of a monitor says 10. Ceph takes anything from 1 to 9. */
export const MODE = 1

/**
 * The payload of both requests. They differ in `sealed` only.
 *
 * **Shape** `mode:u8 globalId:le64 serviceId:le32 ticket:CephXTicketBlob sealed:bytes`. `serviceId` is the entity type of
 * the service, `sealed` a `CephXAuthorize` under the session key in the ticket.
 */
export const CephXAuthorizer = Codec.struct("CephXAuthorizer", {
  mode: Codec.u8,
  globalId: Codec.u64,
  serviceId: Codec.u32,
  ticket: CephXTicketBlob,
  sealed: Codec.bytes
})
export type CephXAuthorizer = Codec.Type<typeof CephXAuthorizer>

/**
 * What an authorizer seals.
 *
 * **Shape** `2:u8 nonce:le64 haveChallenge:u8 serverChallengePlusOne:le64`, the last two zero until there is a challenge.
 *
 * **Errors** `Unsupported` for version 1, which has no challenge and can be replayed.
 */
export const CephXAuthorize = structV(
  2,
  Codec.struct("CephXAuthorize", {
    nonce: Codec.u64,
    haveChallenge: Codec.bool,
    serverChallengePlusOne: Codec.u64
  })
)
export type CephXAuthorize = Codec.Type<typeof CephXAuthorize>

/**
 * What the service demands an answer to, so that nobody gets in with an authorizer from another connection. The payload
 * of `AUTH_REPLY_MORE` is this, sealed under the session key, without a length.
 *
 * **Shape** `1:u8 serverChallenge:le64`
 */
export const CephXAuthorizeChallenge = structV(
  1,
  Codec.struct("CephXAuthorizeChallenge", { serverChallenge: Codec.u64 })
)
export type CephXAuthorizeChallenge = Codec.Type<typeof CephXAuthorizeChallenge>

/** `connectionSecret` is `undefined` outside secure mode. */
export interface CephXAuthorizeReply {
  readonly noncePlusOne: bigint
  readonly connectionSecret: Uint8Array | undefined
}

/**
 * How the service proves that it could open the ticket. The payload of `AUTH_DONE` is this, sealed under the session key,
 * behind a length.
 *
 * **Shape** `structV:u8 noncePlusOne:le64`, and from version 2 on `connectionSecret:bytes`.
 *
 * **Errors** `Unsupported` for version 0.
 */
export const CephXAuthorizeReply: Codec.Codec<CephXAuthorizeReply> = {
  name: "CephXAuthorizeReply",
  schema: Schema.Struct({ noncePlusOne: Codec.u64.schema, connectionSecret: Schema.UndefinedOr(Bytes) }),
  min: 9,
  size: ({ connectionSecret }) => 9 + (connectionSecret === undefined ? 0 : Codec.bytes.size(connectionSecret)),
  write: (writer, { noncePlusOne, connectionSecret }) => {
    Codec.u8.write(writer, connectionSecret === undefined ? 1 : 2)
    Codec.u64.write(writer, noncePlusOne)
    if (connectionSecret !== undefined) Codec.bytes.write(writer, connectionSecret)
  },
  read: (reader) => {
    const at = reader.offset
    const version = Codec.u8.read(reader)
    if (version < 1) reader.fail("CephXAuthorizeReply", "Unsupported", "version 1 or newer", at)
    const noncePlusOne = Codec.u64.read(reader)
    return { noncePlusOne, connectionSecret: version < 2 ? undefined : Codec.bytes.read(reader) }
  }
}

/** One more, in 64 bits: the answer to a nonce or a challenge. */
export const plusOne = (value: bigint): bigint => BigInt.asUintN(64, value + 1n)
