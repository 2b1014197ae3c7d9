/** A transport whose connections a test can cut. */
import { Effect, Exit, Layer, Scope } from "effect"
import { Transport, TransportError } from "../../src/index.ts"
import { EntityAddr } from "@msgr2/wire"
import { Gate } from "../../src/Gate.ts"

const reset = (address: EntityAddr.EntityAddr) =>
  new TransportError.TransportError({ reason: "Reset", address: EntityAddr.format(address), detail: "cut" })

/** Every connection that was dialled through it and stands. */
export class Cutter {
  readonly open = new Set<() => Effect.Effect<void>>()
  dialled = 0
  /** While true, nobody answers. */
  down = false

  /** Cuts what stands; what is in flight is lost. */
  readonly cut = Effect.suspend(() => Effect.forEach([...this.open], (cut) => cut(), { discard: true }))

  layer<E, R>(transport: Layer.Layer<Transport.Transport, E, R>): Layer.Layer<Transport.Transport, E, R> {
    const wrapped = Layer.effect(
      Transport.Transport,
      Effect.map(Transport.Transport, ({ connect, listen }) => ({
        listen,
        connect: (address: EntityAddr.EntityAddr) =>
          this.down ? Effect.fail(reset(address)) : this.dial(connect(address), address)
      }))
    )
    return Layer.provide(wrapped, transport)
  }

  private dial(
    connect: Effect.Effect<Transport.Pipe, TransportError.TransportError, Scope.Scope>,
    address: EntityAddr.EntityAddr
  ): Effect.Effect<Transport.Pipe, TransportError.TransportError, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      this.dialled++
      const scope = yield* Scope.make()
      const gate = new Gate()
      let gone = false
      const cut = () =>
        Effect.suspend(() => {
          if (gone) return Effect.void
          gone = true
          this.open.delete(cut)
          gate.check()
          return Scope.close(scope, Exit.void)
        })
      const pipe = yield* Scope.provide(connect, scope)
      this.open.add(cut)
      yield* Effect.addFinalizer((exit) => {
        this.open.delete(cut)
        gone = true
        return Scope.close(scope, exit)
      })
      return {
        ...pipe,
        read: Effect.raceFirst(
          pipe.read,
          Effect.andThen(
            gate.when(() => gone),
            Effect.fail(reset(address))
          )
        ),
        write: (chunks, done) => {
          if (!gone) pipe.write(chunks, done)
        },
        backlog: () => (gone ? 0 : pipe.backlog()),
        drained: Effect.raceFirst(
          pipe.drained,
          gate.when(() => gone)
        ),
        end: () => {
          if (!gone) pipe.end()
        }
      }
    })
  }
}
