/**
 * The 18 bytes that stand in front of many messages of monitors.
 *
 * **Source** Ceph `src/messages/PaxosServiceMessage.h`
 */
import * as Codec from "@msgr2/wire/Codec"

/**
 * **Shape** `version:le64 session_mon:le16 session_mon_tid:le64`. `version` is the map version the sender has;
 * the other two have had no meaning for years.
 */
export const PaxosPrefix = Codec.struct("PaxosPrefix", {
  version: Codec.u64,
  sessionMon: Codec.i16,
  sessionMonTid: Codec.u64
})
export type PaxosPrefix = Codec.Type<typeof PaxosPrefix>

/** What a client sends: no version, and the values that stand for nothing. */
export const initial: PaxosPrefix = { version: 0n, sessionMon: -1, sessionMonTid: 0n }
