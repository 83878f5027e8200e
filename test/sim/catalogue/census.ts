import type { ServerNumber } from '../../../src/base/ids.ts'
import { toIndexes } from '../../../src/meta/rows.ts'
import type { CensusCatalogue } from '../../../src/upkeep/ports/census.ts'
import type { UpkeepReports } from '../../../src/upkeep/ports/report.ts'
import { compareBytes } from './compare-bytes.ts'
import type { MemoryDatabase, ServerRow } from './tables.ts'

/** As STALE_AFTER and LOOKS_GAP of src/meta/queries. */
export const STALE_MS = 30_000
const GAP_MS = 150_000

export function census(db: MemoryDatabase): CensusCatalogue & Pick<UpkeepReports, 'findGoneServers'> {
  return {
    async findGoneServers() {
      const isGone = ({ number, status, lastHeartbeatMs }: ServerRow) =>
        status === 'removed' || db.rows.absences.has(number) || lastHeartbeatMs < db.nowMs() - STALE_MS
      return [...db.rows.servers.values()].filter(isGone).map(({ number }) => number)
    },
    async observeServers({ graceMs }) {
      const members = [...db.rows.servers.values()].filter(({ status }) => status !== 'removed')
      const away = members.filter((server) => isAway(server, db.nowMs() - Math.min(STALE_MS, graceMs)))
      noteAbsences(db, away, { graceMs, isMajority: away.length * 2 > members.length })
      const those = (condition: string) =>
        [...db.rows.servers.keys()].filter((server) => conditionOf(db, server) === condition).sort((a, b) => a - b)
      db.synced()
      return { up: those('up'), draining: those('draining'), down: those('down'), lost: those('lost') }
    },
    async readRepairs() {
      const { parts = 0 } = db.rows.jobs.get('repair')!.progress as { parts?: number }
      return { repairedParts: parts, isQueueEmpty: db.rows.queue.size === 0 }
    },
    async surveyParts({ after, rowsMax }) {
      return [...db.rows.parts.values()]
        .filter(({ layout, refs }) => refs > 0 && layout.partId > after)
        .sort((a, b) => compareBytes(a.layout.partId, b.layout.partId))
        .slice(0, rowsMax)
        .map(({ layout: { partId, servers } }) => ({
          partId,
          servers: [...servers],
          damaged: toIndexes(db.rows.queue.get(partId)?.damaged ?? 0),
        }))
    },
    async queueParts(parts) {
      for (const { partId, missing, spare } of parts) {
        if ((db.rows.parts.get(partId)?.refs ?? 0) === 0) continue
        const old = db.rows.queue.get(partId)
        if (old?.missing === missing && old.spare === spare) continue
        const nowMs = db.nowMs()
        const fresh = { damaged: 0, attempts: 0, nextAttemptMs: nowMs, error: undefined }
        const nextAttemptMs =
          old && spare >= old.spare ? old.nextAttemptMs : Math.min(old?.nextAttemptMs ?? nowMs, nowMs)
        db.put('queue', partId, { ...fresh, ...old, missing, spare, nextAttemptMs })
      }
      db.synced()
    },
    async retryRepairs(rowsMax) {
      const waiting = [...db.rows.queue].filter(([, row]) => row.nextAttemptMs > db.nowMs()).slice(0, rowsMax)
      for (const [id, row] of waiting) {
        db.put('queue', id, { ...row, nextAttemptMs: db.nowMs(), attempts: 0, error: undefined })
      }
      db.synced()
      return waiting.length
    },
  }
}

/** observe_servers_v2: a full disk is no failed one, as its node says itself. */
function isAway({ lastHeartbeatMs, status }: ServerRow, silentSinceMs: number): boolean {
  return lastHeartbeatMs < silentSinceMs || status === 'failed'
}

function noteAbsences(
  db: MemoryDatabase,
  away: readonly ServerRow[],
  { graceMs, isMajority }: { graceMs: number; isMajority: boolean },
): void {
  const nowMs = db.nowMs()
  const numbers = new Set(away.map(({ number }) => number))
  const over = [...db.rows.absences].filter(([server, { seenMs }]) => !numbers.has(server) || seenMs < nowMs - GAP_MS)
  db.remove(
    'absences',
    over.map(([server]) => server),
  )
  for (const server of numbers) {
    const known = db.rows.absences.get(server)
    const isLost = known !== undefined && known.sinceMs <= nowMs - graceMs && !isMajority
    db.put('absences', server, { sinceMs: known?.sinceMs ?? nowMs, seenMs: nowMs, isLost })
  }
}

function conditionOf(db: MemoryDatabase, server: ServerNumber): 'up' | 'draining' | 'down' | 'lost' {
  const { status } = db.rows.servers.get(server)!
  const absence = db.rows.absences.get(server)
  if (status === 'removed' || absence?.isLost) return 'lost'
  if (absence) return 'down'
  return status === 'draining' ? 'draining' : 'up'
}
