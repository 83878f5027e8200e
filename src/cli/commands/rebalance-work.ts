import { systemClock } from '../../base/system.ts'
import { takesChunks } from '../../engine/placer.ts'
import { loadRingHash } from '../../placement/ring.ts'
import type { JobState } from '../../upkeep/ports/jobs.ts'
import { planRebalance, type RebalancePlan } from '../../upkeep/rebalance/count-moves.ts'
import {
  REBALANCE_JOB,
  type RebalancePass,
  type RebalanceProgress,
  type RebalanceTally,
} from '../../upkeep/rebalance/rebalance-job.ts'
import { progressOf } from '../../upkeep/report/safety.ts'
import type { JobWork } from './job-command.ts'
import { findJob } from './job-rows.ts'
import { passWork } from './pass-work.ts'
import { showCount, showRounded, showSeconds } from './show.ts'
import { withMeta } from './store-access.ts'

interface RebalanceStatus {
  state: JobState['state']
  /** What is under way; null: nothing is. */
  pass: (Omit<RebalancePass, 'after'> & { bytesPerSecond: number; secondsLeft: number | null }) | null
  last: RebalanceProgress['last'] | null
  error: string | null
}

/** A plan goes through the rows of all parts: about 10 s a million. */
const PLAN_MS_MAX = 3_600_000

export const rebalanceWork: JobWork<RebalanceStatus> = {
  ...passWork(REBALANCE_JOB),
  read: () => withMeta(async (meta, signal) => toStatus(await meta.jobs.listJobs(signal))),
  lines: (status) => [headline(status), ...details(status)],
  progress: headline,
}

/** What it would do. */
export async function planOnly(): Promise<{ told: object; lines: string[] }> {
  await loadRingHash()
  const plan = await withMeta(
    async (meta, signal) => {
      await using cluster = await meta.watchCluster({}, signal)
      const { repairs: catalogue, reports, scrubs: parts } = meta
      return await planRebalance({ cluster, catalogue, reports, parts, takes: takesChunks }, signal)
    },
    { msMax: PLAN_MS_MAX },
  )
  return { told: { ...plan, servers: Object.fromEntries(plan.servers) }, lines: planLines(plan) }
}

function toStatus(jobs: readonly JobState[]): RebalanceStatus {
  const { state, error = null } = findJob(jobs, REBALANCE_JOB)
  const { pass, last = null } = progressOf<RebalanceProgress>(jobs, REBALANCE_JOB)
  return { state, pass: pass ? underWay(pass) : null, last, error }
}

function underWay({ after, ...pass }: RebalancePass): NonNullable<RebalanceStatus['pass']> {
  const { startedAt, movedBytes } = pass.run
  const bytesPerSecond = (movedBytes * 1000) / Math.max(1, systemClock.nowMs() - Date.parse(startedAt))
  const leftBytes = Math.max(0, pass.toMove.bytes - pass.moved.bytes)
  return { ...pass, bytesPerSecond, secondsLeft: bytesPerSecond === 0 ? null : Math.ceil(leftBytes / bytesPerSecond) }
}

function headline({ state, pass }: RebalanceStatus): string {
  if (!pass) return `rebalance  ${state}`
  if (pass.waitsFor !== null) return `rebalance  ${state} for ${pass.waitsFor}`
  if (pass.phase === 'count') return `rebalance  ${state}, ${showCount(pass.parts, 'part')} looked at`
  const left = pass.secondsLeft === null ? '' : `, ${showSeconds(pass.secondsLeft)} left`
  return `rebalance  ${state}, ${movedOf(pass)}, ${showRounded(pass.bytesPerSecond)}/s${left}`
}

function details({ last, error }: RebalanceStatus): string[] {
  return [
    last
      ? `last time  began ${last.startedAt}, ended ${last.finishedAt}: ${movedOf(last)}, ${showCount(last.failures, 'failure')}`
      : 'last time  there was none yet',
    ...(last ? leftOutLines(last) : []),
    ...(error === null ? [] : [`failed     ${error}`]),
  ]
}

function movedOf({ moved, toMove }: Pick<RebalanceTally, 'moved' | 'toMove'>): string {
  return `${showRounded(moved.bytes)} of ${showRounded(toMove.bytes)} moved (${showCount(moved.chunks, 'chunk')})`
}

function planLines(plan: RebalancePlan): string[] {
  const { parts, toMove, servers } = plan
  return [
    `to move    ${showCount(toMove.chunks, 'chunk')} of ${showCount(parts, 'part')}, ${showRounded(toMove.bytes)}`,
    ...leftOutLines(plan),
    ...Array.from(servers, ([server, { bytes, gives, takes }]) => {
      const change = `gives ${showRounded(gives)}, takes ${showRounded(takes)}`
      return `server ${String(server).padEnd(4)}has ${showRounded(bytes)}, ${change}, then has ${showRounded(bytes - gives + takes)}`
    }),
  ]
}

function leftOutLines({ leftOut }: { leftOut: number }): string[] {
  return leftOut > 0 ? [`left out   ${showCount(leftOut, 'part')} that repair has to do with first`] : []
}
