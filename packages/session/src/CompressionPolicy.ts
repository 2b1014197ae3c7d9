/**
 * When frames may go compressed, and by which method: what an end wants of its peers, and what it grants them.
 *
 * Methods are numbers here; which of them work is for whoever fills in the list.
 *
 * **Source** msgr2, "Compression"; Ceph `src/msg/compressor_registry.cc`, `src/msg/async/ProtocolV2.cc`
 * (`handle_compression_request`)
 */
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import type { Of } from "@msgr2/wire/ControlFrame"
import { EntityType } from "@msgr2/wire/EntityName"

export interface CompressionPolicy {
  /** Ceph: `ms_osd_compress_mode`. */
  readonly mode: "none" | "force"
  /** Most wanted first. Ceph: `ms_osd_compression_algorithm`. */
  readonly methods: ReadonlyArray<number>
  /** Frames below it go plain. **Units** bytes of all segments. Ceph: `ms_osd_compress_min_size`. */
  readonly minSize: number
  /**
   * Also in secure mode. What lengths betray of what is in them, somebody who can choose a part of it can work out, so
   * neither Ceph nor this package does it unasked. Ceph: `ms_compress_secure`.
   */
  readonly secure: boolean
  /** Types of the peers that may be compressed for, as their HELLO tells them. */
  readonly peerTypes: ReadonlyArray<number>
}

const NONE = 0
const SNAPPY = 1

/** Ceph's defaults: nobody; with mode `force`, OSDs by snappy unless the connection is encrypted. */
export const defaults: CompressionPolicy = {
  mode: "none",
  methods: [SNAPPY],
  minSize: 1024,
  secure: false,
  peerTypes: [EntityType.Osd]
}

/** What is known of a connection when compression comes up. */
export interface Situation {
  readonly peerType: number
  /** One of `ConnectionMode`. */
  readonly mode: number
}

/** The methods that `policy` allows on such a connection, most wanted first; none when it wants no compression. */
export const allowed = (policy: CompressionPolicy, { mode, peerType }: Situation): ReadonlyArray<number> =>
  policy.mode === "force" && policy.peerTypes.includes(peerType) && (mode !== ConnectionMode.Secure || policy.secure)
    ? policy.methods.filter((method) => method !== NONE)
    : []

/**
 * The method that a server grants: the first of the *client's* list that it allows itself. `undefined` for none.
 *
 * Running OSDs of 18.2.7 and 20.2.4 go by the client's order. The order of the server's own list, by which Ceph's
 * `src/test/msgr/test_comp_registry.cc` is sometimes described, decides nothing here; it is what the same end asks for
 * when it dials.
 */
export const grant = (
  policy: CompressionPolicy,
  situation: Situation,
  request: Pick<Of<"CompressionRequest">, "isCompress" | "preferredMethods">
): number | undefined => {
  if (!request.isCompress) return undefined
  const own = allowed(policy, situation)
  return request.preferredMethods.find((method) => own.includes(method))
}
