import { assert, describe, it } from "@effect/vitest"
import { Message } from "@msgr2/wire"
import { Schema } from "effect"
import { Fifo, Outbox, Session } from "../src/index.ts"

const int = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const op = Schema.Struct({
  kind: Schema.Literals(["enqueue", "enqueue", "send", "send", "ack", "lose", "discard", "restart"]),
  by: int(5),
  priority: Schema.Literals([0, 63, 64, 127, 196, 255, 65535])
})
const ops = Schema.Array(op).check(Schema.isMinLength(30), Schema.isMaxLength(80))
type Op = typeof op.Type

/** A message that `id` tells from all others. */
const make = (id: number, priority: number, bytes: number): Message.Message =>
  Message.make({
    type: 2,
    tid: BigInt(id),
    priority,
    front: new Uint8Array(bytes),
    middle: new Uint8Array(bytes >> 1),
    data: new Uint8Array(bytes >> 2)
  })
const idOf = ({ header }: Message.Message): number => Number(header.tid)
const weight = ({ data, front, middle }: Message.Message): number => front.length + middle.length + data.length

/** The plain way to say what the outbox is: three arrays, searched and sorted each time. */
interface Model {
  readonly out: number
  /** Numbers of a session that is over mean nothing: `seq` is what counts only while it is the same. */
  readonly sent: ReadonlyArray<Outbox.Sent>
  readonly replay: ReadonlyArray<Outbox.Sent>
  readonly waiting: ReadonlyArray<Message.Message>
}
const nothing: Model = { out: 0, sent: [], replay: [], waiting: [] }

const messages = ({ replay, sent, waiting }: Model): ReadonlyArray<Message.Message> => [
  ...[...sent, ...replay].map(({ message }) => message),
  // A stable sort: first come first served within one priority.
  ...waiting.toSorted((left, right) => right.header.priority - left.header.priority)
]

const turn = (model: Model): Message.Message | undefined => messages({ ...model, sent: [] })[0]

/** The same operation on both; `id` names what is new. */
const apply = (
  { by, kind, priority }: Op,
  id: number,
  [progress, model]: readonly [Session.Progress, Model]
): readonly [Session.Progress, Model] => {
  switch (kind) {
    case "enqueue": {
      const message = make(id, priority, by)
      return [Session.enqueue(progress, message), { ...model, waiting: [...model.waiting, message] }]
    }
    case "send": {
      const message = turn(model)
      const next = Outbox.next(progress.outbox)
      assert.strictEqual(next?.message, message)
      if (next === undefined || message === undefined) return [progress, model]
      const out = model.out + 1
      return [
        Session.submit({ ...progress, outbox: next.rest }, false, message),
        {
          out,
          sent: [...model.sent, { seq: out, message }],
          replay: model.replay.slice(1),
          waiting: model.replay.length > 0 ? model.waiting : model.waiting.filter((other) => other !== message)
        }
      ]
    }
    case "ack": {
      const seq = (model.sent[0]?.seq ?? 1) + by - 1
      return [Session.acknowledge(progress, seq), { ...model, sent: model.sent.filter((sent) => sent.seq > seq) }]
    }
    case "lose":
      return [
        Session.requeue(progress),
        { ...model, out: model.out - model.sent.length, sent: [], replay: [...model.sent, ...model.replay] }
      ]
    // Both of these happen only when nothing is under way.
    case "discard": {
      if (model.sent.length > 0) return [progress, model]
      const seq = model.out + by
      const replay = model.replay.filter((sent) => sent.seq > seq)
      return [Session.resume(progress, seq), { ...model, out: model.out + model.replay.length - replay.length, replay }]
    }
    case "restart":
      if (model.sent.length > 0) return [progress, model]
      return [Session.restart(progress), { ...model, out: 0 }]
  }
}

const run = (ops: ReadonlyArray<Op>) => {
  const versions: Array<readonly [Session.Progress, Model]> = [[Session.start, nothing]]
  for (const [i, op] of ops.entries()) versions.push(apply(op, i, versions.at(-1) ?? [Session.start, nothing]))
  return versions
}

