/**
 * Who this messenger is and how patient it is.
 */
import * as Compressors from "@msgr2/frame/Compressors"
import * as Limits from "@msgr2/frame/Limits"
import type { CompressionPolicy } from "@msgr2/session/CompressionPolicy"
import * as Options from "@msgr2/session/Options"
import * as Policy from "@msgr2/session/Policy"
import { EntityType } from "@msgr2/wire/EntityName"
import * as Features from "@msgr2/wire/Features"
import * as Duration from "effect/Duration"

export interface MessengerConfig {
  /** One of `EntityType`. */
  readonly entityType: number
  readonly gid: bigint
  /** Tells this process from earlier ones at its address; random when absent. */
  readonly nonce: number | undefined
  readonly msgr2Supported: bigint
  readonly msgr2Required: bigint
  readonly features: bigint
  /** For whom frames are compressed, and by which of the `compressors`: for nobody, by default. */
  readonly compression: CompressionPolicy
  /** The algorithms at hand. */
  readonly compressors: Compressors.Compressors
  /** How this end treats the peers it dials. */
  readonly clientPolicy: Policy.Policy
  /** How it treats those that dial it. */
  readonly serverPolicies: Policy.Policies
  /** From the first byte to READY. Ceph: `ms_connection_ready_timeout`. */
  readonly handshakeTimeout: Duration.Duration
  /**
   * Without a frame in either direction; as in Ceph, looked at so often, and so found out after one to two of it. Ceph:
   * `ms_connection_idle_timeout`.
   */
  readonly idleTimeout: Duration.Duration
  /** Between the keepalives this end sends of its own accord; `undefined` sends none. */
  readonly keepaliveInterval: Duration.Duration | undefined
  /**
   * Without a frame from a peer that is sent keepalives: then the connection is lost, as if it had been cut. Found out
   * at the next keepalive; `undefined` leaves it to `idleTimeout`, which what this end sends puts off.
   */
  readonly keepaliveTimeout: Duration.Duration | undefined
  /** Before the next attempt after one that failed. */
  readonly backoff: Options.Backoff
  /** Bytes that may wait to leave before `send` suspends. */
  readonly sendBuffer: number
  /** Messages, and bytes of them, that a session that can last keeps until they are acknowledged: then `send` suspends. */
  readonly outboxMessages: number
  readonly outboxBytes: number
  /** How long the session of a peer that has gone is kept for it to come back to. */
  readonly sessionTimeout: Duration.Duration
  /** Such sessions; beyond, the one that has waited longest is given up. */
  readonly maxDetached: number
  /** Bytes of messages that may wait for the application before nothing more is read. */
  readonly receiveBuffer: number
  /**
   * False sends checksums of segments as 0 and looks at none: both ends must be told, nothing is negotiated. Ceph:
   * `ms_crc_data`.
   */
  readonly dataCrc: boolean
  /** What a frame may measure once the peer is authenticated. */
  readonly limits: Limits.Limits
  /** Connections served at the same time; further ones wait in the listener's queue. */
  readonly maxConnections: number
}

export const defaults: MessengerConfig = {
  ...Options.defaults,
  entityType: EntityType.Client,
  nonce: undefined,
  compressors: Compressors.installed,
  clientPolicy: Policy.requiring(Policy.lossyClient, Features.osdReplyMux),
  serverPolicies: { otherwise: Policy.statelessServer },
  handshakeTimeout: Duration.seconds(10),
  idleTimeout: Duration.seconds(900),
  keepaliveInterval: undefined,
  keepaliveTimeout: undefined,
  sendBuffer: 256 * 1024,
  outboxMessages: 64 * 1024,
  outboxBytes: 64 * 1024 * 1024,
  sessionTimeout: Duration.minutes(5),
  maxDetached: 1024,
  receiveBuffer: 1024 * 1024,
  dataCrc: true,
  limits: Limits.afterAuth,
  maxConnections: 1024
}
