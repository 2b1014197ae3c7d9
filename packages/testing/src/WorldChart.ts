/**
 * A path through a world as a sequence chart with a lane for each end.
 */
import type { Event } from "@msgr2/session/Event"
import type { Options, Row } from "./Chart.ts"
import { other, type Setup, type World } from "./World.ts"
import type { Move } from "./WorldMoves.ts"

/** A frame by Ceph's name, with the numbers that matter. */
const frame = (event: Event): string => {
  switch (event._tag) {
    case "Message":
      return `MESSAGE ${event.header.tid} (seq ${event.header.seq}, ack ${event.header.ackSeq})`
    case "Ack":
      return `ACK ${event.msgSeq}`
    case "ClientIdent":
      return `CLIENT_IDENT (cookie ${event.cookie}, gs ${event.globalSeq})`
    case "ServerIdent":
      return `SERVER_IDENT (cookie ${event.cookie}, gs ${event.globalSeq})`
    case "Reconnect":
      return (
        `RECONNECT (cookies ${event.clientCookie} and ${event.serverCookie}, gs ${event.globalSeq}, ` +
        `cs ${event.connectSeq}, seq ${event.msgSeq})`
      )
    case "ReconnectOk":
      return `RECONNECT_OK (seq ${event.msgSeq})`
    case "ResetSession":
      return `RESET (${event.full ? "full" : "partial"})`
    case "RetrySession":
      return `RETRY (cs ${event.connectSeq})`
    case "RetryGlobal":
      return `RETRY_GLOBAL (gs ${event.globalSeq})`
    case "Wait":
      return "WAIT"
    default:
      return event._tag
  }
}

const deeds: { readonly [M in Move["_tag"]]?: string } = {
  Connect: "gets a socket to",
  Refuse: "gets no socket to",
  BackoffOver: "has waited long enough for",
  HandOver: "has the socket of",
  MarkDown: "marks down the session with",
  Expire: "gives up the session with"
}

const happened: { readonly [M in Move["_tag"]]?: string } = {
  Notice: "is told that connection",
  Cut: "loses connection",
  Timeout: "has no more patience with connection",
  Write: "has room on connection",
  Ack: "has time for an ack on connection"
}

/** What became of the sessions of an end. */
const changes = (before: World, after: World, end: number, lane: string): ReadonlyArray<Row<string>> => {
  const states = ({ ends }: World) =>
    (ends[end]?.actors ?? []).filter(({ state }) => "session" in state).map(({ state }) => state._tag)
  const now = states(after).join(", ")
  return states(before).join(", ") === now
    ? []
    : [{ at: lane, mark: "|", text: `[${now === "" ? "no session" : now}]` }]
}

/** For `Chart.render` and `Chart.explain`. */
export const chart = (setup: Setup): Options<World, Move, string> => {
  const lane = (end: number) => setup.ends[end]?.name ?? `end ${end}`
  const lines = (before: World, move: Move): ReadonlyArray<Row<string>> => {
    switch (move._tag) {
      case "Submit":
        return [{ at: lane(move.end), text: `sends ${lane(move.to)} a message of priority ${move.priority}` }]
      case "Restart":
        return [{ at: lane(move.end), text: "starts anew" }]
      case "Deliver": {
        const link = before.links.find(({ id }) => id === move.link)
        const read = link?.towards[move.side][0]
        if (link === undefined || read === undefined) return []
        const text = `${frame(read)} on ${link.id}`
        return [{ from: lane(link[other(move.side)]), to: lane(link[move.side]), text }]
      }
      case "Notice":
      case "Cut":
      case "Timeout":
      case "Write":
      case "Ack": {
        const link = before.links.find(({ id }) => id === move.link)
        const gone = move._tag === "Notice" ? " is gone" : ""
        return [{ at: lane(link?.[move.side] ?? 0), text: `${happened[move._tag]} ${move.link}${gone}` }]
      }
      default:
        return [{ at: lane(move.end), text: `${deeds[move._tag]} ${lane(move.to)}` }]
    }
  }
  return {
    lanes: setup.ends.map(({ name }) => name),
    chart: (before, move, after) => [
      ...lines(before, move),
      ...setup.ends.flatMap((_, end) => changes(before, after, end, lane(end))),
      ...after.wrong.map((name) => ({ text: `wrong: ${name}` }))
    ]
  }
}
