/**
 * A cursor over bytes to be sent. The size is known before the first byte is written.
 */

/**
 * Writes forward into one buffer of exactly the promised size.
 *
 * **Units** `offset` counts bytes from the start of `bytes`.
 */
export class Writer {
  readonly bytes: Uint8Array
  readonly view: DataView
  offset: number

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.offset = 0
  }

  put(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.offset)
    this.offset += bytes.length
  }
}
