/**
 * The sessions of a messenger by the addresses of their peers. They outlive connections; this table sees to it that
 * they do not outlive their use.
 */
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import type { Driver } from "./Driver.ts"

export class Sessions {
  private readonly known = new Map<string, Driver>()
  /** Those that peers have opened and that have no open connection, the one that has waited longest first. */
  private readonly detached = new Set<Driver>()
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  /** Sessions, with a connection or without. */
  get size(): number {
    return this.known.size
  }

  find(addrs: EntityAddr.EntityAddrVec): Driver | undefined {
    return this.known.get(EntityAddr.key(addrs))
  }

  /** From now on `driver` is found under these addresses, in place of who was before. */
  add(addrs: EntityAddr.EntityAddrVec, driver: Driver): void {
    this.known.set(EntityAddr.key(addrs), driver)
  }

  remove(addrs: EntityAddr.EntityAddrVec, driver: Driver): void {
    this.detached.delete(driver)
    const key = EntityAddr.key(addrs)
    if (this.known.get(key) === driver) this.known.delete(key)
  }

  /** `driver` has lost its connection. The oldest of its kind goes when there are too many. */
  detach(driver: Driver): void {
    this.detached.add(driver)
    if (this.detached.size <= this.limit) return
    for (const oldest of this.detached) {
      this.detached.delete(oldest)
      oldest.dispatch({ _tag: "Expired" })
      return
    }
  }

  attach(driver: Driver): void {
    this.detached.delete(driver)
  }
}
