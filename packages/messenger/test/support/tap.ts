/** A transport that counts its pipes, remembers what passes, and changes what it is told to. */
import { Effect, Layer } from "effect"
import { Transport } from "../../src/index.ts"

/** "up" is from the dialling end to the listening one. */
export type Direction = "up" | "down"

export interface Options {
  /** Changes bytes on their way, on the dialling end's pipe; `offset` is where they begin in their direction. */
  readonly alter?: (direction: Direction, bytes: Uint8Array, offset: number) => Uint8Array
  /** Keeps what passes. */
  readonly record?: boolean
}

export class Tap {
  /** Pipes that are open now, of both ends. */
  open = 0
  mostOpen = 0
  /** Pipes that have ever been open. */
  everOpen = 0
  readonly up: Array<Uint8Array> = []
  readonly down: Array<Uint8Array> = []
  private readonly options: Options

  constructor(options: Options = {}) {
    this.options = options
  }

  private readonly counted = Effect.acquireRelease(
    Effect.sync(() => {
      this.everOpen++
      this.mostOpen = Math.max(this.mostOpen, ++this.open)
    }),
    () => Effect.sync(() => this.open--)
  )

  private tapped(pipe: Transport.Pipe): Transport.Pipe {
    const { alter = (_, bytes) => bytes, record } = this.options
    const offsets = { up: 0, down: 0 }
    const pass = (direction: Direction, bytes: Uint8Array): Uint8Array => {
      const passed = alter(direction, bytes, offsets[direction])
      offsets[direction] += bytes.length
      if (record === true) this[direction].push(passed.slice())
      return passed
    }
    return {
      ...pipe,
      write: (chunks, done) =>
        pipe.write(
          chunks.map((chunk) => pass("up", chunk)),
          done
        ),
      read: Effect.map(pipe.read, ([first, ...rest]) => [
        pass("down", first),
        ...rest.map((chunk) => pass("down", chunk))
      ])
    }
  }

  /** The given transport, tapped. */
  readonly layer = <E, R>(inner: Layer.Layer<Transport.Transport, E, R>): Layer.Layer<Transport.Transport, E, R> =>
    Layer.effect(
      Transport.Transport,
      Effect.map(Transport.Transport, (transport) =>
        Transport.Transport.of({
          connect: (address) =>
            Effect.andThen(
              this.counted,
              Effect.map(transport.connect(address), (pipe) => this.tapped(pipe))
            ),
          listen: (address) =>
            Effect.map(transport.listen(address), (listener) => ({
              ...listener,
              accept: Effect.tap(listener.accept, () => this.counted)
            }))
        })
      )
    ).pipe(Layer.provide(inner))
}

type Alter = NonNullable<Options["alter"]>

const changing =
  (direction: Direction, at: number, size: number, byte: (old: number, i: number) => number): Alter =>
  (passing, bytes, offset) => {
    if (passing !== direction || at + size <= offset || at >= offset + bytes.length) return bytes
    const changed = bytes.slice()
    for (let i = Math.max(0, offset - at); i < size && at + i < offset + bytes.length; i++) {
      changed[at + i - offset] = byte(changed[at + i - offset] ?? 0, i)
    }
    return changed
  }

/** Turns over the lowest bit of byte number `at` in one direction. */
export const flip = (direction: Direction, at: number): Alter => changing(direction, at, 1, (old) => old ^ 1)

/** Puts `forged` over what passes from byte number `at` on. */
export const overlay = (direction: Direction, at: number, forged: Uint8Array): Alter =>
  changing(direction, at, forged.length, (_, i) => forged[i] ?? 0)
