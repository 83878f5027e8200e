import { readSettings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { ChunkError } from '../../base/faults.ts'
import type { ServerNumber } from '../../base/ids.ts'
import { systemClock } from '../../base/system.ts'
import { settleMisplaced } from '../../upkeep/misplaced/settle-misplaced.ts'
import { addUp, type ChunkSum, findOrphans } from '../../upkeep/orphans/find-orphans.ts'
import {
  ORPHANS_JOB,
  type OrphansPass,
  type OrphansProgress,
  type OrphansTally,
} from '../../upkeep/orphans/orphans-job.ts'
import type { JobState } from '../../upkeep/ports/jobs.ts'
import type { Restore } from '../../upkeep/ports/restores.ts'
import { progressOf } from '../../upkeep/report/safety.ts'
import type { JobWork } from './job-command.ts'
import { findJob, wakeJob } from './job-rows.ts'
import { passWork } from './pass-work.ts'
import { showCount, showRestore, showRounded, showSeconds } from './show.ts'
import { type OpenStore, withMeta, withStore } from './store-access.ts'

interface OrphansStatus {
  state: JobState['state']
  /** The search under way; null: none is. */
  pass: (OrphansPass & { secondsLeft: number | null }) | null
  last: OrphansProgress['last'] | null
  nextAt: string | null
  /** Because of which something is kept. */
  restores: Restore[]
  error: string | null
}

export const orphansWork: JobWork<OrphansStatus> = {
  ...passWork(ORPHANS_JOB),
  read: () =>
    withMeta(async (meta, signal) => {
      const jobs = await meta.jobs.listJobs(signal)
      const { state, dueAt, error = null } = findJob(jobs, ORPHANS_JOB)
      const { pass, last = null } = progressOf<OrphansProgress>(jobs, ORPHANS_JOB)
      const restores = await meta.restores.listRestores(signal)
      const chunksInAll = pass ? await meta.reports.countChunks(signal) : 0
      return {
        state,
        pass: pass ? { ...pass, secondsLeft: secondsLeft(pass, chunksInAll) } : null,
        last,
        nextAt: dueAt?.toISOString() ?? null,
        restores,
        error,
      }
    }),
  lines: (status) => [headline(status), ...details(status)],
  progress: headline,
}

function secondsLeft({ chunks, startedAt }: OrphansPass, chunksInAll: number): number | null {
  if (chunks === 0 || chunksInAll === 0) return null
  const seconds = (systemClock.nowMs() - Date.parse(startedAt)) / 1000
  return Math.ceil(seconds * Math.max(0, chunksInAll / chunks - 1))
}

function headline({ state, pass }: OrphansStatus): string {
  if (!pass) return `orphans   ${state}`
  const seconds = Math.max(1, (systemClock.nowMs() - Date.parse(pass.startedAt)) / 1000)
  const left = pass.secondsLeft === null ? '' : `, ${showSeconds(pass.secondsLeft)} left`
  return `orphans   ${state}, ${showCount(Math.round(pass.chunks / seconds), 'chunk')}/s${left}`
}

function details({ pass, last, nextAt, restores, error }: OrphansStatus): string[] {
  return [
    ...restores.map((restore) => `restored  ${showRestore(restore)}`),
    ...(pass ? [`this search began ${pass.startedAt}: ${found(pass)}`] : []),
    last
      ? `last search began ${last.startedAt}, ended ${last.finishedAt}: ${found(last)}`
      : 'last search there was none yet',
    ...(pass || nextAt === null ? [] : [`next search ${nextAt}`]),
    ...(error === null ? [] : [`failed    ${error}`]),
  ]
}

function found({ chunks, deleted, moved, kept, skipped }: OrphansTally): string {
  const not = skipped.length === 0 ? '' : `; nothing was touched on servers ${skipped.join(', ')}`
  const elsewhere = moved.chunks === 0 ? '' : `, ${showSum(moved)} found elsewhere than their parts said`
  return `${showCount(chunks, 'chunk')} looked at, ${showSum(deleted)} deleted, ${showSum(kept)} kept${elsewhere}${not}`
}

function showSum({ chunks, bytes }: ChunkSum): string {
  return `${showCount(chunks, 'chunk')} (${showRounded(bytes)})`
}

interface Found {
  server: ServerNumber
  orphans: ChunkSum
  kept: ChunkSum
}

/** What a search would find and delete now. */
export async function searchOnly(): Promise<{ told: unknown; lines: string[] }> {
  return await withStore(async (store, signal) => {
    const { orphanAgeMs } = readSettings(processConfig())
    const createdBeforeMs = systemClock.nowMs() - orphanAgeMs
    const servers: Found[] = []
    const silent: ServerNumber[] = []
    for (const { number: server, status } of store.cluster.servers().values()) {
      if (status === 'removed') continue
      try {
        servers.push(await searchServer(store, { server, createdBeforeMs }, signal))
      } catch (error) {
        if (!(error instanceof ChunkError)) throw error
        silent.push(server)
      }
    }
    const orphans = total(servers.map((each) => each.orphans))
    const kept = total(servers.map((each) => each.kept))
    const restores = await store.meta.restores.listRestores(signal)
    return {
      told: { orphans, kept, servers, silentServers: silent, restores },
      lines: [
        `orphans   ${showSum(orphans)} would be deleted: no part refers to them`,
        ...(kept.chunks > 0 ? [`kept      ${showSum(kept)} would not be: the database may have forgotten them`] : []),
        ...restores.map((restore) => `restored  ${showRestore(restore)}`),
        ...servers
          .filter(({ orphans: { chunks }, kept: { chunks: more } }) => chunks + more > 0)
          .map((each) => `server ${each.server}  ${showSum(each.orphans)}; kept ${showSum(each.kept)}`),
        ...silent.map((server) => `server ${server}  does not answer`),
      ],
    }
  })
}

async function searchServer(
  { meta, cluster, chunks }: OpenStore,
  query: { server: ServerNumber; createdBeforeMs: number },
  signal: AbortSignal,
): Promise<Found> {
  const { server } = query
  const found: Found = { server, orphans: { chunks: 0, bytes: 0 }, kept: { chunks: 0, bytes: 0 } }
  const deps = { catalogue: meta.orphans, chunks, cluster }
  for await (const { unknown, misplaced, kept } of findOrphans(deps, query, signal)) {
    const settled = await settleMisplaced(deps, { server, misplaced, kept, adopts: false }, signal)
    found.orphans = addUp(found.orphans, [...unknown, ...settled.redundant])
    found.kept = addUp(found.kept, settled.kept)
  }
  return found
}

function total(sums: readonly ChunkSum[]): ChunkSum {
  return sums.reduce((a, b) => ({ chunks: a.chunks + b.chunks, bytes: a.bytes + b.bytes }), { chunks: 0, bytes: 0 })
}

/** From now on what the restored database does not know may be deleted, and a search begins. */
export async function release(): Promise<{ told: unknown; lines: string[] }> {
  return await withMeta(async (meta, signal) => {
    const released = await meta.restores.releaseRestores(signal)
    if (released > 0) await wakeJob(meta, ORPHANS_JOB, signal)
    const line =
      released > 0
        ? 'what this database does not know is deleted from now on; `sextant orphans --status` shows how it goes'
        : 'nothing was kept: this database was not restored, or it was released before'
    return { told: { released }, lines: [line] }
  })
}
