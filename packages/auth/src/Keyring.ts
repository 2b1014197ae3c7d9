/**
 * Keyring files: who there is, with which key and what each may do.
 *
 * **Source** Ceph `src/auth/KeyRing.cc`, `src/common/ConfUtils.cc`
 */
import * as EntityName from "@msgr2/wire/EntityName"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AuthError from "./AuthError.ts"
import * as CryptoKey from "./CryptoKey.ts"

/** What an entity may do, by the service that is to allow it: `mon` to `allow *`. */
export type Caps = ReadonlyMap<string, string>

export interface Entity {
  readonly key: CryptoKey.CryptoKey
  readonly caps: Caps
}

/** **Shape** keys are names in text form, `client.admin`, in the order of the file. */
export type Keyring = ReadonlyMap<string, Entity>

export const Reason = Schema.Literals([
  "BadSection",
  "BadName",
  "BadEntry",
  "UnknownEntry",
  "EntryOutsideSection",
  "UnterminatedQuote",
  "BadKey",
  "MissingKey"
])
export type Reason = typeof Reason.Type

/**
 * Text that is not a keyring.
 *
 * **Units** `line` counts from 1. `expected` never repeats the text, which may be a key.
 */
export class KeyringError extends Schema.TaggedError<KeyringError>()("KeyringError", {
  reason: Reason,
  line: Schema.Int,
  expected: Schema.String
}) {
  override get message(): string {
    return `keyring, line ${this.line}: ${this.reason}, expected ${this.expected}`
  }
}

/** The value of an entry, quoted or up to a comment; `undefined` when a quote stays open or something follows it. */
const unquote = (text: string): string | undefined => {
  const quote = text[0] === '"' || text[0] === "'" ? text[0] : undefined
  let value = ""
  for (let i = quote === undefined ? 0 : 1; i < text.length; i++) {
    const character = text[i]
    if (character === "\\") value += text[++i] ?? ""
    else if (character === quote) return /^\s*([;#].*)?$/.test(text.slice(i + 1)) ? value : undefined
    else if (quote === undefined && (character === ";" || character === "#")) return value.trimEnd()
    else value += character
  }
  return quote === undefined ? value.trimEnd() : undefined
}

interface Section {
  readonly line: number
  /** `undefined` in `[global]`, whose entries are not looked at. */
  readonly name: string | undefined
  key: CryptoKey.CryptoKey | undefined
  readonly caps: Map<string, string>
}

/**
 * Reads a keyring in its text form. A section that occurs twice continues; of an entry the last counts. `pending key`
 * and `auid` are skipped.
 *
 * **Errors** `KeyringError`.
 */
export const parse = (text: string): Result.Result<Keyring, KeyringError> =>
  Result.gen(function* () {
    const sections = new Map<string, Section>()
    let section: Section | undefined
    let line = 0
    for (const raw of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
      line += 1
      const trimmed = raw.trim()
      if (trimmed === "" || trimmed[0] === ";" || trimmed[0] === "#") continue
      if (trimmed[0] === "[") {
        const header = yield* sectionName(trimmed, line)
        section = sections.get(header) ?? {
          line,
          name: header === "global" ? undefined : header,
          key: undefined,
          caps: new Map()
        }
        sections.set(header, section)
      } else if (section === undefined) {
        return yield* fail("EntryOutsideSection", line, "a section such as [client.admin] before the first entry")
      } else yield* entry(section, trimmed, line)
    }
    const keyring = new Map<string, Entity>()
    for (const { line, name, key, caps } of sections.values()) {
      if (name === undefined) continue
      if (key === undefined) return yield* fail("MissingKey", line, `an entry key = ... in [${name}]`)
      keyring.set(name, { key, caps })
    }
    return keyring
  })

const fail = (reason: Reason, line: number, expected: string): Result.Result<never, KeyringError> =>
  Result.fail(new KeyringError({ reason, line, expected }))

const sectionName = (text: string, line: number): Result.Result<string, KeyringError> => {
  const name = /^\[\s*([^\]]*?)\s*\]\s*([;#].*)?$/.exec(text)?.[1]
  if (name === undefined) return fail("BadSection", line, "a section such as [client.admin]")
  return name === "global" || Result.isSuccess(EntityName.parse(name))
    ? Result.succeed(name)
    : fail("BadName", line, "a name such as client.admin or osd.0 between the brackets")
}

const entry = (section: Section, text: string, line: number): Result.Result<void, KeyringError> =>
  Result.gen(function* () {
    const equals = text.indexOf("=")
    if (equals < 0) return yield* fail("BadEntry", line, "an entry such as key = ...")
    const value = unquote(text.slice(equals + 1).trim())
    if (value === undefined) return yield* fail("UnterminatedQuote", line, "a closing quote and nothing behind it")
    if (section.name === undefined) return undefined
    const words = text
      .slice(0, equals)
      .trim()
      .split(/[\s_]+/)
    if (words.length === 2 && words[0] === "caps" && words[1]) section.caps.set(words[1], value)
    else if (words.length === 1 && words[0] === "key") {
      const key = CryptoKey.parse(value)
      if (Result.isFailure(key)) return yield* fail("BadKey", line, key.failure.expected)
      section.key = key.success
    } else if (!["auid", "pending key"].includes(words.join(" "))) {
      return yield* fail("UnknownEntry", line, "key, caps SERVICE, pending key or auid")
    }
    return undefined
  })

/**
 * The text form, as `ceph-authtool` writes it. Line breaks in caps become blanks, which mean the same.
 *
 * **Shape** redacted, because it holds every key: unwrap it to write it to a file.
 */
export const format = (keyring: Keyring): Redacted.Redacted<string> => {
  let text = ""
  for (const [name, { key, caps }] of keyring) {
    text += `[${name}]\n\tkey = ${Redacted.value(CryptoKey.format(key))}\n`
    for (const [service, value] of caps) {
      text += `\tcaps ${service} = "${value.replace(/[\r\n]+/g, " ").replace(/["\\]/g, "\\$&")}"\n`
    }
  }
  return Redacted.make(text)
}

/**
 * The entity of one name.
 *
 * **Errors** `NoKey`.
 */
export const find = (keyring: Keyring, name: EntityName.EntityName): Result.Result<Entity, AuthError.AuthError> => {
  const entity = keyring.get(EntityName.format(name))
  return entity === undefined
    ? Result.fail(AuthError.local("NoKey", `a section [${EntityName.format(name)}] in the keyring`))
    : Result.succeed(entity)
}
