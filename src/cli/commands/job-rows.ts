import type { Meta } from '../../meta/connect.ts'
import type { JobState } from '../../upkeep/ports/jobs.ts'
import { CommandFailure } from '../failure.ts'

export function findJob(jobs: readonly JobState[], name: string): JobState {
  const job = jobs.find((each) => each.name === name)
  if (!job) throw unknown(name)
  return job
}

export async function pauseJob(
  meta: Meta,
  job: { name: string; isPaused: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (!(await meta.jobs.pauseJob(job, signal))) throw unknown(job.name)
}

export async function wakeJob(meta: Meta, name: string, signal: AbortSignal): Promise<void> {
  if (!(await meta.jobs.wakeJob(name, signal))) throw unknown(name)
}

function unknown(name: string): CommandFailure {
  return new CommandFailure(`The database knows no job ${name}: bring it to this version by \`sextant migrate\`.`)
}
