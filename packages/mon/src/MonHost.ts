/**
 * `mon_host`: where the monitors of a cluster may be found.
 *
 * **Source** Ceph `src/mon/MonMap.cc` (`init_with_hosts`), `src/msg/msg_types.cc` for the addresses,
 * `src/include/msgr.h` for the ports
 */
import * as Result from "effect/Result"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import { ConfigError } from "./ConfigError.ts"

/** Where monitors listen unless told otherwise. */
export const DefaultPort = { Msgr2: 3300, Legacy: 6789 } as const

/**
 * One place to try: an address, or a name that the caller has to look up. `type` is `EntityAddr.AddrType.Msgr2` or
 * `Legacy`.
 */
export type Candidate =
  | { readonly _tag: "Addr"; readonly addr: EntityAddr.EntityAddr }
  | { readonly _tag: "Name"; readonly type: number; readonly host: string; readonly port: number }

/** False for a place that speaks only the protocol before msgr2. */
export const isUsable = (candidate: Candidate): boolean =>
  (candidate._tag === "Addr" ? candidate.addr.type : candidate.type) === EntityAddr.AddrType.Msgr2

/** `v2:127.0.0.1:3300/0`, `v1:mon-a:6789`. */
export const format = (candidate: Candidate): string =>
  candidate._tag === "Addr"
    ? EntityAddr.format(candidate.addr)
    : `${isUsable(candidate) ? "v2" : "v1"}:${candidate.host}:${candidate.port}`

/** The type's prefix, a host (bracketed, or without colons, or a bare IPv6 address), a port, a nonce. */
const ENTRY =
  /^(?:(v1|v2|any):)?(?:\[([^[\]]+)\]|([^:[\]/]+)|([0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:]*))(?::(\d{1,5}))?(?:\/(\d{1,10}))?$/
const NAME = /^(?=.*[a-z])[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?$/i

/**
 * Reads addresses and names that stand apart by commas, semicolons or blanks: `10.0.0.1`, `10.0.0.1:3300`,
 * `v2:[2001:db8::1]:3300/0`, `mon-a.example`, `[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]`.
 *
 * Without a prefix port 6789 means v1 and everything else v2; without a port v2 means 3300 and v1 6789. A group in
 * brackets is one monitor: it yields its v2 places, or its v1 places when it has no other, so that the caller can tell
 * what is wrong with them (see `isUsable`). What is said twice is yielded once.
 *
 * **Errors** `ConfigError` for text that is neither, and when nothing is left.
 */
export const parse = (text: string): Result.Result<ReadonlyArray<Candidate>, ConfigError> => {
  const entries = split(text)
  if (entries === undefined) return refused(text, "a closing bracket for every opening one")
  const found = new Map<string, Candidate>()
  for (const entry of entries) {
    const members = membersOf(entry)
    if (members.length === 0) return refused(entry, example)
    const places: Array<Candidate> = []
    for (const member of members) {
      const place = parseEntry(member)
      if (place === undefined) return refused(member, example)
      places.push(place)
    }
    const usable = places.filter(isUsable)
    for (const place of usable.length > 0 ? usable : places) found.set(format(place), place)
  }
  return found.size > 0 ? Result.succeed([...found.values()]) : refused(text, `at least one monitor: ${example}`)
}

const example = "an address such as v2:10.0.0.1:3300, or a host name"

const refused = (got: string, expected: string): Result.Result<never, ConfigError> =>
  Result.fail(new ConfigError({ what: "mon_host", got, expected }))

/** Parts of `text` between separators outside brackets, without empty ones; `undefined` when brackets do not match. */
const split = (text: string): ReadonlyArray<string> | undefined => {
  const parts: Array<string> = []
  let depth = 0
  let start = 0
  for (let i = 0; i <= text.length; i++) {
    const char = text[i] ?? ","
    if (char === "[") depth++
    if (char === "]") depth--
    if (!/[,;\s]/.test(char) || (depth > 0 && i < text.length)) continue
    if (i > start) parts.push(text.slice(start, i))
    start = i + 1
  }
  return depth === 0 ? parts : undefined
}

/** The members of `[v2:...,v1:...]`; a bare IPv6 address in brackets is its own only member. */
const membersOf = (entry: string): ReadonlyArray<string> =>
  entry.startsWith("[") && entry.endsWith("]") ? (split(entry.slice(1, -1)) ?? []) : [entry]

const parseEntry = (entry: string): Candidate | undefined => {
  const parts = ENTRY.exec(entry)
  if (parts === null) return undefined
  const [, prefix, bracketed, plain, bare] = parts
  const given = Number(parts[5] ?? 0)
  const nonce = Number(parts[6] ?? 0)
  if (given > 0xffff || nonce > 0xffff_ffff) return undefined
  const legacy = prefix === "v1" || (prefix !== "v2" && given === DefaultPort.Legacy)
  const type = legacy ? EntityAddr.AddrType.Legacy : EntityAddr.AddrType.Msgr2
  const port = given > 0 ? given : legacy ? DefaultPort.Legacy : DefaultPort.Msgr2
  const addr = EntityAddr.make(bracketed ?? plain ?? bare ?? "", port, nonce, type)
  if (addr !== undefined) return { _tag: "Addr", addr }
  return plain !== undefined && NAME.test(plain) ? { _tag: "Name", type, host: plain, port } : undefined
}
