/**
 * The messages of a scenario: each has a number, and content that belongs to no other.
 */
import * as Bytes from "@msgr2/wire/Bytes"
import * as Message from "@msgr2/wire/Message"
import { Chance } from "../Chance.ts"

/** A message that somebody has tried to send. Moments are counted from 1 on; 0 is never. */
export interface Letter {
  readonly number: number
  readonly from: string
  readonly to: string
  /** The sender's connection. */
  readonly session: string
  /** Messages of one stream were sent one after the other. */
  readonly stream: number
  readonly size: number
  readonly priority: number
  readonly began: number
  accepted: number
  heard: number
  /** The messenger has said that it never left. */
  unsent: boolean
  /** The life of the listener in which it was heard: it begins anew with every restart. */
  life: number
}

const TYPE = 0xd3e0

/** Where the content of messages is taken from. */
const POOL = new Chance(0, "content").bytes(1 << 17)

/** The part of the pool that belongs to this number. */
const content = (number: number, size: number): Uint8Array => {
  const at = (number * 257) % 4099
  return POOL.subarray(at, at + size)
}

/** Bytes that go in front: the rest, up to three quarters, is data. */
const frontOf = (number: number, size: number): number => [size, 0, size >> 1, size >> 2][number % 4] ?? size

/** What is sent for it. */
export const messageOf = ({ number, priority, size }: Letter): Message.Message => {
  const bytes = content(number, size)
  const front = frontOf(number, size)
  return Message.make({
    type: TYPE,
    tid: BigInt(number),
    priority,
    front: bytes.slice(0, front),
    data: bytes.slice(front)
  })
}

/** Whether what has arrived is what was sent. */
export const isIntact = (
  { number, priority, size }: Letter,
  { data, front, header, middle }: Message.Message
): boolean => {
  const bytes = content(number, size)
  const split = frontOf(number, size)
  return (
    header.type === TYPE &&
    header.priority === priority &&
    middle.length === 0 &&
    Bytes.equals(front, bytes.subarray(0, split)) &&
    Bytes.equals(data, bytes.subarray(split))
  )
}

/** Messages with the same of it must not overtake each other. */
export const kindOf = ({ priority, session }: Letter): string => `${session} ${priority}`

export const describe = ({ from, number, size, to }: Letter): string =>
  `message ${number} from ${from} to ${to} (${size} bytes)`
