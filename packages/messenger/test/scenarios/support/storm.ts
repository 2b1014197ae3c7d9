/** A transport over which sockets die and bytes take their time, by chance that a seed decides. */
import { EntityAddr } from "@msgr2/wire"
import { Effect, Layer } from "effect"
import { Transport, TransportError } from "../../../src/index.ts"
import { Gate } from "../../../src/Gate.ts"

/** Numbers in [0, 1), the same for the same seed. */
export const dice = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

export interface Options {
  readonly roll: () => number
  /** How likely it is that a socket dies at a read or a write. */
  readonly failure: number
  /** How long a read takes at most. **Units** milliseconds. */
  readonly delay: number
}

export class Storm {
  /** Sockets that have died of it. */
  deaths = 0
  over = false
  private readonly options: Options

  constructor(options: Options) {
    this.options = options
  }

  /** Over those who dial: each socket has one such end. */
  readonly layer = <E, R>(inner: Layer.Layer<Transport.Transport, E, R>): Layer.Layer<Transport.Transport, E, R> =>
    Layer.provide(
      Layer.effect(
        Transport.Transport,
        Effect.map(Transport.Transport, ({ connect, listen }) => ({
          listen,
          connect: (address) =>
            Effect.andThen(
              this.delay,
              Effect.map(connect(address), (pipe) => this.exposed(pipe))
            )
        }))
      ),
      inner
    )

  private readonly delay = Effect.suspend(() => {
    const { delay, roll } = this.options
    return this.over || delay === 0 ? Effect.void : Effect.sleep(Math.floor(roll() * delay))
  })

  private get strikes(): boolean {
    const { failure, roll } = this.options
    return !this.over && roll() < failure
  }

  private exposed(pipe: Transport.Pipe): Transport.Pipe {
    const gate = new Gate()
    let dead = false
    const gone = Effect.andThen(
      gate.when(() => dead),
      Effect.suspend(() => {
        const address = EntityAddr.format(pipe.remote)
        return Effect.fail(new TransportError.TransportError({ reason: "Reset", address, detail: "storm" }))
      })
    )
    const die = () => {
      dead = true
      this.deaths++
      pipe.end()
      gate.check()
    }
    const arrive = Effect.tap(pipe.read, () =>
      Effect.andThen(
        this.delay,
        Effect.suspend(() => {
          if (this.strikes) die()
          return dead ? gone : Effect.void
        })
      )
    )
    return {
      ...pipe,
      read: Effect.raceFirst(arrive, gone),
      write: (chunks, done) => {
        if (dead) return done?.()
        if (!this.strikes) return pipe.write(chunks, done)
        // Some of it still leaves.
        let left = Math.floor(this.options.roll() * chunks.reduce((sum, { length }) => sum + length, 0))
        for (const chunk of chunks) {
          pipe.write([chunk.subarray(0, left)])
          left = Math.max(0, left - chunk.length)
        }
        die()
        done?.()
      },
      drained: Effect.raceFirst(pipe.drained, Effect.ignore(gone)),
      end: () => {
        if (!dead) pipe.end()
      }
    }
  }
}
