/**
 * Messages on their way out, as a persistent value: those that wait, those that have to be sent again, and those
 * that were sent and are not yet acknowledged.
 *
 * Every operation is O(1) amortised per message, however many there are. What waits leaves by strict priority, first
 * come first served within one; what has a number already goes before all that.
 *
 * **Source** Ceph `src/msg/async/ProtocolV2.cc` (`out_queue`, `sent`, `requeue_sent`, `discard_requeued_up_to`)
 */
import type { Message } from "@msgr2/wire/Message"
import * as Fifo from "./Fifo.ts"

/** A message and the number it was sent with. */
export interface Sent {
  readonly seq: number
  readonly message: Message
}

/** What waits at one priority. */
interface Lane {
  readonly priority: number
  readonly messages: Fifo.Fifo<Message>
}

export interface Outbox {
  /** Highest priority first; no lane is empty. */
  readonly waiting: Fifo.Cell<Lane>
  /** Sent on a connection that is lost: goes again first, with the numbers it had. */
  readonly replay: Fifo.Fifo<Sent>
  readonly sent: Fifo.Fifo<Sent>
  /** Messages in all three. */
  readonly size: number
  /** **Units** bytes of their payloads. */
  readonly bytes: number
  /** The part of `bytes` that is still to be sent. */
  readonly queued: number
}

export const empty: Outbox = { waiting: undefined, replay: Fifo.empty, sent: Fifo.empty, size: 0, bytes: 0, queued: 0 }

const weight = ({ data, front, middle }: Message): number => front.length + middle.length + data.length

/** A loop: there may be as many lanes as priorities, and no stack is that deep. */
const insert = (lanes: Fifo.Cell<Lane>, priority: number, message: Message): Fifo.Cell<Lane> => {
  let above: Fifo.Cell<Lane>
  let below = lanes
  for (; below !== undefined && below.head.priority > priority; below = below.tail) {
    above = { head: below.head, tail: above }
  }
  const lane = below?.head.priority === priority ? below : undefined
  const messages = Fifo.push(lane?.head.messages ?? Fifo.empty, message)
  let result: Fifo.Cell<Lane> = { head: { priority, messages }, tail: lane === undefined ? below : lane.tail }
  for (; above !== undefined; above = above.tail) result = { head: above.head, tail: result }
  return result
}

/** Lets `message` wait for its turn. */
export const enqueue = (self: Outbox, message: Message): Outbox => ({
  waiting: insert(self.waiting, message.header.priority, message),
  replay: self.replay,
  sent: self.sent,
  size: self.size + 1,
  bytes: self.bytes + weight(message),
  queued: self.queued + weight(message)
})

/** Whether anything is to be sent as soon as it can be. */
export const hasPending = (self: Outbox): boolean => self.waiting !== undefined || self.replay.size > 0

/** The message whose turn it is, and the rest. Its size still counts until it is put down as sent, or dropped. */
export const next = (self: Outbox): { readonly message: Message; readonly rest: Outbox } | undefined => {
  const again = Fifo.head(self.replay)
  if (again !== undefined) {
    return { message: again.message, rest: { ...without(self, again.message), replay: Fifo.pop(self.replay) } }
  }
  if (self.waiting === undefined) return undefined
  const { head, tail } = self.waiting
  const message = Fifo.head(head.messages)
  if (message === undefined) return undefined
  const messages = Fifo.pop(head.messages)
  const waiting = messages.size === 0 ? tail : { head: { priority: head.priority, messages }, tail }
  return { message, rest: { ...without(self, message), waiting } }
}

const without = (self: Outbox, message: Message): Outbox => ({
  ...self,
  size: self.size - 1,
  bytes: self.bytes - weight(message),
  queued: self.queued - weight(message)
})

/** Keeps `message`, which has just left with the number `seq`, until it is acknowledged. */
export const keep = (self: Outbox, seq: number, message: Message): Outbox => ({
  waiting: self.waiting,
  replay: self.replay,
  sent: Fifo.push(self.sent, { seq, message }),
  size: self.size + 1,
  bytes: self.bytes + weight(message),
  queued: self.queued
})

/** Drops what was sent, up to and including number `seq`. A number beyond anything sent drops all of it. */
export const acknowledge = (self: Outbox, seq: number): Outbox => {
  let { bytes, sent } = self
  for (let first = sent.front; first !== undefined && first.head.seq <= seq; first = sent.front) {
    bytes -= weight(first.head.message)
    sent = Fifo.pop(sent)
  }
  return sent === self.sent ? self : { ...self, sent, size: self.size - self.sent.size + sent.size, bytes }
}

/** The connection is lost: everything sent and not acknowledged has to go again. */
export const requeue = (self: Outbox): Outbox =>
  self.sent.size === 0
    ? self
    : { ...self, replay: Fifo.prepend(self.replay, self.sent), sent: Fifo.empty, queued: self.bytes }

/** Drops what would be sent again but has arrived, as the peer says: everything up to number `seq`. */
export const discard = (self: Outbox, seq: number): Outbox => {
  let { bytes, queued, replay } = self
  for (let first = replay.front; first !== undefined && first.head.seq <= seq; first = replay.front) {
    bytes -= weight(first.head.message)
    queued -= weight(first.head.message)
    replay = Fifo.pop(replay)
  }
  if (replay === self.replay) return self
  return { ...self, replay, size: self.size - self.replay.size + replay.size, bytes, queued }
}

/** What would be sent, in the order in which it would be, if the connection were lost now. */
export const toArray = (self: Outbox): ReadonlyArray<Message> => {
  const numbered = [...Fifo.toArray(self.sent), ...Fifo.toArray(self.replay)].map(({ message }) => message)
  const list: Array<Message> = [...numbered]
  for (let lane = self.waiting; lane !== undefined; lane = lane.tail) list.push(...Fifo.toArray(lane.head.messages))
  return list
}
