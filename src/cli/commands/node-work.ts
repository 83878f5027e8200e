import type { ServerNumber } from '../../base/ids.ts'
import type { StorageServer } from '../../engine/ports/cluster.ts'
import type { Meta } from '../../meta/connect.ts'
import { CENSUS_JOB, type CensusProgress } from '../../upkeep/census/census-job.ts'
import { REPAIR_JOB } from '../../upkeep/repair/repair-job.ts'
import { progressOf } from '../../upkeep/report/safety.ts'
import { CommandFailure } from '../failure.ts'
import { wakeJob } from './job-rows.ts'
import { toServerRow } from './server-table.ts'
import { withMeta } from './store-access.ts'

export function listNodes() {
  return withMeta(async (meta, signal) => {
    await using cluster = await meta.watchCluster({}, signal)
    return [...cluster.servers().values()].map(toServerRow)
  })
}

/** Sets what is to become of a server, and has it looked at at once. */
export function changeNode(name: string, status: 'up' | 'cordoned' | 'draining') {
  return withMeta(async (meta, signal) => {
    const server = await findServer(meta, name, signal)
    await setStatus(meta, server.number, status, signal)
    await wakeJob(meta, CENSUS_JOB, signal)
    await wakeJob(meta, REPAIR_JOB, signal)
    return { server: server.number, id: server.id, status }
  })
}

/** Only one that is empty, by a census since it is being drained; or by force, when it is gone anyway. */
export function removeNode(name: string, { force }: { force: boolean }) {
  return withMeta(async (meta, signal) => {
    const server = await findServer(meta, name, signal)
    if (!force && !(await isEmpty(meta, server, signal))) {
      throw new CommandFailure(
        `Server ${server.number} is not known to be empty: empty it by \`sextant node drain ${server.number}\` and wait, or, if it is lost anyway, remove it by --force, and what it had is rebuilt.`,
      )
    }
    await setStatus(meta, server.number, 'removed', signal)
    return { server: server.number, id: server.id, status: 'removed' as const }
  })
}

async function isEmpty(meta: Meta, { number, status }: StorageServer, signal: AbortSignal): Promise<boolean> {
  const { report, pass } = progressOf<CensusProgress>(await meta.jobs.listJobs(signal), CENSUS_JOB)
  const { repair } = await meta.reports.readQueues(signal)
  const isCounted = report !== undefined && !pass && report.draining.includes(number)
  return status === 'draining' && isCounted && report.tally.leaving === 0 && repair.toMove === 0
}

/** By number, or by id. */
async function findServer(meta: Meta, name: string, signal: AbortSignal): Promise<StorageServer> {
  await using cluster = await meta.watchCluster({}, signal)
  const found = [...cluster.servers().values()].find(({ number, id }) => String(number) === name || id === name)
  if (!found) throw new CommandFailure(`There is no storage server ${name}: \`sextant node list\` shows them all.`)
  return found
}

async function setStatus(
  meta: Meta,
  server: ServerNumber,
  status: 'up' | 'cordoned' | 'draining' | 'removed',
  signal: AbortSignal,
): Promise<void> {
  const outcome = await meta.servers.setServerStatus({ server, status }, signal)
  if (outcome === 'removed') throw new CommandFailure(`Server ${server} was removed, and stays so.`)
}
