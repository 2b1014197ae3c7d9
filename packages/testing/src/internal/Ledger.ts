/**
 * What was sent and what was heard in a scenario, and whether the one agrees with the other.
 */
import { Gate } from "@msgr2/messenger/Gate"
import type { Message } from "@msgr2/wire/Message"
import { describe, isIntact, kindOf, type Letter } from "./Letter.ts"

/** What must not happen, the most telling first. */
export const laws = [
  "Escape",
  "Defect",
  "Altered",
  "Twice",
  "Order",
  "Hole",
  "Mixed",
  "Outcome",
  "Reset",
  "Counts",
  "Ending",
  "Lost",
  "Leak",
  "Stuck"
] as const

/** A law that was broken. */
export interface Violation {
  readonly law: (typeof laws)[number]
  readonly text: string
}

const pairOf = (one: string, other: string): string => (one < other ? `${one} ${other}` : `${other} ${one}`)

export class Ledger {
  /** Somebody has sent something, or has got it. */
  readonly changed = new Gate()
  private readonly broken: Array<Violation> = []
  readonly letters: Array<Letter> = []
  private moment = 0
  private streams = 0
  readonly isLossy: boolean
  /** Pairs between which something may be lost, and those whose one end may lose what the other has sent. */
  private readonly disturbed = new Set<string>()
  private readonly deaf = new Set<string>()
  /** What was heard on each connection, in this order. */
  private readonly heard = new Map<string, Array<Letter>>()

  constructor(lossy: boolean) {
    this.isLossy = lossy
  }

  break(law: Violation["law"], text: string): void {
    const same = this.broken.filter((one) => one.law === law)
    // Much of the same tells no more.
    if (same.length < 5 && !same.some((one) => one.text === text)) this.broken.push({ law, text })
    this.changed.check()
  }

  /** Whether there is any use in going on. */
  get isBroken(): boolean {
    return this.broken.length > 0
  }

  /** The most telling first. */
  get violations(): ReadonlyArray<Violation> {
    return laws.flatMap((law) => this.broken.filter((one) => one.law === law))
  }

  /** A link between these two is gone: what was on a lossy connection may be lost. */
  cut(one: string, other: string): void {
    if (this.isLossy) this.disturbed.add(pairOf(one, other))
  }

  /** One of the two has lost its memory: anything may be lost between them. */
  forget(one: string, other: string): void {
    this.disturbed.add(pairOf(one, other))
  }

  /** `listener` has closed a connection: it may not have heard what `speaker` has sent. */
  deafen(listener: string, speaker: string): void {
    this.deaf.add(`${listener} ${speaker}`)
  }

  /** A number for messages that are sent one after the other. */
  stream(): number {
    return ++this.streams
  }

  /** Somebody begins to send a message. */
  write(letter: Pick<Letter, "from" | "to" | "session" | "stream" | "size" | "priority">): Letter {
    const number = this.letters.length + 1
    const written: Letter = { ...letter, number, began: ++this.moment, accepted: 0, heard: 0, unsent: false, life: 0 }
    this.letters.push(written)
    return written
  }

  /** The messenger has taken it: from now on it counts. */
  accept(letter: Letter): void {
    letter.accepted = ++this.moment
  }

  /** The messenger has said what became of it. */
  learn(letter: Letter, outcome: "Delivered" | "NotSent" | "Unknown"): void {
    if (outcome === "Delivered") {
      this.accept(letter)
      if (this.isLossy) this.break("Outcome", `${describe(letter)} was delivered, and nobody can know that`)
    }
    if (outcome !== "NotSent") return
    letter.unsent = true
    if (letter.heard > 0) this.break("Outcome", `${describe(letter)} was not sent, and has arrived before`)
  }

