/**
 * What two banners agree on.
 *
 * **Source** msgr2, "Banner"; Ceph `src/msg/async/ProtocolV2.cc` (`_handle_peer_banner_payload`)
 */
import type { Banner } from "@msgr2/wire/Banner"
import * as Features from "@msgr2/wire/Features"
import type { Local } from "./Options.ts"
import type { Agreed } from "./State.ts"

export type Agreement =
  | { readonly _tag: "Agreed"; readonly agreed: Agreed }
  | { readonly _tag: "Disagreed"; readonly expected: string }

const hex = (bits: bigint): string => `0x${bits.toString(16)}`

/** Each side's required bits must be among the other's supported ones. */
export const agree = (own: Local, peer: Banner): Agreement => {
  const lacking = own.msgr2Required & ~peer.supported
  if (lacking !== 0n) return { _tag: "Disagreed", expected: `msgr2 features ${hex(lacking)} of the peer` }
  const unknown = peer.required & ~own.msgr2Supported
  if (unknown !== 0n) return { _tag: "Disagreed", expected: `no demand for msgr2 features ${hex(unknown)}` }
  const both = own.msgr2Supported & peer.supported
  return {
    _tag: "Agreed",
    agreed: {
      revision: (both & Features.Msgr2.Revision1) !== 0n ? 1 : 0,
      compression: (both & Features.Msgr2.Compression) !== 0n
    }
  }
}
