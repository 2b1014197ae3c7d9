/**
 * Requests that carry a number and are answered once with the same number: what was lost, doubled, damaged or overtaken
 * on the way shows in the answers.
 */
import { MonMessage, type Declaration } from "@msgr2/mon"
import { Codec, Message } from "@msgr2/wire"
import { Result } from "effect"
import * as MClientSession from "./MClientSession.ts"
import * as MCommand from "./MCommand.ts"

/** An answer to request `number`; not `intact` when it does not say what it should. */
export interface Answer {
  readonly number: number
  readonly intact: boolean
}

/** What a new session has to begin with. Requests that come before it is answered are dropped. */
export interface Opening {
  readonly request: Message.Message
  readonly answers: (message: Message.Message) => boolean
}

export interface Traffic {
  readonly opening: Opening | undefined
  /** **Units** numbers from 1. */
  readonly request: (number: number) => Message.Message
  /** `undefined` for what is no answer to a request. */
  readonly answer: (message: Message.Message) => Answer | undefined
}

const encode = <A extends { readonly _tag: string }>(
  kind: Declaration.Declaration<A>,
  value: A,
  tid = 0
): Message.Message => {
  const { compatVersion, front, type, version } = kind
  return Message.make({ type, version, compatVersion, tid: BigInt(tid), front: Codec.encode(front, value) })
}

/** `number` and text of a length that differs from one number to the next, most of it short, up to `longest`. */
const words = (number: number, longest: number): string => {
  const size = Math.floor(longest ** (((number * 7919) % 1000) / 999))
  return `${number}-${String.fromCharCode(97 + (number % 26)).repeat(size)}`
}

/**
 * Commands that a daemon does not know: it says so and repeats them. For an OSD towards its kind, and an MDS towards a
 * client.
 *
 * **Units** `longest` in bytes.
 */
export const command = (fsid: string, longest = 16 * 1024): Traffic => ({
  opening: undefined,
  request: (number) => {
    const cmd = [JSON.stringify({ prefix: words(number, longest) })]
    return encode(MCommand.MCommand, { _tag: "MCommand", fsid, cmd }, number)
  },
  answer: ({ front, header: { tid, type } }) => {
    if (type !== MCommand.MCommandReply.type) return undefined
    const reply = Codec.decodePrefix(MCommand.MCommandReply.front, front)
    const number = Number(tid)
    const expected = `unknown command prefix ${words(number, longest)}`
    return { number, intact: Result.isSuccess(reply) && reply.success.status === expected }
  }
})

/** Questions for the version of the map of OSDs. For a monitor that has a quorum, towards another monitor. */
export const version: Traffic = {
  opening: undefined,
  request: (number) =>
    Message.make({
      ...MonMessage.encodeMessage({ _tag: "MMonGetVersion", handle: BigInt(number), what: "osdmap" }),
      tid: BigInt(number)
    }),
  answer: ({ front, header: { compatVersion, tid, type } }) => {
    if (type !== MonMessage.MMonGetVersionReply.type) return undefined
    const reply = Result.getOrUndefined(MonMessage.decodeMessage(type, front, compatVersion))
    const intact = reply?._tag === "MMonGetVersionReply" && reply.handle === tid && reply.version > 0
    return { number: Number(tid), intact }
  }
}

const session = (op: number, seq = 0): Message.Message =>
  encode(MClientSession.MClientSession, MClientSession.make(op, seq))

const said = ({ front, header: { type } }: Message.Message) =>
  type === MClientSession.MClientSession.type
    ? Result.getOrUndefined(Codec.decodePrefix(MClientSession.MClientSession.front, front))
    : undefined

/** Renewals of capabilities by a client of CephFS. For an MDS. */
export const renewal: Traffic = {
  opening: {
    request: session(MClientSession.Op.RequestOpen),
    answers: (message) => said(message)?.op === MClientSession.Op.Open
  },
  request: (number) => session(MClientSession.Op.RequestRenewCaps, number),
  answer: (message) => {
    const answer = said(message)
    return answer?.op === MClientSession.Op.RenewCaps ? { number: answer.seq, intact: true } : undefined
  }
}

/** What became of requests 1 to `asked`. */
export interface Verdict {
  readonly asked: number
  readonly answered: number
  readonly lost: ReadonlyArray<number>
  readonly doubled: ReadonlyArray<number>
  readonly damaged: ReadonlyArray<number>
  /** Answers that came after one to a later request. */
  readonly overtaken: ReadonlyArray<number>
  /** Answers to what was never asked. */
  readonly unasked: ReadonlyArray<number>
}

/** Keeps account of what was asked and what was answered. */
export class Ledger {
  private readonly traffic: Traffic
  private readonly answers = new Map<number, number>()
  private readonly damaged: Array<number> = []
  private readonly overtaken: Array<number> = []
  private asked = 0
  private latest = 0

  constructor(traffic: Traffic) {
    this.traffic = traffic
  }

  /** The next request. */
  next(): Message.Message {
    return this.traffic.request(++this.asked)
  }

  /** Requests that wait for their answer. */
  get open(): number {
    return this.asked - this.answers.size
  }

  /** Takes whatever has arrived; false when it is no answer. */
  take(message: Message.Message): boolean {
    const answer = this.traffic.answer(message)
    if (answer === undefined) return false
    const { intact, number } = answer
    this.answers.set(number, (this.answers.get(number) ?? 0) + 1)
    if (!intact) this.damaged.push(number)
    if (number < this.latest) this.overtaken.push(number)
    this.latest = Math.max(this.latest, number)
    return true
  }

  get verdict(): Verdict {
    const { answers, asked, damaged, overtaken } = this
    const numbers = [...answers.keys()]
    const all = Array.from({ length: asked }, (_, i) => i + 1)
    return {
      asked,
      answered: all.filter((number) => answers.has(number)).length,
      lost: all.filter((number) => !answers.has(number)),
      doubled: numbers.filter((number) => (answers.get(number) ?? 0) > 1),
      damaged: [...damaged],
      overtaken: [...overtaken],
      unasked: numbers.filter((number) => number < 1 || number > asked)
    }
  }
}
