/**
 * An entry in a few words: what somebody wants to know who looks down a list of them.
 */
import * as MonMessage from "@msgr2/mon/MonMessage"
import * as CompressionMethod from "@msgr2/frame/CompressionMethod"
import * as Introduction from "@msgr2/auth/Introduction"
import * as AuthMethod from "@msgr2/wire/AuthMethod"
import * as Codec from "@msgr2/wire/Codec"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import type * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Features from "@msgr2/wire/Features"
import type * as Message from "@msgr2/wire/Message"
import * as MessageType from "@msgr2/wire/MessageType"
import * as Result from "effect/Result"
import type { Entry } from "./Entry.ts"

const hex = (word: bigint): string => `0x${word.toString(16)}`
const list = (words: ReadonlyArray<string>): string => (words.length === 0 ? "none" : words.join(","))

/** One line, no more than this of anything that a peer wrote. */
const LONGEST = 160
const clip = (text: string): string => {
  // Control characters would reach the terminal of whoever reads this.
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?")
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line
}

const methods = Object.entries(Features.Msgr2)
const msgr2Features = (word: bigint): string =>
  `${hex(word)} (${list(methods.flatMap(([name, bit]) => ((word & bit) === 0n ? [] : [name])))})`

const entityOf = (payload: Uint8Array): string => {
  const who = Codec.decodePrefix(Introduction.Introduction, payload)
  return Result.isSuccess(who) ? ` as ${EntityName.format(who.success.name)}` : ""
}

const control = (frame: ControlFrame.ControlFrame, { auth, verified }: Entry): string => {
  switch (frame._tag) {
    case "Hello":
      return `${EntityName.formatType(frame.entityType)} sees ${EntityAddr.format(frame.peerAddr)}`
    case "AuthRequest": {
      const modes = list(frame.preferredModes.map(ConnectionMode.format))
      const isNamed = auth?.role === "monitor" || frame.method === AuthMethod.AuthMethod.None
      const who = isNamed ? entityOf(frame.payload) : " with a ticket"
      return `${AuthMethod.format(frame.method)}${who}, modes ${modes}`
    }
    case "AuthBadMethod":
      return `${AuthMethod.format(frame.method)}: ${frame.result}, allowed ${list(frame.allowedMethods.map(AuthMethod.format))}, modes ${list(frame.allowedModes.map(ConnectionMode.format))}`
    case "AuthReplyMore":
    case "AuthRequestMore":
      return `${frame.payload.length} bytes`
    case "AuthDone":
      return `mode ${ConnectionMode.format(frame.mode)}, global id ${frame.globalId}`
    case "AuthSignature":
      return verified === undefined ? "not checked" : verified ? "verified" : "WRONG"
    case "ClientIdent":
      return `${EntityAddr.formatVec(frame.addrs)} to ${EntityAddr.format(frame.target)}, gid ${frame.gid}, cookie ${hex(frame.cookie)}, global_seq ${frame.globalSeq}${lossy(frame.flags)}`
    case "ServerIdent":
      return `${EntityAddr.formatVec(frame.addrs)}, gid ${frame.gid}, cookie ${hex(frame.cookie)}, global_seq ${frame.globalSeq}${lossy(frame.flags)}`
    case "IdentMissingFeatures":
      return hex(frame.features)
    case "Reconnect":
      return `cookies ${hex(frame.clientCookie)} ${hex(frame.serverCookie)}, global_seq ${frame.globalSeq}, connect_seq ${frame.connectSeq}, msg_seq ${frame.msgSeq}`
    case "ResetSession":
      return frame.full ? "full" : "not full"
    case "RetrySession":
      return `connect_seq ${frame.connectSeq}`
    case "RetryGlobal":
      return `global_seq ${frame.globalSeq}`
    case "ReconnectOk":
    case "Ack":
      return `seq ${frame.msgSeq}`
    case "Wait":
      return ""
    case "Keepalive2":
    case "Keepalive2Ack":
      return `${frame.sec}.${String(frame.nsec).padStart(9, "0")}`
    case "CompressionRequest":
      return frame.isCompress ? list(frame.preferredMethods.map(CompressionMethod.format)) : "no"
    case "CompressionDone":
      return frame.isCompress ? CompressionMethod.format(frame.method) : "no"
  }
}

const lossy = (flags: bigint): string => ((flags & 1n) === 0n ? "" : ", lossy")

/** What a monitor or its client says, in a word or two. */
const saying = ({ front, header }: Message.Message): string => {
  const decoded = MonMessage.decodeMessage(header.type, front, header.compatVersion)
  if (Result.isFailure(decoded)) return ""
  const said = decoded.success
  switch (said._tag) {
    case "MMonSubscribe":
      return list(said.what.map(([name, { flags, start }]) => `${name}=${start}${flags === 0 ? "+" : ""}`))
    case "MMonCommand":
      return said.cmd.join(" ")
    case "MMonCommandAck":
      return `result ${said.result}${said.status === "" ? "" : ` ${JSON.stringify(said.status)}`}`
    case "MMonMap":
      return `epoch ${said.monMap.epoch}, ${list(said.monMap.mons.map(([name]) => name))}`
    case "MConfig":
      return `${said.options.length} options`
    case "MMonGetVersion":
      return said.what
    case "MMonGetVersionReply":
      return `${said.version}`
    case "MLog":
      return said.entries.map(({ message }) => message).join("; ")
    default:
      return ""
  }
}

const message = (value: Message.Message): string => {
  const { ackSeq, seq, tid, type } = value.header
  const parts = [value.front, value.middle, value.data].map(({ length }) => length)
  while (parts.length > 1 && parts.at(-1) === 0) parts.pop()
  const said = saying(value)
  return `${MessageType.format(type)} seq ${seq} ack ${ackSeq}${tid === 0n ? "" : ` tid ${tid}`}, ${parts.join("+")} bytes${said === "" ? "" : `: ${said}`}`
}

/** The words beside the tag. Text that a peer wrote is clipped and made harmless. */
export const of = (entry: Entry): string => {
  const { error, value } = entry
  if (error !== undefined) return clip(error.message)
  if (value === undefined) return ""
  switch (value._tag) {
    case "Banner":
      return `supports ${msgr2Features(value.supported)}, requires ${msgr2Features(value.required)}`
    case "Message":
      return clip(message(value))
    default:
      return clip(control(value, entry))
  }
}
