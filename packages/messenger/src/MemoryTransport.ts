/**
 * Pipes inside one process, for tests: the same order and the same ends as TCP, no sockets.
 */
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Arrivals } from "./internal/Arrivals.ts"
import { Gate } from "./Gate.ts"
import { type Listener, type Pipe, Transport } from "./Transport.ts"
import { type Reason, TransportError } from "./TransportError.ts"

export interface Options {
  /** Cuts what one write sends into the chunks that one read finds; by default they arrive as they were written. */
  readonly rechunk?: (bytes: Uint8Array) => ReadonlyArray<Uint8Array>
  /** Bytes in flight in one direction before a writer sees a backlog. */
  readonly window?: number
}

/** One direction: bytes wait here while the reader's arrivals are full. */
class Lane {
  /** Bytes that wait. */
  backlog = 0
  readonly gate = new Gate()
  readonly arrivals: Arrivals
  private readonly rechunk: (bytes: Uint8Array) => ReadonlyArray<Uint8Array>
  private waiting: Array<Uint8Array> = []
  private next = 0
  private finished: TransportError | undefined

  constructor({ rechunk = (bytes) => [bytes], window = 256 * 1024 }: Options) {
    this.rechunk = rechunk
    this.arrivals = new Arrivals(window, () => this.schedule())
  }

  write(chunks: ReadonlyArray<Uint8Array>): void {
    if (this.finished !== undefined) return
    for (const chunk of chunks) {
      // Copied, as a kernel does: the reader must never see a writer's later change.
      for (const piece of this.rechunk(chunk.slice())) this.waiting.push(piece)
      this.backlog += chunk.length
    }
    this.schedule()
  }

  /** What waits still arrives, and then this. */
  finish(error: TransportError): void {
    this.finished ??= error
    this.schedule()
  }

  /** What waits is lost, and what comes after it. */
  cut(error: TransportError): void {
    this.waiting = []
    this.next = 0
    this.backlog = 0
    this.finish(error)
  }

  private schedule(): void {
    queueMicrotask(() => this.deliver())
  }

  private deliver(): void {
    while (this.next < this.waiting.length && !this.arrivals.full) {
      const chunk = this.waiting[this.next++]
      if (chunk === undefined) continue
      this.backlog -= chunk.length
      this.arrivals.push(chunk)
    }
    if (this.next < this.waiting.length) return
    this.waiting = []
    this.next = 0
    if (this.finished !== undefined) this.arrivals.fail(this.finished)
    this.gate.check()
  }
}

const error = (reason: Reason, address: EntityAddr.EntityAddr): TransportError =>
  new TransportError({ reason, address: EntityAddr.format(address), detail: "" })

const makePipe = (
  incoming: Lane,
  outgoing: Lane,
  local: EntityAddr.EntityAddr,
  remote: EntityAddr.EntityAddr
): Effect.Effect<Pipe, never, Scope.Scope> => {
  let ended = false
  const end = () => {
    ended = true
    outgoing.finish(error("EndOfStream", local))
  }
  return Effect.acquireRelease(
    Effect.succeed<Pipe>({
      local,
      remote,
      read: incoming.arrivals.read,
      write: (chunks, done) => {
        outgoing.write(chunks)
        done?.()
      },
      backlog: () => outgoing.backlog,
      drained: outgoing.gate.when(() => outgoing.backlog === 0),
      end
    }),
    () =>
      Effect.sync(() => {
        if (!ended) outgoing.cut(error("Reset", local))
        incoming.cut(error("Closed", remote))
        incoming.arrivals.discard(error("Closed", remote))
      })
  )
}

const make = (options: Options): Transport["Service"] => {
  interface Open {
    readonly queue: Array<{ readonly up: Lane; readonly down: Lane; readonly from: EntityAddr.EntityAddr }>
    readonly gate: Gate
  }
  const listeners = new Map<string, Open>()
  let nextPort = 49152
  const place = (address: EntityAddr.EntityAddr, port: number): EntityAddr.EntityAddr =>
    address.sockaddr._tag === "Inet" || address.sockaddr._tag === "Inet6"
      ? { ...address, sockaddr: { ...address.sockaddr, port } }
      : address
  const key = (address: EntityAddr.EntityAddr) => EntityAddr.format({ ...address, nonce: 0 })
  return Transport.of({
    connect: (address) =>
      Effect.suspend(() => {
        const listener = listeners.get(key(address))
        if (listener === undefined) return Effect.fail(error("Refused", address))
        const [up, down] = [new Lane(options), new Lane(options)]
        const from = place({ ...address, nonce: 0 }, nextPort++)
        listener.queue.push({ up, down, from })
        listener.gate.check()
        return makePipe(down, up, from, address)
      }),
    listen: (address) =>
      Effect.suspend(() => {
        const asked = address.sockaddr
        const port = asked._tag === "Inet" || asked._tag === "Inet6" ? asked.port : 0
        const bound = port === 0 ? place(address, nextPort++) : address
        if (listeners.has(key(bound))) return Effect.fail(error("AddressInUse", bound))
        const open: Open = { queue: [], gate: new Gate() }
        const accept: Listener["accept"] = Effect.flatMap(
          open.gate.when(() => open.queue.length > 0),
          () => {
            const visitor = open.queue.shift()
            return visitor === undefined ? accept : makePipe(visitor.up, visitor.down, bound, visitor.from)
          }
        )
        return Effect.acquireRelease(
          Effect.sync((): Listener => {
            listeners.set(key(bound), open)
            return { address: bound, accept }
          }),
          () =>
            Effect.sync(() => {
              listeners.delete(key(bound))
              for (const lane of open.queue.flatMap(({ up, down }) => [up, down])) lane.cut(error("Reset", bound))
            })
        )
      })
  })
}

/** A network of its own, inside this process. */
export const layerWith = (options: Options): Layer.Layer<Transport> => Layer.sync(Transport, () => make(options))
export const layer: Layer.Layer<Transport> = layerWith({})
