/**
 * What the commands of this folder share: how they are asked, and how they say that they were asked for something else.
 */
import { readFileSync } from "node:fs"
import { relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** The command was asked for what it cannot do. **Shape** `message` is one line: what was wrong, what was expected. */
export class Misuse extends Error {}

/** The docstring at the head of a file, without its stars. */
export const header = (path: string): string => {
  const [, text = ""] = /\/\*\*\n(.*?)\n? \*\//s.exec(readFileSync(path, "utf8")) ?? []
  return text.replaceAll(/^ \* ?/gm, "")
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, " ")

/** Why something was thrown, in its first line. */
export const because = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trim().split("\n", 1)[0] ?? ""

/** What `parseArgs` has against the arguments, without its advice. */
const complaint = (error: unknown): string | undefined => {
  if (error instanceof Misuse) return error.message
  const isParsing = error instanceof Error && String(Reflect.get(error, "code")).startsWith("ERR_PARSE_ARGS")
  return isParsing ? `${error.message.split(/\.\s|\n/, 1)[0]}; --help names the options` : undefined
}

/**
 * Runs the command that the file `script` is, with the arguments of this process; `work` returns the exit code.
 *
 * `--help` prints the head of the file. A misuse is one line on stderr, and exit code 2.
 */
export const main = async (
  script: string,
  work: (args: ReadonlyArray<string>) => number | Promise<number>
): Promise<void> => {
  const args = process.argv.slice(2)
  if (args.includes("--help") || args.includes("-h")) return console.log(header(script))
  try {
    process.exitCode = await work(args)
  } catch (error) {
    const text = complaint(error)
    if (text === undefined) throw error
    process.stderr.write(`${oneLine(text)}\n`)
    process.exitCode = 2
  }
}

/**
 * The whole number that an option was given.
 *
 * **Errors** `Misuse` when it is none, less than `least`, or more than a number can count to.
 */
export const whole = (option: string, text: string | undefined, otherwise: number, least = 0): number => {
  if (text === undefined) return otherwise
  const value = text.trim() === "" ? Number.NaN : Number(text)
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new Misuse(`--${option}: expected a whole number from ${least} to ${Number.MAX_SAFE_INTEGER}, got "${text}"`)
}

/**
 * Those of `names` that are wanted, by their name or, where nothing has that name, by its beginning. All unless something
 * is wanted.
 *
 * **Errors** `Misuse` when something that is wanted is not there.
 */
export const pick = (what: string, names: ReadonlyArray<string>, wanted: ReadonlyArray<string>, hint = "") => {
  if (wanted.length === 0) return names
  const found = new Set(
    wanted.flatMap((want) => {
      const fitting = names.includes(want) ? [want] : names.filter((name) => want !== "" && name.startsWith(want))
      if (fitting.length === 0) throw new Misuse(`no ${what} begins with "${want}"; --list names them${hint}`)
      return fitting
    })
  )
  return names.filter((name) => found.has(name))
}

/** The text of a file that an option names. **Errors** `Misuse` when it cannot be read. */
export const readNamed = (option: string, path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    throw new Misuse(`--${option}: cannot read "${path}": ${because(error)}`)
  }
}

/** `path` as `npm run` understands it, which runs everything at the root of the repository. */
export const fromRoot = (path: string): string => {
  const short = relative(root, resolve(path))
  const best = short.startsWith("..") ? resolve(path) : short
  return /^[\w./@:+-]+$/.test(best) ? best : `'${best.replaceAll("'", `'\\''`)}'`
}
