/**
 * The sessions of a messenger by the addresses of their peers. They outlive connections; this table sees to it that
 * they do not outlive their use.
 */
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import type { Driver } from "./Driver.ts"

/** Of a session with oneself, it is the accepting half that goes by the addresses. */
const keyOf = (addrs: EntityAddr.EntityAddrVec, dialsSelf: boolean): string =>
  `${dialsSelf ? "self " : ""}${EntityAddr.key(addrs)}`

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

  /** `dialsSelf` asks for the dialling half of a session with oneself. */
  find(addrs: EntityAddr.EntityAddrVec, dialsSelf = false): Driver | undefined {
    return this.known.get(keyOf(addrs, dialsSelf))
  }

  /** From now on `driver` is found under these addresses, in place of who was before. */
  add(addrs: EntityAddr.EntityAddrVec, driver: Driver, dialsSelf = false): void {
    this.known.set(keyOf(addrs, dialsSelf), driver)
  }

  remove(addrs: EntityAddr.EntityAddrVec, driver: Driver): void {
    this.detached.delete(driver)
    for (const key of [keyOf(addrs, false), keyOf(addrs, true)]) {
      if (this.known.get(key) === driver) this.known.delete(key)
    }
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
