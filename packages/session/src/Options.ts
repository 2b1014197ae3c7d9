/**
 * What one end is and wants, fixed for the life of a machine.
 */
import type { EntityAddr, EntityAddrVec } from "@msgr2/wire/EntityAddr"
import * as Features from "@msgr2/wire/Features"
import * as CompressionPolicy from "./CompressionPolicy.ts"
import type { Policies, Policy } from "./Policy.ts"

/** What both roles need. */
export interface Local {
  /** One of `EntityType`. */
  readonly entityType: number
  /** Rank or id; -1 for a client, which tells daemons its global id. */
  readonly gid: bigint
  /** Addresses this end listens on; empty for a client, which then declares the one it is seen at. */
  readonly addrs: EntityAddrVec
  /** Tells this process from earlier ones at the same address: random for a client. */
  readonly nonce: number
  readonly msgr2Supported: bigint
  readonly msgr2Required: bigint
  /** Connection features offered in the ident. */
  readonly features: bigint
  /** Its methods are those that this process can do. */
  readonly compression: CompressionPolicy.CompressionPolicy
  readonly backoff: Backoff
}

/** How long to wait before the next attempt after one that failed. Doubles up to `max`. **Units** milliseconds. */
export interface Backoff {
  /** Ceph: `ms_initial_backoff`. */
  readonly initial: number
  /** Ceph: `ms_max_backoff`. */
  readonly max: number
}

export interface Client extends Local {
  readonly target: EntityAddr
  /** Entity type the target must have; `undefined` accepts any, for tools that look around. */
  readonly targetType: number | undefined
  readonly policy: Policy
  /** Attempts in a row that may fail; by default none for a lossy session, and any number for one that can last. */
  readonly retries?: number
  /** All addresses of the target, where it has more than one. */
  readonly targetAddrs?: EntityAddrVec
}

export interface Server extends Local {
  readonly policies: Policies
  /** False when this end cannot dial its visitors, so that it has to wait for those that get lost. */
  readonly dialsBack?: boolean
}

/** What this implementation offers unless told otherwise. */
export const defaults = {
  gid: -1n,
  addrs: [],
  nonce: 0,
  msgr2Supported: Features.Msgr2.Revision1 | Features.Msgr2.Compression,
  msgr2Required: 0n,
  features: Features.pacific,
  compression: CompressionPolicy.defaults,
  backoff: { initial: 200, max: 15_000 }
} as const

/** AUTH_* frames that one connection may take before it counts as a loop; as many requests for a session. */
export const MAX_ROUNDS = 16

/** An answer that wants a number beyond it is refused: it could not be counted up for long. */
export const MAX_SEQ = 1n << 62n
