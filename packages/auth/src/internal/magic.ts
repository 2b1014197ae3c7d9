/**
 * What stands in front of everything CephX encrypts, so that a wrong key is noticed.
 *
 * **Shape** `structV:u8 magic:le64 payload`
 *
 * **Source** Ceph `src/auth/cephx/CephxProtocol.h`, `AUTH_ENC_MAGIC`
 */
const MAGIC = 0xff00_9cad_8826_aa55n
const HEADER = 9

export const wrap = (payload: Uint8Array): Uint8Array => {
  const wrapped = new Uint8Array(HEADER + payload.length)
  wrapped[0] = 1
  new DataView(wrapped.buffer).setBigUint64(1, MAGIC, true)
  wrapped.set(payload, HEADER)
  return wrapped
}

/** The payload, or `undefined` without the magic. The version in front of it is not looked at, as in Ceph. */
export const unwrap = (plain: Uint8Array): Uint8Array | undefined => {
  if (plain.length < HEADER) return undefined
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength)
  return view.getBigUint64(1, true) === MAGIC ? plain.subarray(HEADER) : undefined
}