describe("Outbox", () => {
  it.prop("is what three arrays are, in every version that ever was", [ops], ([ops]) => {
    for (const [progress, model] of run(ops)) {
      const { outbox } = progress
      const expected = messages(model)
      assert.deepStrictEqual(Outbox.toArray(outbox).map(idOf), expected.map(idOf))
      assert.strictEqual(progress.outSeq, model.out)
      assert.strictEqual(outbox.size, expected.length)
      assert.strictEqual(
        outbox.bytes,
        expected.reduce((sum, message) => sum + weight(message), 0)
      )
      assert.strictEqual(Outbox.hasPending(outbox), turn(model) !== undefined)
      assert.deepStrictEqual(Fifo.toArray(outbox.sent), model.sent)
    }
  })

  const unbroken = Schema.Array(
    Schema.Struct({ ...op.fields, kind: Schema.Literals(["enqueue", "send", "send", "lose", "ack", "discard"]) })
  ).check(Schema.isMinLength(30), Schema.isMaxLength(80))
  it.prop("within one session a message keeps the number it was first sent with", [unbroken], ([ops]) => {
    const numbers = new Map<number, number>()
    for (const [{ outbox }] of run(ops)) {
      for (const { message, seq } of Fifo.toArray(outbox.sent)) {
        assert.strictEqual(numbers.get(idOf(message)) ?? seq, seq)
        numbers.set(idOf(message), seq)
      }
    }
    assert.strictEqual(new Set(numbers.values()).size, numbers.size)
  })

  const drain = (outbox: Outbox.Outbox): ReadonlyArray<number> => {
    const ids: Array<number> = []
    for (let next = Outbox.next(outbox); next !== undefined; next = Outbox.next(next.rest)) ids.push(idOf(next.message))
    return ids
  }
  const sending = (count: number): Session.Progress => {
    let progress = Session.start
    for (let id = 1; id <= count; id++) progress = Session.submit(progress, false, make(id, 127, 8))
    return progress
  }

  it("the highest priority leaves first, and first come first served within one", () => {
    const priorities = [127, 255, 64, 127, 65535, 255, 0]
    const outbox = priorities.reduce((box, priority, id) => Outbox.enqueue(box, make(id, priority, 1)), Outbox.empty)
    assert.deepStrictEqual(drain(outbox), [4, 1, 5, 0, 3, 2, 6])
  })
  it("what was sent before goes again before everything that waits, however urgent", () => {
    const lost = Session.requeue(Session.enqueue(sending(2), make(9, 65535, 1)))
    assert.deepStrictEqual(drain(lost.outbox), [1, 2, 9])
  })
  it("lost twice in the middle of a replay, everything still goes in the old order, with the old numbers", () => {
    const lost = Session.requeue(sending(4))
    const half = [1, 2].reduce((progress, id) => {
      const next = Outbox.next(progress.outbox)
      return next === undefined ? progress : Session.submit({ ...progress, outbox: next.rest }, false, make(id, 127, 8))
    }, lost)
    const again = Session.requeue(half)
    assert.deepStrictEqual(drain(again.outbox), [1, 2, 3, 4])
    assert.deepStrictEqual(
      Fifo.toArray(again.outbox.replay).map(({ seq }) => seq),
      [1, 2, 3, 4]
    )
    assert.strictEqual(again.outSeq, 0)
    assert.strictEqual(Session.requeue(again).outbox, again.outbox)
  })
  it("an ack drops only what was sent, not what has yet to be sent again", () => {
    const lost = Session.requeue(sending(3)).outbox
    assert.strictEqual(Outbox.acknowledge(lost, 3), lost)
    assert.deepStrictEqual(drain(Outbox.discard(lost, 2)), [3])
  })
  it("numbers beyond anything sent drop all of it, and no more", () => {
    for (const beyond of [4, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      const { outbox } = Session.enqueue(sending(3), make(9, 64, 5))
      const waits = { size: 1, bytes: weight(make(9, 64, 5)) }
      for (const rest of [Outbox.acknowledge(outbox, beyond), Outbox.discard(Outbox.requeue(outbox), beyond)]) {
        assert.deepStrictEqual({ size: rest.size, bytes: rest.bytes }, waits)
        assert.deepStrictEqual(drain(rest), [9])
      }
    }
  })
  it("an ack of nothing new changes nothing, and costs no new value", () => {
    const { outbox } = sending(3)
    assert.strictEqual(Outbox.acknowledge(outbox, 0), outbox)
    assert.strictEqual(Outbox.discard(outbox, 0), outbox)
    assert.strictEqual(Outbox.requeue(Outbox.empty), Outbox.empty)
  })
  it("any priority a header can hold is legal, and all of them at once", () => {
    let outbox: Outbox.Outbox = Outbox.empty
    for (let priority = 1; priority <= 65_535; priority++) outbox = Outbox.enqueue(outbox, make(priority, priority, 0))
    // Its lane lies behind all others.
    outbox = Outbox.enqueue(outbox, make(0, 0, 0))
    assert.strictEqual(outbox.size, 65_536)
    assert.deepStrictEqual([drain(outbox)[0], drain(outbox).at(-1)], [65_535, 0])
  })
})

/** Cells of `after` that `before` does not have: what an operation has built. */
const built = <A>(before: Fifo.Fifo<A>, after: Fifo.Fifo<A>): number => {
  const known = new Set<Fifo.Cell<A>>()
  for (const start of [before.front, before.back]) for (let c = start; c !== undefined; c = c.tail) known.add(c)
  let count = 0
  for (const start of [after.front, after.back]) {
    for (let c = start; c !== undefined && !known.has(c); c = c.tail) count++
  }
  return count
}

// Counted in cells of lists, so that the claim does not depend on a clock.
describe("cost of an outbox", () => {
  const cost = (size: number): number => {
    let outbox: Outbox.Outbox = Outbox.empty
    let cells = 0
    const step = (next: Outbox.Outbox): void => {
      for (const part of ["replay", "sent"] as const) cells += built(outbox[part], next[part])
      const [before, after] = [outbox.waiting, next.waiting]
      if (before !== after) cells += built(before?.head.messages ?? Fifo.empty, after?.head.messages ?? Fifo.empty)
      outbox = next
    }
    const sendAll = (): void => {
      let seq = 0
      for (let next = Outbox.next(outbox); next !== undefined; next = Outbox.next(outbox)) {
        step(next.rest)
        step(Outbox.keep(outbox, ++seq, next.message))
      }
    }
    for (let id = 0; id < size; id++) step(Outbox.enqueue(outbox, make(id, 127, 0)))
    sendAll()
    step(Outbox.requeue(outbox))
    sendAll()
    for (let seq = 1; seq <= size; seq++) step(Outbox.acknowledge(outbox, seq))
    assert.strictEqual(outbox.size, 0)
    return cells / size
  }
  it("queued, sent, lost, sent again and acknowledged, a message costs the same among ten and among a thousand", () => {
    const [few, many] = [cost(10), cost(1000)]
    assert.isAbove(few, 3)
    assert.isAtMost(many, 12)
    assert.isAtMost(Math.abs(many - few), 1)
  })
  it("cutting in the middle of a replay, again and again, builds no more than what was sent since", () => {
    const size = 1000
    let outbox: Outbox.Outbox = Outbox.empty
    for (let seq = 1; seq <= size; seq++) outbox = Outbox.keep(outbox, seq, make(seq, 127, 0))
    outbox = Outbox.requeue(outbox)
    for (let round = 0; round < 20; round++) {
      for (let seq = 1; seq <= 5; seq++) {
        const next = Outbox.next(outbox)
        if (next !== undefined) outbox = Outbox.keep(next.rest, seq, next.message)
      }
      const lost = Outbox.requeue(outbox)
      assert.isAtMost(built(outbox.replay, lost.replay), 5)
      assert.strictEqual(lost.size, size)
      outbox = lost
    }
  })
})
