import { setTimeout as sleep } from 'node:timers/promises'
import type { FsckOutcome } from '../../src/cli/commands/fsck-work.ts'
import { sextant } from './up.ts'

/**
 * What `sextant fsck` finds of the store that runs on a directory once repair and the search for orphans have done their
 * work, or when the time is up: `ok` says that no chunk is missing, damaged or nobody's, and all tables agree. The store is
 * to be started with SEXTANT_ORPHAN_AGE_SECONDS=0. Chunks of gateways that died wait for their session's time; they are
 * under `passing`, and no fault.
 */
export async function settledFsck(directory: string, withinMs: number): Promise<FsckOutcome> {
  for (const end = performance.now() + withinMs; ; ) {
    await succeed(directory, 'repair')
    await succeed(directory, 'orphans', '--wait')
    const { stdout, stderr } = await sextant(directory, ['fsck', '--json']).ended
    if (!stdout.startsWith('{')) throw new Error(`sextant fsck: ${stderr}`)
    const outcome = JSON.parse(stdout) as FsckOutcome
    if (outcome.ok || performance.now() > end) return outcome
    await sleep(500)
  }
}

async function succeed(directory: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await sextant(directory, args).ended
  if (code !== 0) throw new Error(`sextant ${args.join(' ')}: ${stderr}`)
}
