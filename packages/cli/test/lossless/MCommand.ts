/**
 * A command to one daemon, and its answer: what `ceph tell osd.0 version` sends.
 *
 * **Source** Ceph `src/messages/MCommand.h`, `src/messages/MCommandReply.h`
 */
import { Declaration, Text, Uuid } from "@msgr2/mon"
import { Codec } from "@msgr2/wire"

/** **Shape** `cmd` holds one string, a JSON object with a "prefix"; `fsid` is the cluster's; input is the data segment. */
export const MCommand = Declaration.declaration(
  "MCommand",
  { type: 97, version: 1, compatVersion: 1 },
  { fsid: Uuid.Uuid, cmd: Codec.list(Codec.string) }
)
export type MCommand = Declaration.Type<typeof MCommand>

/**
 * **Shape** bears the `tid` of its command; output is the data segment.
 *
 * **Units** `result` is 0 or a negated Linux errno.
 */
export const MCommandReply = Declaration.declaration(
  "MCommandReply",
  { type: 98, version: 1, compatVersion: 1 },
  { result: Codec.i32, status: Text.Text }
)
export type MCommandReply = Declaration.Type<typeof MCommandReply>
