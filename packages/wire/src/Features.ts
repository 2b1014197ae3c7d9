/**
 * The two spaces of feature bits: what a banner offers and what an ident offers.
 *
 * **Source** Ceph `src/include/msgr.h`, `src/include/ceph_features.h`
 */

/** Bits of the banner. */
export const Msgr2 = { Revision1: 1n << 0n, Compression: 1n << 1n } as const

/** Incarnations 2 and 3 of a bit count only together with the bits that mark their generation. */
const generation = (incarnation: 1 | 2 | 3): bigint =>
  incarnation === 1 ? 0n : incarnation === 2 ? 1n << 57n : (1n << 57n) | (1n << 28n)

const table = {
  Uid: [0, 1],
  NoSrcAddr: [1, 1],
  ServerNautilus: [2, 3],
  Flock: [3, 1],
  Subscribe2: [4, 1],
  MonNames: [5, 1],
  ReconnectSeq: [6, 1],
  DirLayoutHash: [7, 1],
  ObjectLocator: [8, 1],
  PgId64: [9, 1],
  IncSubOsdMap: [10, 1],
  PgPool3: [11, 1],
  OsdReplyMux: [12, 1],
  OsdEnc: [13, 1],
  ServerKraken: [14, 2],
  MonEnc: [15, 1],
  ServerOctopus: [16, 3],
  OsPerfStatNs: [17, 3],
  CrushTunables: [18, 1],
  OsdPgLogHardLimit: [19, 2],
  ServerPacific: [20, 3],
  ServerLuminous: [21, 2],
  OsdFixedCollectionList: [22, 2],
  MsgAuth: [23, 1],
  RecoveryReservation2: [24, 2],
  CrushTunables2: [25, 1],
  CreatePoolId: [26, 1],
  ReplyCreateInode: [27, 1],
  ServerMimic: [28, 2],
  MdsEnc: [29, 1],
  OsdHashPsPool: [30, 1],
  ServerReef: [31, 3],
  StretchMode: [32, 3],
  ServerQuincy: [33, 3],
  RangeBlocklist: [34, 3],
  OsdCachePool: [35, 1],
  CrushV2: [36, 1],
  ExportPeer: [37, 1],
  CrushMsr: [38, 2],
  OsdMapEnc: [39, 1],
  MdsInlineData: [40, 1],
  CrushTunables3: [41, 1],
  MsgrKeepalive2: [42, 1],
  OsdPoolResend: [43, 1],
  NvmeofHa: [44, 2],
  NvmeofHaMap: [45, 2],
  OsdFadviseFlags: [46, 1],
  MdsQuota: [47, 1],
  CrushV4: [48, 1],
  ServerSquid: [49, 2],
  ServerTentacle: [50, 2],
  ServerUmbrella: [52, 2],
  NewOsdOpEncoding: [56, 1],
  MonStatefulSub: [57, 1],
  CrushTunables5: [58, 1],
  MsgAddr2: [59, 1],
  OsdRecoveryDeletes: [60, 1],
  CephxV2: [61, 1]
} as const satisfies { readonly [name: string]: readonly [bit: number, incarnation: 1 | 2 | 3] }

export type Feature = keyof typeof table
export const names = Object.keys(table) as ReadonlyArray<Feature>

/** Everything that must be set before `name` counts as offered. */
export const mask = (name: Feature): bigint => {
  const [bit, incarnation] = table[name]
  return (1n << BigInt(bit)) | generation(incarnation)
}

/** True when `features` offers `name`, its generation included. */
export const has = (features: bigint, name: Feature): boolean => (features & mask(name)) === mask(name)

/** The names of the single bits of `features`; a bit without a name is `bit(62)`. */
export const format = (features: bigint): ReadonlyArray<string> => {
  const listed: Array<string> = []
  for (let bit = 0; bit < 64; bit++) {
    if ((features & (1n << BigInt(bit))) === 0n) continue
    listed.push(names.find((name) => table[name][0] === bit) ?? `bit(${bit})`)
  }
  return listed
}

/** What every msgr2 ident requires of its peer: addresses in their modern form. */
export const required: bigint = mask("MsgAddr2")

/** What stock 16.2.15 offers. Bits decide how peers encode their messages, so this is the safe offer for a client. */
export const pacific: bigint = 0x3f01_cfbd_fffd_ffffn

/** What librados requires of monitors, OSDs and managers besides `required`. */
export const osdReplyMux: bigint = mask("OsdReplyMux")
