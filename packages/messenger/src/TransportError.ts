/**
 * What goes wrong below the protocol: sockets.
 */
import * as Schema from "effect/Schema"

export const Reason = Schema.Literals([
  "Refused",
  "Unreachable",
  "NotNumeric",
  "AddressInUse",
  "NotPermitted",
  "Reset",
  "EndOfStream",
  "Closed",
  "Timeout",
  "Failed"
])
export type Reason = typeof Reason.Type

const words: { readonly [R in Reason]: string } = {
  Refused: "nothing listens there, the connection was refused",
  Unreachable: "the address cannot be reached",
  NotNumeric: "it is not a numeric IP address with a port",
  AddressInUse: "the address is in use",
  NotPermitted: "the system does not permit it",
  Reset: "the peer cut the connection",
  EndOfStream: "the peer closed the connection",
  Closed: "this end has closed the connection",
  Timeout: "no answer in time",
  Failed: "the socket failed"
}

/**
 * A socket could not be had, or is gone.
 *
 * **Shape** `address` in Ceph's notation; `detail` holds the system's own words, or where in the protocol it happened.
 */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  reason: Reason,
  address: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.address}: ${words[this.reason]}${this.detail === "" ? "" : ` (${this.detail})`}`
  }
}

const codes: { readonly [code: string]: Reason } = {
  ECONNREFUSED: "Refused",
  EHOSTUNREACH: "Unreachable",
  ENETUNREACH: "Unreachable",
  EHOSTDOWN: "Unreachable",
  ETIMEDOUT: "Unreachable",
  EADDRNOTAVAIL: "Unreachable",
  EADDRINUSE: "AddressInUse",
  EACCES: "NotPermitted",
  EPERM: "NotPermitted",
  ECONNRESET: "Reset",
  EPIPE: "Reset"
}

/** Names what a system error code says. */
export const fromCode = (address: string, code: string | undefined, detail: string): TransportError =>
  new TransportError({ reason: codes[code ?? ""] ?? "Failed", address, detail: code ?? detail })
