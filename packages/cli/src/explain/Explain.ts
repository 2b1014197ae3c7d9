/**
 * `msgr2 explain`: recorded traffic, frame by frame.
 */
import * as Keyring from "@msgr2/auth/Keyring"
import * as Compressors from "@msgr2/frame/Compressors"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { basename } from "node:path"
import { styleText } from "node:util"
import { CliError } from "../Failure.ts"
import * as Output from "../Output.ts"
import { Html } from "./Html.ts"
import * as KeyringKeys from "./KeyringKeys.ts"
import * as Keys from "./Keys.ts"
import * as Ndjson from "./Ndjson.ts"
import { Summary } from "./Summary.ts"
import { type Paint, Text } from "./Text.ts"
import * as Trace from "./Trace.ts"

type Format = "text" | "ndjson" | "html"

interface Given {
  readonly file: string
  readonly keyLog: Option.Option<string>
  readonly keyring: Option.Option<string>
  readonly format: Format
}

/** Characters to write at a time. */
const CHUNK = 256 * 1024

const styles = {
  heading: "bold",
  muted: "dim",
  client: "cyan",
  server: "magenta",
  tag: "green",
  error: "red",
  note: "yellow"
} as const

/** Colours where standard output is a terminal that has them and NO_COLOR is not set. */
const paint: Paint = (part, text) => styleText(styles[part], text, { stream: process.stdout })

const readText = Effect.fnUntraced(function* (path: string, flag: string) {
  const files = yield* FileSystem.FileSystem
  return yield* files
    .readFileString(path)
    .pipe(
      Effect.mapError((error) => new CliError({ message: `cannot read ${path}, named by ${flag}: ${error.message}` }))
    )
})

const readKeys = Effect.fnUntraced(function* ({ keyLog, keyring }: Given) {
  const sources: Array<Keys.Keys> = []
  if (Option.isSome(keyLog)) {
    const text = yield* readText(keyLog.value, "--key-log")
    sources.push(yield* Effect.fromResult(Keys.parseLog(text)))
  }
  if (Option.isSome(keyring)) {
    const text = yield* readText(keyring.value, "--keyring")
    sources.push(KeyringKeys.make(yield* Effect.fromResult(Keyring.parse(text))))
  }
  return sources.length === 0 ? Keys.none : Keys.all(sources)
})

/** Writes pieces of text, many at a time. */
const writeAll = Effect.fnUntraced(function* (pieces: Iterable<string>) {
  let waiting = ""
  for (const piece of pieces) {
    waiting += piece
    if (waiting.length < CHUNK) continue
    yield* Output.write(waiting)
    waiting = ""
  }
  if (waiting !== "") yield* Output.write(waiting)
})

/** Follows a trace to its end; what `visit` returns is written as it comes. */
const consume = Effect.fnUntraced(function* (
  trace: Generator<Trace.Found, Trace.Totals, undefined>,
  visit: (found: Trace.Found) => string
) {
  let totals: Trace.Totals | undefined
  const pieces = function* () {
    for (let next = trace.next(); ; next = trace.next()) {
      if (next.done === true) {
        totals = next.value
        return
      }
      const text = visit(next.value)
      if (text !== "") yield text
    }
  }
  yield* writeAll(pieces())
  return totals!
})

/** A reader that has seen enough, such as `head`, is no failure. */
const untilReaderLeaves = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | void, E, R> =>
  Effect.raceFirst(
    self,
    Effect.callback<void>((resume) => {
      const leave = (error: NodeJS.ErrnoException) => {
        if (error.code === "EPIPE") resume(Effect.void)
      }
      process.stdout.on("error", leave)
      return Effect.sync(() => process.stdout.off("error", leave))
    })
  )

const run = Effect.fnUntraced(function* (given: Given) {
  const files = yield* FileSystem.FileSystem
  const keys = yield* readKeys(given)
  const file = yield* files
    .readFile(given.file)
    .pipe(Effect.mapError((error) => new CliError({ message: `cannot read ${given.file}: ${error.message}` })))
  const name = basename(given.file)
  const trace = yield* Effect.mapError(
    Effect.fromResult(
      Trace.read(new Uint8Array(file.buffer, file.byteOffset, file.length), {
        keys,
        compressors: Compressors.installed
      })
    ),
    (error) => new CliError({ message: `${given.file}: ${error.message}` })
  )
  const summary = new Summary()
  const counting = (visit: (found: Trace.Found) => string | void) => (found: Trace.Found) => {
    summary.add(found)
    return visit(found) ?? ""
  }
  let totals: Trace.Totals
  if (given.format === "ndjson") totals = yield* consume(trace, counting(Ndjson.of))
  else if (given.format === "html") {
    const html = new Html()
    totals = yield* consume(
      trace,
      counting((found) => html.add(found))
    )
    yield* writeAll(html.pieces(name, totals))
  } else {
    const text = new Text()
    totals = yield* consume(
      trace,
      counting((found) => text.add(found))
    )
    yield* writeAll(text.pieces(totals, paint))
  }
  yield* Effect.forEach(summary.lines(name, totals), Output.note, { discard: true })
})

export const command = Command.make(
  "explain",
  {
    file: Argument.String("file").pipe(Argument.withDescription("A pcap or pcapng file, as tcpdump -w writes it")),
    keyLog: Flag.String("key-log").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription(
        'Secrets of connections, as JSON: [{"client":"IP:PORT","server":"IP:PORT","session_key":HEX,"connection_secret":HEX}]'
      ),
      Flag.optional
    ),
    keyring: Flag.String("keyring").pipe(
      Flag.withAlias("k"),
      Flag.withMetavar("FILE"),
      Flag.withDescription("Keyring of a client (or of mon.) whose handshakes are in the capture"),
      Flag.optional
    ),
    format: Flag.Literals("format", ["text", "ndjson", "html"]).pipe(
      Flag.withDefault("text"),
      Flag.withDescription("text to read, ndjson to process, html to look at in a browser")
    )
  },
  (given) => untilReaderLeaves(run(given))
).pipe(
  Command.withDescription("Decode every msgr2 frame of a capture"),
  Command.withExamples([
    { command: "msgr2 explain ceph.pcap", description: "Read what was said, connection by connection" },
    {
      command: "msgr2 explain ceph.pcap --keyring admin.keyring --format html > ceph.html",
      description: "Open what a client said in secure mode, and make a page of it"
    },
    {
      command: `msgr2 explain ceph.pcap --format ndjson | jq 'select(.tag == "MESSAGE") | .fields.name'`,
      description: "Names of all messages"
    }
  ])
)
