/**
 * What a client and a monitor say to each other.
 *
 * Middle and data segments are not here. A command's input and output are the data segment of its message: bytes, of
 * whatever kind the command deals in.
 *
 * **Source** Ceph `src/messages/*.h`; `src/include/ceph_fs.h` and `src/msg/Message.h` for the numbers
 */
import * as Result from "effect/Result"
import * as Codec from "@msgr2/wire/Codec"
import { GlobalId } from "@msgr2/wire/Ids"
import { WireError } from "@msgr2/wire/WireError"
import { type Declaration, declaration, ifAny, type Type } from "./Declaration.ts"
import { LogEntry } from "./LogEntry.ts"
import { MonMap } from "./MonMap.ts"
import { PaxosPrefix } from "./PaxosPrefix.ts"
import { Text } from "./Text.ts"
import { Uuid } from "./Uuid.ts"

/** "Are you there?" A client asks with an empty front; a monitor answers with its health as JSON in `text`. */
export const MPing = declaration("MPing", { type: 2, version: 1, compatVersion: 1 }, { text: ifAny(Text) })
export type MPing = Type<typeof MPing>

/** The map of the monitors, inside a length. */
export const MMonMap = declaration(
  "MMonMap",
  { type: 4, version: 1, compatVersion: 1 },
  { monMap: Codec.sized(MonMap) }
)
export type MMonMap = Type<typeof MMonMap>

/** Asks for the map of the monitors. */
export const MMonGetMap = declaration("MMonGetMap", { type: 5, version: 1, compatVersion: 1 }, {})
export type MMonGetMap = Type<typeof MMonGetMap>

/** `MMonSubscribe.what[...].flags`: `Onetime` ends the subscription with the first answer. */
export const SubscribeFlag = { Onetime: 1 } as const

const Subscription = Codec.struct("Subscription", { start: Codec.counter, flags: Codec.u8 })

/**
 * Asks for maps from version `start` on, under the names "monmap", "osdmap", "mgrmap", "config" ...
 *
 * **Units** `start` 0 is the current version, in full; a peer that has version n asks for n + 1.
 */
export const MMonSubscribe = declaration(
  "MMonSubscribe",
  { type: 15, version: 3, compatVersion: 1 },
  { what: Codec.map(Codec.string, Subscription), hostname: Codec.string }
)
export type MMonSubscribe = Type<typeof MMonSubscribe>

/**
 * How soon to renew a subscription. Only peers without stateful subscriptions are sent this.
 *
 * **Units** `interval` in seconds.
 */
export const MMonSubscribeAck = declaration(
  "MMonSubscribeAck",
  { type: 16, version: 1, compatVersion: 1 },
  { interval: Codec.u32, fsid: Uuid }
)
export type MMonSubscribeAck = Type<typeof MMonSubscribeAck>

/**
 * One step of authentication over a living session: the renewal of tickets.
 *
 * **Units** `protocol` is the method's number (2 for CephX), which also says what `payload` is.
 */
export const MAuth = declaration(
  "MAuth",
  { type: 17, version: 1, compatVersion: 1 },
  { paxos: PaxosPrefix, protocol: Codec.u32, payload: Codec.bytes, monMapEpoch: Codec.u32 }
)
export type MAuth = Type<typeof MAuth>

/**
 * The answer to `MAuth`, without the prefix.
 *
 * **Units** `result` is 0 or a negated Linux errno.
 */
export const MAuthReply = declaration(
  "MAuthReply",
  { type: 18, version: 1, compatVersion: 1 },
  { protocol: Codec.u32, result: Codec.i32, globalId: GlobalId, payload: Codec.bytes, resultMessage: Text }
)
export type MAuthReply = Type<typeof MAuthReply>

/** Asks for the newest and oldest version of a map. The monitor returns `handle` unread. */
export const MMonGetVersion = declaration(
  "MMonGetVersion",
  { type: 19, version: 1, compatVersion: 1 },
  { handle: Codec.u64, what: Codec.string }
)
export type MMonGetVersion = Type<typeof MMonGetVersion>

/** The answer to `MMonGetVersion`. */
export const MMonGetVersionReply = declaration(
  "MMonGetVersionReply",
  { type: 20, version: 2, compatVersion: 2 },
  { handle: Codec.u64, version: Codec.counter, oldestVersion: Codec.counter }
)
export type MMonGetVersionReply = Type<typeof MMonGetVersionReply>

