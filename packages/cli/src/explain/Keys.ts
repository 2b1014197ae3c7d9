/**
 * Where the secrets of recorded connections come from. A source is told what authentication says and answers with what
 * may open the rest; wrong guesses do no harm, they are tried.
 */
import * as Bytes from "@msgr2/wire/Bytes"
import type * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as Sockaddr from "@msgr2/wire/Sockaddr"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { CliError } from "../Failure.ts"

export type Secret = Redacted.Redacted<Uint8Array>

/**
 * Candidates for one connection, most likely first.
 *
 * **Shape** `sessionKeys` sign the handshake, `connectionSecrets` seal what follows; `trouble` says why there are none.
 */
export interface Known {
  readonly sessionKeys: ReadonlyArray<Secret>
  readonly connectionSecrets: ReadonlyArray<Secret>
  readonly trouble?: string
}

export const nothing: Known = { sessionKeys: [], connectionSecrets: [] }

/** The authentication of one connection, as a source follows it. */
export interface Handshake {
  readonly request: (frame: ControlFrame.Of<"AuthRequest"> | ControlFrame.Of<"AuthRequestMore">) => void
  readonly done: (frame: ControlFrame.Of<"AuthDone">) => Known
}

export interface Keys {
  /** **Shape** addresses as `127.0.0.1:3300` and `[::1]:3300`. */
  readonly open: (client: string, server: string) => Handshake
}

/** Knows nothing. */
export const none: Keys = { open: () => ({ request: () => undefined, done: () => nothing }) }

/** What any of `sources` knows. */
export const all = (sources: ReadonlyArray<Keys>): Keys => ({
  open: (client, server) => {
    const handshakes = sources.map((source) => source.open(client, server))
    return {
      request: (frame) => handshakes.forEach((handshake) => handshake.request(frame)),
      done: (frame) => {
        const known = handshakes.map((handshake) => handshake.done(frame))
        const trouble = known.flatMap(({ trouble }) => trouble ?? []).join("; ")
        return {
          sessionKeys: known.flatMap(({ sessionKeys }) => sessionKeys),
          connectionSecrets: known.flatMap(({ connectionSecrets }) => connectionSecrets),
          ...(trouble === "" ? {} : { trouble })
        }
      }
    }
  }
})

const refuse = (expected: string): Result.Result<never, CliError> =>
  Result.fail(new CliError({ message: `key log: expected ${expected}` }))

/**
 * Secrets that somebody has written down.
 *
 * **Shape** JSON: a list of `{"client": "IP:PORT", "server": "IP:PORT", "session_key": HEX, "connection_secret": HEX}`.
 * Either secret may be null or missing, other fields are not looked at. An address pair may occur several times.
 *
 * **Errors** `CliError`, which never repeats a secret.
 */
export const parseLog = (text: string): Result.Result<Keys, CliError> => {
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch {
    return refuse("JSON")
  }
  if (!Array.isArray(entries)) return refuse("a JSON array")
  const pairs = new Map<string, { sessionKeys: Array<Secret>; connectionSecrets: Array<Secret> }>()
  for (const [i, entry] of entries.entries()) {
    const [client, server] = [addressOf(entry, "client"), addressOf(entry, "server")]
    if (client === undefined || server === undefined) {
      return refuse(`"client" and "server" such as "127.0.0.1:3300" in entry ${i}`)
    }
    const [sessionKey, connectionSecret] = [secretOf(entry, "session_key"), secretOf(entry, "connection_secret")]
    if (sessionKey === undefined || connectionSecret === undefined) {
      return refuse(`"session_key" and "connection_secret" in hex, or null, in entry ${i}`)
    }
    const key = `${client} ${server}`
    const known = pairs.get(key) ?? { sessionKeys: [], connectionSecrets: [] }
    if (sessionKey !== null) known.sessionKeys.push(sessionKey)
    if (connectionSecret !== null) known.connectionSecrets.push(connectionSecret)
    pairs.set(key, known)
  }
  return Result.succeed({
    open: (client, server) => ({
      request: () => undefined,
      done: () =>
        pairs.get(`${client} ${server}`) ?? { ...nothing, trouble: "the key log does not name this connection" }
    })
  })
}

const fieldOf = (entry: unknown, name: string): unknown =>
  typeof entry === "object" && entry !== null ? (entry as { readonly [name: string]: unknown })[name] : undefined

/** The address in the form that connections are known by. */
const addressOf = (entry: unknown, name: string): string | undefined => {
  const text = fieldOf(entry, name)
  const address = typeof text === "string" ? Sockaddr.parse(text) : undefined
  return address === undefined ? undefined : Sockaddr.format(address)
}

/** `null` when there is none, `undefined` when it is no hex. */
const secretOf = (entry: unknown, name: string): Secret | null | undefined => {
  const text = fieldOf(entry, name) ?? null
  if (text === null) return null
  const bytes = typeof text === "string" ? Bytes.fromHex(text) : undefined
  return bytes === undefined ? undefined : bytes.length === 0 ? null : Redacted.make(bytes)
}
