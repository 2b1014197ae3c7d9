/**
 * Messages that have left and are not yet acknowledged: a persistent queue.
 *
 * Old versions of a queue stay valid, as the states of a machine must; every operation is O(1) amortised.
 *
 * **Source** Ceph `src/msg/async/ProtocolV2.cc` (`sent`)
 */
import type { Message } from "@msgr2/wire/Message"

export interface Sent {
  readonly seq: number
  readonly message: Message
}

type Cell = { readonly head: Sent; readonly tail: Cell } | undefined

/** `front` oldest first; `back` newest first. */
export interface Outbox {
  readonly size: number
  readonly front: Cell
  readonly back: Cell
}

export const empty: Outbox = { size: 0, front: undefined, back: undefined }

export const push = (self: Outbox, sent: Sent): Outbox =>
  self.front === undefined
    ? { size: 1, front: { head: sent, tail: undefined }, back: undefined }
    : { size: self.size + 1, front: self.front, back: { head: sent, tail: self.back } }

const reverse = (cell: Cell): Cell => {
  let reversed: Cell
  for (let rest = cell; rest !== undefined; rest = rest.tail) reversed = { head: rest.head, tail: reversed }
  return reversed
}

/** Drops every message up to and including `seq`. A number beyond anything sent drops all. */
export const acknowledge = (self: Outbox, seq: number): Outbox => {
  let { size, front, back } = self
  while (front !== undefined && front.head.seq <= seq) {
    size--
    front = front.tail
    if (front === undefined && back !== undefined) {
      front = reverse(back)
      back = undefined
    }
  }
  return size === self.size ? self : { size, front, back }
}

/** Oldest first. */
export const toArray = (self: Outbox): ReadonlyArray<Sent> => {
  const list: Array<Sent> = []
  for (let rest = self.front; rest !== undefined; rest = rest.tail) list.push(rest.head)
  for (let rest = reverse(self.back); rest !== undefined; rest = rest.tail) list.push(rest.head)
  return list
}
