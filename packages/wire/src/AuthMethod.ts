/**
 * The ways to authenticate.
 *
 * **Source** Ceph `src/include/ceph_fs.h`, `CEPH_AUTH_*`
 */
export const AuthMethod = { Unknown: 0, None: 1, CephX: 2, Gss: 4 } as const

const names: { readonly [method: number]: string } = { 0: "unknown", 1: "none", 2: "cephx", 4: "gss" }

/** `cephx`, or `method(7)` for a number nobody has named. */
export const format = (method: number): string => names[method] ?? `method(${method})`
