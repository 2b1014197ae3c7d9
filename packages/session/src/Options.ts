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
  /** Rank, id or global id; -1 while unknown. */
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
}

export interface Client extends Local {
  readonly target: EntityAddr
  /** Entity type the target must have; `undefined` accepts any, for tools that look around. */
  readonly targetType: number | undefined
  readonly policy: Policy
}

export interface Server extends Local {
  readonly policies: Policies
}

/** What this implementation offers unless told otherwise. */
export const defaults = {
  gid: -1n,
  addrs: [],
  nonce: 0,
  msgr2Supported: Features.Msgr2.Revision1 | Features.Msgr2.Compression,
  msgr2Required: 0n,
  features: Features.pacific,
  compression: CompressionPolicy.defaults
} as const

/** AUTH_* frames that one connection may take before it counts as a loop. */
export const MAX_AUTH_ROUNDS = 16
