/**
 * Keeps a program from what no seed decides: the event loop, the real clock, real chance. `Math.random` gives numbers
 * of the seed instead: Effect itself uses it, to tell objects apart.
 *
 * Everything in the enclosure happens in one synchronous call, so nobody outside ever meets the replaced functions.
 */

/** A program has left the simulation: what it used cannot be repeated. */
export class Escape extends Error {
  override readonly name = "Escape"
}

export interface Ways {
  /** What `queueMicrotask` does inside. */
  readonly microtask: (task: () => void) => void
  /** What `Math.random` does inside. */
  readonly random: () => number
  /** Told of everything that leaves. */
  readonly escaped: (what: string) => void
}

type Functions = Record<string, unknown>

/** Where chance and time come in, besides what is imported from Node. */
const holes: ReadonlyArray<readonly [owner: string, object: Functions, names: ReadonlyArray<string>]> = [
  ["", globalThis as unknown as Functions, ["setTimeout", "setInterval", "setImmediate"]],
  ["Date.", Date as unknown as Functions, ["now"]],
  ["performance.", performance as unknown as Functions, ["now"]],
  ["crypto.", crypto as unknown as Functions, ["getRandomValues", "randomUUID"]]
]

/** Runs `body` enclosed. */
export const enclosed = <A>(body: () => A, ways: Ways): A => {
  const undo: Array<() => void> = []
  const replace = (object: Functions, name: string, value: unknown) => {
    const own = Object.getOwnPropertyDescriptor(object, name)
    Object.defineProperty(object, name, { value, configurable: true, writable: true })
    undo.push(() => {
      if (own === undefined) delete object[name]
      else Object.defineProperty(object, name, own)
    })
  }
  try {
    replace(globalThis as unknown as Functions, "queueMicrotask", ways.microtask)
    replace(Math as unknown as Functions, "random", ways.random)
    for (const [owner, object, names] of holes) {
      for (const name of names) {
        replace(object, name, () => {
          ways.escaped(`${owner}${name}`)
          throw new Escape(`${owner}${name} was used: use Effect's Clock, Random and sleep`)
        })
      }
    }
    return body()
  } finally {
    for (const restore of undo.toReversed()) restore()
  }
}