  /** `end` has got a message on its connection `hearing`, in this life. */
  hear(end: string, life: number, hearing: string, message: Message): void {
    const number = Number(message.header.tid)
    const letter = this.letters[number - 1]
    if (letter === undefined || letter.to !== end || !isIntact(letter, message)) {
      return this.break("Altered", `${end} has got something as message ${number} that nobody has sent to it`)
    }
    if (letter.heard > 0) {
      if (!this.mayRepeat(letter, life)) this.break("Twice", `${describe(letter)} has arrived again`)
      return
    }
    if (letter.unsent) this.break("Outcome", `${describe(letter)} was not sent, and has arrived`)
    letter.heard = ++this.moment
    letter.life = life
    const heard = this.heard.get(hearing) ?? []
    this.heard.set(hearing, heard)
    const [first = letter] = heard
    if (this.isLossy && first.session !== letter.session) {
      this.break("Mixed", `${describe(letter)} has arrived on the connection of ${describe(first)}`)
    }
    heard.push(letter)
    this.changed.check()
  }

  /**
   * Only one who does not remember, or did not want to, gets a message again: nobody knows then whether it was heard.
   */
  private mayRepeat({ from, life, to }: Letter, now: number): boolean {
    return !this.isLossy && (life !== now || this.deaf.has(`${to} ${from}`))
  }

  private mayLose({ from, to }: Letter): boolean {
    // Who closes a lossy connection says goodbye after everything it has sent.
    return this.isLossy ? this.disturbed.has(pairOf(from, to)) || this.deaf.has(`${to} ${from}`) : this.mayEnd(from, to)
  }

  /** Whether a connection between these two may end against the will of one of them. */
  mayEnd(one: string, other: string): boolean {
    return (
      this.isLossy ||
      this.disturbed.has(pairOf(one, other)) ||
      this.deaf.has(`${one} ${other}`) ||
      this.deaf.has(`${other} ${one}`)
    )
  }

  /** Messages that were accepted, have not arrived, and must. */
  get missing(): ReadonlyArray<Letter> {
    return this.letters.filter((letter) => letter.accepted > 0 && letter.heard === 0 && !this.mayLose(letter))
  }

  /** At the end of everything, where whatever is to arrive has had its time. */
  judge(): void {
    // What has gone wrong before may have kept it from arriving.
    for (const letter of this.isBroken ? [] : this.missing)
      this.break("Lost", `${describe(letter)} was accepted and has not arrived`)
    for (const heard of this.heard.values()) this.judgeOrder(heard)
    this.judgeHoles()
  }

  /** What one end has sent before it began to send the next has to arrive before it, priorities apart. */
  private judgeOrder(heard: ReadonlyArray<Letter>): void {
    const latest = new Map<string, Letter>()
    for (const letter of heard) {
      const kind = kindOf(letter)
      const before = latest.get(kind)
      const overtaken =
        before !== undefined &&
        (letter.stream === before.stream
          ? letter.number < before.number
          : letter.accepted > 0 && letter.accepted < before.began)
      if (overtaken) this.break("Order", `${describe(letter)} has arrived after ${describe(before)}`)
      if (before === undefined || letter.began > before.began) latest.set(kind, letter)
    }
  }

  /**
   * Where one has arrived on a lossy connection, those that were sent before it in the same way must have. What a
   * lossless session loses is found by `missing`.
   */
  private judgeHoles(): void {
    if (!this.isLossy) return
    /** The last of each stream, and the last of all of its kind, that has arrived. */
    const last = new Map<string, Letter>()
    for (const letter of this.letters) {
      if (letter.heard === 0) continue
      last.set(kindOf(letter), letter)
      last.set(`stream ${letter.stream}`, letter)
    }
    for (const letter of this.letters) {
      if (letter.heard > 0) continue
      const later = last.get(kindOf(letter))
      const next = last.get(`stream ${letter.stream}`)
      if (next !== undefined && next.number > letter.number) this.hole(letter, next)
      else if (later !== undefined && letter.accepted > 0 && letter.accepted < later.began) this.hole(letter, later)
    }
  }

  private hole(letter: Letter, later: Letter): void {
    this.break("Hole", `${describe(letter)} has not arrived, but ${describe(later)} has`)
  }
}
