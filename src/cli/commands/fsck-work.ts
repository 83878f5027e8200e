import { systemClock } from '../../base/system.ts'
import { checkStore } from '../../upkeep/fsck/check-store.ts'
import { type FsckReport, isSound } from '../../upkeep/fsck/report.ts'
import { progressLine } from './progress-line.ts'
import { showCount, showRounded, showSeconds } from './show.ts'
import { withStore } from './store-access.ts'

export interface FsckOutcome extends FsckReport {
  ok: boolean
  isDryRun: boolean
  seconds: number
}

export interface FsckOrder {
  isDryRun: boolean
  isQuick: boolean
  /** Show no progress. */
  isSilent: boolean
}

/** About 20 MiB of memory at a time. */
const PARTS_AT_ONCE = 10_000

export function runFsck({ isDryRun, isQuick, isSilent }: FsckOrder): Promise<FsckOutcome> {
  return withStore(async ({ meta, cluster, chunks }, signal) => {
    const startedMs = systemClock.nowMs()
    const show = progressLine(isSilent)
    const options = {
      readsHeaders: !isQuick,
      mends: !isDryRun,
      partsAtOnce: PARTS_AT_ONCE,
      onProgress: (report: FsckReport, partsInAll: number) => show(progress(report, { partsInAll, startedMs })),
    }
    const report = await checkStore({ catalogue: meta.fsck, chunks, cluster }, options, signal)
    show('')
    return { ok: isSound(report), isDryRun, ...report, seconds: secondsSince(startedMs) }
  })
}

function progress(
  { parts, chunks }: FsckReport,
  { partsInAll, startedMs }: { partsInAll: number; startedMs: number },
): string {
  const seconds = Math.max(0.001, secondsSince(startedMs))
  const share = Math.min(1, parts / Math.max(1, partsInAll))
  const left = share > 0 ? `, ${showSeconds(seconds * (1 / share - 1))} left` : ''
  return `${Math.floor(share * 100)} %, ${showCount(Math.round(chunks / seconds), 'chunk')}/s${left}`
}

function secondsSince(startedMs: number): number {
  return (systemClock.nowMs() - startedMs) / 1000
}

/** What was found, and what to do about it; for people. */
export function fsckLines(outcome: FsckOutcome): string[] {
  const {
    ok,
    parts,
    chunks,
    missing,
    damaged,
    unreadableParts,
    queued,
    orphans,
    moved,
    kept,
    isDryRun,
    passing,
    unchecked,
  } = outcome
  const waits = queued > 0 ? `; ${queued} queued for repair: \`sextant repair --wait\` shows how it goes` : ''
  const { doomed, stray, left, unfinished } = passing
  return [
    `checked     ${showCount(parts, 'part')}, ${showCount(chunks, 'chunk')}, in ${showSeconds(outcome.seconds)}`,
    `missing     ${showCount(missing, 'chunk')}, and ${damaged} damaged${waits}`,
    ...(unreadableParts > 0
      ? [
          `lost        ${showCount(unreadableParts, 'part')} cannot be read: see below, and keep every disk that may have chunks`,
        ]
      : []),
    `orphans     ${showCount(orphans.chunks, 'chunk')}, ${showRounded(orphans.bytes)}, that no part refers to${orphans.chunks > 0 ? ': `sextant orphans` deletes them once they are old enough' : ''}`,
    ...(moved.chunks > 0
      ? [
          `moved       ${showCount(moved.chunks, 'chunk')}, ${showRounded(moved.bytes)}, found elsewhere than their parts said${isDryRun ? '' : ': the parts say it now'}`,
        ]
      : []),
    ...(kept.chunks > 0
      ? [
          `kept        ${showCount(kept.chunks, 'chunk')}, ${showRounded(kept.bytes)}, that this restored database does not know: \`sextant orphans --release\` lets them be deleted`,
        ]
      : []),
    `passing     ${doomed} of deleted parts, ${stray} left over by repairs, ${left} of gateways that are gone, ${unfinished} of uploads under way`,
    ...silentLines(outcome, unchecked),
    ...outcome.tables.flatMap(({ what, rows, examples }) => [
      `tables      ${showCount(rows, 'row')}: ${what}`,
      ...examples.map((example) => `            ${example}`),
    ]),
    ...outcome.problems.map(
      ({ kind, partId, index, server, why }) =>
        `${kind.padEnd(11)} ${index === undefined ? '' : `chunk ${index} of `}${partId}${server === undefined ? '' : ` on server ${server}`}: ${why}`,
    ),
    ok ? 'all is sound' : 'something is wrong',
  ]
}

function silentLines({ silentServers }: FsckOutcome, unchecked: number): string[] {
  if (silentServers.length === 0) return []
  return [
    `not asked   ${showCount(unchecked, 'chunk')} on servers that do not answer: ${silentServers.join(', ')}. Start them and check again.`,
  ]
}
