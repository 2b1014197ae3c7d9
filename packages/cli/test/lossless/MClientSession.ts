/**
 * What a client of CephFS and an MDS say about their session.
 *
 * **Source** Ceph `src/messages/MClientSession.h`; `src/include/ceph_fs.h` (`CEPH_SESSION_*`, `ceph_mds_session_head`)
 */
import { Declaration } from "@msgr2/mon"
import { Codec, UTime } from "@msgr2/wire"

/** `MClientSession.op`: what a client asks for, and what it is told. */
export const Op = {
  RequestOpen: 0,
  Open: 1,
  RequestClose: 2,
  Close: 3,
  RequestRenewCaps: 4,
  RenewCaps: 5,
  Stale: 6,
  Reject: 11
} as const

/**
 * The oldest version: later ones append what a client says of itself, which need not be said. An MDS writes this one too
 * where it has nothing to add.
 *
 * **Shape** `seq` comes back in the answer to `RequestRenewCaps`, whatever it is.
 */
export const MClientSession = Declaration.declaration(
  "MClientSession",
  { type: 22, version: 1, compatVersion: 1 },
  { op: Codec.u32, seq: Codec.counter, stamp: UTime.UTime, maxCaps: Codec.u32, maxLeases: Codec.u32 }
)
export type MClientSession = Declaration.Type<typeof MClientSession>

/** One that says nothing besides. */
export const make = (op: number, seq = 0): MClientSession => ({
  _tag: "MClientSession",
  op,
  seq,
  stamp: UTime.zero,
  maxCaps: 0,
  maxLeases: 0
})
