/** Transports with a fault: what a simulation has to find. */
import { Transport } from "@msgr2/messenger"
import { Effect, Scope } from "effect"

type Service = Transport.Transport["Service"]
export type Wrap = (transport: Service) => Service

/** The same transport with something done to each of its pipes. */
const onPipes =
  (change: (pipe: Transport.Pipe) => Transport.Pipe): Wrap =>
  (transport) =>
    Transport.Transport.of({
      connect: (address) => Effect.map(transport.connect(address), change),
      listen: (address) =>
        Effect.map(transport.listen(address), (listener) => ({
          ...listener,
          accept: Effect.map(listener.accept, change)
        }))
    })

/** Something done to every so many writes. */
const onWrites = (every: number, change: (chunks: ReadonlyArray<Uint8Array>) => ReadonlyArray<Uint8Array>) =>
  onPipes((pipe) => {
    let writes = 0
    return {
      ...pipe,
      write: (chunks, done) => pipe.write(++writes % every === 0 ? change(chunks) : chunks, done)
    }
  })

export const dropping = onWrites(7, () => [])
export const doubling = onWrites(7, (chunks) => [...chunks, ...chunks])
export const reversing = onWrites(7, (chunks) => chunks.map((chunk) => chunk.toReversed()))

/** Does not look at what waits when it is told that this was all. */
export const forgetful = onPipes((pipe) => {
  let waiting: Array<() => void> = []
  return {
    ...pipe,
    write: (chunks, done) => {
      waiting.push(() => pipe.write(chunks, done))
      queueMicrotask(() => {
        for (const write of waiting) write()
        waiting = []
      })
    },
    end: () => {
      waiting = []
      pipe.end()
    }
  }
})

/** Says that a chunk was taken, and looks at it later. */
export const hasty = onPipes((pipe) => ({
  ...pipe,
  write: (chunks, done) => {
    done?.()
    queueMicrotask(() => pipe.write(chunks))
  }
}))

/** Does not hear what is said after a while. */
export const deaf = onPipes((pipe) => {
  let reads = 0
  return { ...pipe, read: Effect.suspend(() => (++reads > 12 ? Effect.never : pipe.read)) }
})

/** Does not close what it has opened. */
export const leaking: Wrap = (transport) =>
  Transport.Transport.of({
    ...transport,
    connect: (address) => Effect.flatMap(Scope.make(), (scope) => Scope.provide(transport.connect(address), scope))
  })

/** Lets real time in. */
export const ticking = onPipes((pipe) => ({
  ...pipe,
  write: (chunks, done) => {
    setTimeout(() => pipe.write(chunks, done), 0)
  }
}))

export const wrap = dropping
