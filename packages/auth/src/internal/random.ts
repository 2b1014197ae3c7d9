import { randomBytes as nodeRandomBytes } from "node:crypto"

/** `size` bytes from the operating system's cryptographic source. */
export const randomBytes = (size: number): Uint8Array => new Uint8Array(nodeRandomBytes(size))
