/**
 * Who is at the other end of an open connection, and what was agreed.
 */
import type { EntityAddrVec } from "@msgr2/wire/EntityAddr"
import type { EntityName } from "@msgr2/wire/EntityName"
import type { GlobalId } from "@msgr2/wire/Ids"

/** 1 is msgr2.1: both banners said so. */
export type Revision = 0 | 1

export interface Peer {
  readonly addrs: EntityAddrVec
  readonly entityType: number
  /** Rank, id or global id; -1 while unknown. */
  readonly gid: bigint
  /** Connection features that both ends have. */
  readonly features: bigint
  readonly mode: number
  readonly revision: Revision
  /** The method by which frames may go compressed. */
  readonly compression: number | undefined
  /** The global id that authentication gave to the client's end. */
  readonly globalId: GlobalId
  /** Who the client proved to be; only the accepting end learns it. */
  readonly authenticatedAs: EntityName | undefined
}
