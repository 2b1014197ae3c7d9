/**
 * One line for a human: what failed, and what to do about it.
 */
import type { AuthError } from "@msgr2/auth/AuthError"
import { KeyringError } from "@msgr2/auth/Keyring"
import { ConnectionError, type Reason } from "@msgr2/messenger/ConnectionError"
import { TransportError } from "@msgr2/messenger/TransportError"
import { ConfigError } from "@msgr2/mon/ConfigError"
import { MonError } from "@msgr2/mon/MonError"
import { ProtocolError } from "@msgr2/session/ProtocolError"
import { WireError } from "@msgr2/wire/WireError"
import * as Schema from "effect/Schema"

/** A command could not do what it was asked, in its own words. */
export class CliError extends Schema.TaggedError<CliError>()("CliError", { message: Schema.String }) {}

const authAdvice = (error: AuthError): string => {
  switch (error.reason) {
    case "NoCommonMode":
      return "offer one of the modes that the peer allows with --mode"
    case "AccessDenied":
    case "BadMagic":
    case "BadCiphertext":
      return "check that --name and --keyring belong to this cluster"
    case "NoKey":
      return "name a file that holds the key with --keyring, or use --auth none where the cluster allows it"
    case "NoUsableMethod":
    case "Refused":
      return "choose a method that the peer allows with --auth"
    case "UnsupportedCipher":
      return "use a key of type aes"
    default:
      return "try another monitor, or look into the peer's log"
  }
}

const transportAdvice = (error: TransportError): string => {
  switch (error.reason) {
    case "Refused":
      return "is the daemon running, and is this its port?"
    case "Unreachable":
    case "Timeout":
      return "check the address and the network, or give it more --timeout"
    case "NotNumeric":
      return "name a host and a port"
    case "EndOfStream":
    case "Reset":
      return "the peer gave no reason; a monitor without a quorum does this, and so does a service that is not Ceph"
    default:
      return "see what the system says"
  }
}

const advice = (reason: Reason): string => {
  switch (reason._tag) {
    case "AuthError":
      return authAdvice(reason)
    case "TransportError":
      return transportAdvice(reason)
    case "WireError":
      if (reason.type !== "Banner") return "the peer speaks another protocol, or another version of this one"
      return reason.reason === "Unsupported"
        ? "this is a v1 port: use the monitor's v2 port, 3300 unless configured otherwise"
        : "this is not a msgr2 port: monitors listen on 3300 unless configured otherwise"
    case "FrameError":
      return "the bytes were damaged on the way, or the peer is not Ceph"
    case "ProtocolError":
      return reason.reason === "WrongTarget"
        ? "dial the address that the daemon itself announces"
        : "the peer does not follow the protocol as this program knows it"
  }
}

/** What failed, without the words that every failure shares. */
const connection = ({ peer, reason }: ConnectionError): string => {
  const what = reason.message.startsWith(peer) ? reason.message : `${peer}: ${reason.message}`
  return `${what}; ${advice(reason)}`
}

/** Different failures once each: three monitors that refuse the same key are one line. */
const monitors = ({ attempts, reason }: MonError): string => {
  if (reason === "NoMonitors") return "no monitor is known: name one with --mon-host or in the file given with --conf"
  const byAdvice = new Map<string, Array<ConnectionError | WireError>>()
  for (const { error } of attempts) {
    const key = error._tag === "ConnectionError" ? `${error.reason._tag} ${error.reason.reason}` : error.message
    byAdvice.set(key, [...(byAdvice.get(key) ?? []), error])
  }
  return [...byAdvice.values()]
    .map(([first, ...more]) => {
      const also = more.flatMap((error) => (error._tag === "ConnectionError" ? [error.peer] : []))
      const text = first === undefined ? "" : describe(first)
      return also.length === 0 ? text : `${text} (the same at ${also.join(", ")})`
    })
    .join(" | ")
}

/** The line for `error`; never a stack, never a secret. */
export const describe = (error: unknown): string => {
  const text =
    error instanceof MonError
      ? monitors(error)
      : error instanceof ConnectionError
        ? connection(error)
        : error instanceof TransportError
          ? `${error.message}; ${transportAdvice(error)}`
          : error instanceof WireError || error instanceof ProtocolError
            ? `${error.message}; ${advice(error)}`
            : error instanceof ConfigError || error instanceof KeyringError || error instanceof CliError
              ? error.message
              : error instanceof Error
                ? error.message
                : String(error)
  return text.replace(/\s*\n\s*/g, " ")
}
