/**
 * `ceph.conf`: sections of options, read from text. Opening files is the caller's business.
 *
 * **Source** Ceph `src/common/ConfUtils.cc` for the grammar, `src/common/config.cc` for sections and variables
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as EntityName from "@msgr2/wire/EntityName"
import { ConfigError } from "./ConfigError.ts"

/** What stands behind an option's name. Any value may be a secret, so all of them are kept out of logs. */
export interface Entry {
  readonly value: Redacted.Redacted<string>
  readonly line?: number
}

/** A file, section by section. Names of options are in the form that `normalize` gives them. */
export interface CephConf {
  readonly sections: ReadonlyMap<string, ReadonlyMap<string, Entry>>
}

export const empty: CephConf = { sections: new Map() }

/** The one name of an option: `mon host`, `mon-host` and `mon_host` are all `mon_host`. */
export const normalize = (option: string): string => option.trim().replace(/[\s_-]+/g, "_")

/**
 * Reads a file's text.
 *
 * **Shape** `[section]` headings and `option = value` lines; what stands before the first heading belongs to `global`.
 * `#` and `;` begin a comment, except in quotes; a backslash makes the next character an ordinary one, and joins lines
 * at the end of one. Values may be in double or single quotes. Of options said twice the last counts, also when a
 * section comes in pieces.
 *
 * **Errors** `ConfigError` with the line; no value is ever quoted in it.
 */
export const parse = (text: string): Result.Result<CephConf, ConfigError> => {
  const scanner = new Scanner(text)
  const sections = new Map<string, Map<string, Entry>>()
  let section = "global"
  for (;;) {
    scanner.skipLines()
    if (scanner.atEnd) return Result.succeed({ sections })
    const line = scanner.line
    const refused = (what: string, got: string, expected: string) =>
      Result.fail(new ConfigError({ what, got, expected, line }))
    let what = "a section"
    if (scanner.eat("[")) {
      section = scanner.until("]#;").trim()
      if (!scanner.eat("]") || section === "") return refused(what, `[${section}`, "a heading such as [global]")
    } else {
      const option = scanner.until("=[#;").trim()
      if (option === "") return refused("an option", "no name", "a line such as NAME = VALUE")
      if (!scanner.eat("=")) return refused("an option", "a name without a value", "a line such as NAME = VALUE")
      what = normalize(option)
      scanner.skipBlanks()
      const quote = scanner.eat('"') ? '"' : scanner.eat("'") ? "'" : undefined
      const value = Redacted.make(scanner.until(quote ?? "#;").trim(), { label: what })
      if (quote !== undefined && !scanner.eat(quote)) return refused(what, "the end of the line", `a closing ${quote}`)
      const entries = sections.get(section) ?? new Map<string, Entry>()
      sections.set(section, entries.set(what, { value, line }))
    }
    if (!scanner.skipLine()) return refused(what, "more text", "the end of the line")
  }
}

/** Moves through the text of a file; `line` counts from 1. */
class Scanner {
  readonly #text: string
  #at = 0
  line = 1

  constructor(text: string) {
    this.#text = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n")
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** Steps over `char` when it is next. */
  eat(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at++
    if (char === "\n") this.line++
    return true
  }

  /** Steps over a backslash that ends a line, with the line's end. */
  #joinLines(): boolean {
    if (!this.#text.startsWith("\\\n", this.#at)) return false
    this.#at += 2
    this.line++
    return true
  }

  skipBlanks(): void {
    while (this.eat(" ") || this.eat("\t") || this.#joinLines()) continue
  }

  /** Steps over the rest of a line that holds no more than a comment; false when there is more. */
  skipLine(): boolean {
    this.skipBlanks()
    const char = this.#text[this.#at]
    if (char === "#" || char === ";") {
      const end = this.#text.indexOf("\n", this.#at)
      this.#at = end < 0 ? this.#text.length : end
    }
    return this.atEnd || this.eat("\n")
  }

  skipLines(): void {
    while (!this.atEnd && this.skipLine()) continue
  }

  /** The text up to one of `stops`, or up to the end of the line. */
  until(stops: string): string {
    let text = ""
    while (!this.atEnd) {
      if (this.#joinLines()) continue
      const char = this.#text[this.#at]!
      if (char === "\n" || stops.includes(char)) break
      if (char === "\\" && this.#at + 1 < this.#text.length) this.#at++
      text += this.#text[this.#at++]
    }
    return text
  }
}

/** Whose options are asked for. */
export interface Owner {
  readonly name: EntityName.EntityName
  readonly cluster: string
}

/**
 * The value of `option` for `owner`, its variables expanded: from `[client.admin]`, else from `[client]`, else from
 * `[global]`.
 */
export const lookup = (conf: CephConf, owner: Owner, option: string): Entry | undefined => {
  for (const section of [EntityName.format(owner.name), EntityName.formatType(owner.name.type), "global"]) {
    const entry = conf.sections.get(section)?.get(normalize(option))
    if (entry === undefined) continue
    return { ...entry, value: Redacted.make(expand(Redacted.value(entry.value), owner), { label: normalize(option) }) }
  }
  return undefined
}

/**
 * Puts values in place of `$cluster`, `$name`, `$type` and `$id`, also in braces. Ceph has more variables, about hosts
 * and processes, that no option of a client needs: those stay as they are.
 */
export const expand = (text: string, { name, cluster }: Owner): string => {
  const variables = new Map([
    ["cluster", cluster],
    ["name", EntityName.format(name)],
    ["type", EntityName.formatType(name.type)],
    ["id", name.id]
  ])
  return text.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (whole, braced?: string, plain?: string) => variables.get(braced ?? plain ?? "") ?? whole
  )
}
