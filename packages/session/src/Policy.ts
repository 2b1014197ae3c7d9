/**
 * How an end treats its peers, by their type.
 *
 * **Source** Ceph `src/msg/Policy.h`
 */

export interface Policy {
  /** Nothing survives a lost connection; no acks. */
  readonly lossy: boolean
  /** Waits for the peer to come back, never dials by itself. */
  readonly server: boolean
  /** With nothing to send, waits instead of dialling. */
  readonly standby: boolean
  /** Compares cookies and tells the owner when the peer has lost the session. */
  readonly resetCheck: boolean
  /** Keeps lossy clients in the table of sessions: one connection for each address. */
  readonly registerLossyClients: boolean
  /** Connection features demanded of the peer. */
  readonly featuresRequired: bigint
}

const make = (
  lossy: boolean,
  server: boolean,
  standby: boolean,
  resetCheck: boolean,
  registerLossyClients: boolean
): Policy => ({ lossy, server, standby, resetCheck, registerLossyClients, featuresRequired: 0n })

export const initiator: Policy = make(false, false, false, true, true)
export const statefulServer: Policy = make(false, true, true, true, true)
export const statelessRegisteredServer: Policy = make(true, true, false, false, true)
export const statelessServer: Policy = make(true, true, false, false, false)
export const losslessPeer: Policy = make(false, false, true, false, true)
export const losslessPeerReuse: Policy = make(false, false, true, true, true)
export const lossyClient: Policy = make(true, false, false, false, true)
export const losslessClient: Policy = make(false, false, false, true, true)

/** The same policy that also demands `features`. */
export const requiring = (self: Policy, features: bigint): Policy => ({
  ...self,
  featuresRequired: self.featuresRequired | features
})

/** One policy for peers without one of their own, and those of single entity types. */
export interface Policies {
  readonly otherwise: Policy
  readonly byType?: { readonly [entityType: number]: Policy }
}

export const policyFor = (policies: Policies, entityType: number): Policy =>
  policies.byType?.[entityType] ?? policies.otherwise

/** The bit of an ident's flags by which a server says that nothing of the session will survive its connection. */
export const LOSSY = 1n
