/**
 * Secrets computed from a recorded handshake and the key of one of its two ends: what the client has computed, too.
 *
 * A monitor's answer opens with the client's key. It carries the keys of the tickets for other daemons, so their
 * connections open once the client has been seen to fetch those; a monitor's connection to another opens with the key of
 * `mon.`.
 *
 * **Source** Ceph `src/auth/cephx/CephxProtocol.cc`, `CephxClientHandler.cc`
 */
import * as Messages from "@msgr2/auth/CephXMessages"
import * as Cipher from "@msgr2/auth/Cipher"
import type { CryptoKey } from "@msgr2/auth/CryptoKey"
import { Introduction } from "@msgr2/auth/Introduction"
import type { Keyring } from "@msgr2/auth/Keyring"
import * as Sealed from "@msgr2/auth/Sealed"
import { CephXServiceTicket, CephXServiceTicketInfo, CephXTicketBlob } from "@msgr2/auth/Ticket"
import { ifAny } from "@msgr2/mon/Declaration"
import { AuthMethod } from "@msgr2/wire/AuthMethod"
import * as Bytes from "@msgr2/wire/Bytes"
import * as Codec from "@msgr2/wire/Codec"
import type * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Authorizer, type Context, contextOf } from "./AuthPayload.ts"
import { type Handshake, type Keys, type Known, nothing } from "./Keys.ts"

/** **Shape** `version:u8 noncePlusOne:le64`, then in secure mode `connectionSecret:bytes` */
const AuthorizeReply = Codec.struct("CephXAuthorizeReply", {
  version: Codec.u8,
  noncePlusOne: Codec.u64,
  connectionSecret: ifAny(Codec.bytes)
})

/** The secret number of tickets that are sealed with the long-lived key of a service: between monitors. */
const LONG_LIVED = 0xffff_ffff_ffff_ffffn

/** The ticket that is there when somebody has authenticated. */
const reply = Codec.pair(Messages.AuthenticateReply, ifAny(Messages.Extras))

const nameOf = (ticket: Uint8Array): string => Bytes.toHex(ticket)

const known = (sessionKey: CryptoKey, connectionSecret: Uint8Array): Known => ({
  sessionKeys: [sessionKey.secret],
  connectionSecrets: connectionSecret.length === 0 ? [] : [Redacted.make(connectionSecret)]
})

/** What can be computed with the keys of `keyring`. */
export const make = (keyring: Keyring): Keys => {
  /** Keys of the tickets that have been handed out so far. */
  const tickets = new Map<string, CryptoKey>()

  const remember = (key: CryptoKey, { entries }: Messages.TicketReply): void => {
    for (const { encrypted, serviceTicket, ticket } of entries) {
      const opened = Sealed.open(key, Cipher.Usage.TicketSessionKey, CephXServiceTicket, serviceTicket)
      const blob = Codec.decodePrefix(CephXTicketBlob, ticket)
      if (encrypted || Result.isFailure(opened) || Result.isFailure(blob)) continue
      tickets.set(nameOf(blob.success.blob), opened.success.sessionKey)
    }
  }

  const fromMonitor = (introduction: Uint8Array, payload: Uint8Array): Known => {
    const who = Codec.decodePrefix(Introduction, introduction)
    const answer = Codec.decodePrefix(reply, payload)
    if (Result.isFailure(who) || Result.isFailure(answer)) return nothing
    const name = EntityName.format(who.success.name)
    const key = keyring.get(name)?.key
    if (key === undefined) return { ...nothing, trouble: `the keyring has no key of ${name}` }
    const [{ tickets: granted }, extras] = answer.success
    const entry = granted.entries.find(({ serviceId }) => serviceId === EntityName.EntityType.Auth)
    if (entry === undefined) return nothing
    const ticket = Sealed.open(key, Cipher.Usage.TicketSessionKey, CephXServiceTicket, entry.serviceTicket)
    if (Result.isFailure(ticket)) {
      return { ...nothing, trouble: `the key of ${name} in the keyring does not open AUTH_DONE` }
    }
    const { sessionKey } = ticket.success
    if (extras === undefined) return known(sessionKey, Bytes.empty)
    const more = Codec.decodePrefix(Messages.TicketReply, extras.extraTickets)
    if (Result.isSuccess(more)) remember(sessionKey, more.success)
    const secret = Result.flatMap(Codec.decodePrefix(Codec.bytes, extras.connectionSecret), (sealed) =>
      Sealed.open(sessionKey, Cipher.Usage.ConnectionSecret, Codec.bytes, sealed)
    )
    return known(sessionKey, Result.isSuccess(secret) ? secret.success.slice() : Bytes.empty)
  }

  const ticketKey = ({ ticket }: Authorizer): CryptoKey | undefined => {
    const seen = tickets.get(nameOf(ticket.blob))
    const mon = keyring.get("mon.")?.key
    if (seen !== undefined || mon === undefined || ticket.secretId !== LONG_LIVED) return seen
    const info = Sealed.open(mon, Cipher.Usage.TicketInfo, CephXServiceTicketInfo, ticket.blob)
    return Result.isSuccess(info) ? info.success.sessionKey : undefined
  }

  const fromService = (request: Uint8Array, payload: Uint8Array): Known => {
    const authorizer = Codec.decodePrefix(Authorizer, request)
    if (Result.isFailure(authorizer)) return nothing
    const key = ticketKey(authorizer.success)
    if (key === undefined) {
      return { ...nothing, trouble: "the capture does not show how the client came by its ticket" }
    }
    const answer = Result.flatMap(Codec.decodePrefix(Codec.bytes, payload), (sealed) =>
      Sealed.open(key, Cipher.Usage.AuthorizeReply, AuthorizeReply, sealed)
    )
    return Result.isSuccess(answer)
      ? known(key, answer.success.connectionSecret?.slice() ?? Bytes.empty)
      : { ...nothing, trouble: "the key of the ticket does not open AUTH_DONE" }
  }

  return {
    open: (): Handshake => {
      let context: Context | undefined
      let first = Bytes.empty
      return {
        request: (frame) => {
          if (frame._tag !== "AuthRequest") return
          context = contextOf(frame.method, frame.payload)
          first = frame.payload
        },
        done: ({ payload }: ControlFrame.Of<"AuthDone">) =>
          context?.method !== AuthMethod.CephX
            ? nothing
            : context.role === "monitor"
              ? fromMonitor(first, payload)
              : fromService(first, payload)
      }
    }
  }
}
