/**
 * How monitors look for each other while they have no quorum.
 *
 * **Source** Ceph `src/messages/MMonProbe.h`
 */
import { Declaration, Uuid } from "@msgr2/mon"
import { Codec } from "@msgr2/wire"

/** `MMonProbe.op`. */
export const Op = { Probe: 1, Reply: 2, Slurp: 3, SlurpLatest: 4, Data: 5, MissingFeatures: 6 } as const

/**
 * **Shape** `name` is the sender's; `quorum` and `leader` are ranks, -1 for no leader; `monMap` is encoded, or empty.
 *
 * **Units** `monRelease` 16 is Pacific; `requiredFeatures` are features of monitors, not of connections.
 */
export const MMonProbe = Declaration.declaration(
  "MMonProbe",
  { type: 67, version: 8, compatVersion: 5 },
  {
    fsid: Uuid.Uuid,
    op: Codec.i32,
    name: Codec.string,
    quorum: Codec.list(Codec.i32),
    monMap: Codec.bytes,
    hasEverJoined: Codec.bool,
    paxosFirst: Codec.counter,
    paxosLast: Codec.counter,
    requiredFeatures: Codec.u64,
    monRelease: Codec.u8,
    leader: Codec.i32
  }
)
export type MMonProbe = Declaration.Type<typeof MMonProbe>
