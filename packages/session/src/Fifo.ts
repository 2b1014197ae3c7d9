/**
 * A persistent first-in-first-out queue: old versions stay valid, as the states of a machine must.
 *
 * Every operation is O(1) amortised, except `prepend` and `toArray`, which are as long as what they move.
 */

export type Cell<A> = { readonly head: A; readonly tail: Cell<A> } | undefined

/** `front` oldest first; `back` newest first, and empty when `front` is. */
export interface Fifo<A> {
  readonly size: number
  readonly front: Cell<A>
  readonly back: Cell<A>
}

export const empty: Fifo<never> = { size: 0, front: undefined, back: undefined }

export const push = <A>(self: Fifo<A>, value: A): Fifo<A> =>
  self.front === undefined
    ? { size: 1, front: { head: value, tail: undefined }, back: undefined }
    : { size: self.size + 1, front: self.front, back: { head: value, tail: self.back } }

const reverse = <A>(cell: Cell<A>): Cell<A> => {
  let reversed: Cell<A>
  for (let rest = cell; rest !== undefined; rest = rest.tail) reversed = { head: rest.head, tail: reversed }
  return reversed
}

export const head = <A>(self: Fifo<A>): A | undefined => self.front?.head

/** Without its oldest. */
export const pop = <A>(self: Fifo<A>): Fifo<A> => {
  if (self.front === undefined) return self
  if (self.front.tail !== undefined) return { size: self.size - 1, front: self.front.tail, back: self.back }
  return self.back === undefined ? empty : { size: self.size - 1, front: reverse(self.back), back: undefined }
}

/** Without the oldest ones as long as they satisfy `which`; the same queue when the first does not. */
export const dropWhile = <A>(self: Fifo<A>, which: (value: A) => boolean): Fifo<A> => {
  let rest = self
  while (rest.front !== undefined && which(rest.front.head)) rest = pop(rest)
  return rest
}

/** `older` in front of `self`. */
export const prepend = <A>(self: Fifo<A>, older: Fifo<A>): Fifo<A> => {
  if (self.size === 0) return older
  let front = self.front
  for (let rest = older.back; rest !== undefined; rest = rest.tail) front = { head: rest.head, tail: front }
  for (let rest = reverse(older.front); rest !== undefined; rest = rest.tail) front = { head: rest.head, tail: front }
  return { size: self.size + older.size, front, back: self.back }
}

/** Oldest first. */
export const toArray = <A>(self: Fifo<A>): ReadonlyArray<A> => {
  const list: Array<A> = []
  for (let rest = self.front; rest !== undefined; rest = rest.tail) list.push(rest.head)
  for (let rest = reverse(self.back); rest !== undefined; rest = rest.tail) list.push(rest.head)
  return list
}
