import type { PartId, ServerNumber } from '../../../src/base/ids.ts'
import { DATA_CHUNKS } from '../../../src/base/limits.ts'
import { toBits, toIndexes } from '../../../src/meta/rows.ts'
import type { ChunkMove, RepairCatalogue, RepairCommit, RepairOutcome } from '../../../src/upkeep/ports/repair.ts'
import type { ScrubCatalogue } from '../../../src/upkeep/ports/scrub.ts'
import { compareBytes } from './compare-bytes.ts'
import { type MemoryDatabase, type QueueRow, strayName } from './tables.ts'

/** Those that nothing can be done for at present come last. */
const URGENCY = [0, 1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6]
const LEFT_OVER_MS = 60_000

export function repairs(db: MemoryDatabase, { planMs }: { planMs: number }): RepairCatalogue & ScrubCatalogue {
  return {
    async claimRepairs({ rowsMax, inHand }) {
      db.beginUnsynced()
      const nowMs = db.nowMs()
      const due = [...db.rows.queue]
        .filter(([id, row]) => row.nextAttemptMs <= nowMs && !inHand.includes(id))
        .sort(
          ([, a], [, b]) => URGENCY.indexOf(a.spare) - URGENCY.indexOf(b.spare) || a.nextAttemptMs - b.nextAttemptMs,
        )
        .slice(0, rowsMax)
      for (const [id, row] of due) {
        const pauseMs = 1000 * Math.min(3600, 10 * 2 ** Math.min(row.attempts, 10))
        db.put('queue', id, { ...row, attempts: row.attempts + 1, nextAttemptMs: nowMs + pauseMs })
      }
      return due.map(([partId, { damaged }]) => {
        const part = db.rows.parts.get(partId)
        return { partId, layout: part && part.refs > 0 ? part.layout : undefined, damaged: toIndexes(damaged) }
      })
    },
    async findUnwantedServers() {
      const isLost = (server: ServerNumber) => {
        const { status, lastHeartbeatMs } = db.rows.servers.get(server)!
        const absence = db.rows.absences.get(server)
        return status === 'removed' || (absence?.isLost && (status === 'failed' || lastHeartbeatMs < absence.seenMs))
      }
      const all = [...db.rows.servers.keys()]
      const lost = all.filter(isLost)
      const leaving = all.filter(
        (server) => db.rows.servers.get(server)!.status === 'draining' && !lost.includes(server),
      )
      return { lost, leaving }
    },
    async planRepair({ partId, moves }) {
      db.beginUnsynced()
      leaveOver(db, partId)
      return moves.flatMap((move) => {
        const name = strayName({ partId, ...move })
        const known = db.rows.strays.get(name)
        if (known?.state === 'being deleted') return []
        const deleteAfterMs = db.nowMs() + planMs
        db.put('strays', name, { partId, ...move, state: 'being written', deleteAfterMs })
        return [{ ...move, mayBeThere: known !== undefined }]
      })
    },
    async commitRepair(commit) {
      db.beginUnsynced()
      const outcome = outcomeOf(db, commit)
      if (outcome === 'ok') carryOut(db, commit)
      else undo(db, commit, outcome)
      leaveOver(db, commit.partId)
      return outcome
    },
    async failRepair({ partId, error }) {
      leaveOver(db, partId)
      const row = db.rows.queue.get(partId)
      if (row) db.put('queue', partId, { ...row, error })
      db.synced()
    },
    async queueDamage(damages) {
      const told = damages.filter(({ partId, index, server }) => {
        const part = db.rows.parts.get(partId)
        return part && part.refs > 0 && part.layout.servers[index] === server
      })
      for (const partId of new Set(told.map((damage) => damage.partId))) {
        noteDamage(db, partId, toBits(told.filter((each) => each.partId === partId).map(({ index }) => index)))
      }
      db.synced()
      return told.length
    },
    async listParts({ after, before, rowsMax }) {
      return [...db.rows.parts.values()]
        .filter(({ layout, refs }) => refs > 0 && layout.partId > after && layout.partId < before)
        .sort((a, b) => compareBytes(a.layout.partId, b.layout.partId))
        .slice(0, rowsMax)
        .map(({ layout }) => layout)
    },
  }
}

