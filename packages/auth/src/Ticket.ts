/**
 * Tickets: what a client shows to a service, and what only the service can read in it.
 *
 * **Source** Ceph `src/auth/cephx/CephxProtocol.h`, `src/auth/Auth.h`
 */
import * as Codec from "@msgr2/wire/Codec"
import { EntityName } from "@msgr2/wire/EntityName"
import { CryptoKey } from "./CryptoKey.ts"
import { structV } from "./StructV.ts"
import { UTime } from "@msgr2/wire/UTime"

/**
 * The ticket as a client holds it: opaque, sealed with the service's secret number `secretId`.
 *
 * **Shape** `1:u8 secretId:le64 blob:bytes`
 */
export const CephXTicketBlob = structV(1, Codec.struct("CephXTicketBlob", { secretId: Codec.u64, blob: Codec.bytes }))
export type CephXTicketBlob = Codec.Type<typeof CephXTicketBlob>

/** What a client sends that has no ticket yet. */
export const noTicket: CephXTicketBlob = { secretId: 0n, blob: new Uint8Array(0) }

/**
 * The client's half of a ticket: the key it shares with the service.
 *
 * **Shape** `1:u8 sessionKey:CryptoKey validity:utime`
 */
export const CephXServiceTicket = structV(
  1,
  Codec.struct("CephXServiceTicket", { sessionKey: CryptoKey, validity: UTime })
)
export type CephXServiceTicket = Codec.Type<typeof CephXServiceTicket>

/**
 * What the client may do at the service.
 *
 * **Shape** `1:u8 allowAll:u8 caps:bytes`. `caps` is empty or holds an encoded string, a second length and all.
 */
export const AuthCapsInfo = structV(1, Codec.struct("AuthCapsInfo", { allowAll: Codec.bool, caps: Codec.bytes }))
export type AuthCapsInfo = Codec.Type<typeof AuthCapsInfo>

/** The auid that says there is none; nothing else is in use any more. */
export const NO_AUID = 0xffff_ffff_ffff_ffffn

/**
 * Who the client is.
 *
 * **Shape** `2:u8 name:EntityName globalId:le64 auid:le64 created:utime expires:utime caps:AuthCapsInfo flags:le32`
 */
export const AuthTicket = structV(
  2,
  Codec.struct("AuthTicket", {
    name: EntityName,
    globalId: Codec.u64,
    auid: Codec.u64,
    created: UTime,
    expires: UTime,
    caps: AuthCapsInfo,
    flags: Codec.u32
  })
)
export type AuthTicket = Codec.Type<typeof AuthTicket>

/**
 * The service's half of a ticket, which is what `CephXTicketBlob.blob` seals.
 *
 * **Shape** `1:u8 ticket:AuthTicket sessionKey:CryptoKey`
 */
export const CephXServiceTicketInfo = structV(
  1,
  Codec.struct("CephXServiceTicketInfo", { ticket: AuthTicket, sessionKey: CryptoKey })
)
export type CephXServiceTicketInfo = Codec.Type<typeof CephXServiceTicketInfo>

/** A ticket's copy that does not share memory with a receive buffer. */
export const keep = ({ secretId, blob }: CephXTicketBlob): CephXTicketBlob => ({ secretId, blob: blob.slice() })
