/**
 * Lines for the cluster's log.
 *
 * **Source** Ceph `src/common/LogEntry.h`, `src/common/LogEntry.cc`
 */
import * as Codec from "@msgr2/wire/Codec"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as EntityName from "@msgr2/wire/EntityName"
import { envelope } from "@msgr2/wire/Envelope"
import { Text } from "./Text.ts"
import { UTime } from "@msgr2/wire/UTime"

/** `LogEntry.priority`. */
export const Priority = { Debug: 0, Info: 1, Security: 2, Warn: 3, Error: 4 } as const

/**
 * One line.
 *
 * **Shape** an envelope (version 5, compat 5) around `name rank addrs stamp seq:le64 priority:le16 message channel`.
 * `name` owns the key, `rank` is the same party by number; `seq` counts the sender's lines.
 */
export const LogEntry = envelope(
  5,
  5,
  Codec.struct("LogEntry", {
    name: EntityName.EntityName,
    rank: EntityName.EntityNum,
    addrs: EntityAddr.EntityAddrVec,
    stamp: UTime,
    seq: Codec.u64,
    priority: Codec.u16,
    message: Text,
    channel: Text
  })
)
export type LogEntry = Codec.Type<typeof LogEntry>
