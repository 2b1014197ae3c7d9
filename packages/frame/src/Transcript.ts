/**
 * Every byte of one direction until authentication ends: what the peer's AUTH_SIGNATURE is computed over.
 *
 * **Source** msgr2, "Authentication"; Ceph `src/msg/async/ProtocolV2.cc` (`pre_auth`)
 */

/**
 * Records until it is told to stop; the frames after AUTH_DONE, the signatures first, are no part of it.
 *
 * **Shape** `chunks` in the order of the wire; copies, so that no receive buffer is held by them.
 */
export class Transcript {
  recording = true
  size = 0
  #chunks: Array<Uint8Array> = []

  /** Takes over `bytes`. */
  add(bytes: Uint8Array): void {
    if (!this.recording || bytes.length === 0) return
    this.#chunks.push(bytes)
    this.size += bytes.length
  }

  /** Called when AUTH_DONE has been read or written. What has been recorded stays. */
  stop(): void {
    this.recording = false
  }

  chunks(): ReadonlyArray<Uint8Array> {
    return this.#chunks
  }

  /** Stops, and forgets what has been recorded: both signatures have been computed. */
  clear(): void {
    this.recording = false
    this.#chunks = []
    this.size = 0
  }
}
