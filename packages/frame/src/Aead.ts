/**
 * Authenticated encryption as secure mode asks for it: whole records, several at a time, synchronously.
 *
 * The records of one call use consecutive nonces. An engine may therefore do a whole batch in one step; the one that is
 * built in (node:crypto) takes them one by one.
 *
 * **Source** msgr2, "msgr2.1-secure"; Ceph `src/msg/async/crypto_onwire.cc`
 */
import type { Gather } from "./Gather.ts"
import type { Nonce } from "./Nonce.ts"

/** Length of a key in bytes: AES-128. */
export const KEY_SIZE = 16

/** AES-128-GCM under one key, without associated data. Every record that is sealed or opened advances `nonce` by one. */
export interface Aead {
  /**
   * Appends the records to `out`, each followed by its tag.
   *
   * **Shape** a record is a list of parts; they may be overwritten once the call has returned.
   */
  readonly seal: (nonce: Nonce, records: ReadonlyArray<ReadonlyArray<Uint8Array>>, out: Gather) => void
  /**
   * The plain bytes of records that end in their tags, in new memory; `undefined` if any one of them is not genuine, and
   * then nothing of the others either.
   */
  readonly open: (nonce: Nonce, records: ReadonlyArray<Uint8Array>) => ReadonlyArray<Uint8Array> | undefined
  /**
   * The plain bytes of the beginning of a record, *unproved*: anybody may have written them. Revision 0 needs the lengths
   * in there to know where the tag is. Leaves `nonce` as it is.
   */
  readonly peek: (nonce: Nonce, beginning: Uint8Array) => Uint8Array
}