/**
 * A command to the cluster. The answer bears the same `tid` in its header.
 *
 * **Shape** `cmd` holds one string, a JSON object with a "prefix"; `fsid` is the cluster's, another is refused.
 */
export const MMonCommand = declaration(
  "MMonCommand",
  { type: 50, version: 1, compatVersion: 1 },
  { paxos: PaxosPrefix, fsid: Uuid, cmd: Codec.list(Codec.string) }
)
export type MMonCommand = Type<typeof MMonCommand>

/**
 * How a command went; its output is the data segment. `status` and `cmd`, the echo of the command, may quote anything,
 * so they are `Text`.
 *
 * **Units** `result` is 0 or a negated Linux errno.
 */
export const MMonCommandAck = declaration(
  "MMonCommandAck",
  { type: 51, version: 1, compatVersion: 1 },
  { paxos: PaxosPrefix, result: Codec.i32, status: Text, cmd: Codec.list(Text) }
)
export type MMonCommandAck = Type<typeof MMonCommandAck>

/** Lines for the cluster's log. */
export const MLog = declaration(
  "MLog",
  { type: 52, version: 1, compatVersion: 1 },
  { paxos: PaxosPrefix, fsid: Uuid, entries: Codec.list(LogEntry) }
)
export type MLog = Type<typeof MLog>

/** Lines of `channel` up to `last` are stored; without the prefix. */
export const MLogAck = declaration(
  "MLogAck",
  { type: 53, version: 1, compatVersion: 1 },
  { fsid: Uuid, last: Codec.u64, channel: Text }
)
export type MLogAck = Type<typeof MLogAck>

/** The options that the cluster's configuration database has for the receiver. */
export const MConfig = declaration(
  "MConfig",
  { type: 62, version: 1, compatVersion: 1 },
  { options: Codec.map(Text, Text) }
)
export type MConfig = Type<typeof MConfig>

/** Every kind of message declared here, by type number. */
export const all = [
  MPing,
  MMonMap,
  MMonGetMap,
  MMonSubscribe,
  MMonSubscribeAck,
  MAuth,
  MAuthReply,
  MMonGetVersion,
  MMonGetVersionReply,
  MMonCommand,
  MMonCommandAck,
  MLog,
  MLogAck,
  MConfig
] as const
export type MonMessage = Type<(typeof all)[number]>

/** A message of a type that is not declared here, for somebody else to read. */
export interface Unknown {
  readonly _tag: "Unknown"
  readonly type: number
  readonly front: Uint8Array
}

type Any = Declaration<MonMessage>
const byType: ReadonlyMap<number, Any> = new Map(all.map((kind) => [kind.type, kind as unknown as Any]))
const byTag: ReadonlyMap<string, Any> = new Map(all.map((kind) => [kind.front.name, kind as unknown as Any]))

/** The declaration behind a type number, or `undefined` when there is none here. */
export const declarationOf = (type: number): Any | undefined => byType.get(type)

/**
 * The message with this `type` and `front`; what a later version appended to the front is skipped.
 *
 * **Units** `compatVersion` is the header's: the oldest reader the sender has in mind, 0 when it has none.
 *
 * **Errors** `WireError`; `Unsupported` when `compatVersion` is above the version declared here.
 */
export const decodeMessage = (
  type: number,
  front: Uint8Array,
  compatVersion = 0
): Result.Result<MonMessage | Unknown, WireError> => {
  const kind = byType.get(type)
  if (kind === undefined) return Result.succeed({ _tag: "Unknown", type, front })
  if (compatVersion <= kind.version) return Codec.decodePrefix(kind.front, front)
  const expected = `a message that version ${kind.version} can read, got one for version ${compatVersion}`
  return Result.fail(new WireError({ type: kind.front.name, reason: "Unsupported", offset: 0, expected }))
}

/** A message but for its header's counters: everything that depends on its kind. */
export interface Encoded {
  readonly type: number
  readonly version: number
  readonly compatVersion: number
  readonly front: Uint8Array
}

export const encodeMessage = (value: MonMessage): Encoded => {
  const { front, ...header } = byTag.get(value._tag)!
  return { ...header, front: Codec.encode(front, value) }
}
