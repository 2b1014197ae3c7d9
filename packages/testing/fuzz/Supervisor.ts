/**
 * Starts a process for a target and notices what no process notices of itself: that it hangs, or that it is gone.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"
import { type Account, type Job, SCRATCH_HEADER } from "./Child.ts"

export interface Options {
  /** The file that performs a job when it is started with `--child JOB`. */
  readonly script: string
  /** **Units** milliseconds without a new run after which a process counts as hanging. */
  readonly patience?: number
}

const PATIENCE = 10_000
/** Loading a target may take this long before its first run. */
const STARTUP = 60_000
const LOOK = 200
/** **Units** MiB of JavaScript heap. */
const HEAP = 512

const children = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})

const readScratch = (path: string): { readonly runs: number; readonly input: Uint8Array } => {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch {
    return { runs: 0, input: new Uint8Array(0) }
  }
  if (bytes.length < SCRATCH_HEADER) return { runs: 0, input: new Uint8Array(0) }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return {
    runs: view.getUint32(0, true),
    input: bytes.subarray(SCRATCH_HEADER, SCRATCH_HEADER + view.getUint32(4, true))
  }
}

/** The last line of a child's output, if it is an account. */
const accountIn = (output: string): Account | undefined => {
  const line = output.trimEnd().split("\n").at(-1) ?? ""
  try {
    return line.startsWith("{") ? (JSON.parse(line) as Account) : undefined
  } catch {
    return undefined
  }
}

/** Does `job` in a process of its own. A process that hangs or dies makes a finding of the input it was at. */
export const supervise = (job: Job, options: Options): Promise<Account> =>
  new Promise((resolve) => {
    const patience = options.patience ?? PATIENCE
    const args = [`--max-old-space-size=${HEAP}`, options.script, "--child", JSON.stringify(job)]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
    children.add(child)
    let output = ""
    let errors = ""
    let runs = 0
    const start = performance.now()
    let since = start
    let hangs = false
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(-4000)))
    const watch = setInterval(() => {
      const now = readScratch(job.scratch).runs
      if (now !== runs) since = performance.now()
      runs = now
      if (performance.now() - since < (runs === 0 ? STARTUP : patience)) return
      hangs = true
      child.kill("SIGKILL")
    }, LOOK)
    child.on("close", (code, signal) => {
      clearInterval(watch)
      children.delete(child)
      const account = accountIn(output)
      const { input, runs } = readScratch(job.scratch)
      rmSync(job.scratch, { force: true })
      if (account !== undefined && code === 0 && !hangs) {
        resolve(account)
        return
      }
      const starved = errors.includes("out of memory") ? ", out of memory: this input, or all before it together" : ""
      const message = hangs
        ? `did not end within ${patience} ms`
        : `the process ended with ${signal ?? `code ${code}`}${starved}\n${errors}`
      const finding = { kind: hangs ? "Hang" : "Death", message, input: Buffer.from(input).toString("base64") } as const
      const seconds = (performance.now() - start) / 1000
      const slowest = hangs ? patience : 0
      resolve({ executions: runs, seconds, outcomes: 0, slowest, largest: 0, saved: 0, findings: [finding] })
    })
  })
