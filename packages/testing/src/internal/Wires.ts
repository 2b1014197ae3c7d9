/**
 * The part of a simulation that belongs to its network: timers that can be told from those of the program.
 */
import type { Chance } from "../Chance.ts"
import type { Timer } from "../SimClock.ts"
import type { World } from "../Simulation.ts"

export class Wires {
  private readonly world: World
  private readonly timers = new Set<Timer>()
  private stopped = false

  constructor(world: World) {
    this.world = world
  }

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.world.clock.now
  }

  /** Calls `run` at this time, and says when exactly. **Units** milliseconds of the simulation */
  at(millis: number, run: () => void): number {
    if (this.stopped) return millis
    const timer = this.world.clock.at(millis, () => {
      this.timers.delete(timer)
      run()
    })
    this.timers.add(timer)
    return timer.due
  }

  after(millis: number, run: () => void): void {
    this.at(this.now + millis, run)
  }

  /** Calls `run` as soon as it is its turn. */
  soon(run: () => void): void {
    this.world.post(run)
  }

  saw(bytes: Uint8Array): void {
    this.world.saw(bytes)
  }

  note(line: string): void {
    this.world.note(line)
  }

  chance(name: string): Chance {
    return this.world.chance(`network/${name}`)
  }

  /** Nothing happens any more. */
  stop(): void {
    this.stopped = true
    for (const timer of this.timers) this.world.clock.cancel(timer)
    this.timers.clear()
  }
}