function straysOf(db: MemoryDatabase, partId: PartId) {
  return [...db.rows.strays.values()].filter((stray) => stray.partId === partId)
}

/** leave_over_v1: a write that was given up may still arrive for a moment. */
function leaveOver(db: MemoryDatabase, partId: PartId): void {
  const deleteAfterMs = db.nowMs() + LEFT_OVER_MS
  for (const stray of straysOf(db, partId)) {
    if (stray.state === 'being written')
      db.put('strays', strayName(stray), { ...stray, state: 'left over', deleteAfterMs })
  }
}

function outcomeOf(db: MemoryDatabase, { partId, before, moves }: RepairCommit): RepairOutcome {
  const part = db.rows.parts.get(partId)
  if (!part || part.refs === 0) return 'gone'
  if (part.layout.servers.join() !== before.join()) return 'changed'
  const isPlanned = (move: ChunkMove) => db.rows.strays.get(strayName({ partId, ...move }))?.state === 'being written'
  return moves.every(isPlanned) ? 'ok' : 'overtaken'
}

function carryOut(db: MemoryDatabase, { partId, before, moves, settled, lost, leaving, graceMs }: RepairCommit): void {
  const part = db.rows.parts.get(partId)!
  const servers = before.map((server, index) => moves.find((move) => move.index === index)?.server ?? server)
  db.remove(
    'strays',
    moves.map((move) => strayName({ partId, ...move })),
  )
  db.put('parts', partId, { ...part, layout: { ...part.layout, servers } })
  db.onMoves(partId, moves)
  for (const { index } of moves) {
    const stray = { partId, index, server: before[index]! }
    if (stray.server === 0 || db.rows.strays.has(strayName(stray))) continue
    db.put('strays', strayName(stray), { ...stray, state: 'left over', deleteAfterMs: db.nowMs() + graceMs })
  }
  const row = db.rows.queue.get(partId)
  if (!row) return
  const damaged = row.damaged & ~toBits(settled)
  const missing = missingOf(servers, damaged, lost)
  const isDone = missing === 0 && !servers.some((server) => leaving.includes(server))
  if (isDone) db.remove('queue', [partId])
  else
    db.put('queue', partId, {
      ...row,
      damaged,
      missing,
      spare: servers.length - DATA_CHUNKS - missing,
      error: undefined,
    })
}

function undo(db: MemoryDatabase, { partId, moves }: RepairCommit, outcome: RepairOutcome): void {
  for (const { index, server } of moves) {
    if (db.rows.parts.get(partId)?.layout.servers[index] === server) continue
    const name = strayName({ partId, index, server })
    const known = db.rows.strays.get(name)
    if (known && known.state !== 'being written') continue
    db.put('strays', name, { partId, index, server, state: 'left over', deleteAfterMs: db.nowMs() })
  }
  if (outcome === 'gone') db.remove('queue', [partId])
}

function missingOf(servers: readonly ServerNumber[], damaged: number, lost: readonly ServerNumber[]): number {
  return servers.filter((server, index) => server === 0 || lost.includes(server) || damaged & (1 << index)).length
}

/** queue_damage_v1: told again, nothing changes. */
function noteDamage(db: MemoryDatabase, partId: PartId, told: number): void {
  const { servers } = db.rows.parts.get(partId)!.layout
  const old: QueueRow | undefined = db.rows.queue.get(partId)
  if (!old) {
    const missing = missingOf(servers, told, [])
    const spare = servers.length - DATA_CHUNKS - missing
    const row = { missing, spare, damaged: told, attempts: 0, nextAttemptMs: db.nowMs(), error: undefined }
    db.put('queue', partId, row)
    return
  }
  const more = toIndexes(told & ~old.damaged).length
  if (more === 0) return
  db.put('queue', partId, {
    ...old,
    damaged: old.damaged | told,
    missing: old.missing + more,
    spare: Math.max(-DATA_CHUNKS, old.spare - more),
    nextAttemptMs: Math.min(old.nextAttemptMs, db.nowMs()),
  })
}
