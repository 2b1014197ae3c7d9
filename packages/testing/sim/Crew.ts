/**
 * Spreads seeds over processes, and notices when one of them hangs or dies.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import type { Failure, Job, Line, Sums } from "./Worker.ts"

export interface Watcher {
  readonly onSums: (sums: Sums) => void
  readonly onFailure: (failure: Failure) => void
  /** A process is gone, or had to be ended, in the middle of its work; `seed` is near. */
  readonly onLoss: (seed: number, why: string) => void
}

/** **Units** milliseconds without a line after which a process counts as hanging: shrinking may take a while. */
const PATIENCE = 120_000

const children = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})

/** Runs one job in a process of its own, started by `script` with `--child JOB`. */
const employ = (job: Job, script: string, watcher: Watcher): Promise<void> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [script, "--child", JSON.stringify(job)], {
      stdio: ["ignore", "pipe", "pipe"]
    })
    children.add(child)
    let seed = job.from
    let errors = ""
    let hangs = false
    const hang = () => {
      hangs = true
      child.kill("SIGKILL")
    }
    let patience = setTimeout(hang, PATIENCE)
    createInterface({ input: child.stdout }).on("line", (text) => {
      clearTimeout(patience)
      patience = setTimeout(hang, PATIENCE)
      const line = JSON.parse(text) as Line
      if (line._tag === "Failure") return watcher.onFailure(line.failure)
      seed = line.seed
      watcher.onSums(line.sums)
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(-4000)))
    child.on("close", (code, signal) => {
      clearTimeout(patience)
      children.delete(child)
      if (hangs) watcher.onLoss(seed, `no sign of life for ${PATIENCE / 1000} s`)
      else if (code !== 0) watcher.onLoss(seed, `${signal ?? `code ${code}`}\n${errors}`)
      resolve()
    })
  })

/** Runs `job` in so many processes, each with its share of the seeds. */
export const employAll = async (job: Job, jobs: number, script: string, watcher: Watcher): Promise<void> => {
  const crew = Math.max(1, Math.min(jobs, job.count))
  await Promise.all(
    Array.from({ length: crew }, (_, i) =>
      employ(
        {
          ...job,
          from: job.from + i * job.step,
          step: job.step * crew,
          count: Math.ceil((job.count - i) / crew)
        },
        script,
        watcher
      )
    )
  )
}
