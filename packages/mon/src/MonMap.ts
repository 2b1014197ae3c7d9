/**
 * The map of the monitors: who they are, where they are, and what they agreed on.
 *
 * **Source** Ceph `src/mon/MonMap.h`, `src/mon/MonMap.cc`, `src/mon/mon_types.h`
 */
import * as Codec from "@msgr2/wire/Codec"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import { envelope, since, versioned } from "@msgr2/wire/Envelope"
import { UTime } from "@msgr2/wire/UTime"
import { Uuid } from "./Uuid.ts"

/**
 * A set of monitor features, one bit each.
 *
 * **Shape** an envelope around `features:le64`.
 */
export const MonFeature: Codec.Codec<bigint> = envelope(1, 1, { ...Codec.u64, name: "MonFeature" })

/**
 * One monitor.
 *
 * **Shape** `name` and `publicAddrs` always; `priority` from version 2, `weight` from 4, `crushLoc` from 5 (16.2.15
 * and 18.2.7 write this one), `timeAdded` from 6 (20.2.4). Versions 1 and 2 hold a single old-style address: it is
 * read as a list of one and written back as a list, which Ceph reads too.
 */
export const MonInfo = versioned("MonInfo", {
  version: 6,
  oldest: 1,
  compat: 1,
  fields: {
    name: Codec.string,
    publicAddrs: EntityAddr.EntityAddrVec,
    priority: since(2, Codec.u16),
    weight: since(4, Codec.u16),
    crushLoc: since(5, Codec.map(Codec.string, Codec.string)),
    timeAdded: since(6, UTime)
  }
})
export type MonInfo = Codec.Type<typeof MonInfo>

/** How monitors elect their leader (`MonMap.strategy`). */
export const Strategy = { Classic: 1, Disallow: 2, Connectivity: 3 } as const

/**
 * The map itself.
 *
 * **Shape** version 6 adds the order of ranks, 7 the oldest release among the monitors, 8 removed ranks and the
 * election strategy, 9 stretch mode (16.2.15 and 18.2.7 write this one), 10 the policy for ciphers (20.2.4). `mons`
 * is keyed by name; `ranks` lists names, rank 0 first.
 *
 * **Units** `epoch` counts maps; `authServiceCipher` and its neighbours are key types, 1 aes and 2 aes256k.
 *
 * **Errors** `Unsupported` for versions below 6, which only peers older than Nautilus are sent.
 */
export const MonMap = versioned("MonMap", {
  version: 10,
  oldest: 6,
  compat: 6,
  fields: {
    fsid: Uuid,
    epoch: Codec.u32,
    lastChanged: UTime,
    created: UTime,
    persistentFeatures: MonFeature,
    optionalFeatures: MonFeature,
    mons: Codec.map(Codec.string, MonInfo),
    ranks: Codec.list(Codec.string),
    minMonRelease: since(7, Codec.u8),
    removedRanks: since(8, Codec.list(Codec.u32)),
    strategy: since(8, Codec.u8),
    disallowedLeaders: since(8, Codec.list(Codec.string)),
    stretchModeEnabled: since(9, Codec.bool),
    tiebreakerMon: since(9, Codec.string),
    stretchMarkedDownMons: since(9, Codec.list(Codec.string)),
    authEpoch: since(10, Codec.u32),
    authServiceCipher: since(10, Codec.u32),
    authAllowedCiphers: since(10, Codec.list(Codec.u32)),
    authPreferredCipher: since(10, Codec.u32)
  }
})
export type MonMap = Codec.Type<typeof MonMap>

/** A monitor with its place in the quorum's order. */
export interface Ranked {
  readonly rank: number
  readonly name: string
  readonly addrs: EntityAddr.EntityAddrVec
}

/** The monitors by rank. A name in `ranks` without an entry in `mons` keeps its number and is left out. */
export const ranked = (monMap: MonMap): ReadonlyArray<Ranked> => {
  const mons = new Map(monMap.mons)
  return monMap.ranks.flatMap((name, rank) => {
    const info = mons.get(name)
    return info === undefined ? [] : [{ rank, name, addrs: info.publicAddrs }]
  })
}

const releases = new Map([
  [12, "luminous"],
  [13, "mimic"],
  [14, "nautilus"],
  [15, "octopus"],
  [16, "pacific"],
  [17, "quincy"],
  [18, "reef"],
  [19, "squid"],
  [20, "tentacle"]
])

/** `reef` for 18, `release(99)` for a number nobody has named. */
export const formatRelease = (release: number): string => releases.get(release) ?? `release(${release})`
