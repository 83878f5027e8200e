import type { PartId } from '../../../src/base/ids.ts'
import type { UpkeepCatalogue } from '../../../src/upkeep/ports/sweeps.ts'
import { compareBytes } from './compare-bytes.ts'
import { dropUploads } from './parts.ts'
import { type MemoryDatabase, strayName, type UploadRow } from './tables.ts'

/** Without the lock of `exclusively`, which belongs to a connection. */
export type Sweeps = Omit<UpkeepCatalogue, 'exclusively'>

export function sweeps(db: MemoryDatabase): Sweeps {
  return {
    async expireUploads(rowsMax) {
      const over = (state: string) =>
        [...db.rows.uploads.values()]
          .filter(({ upload, expiresMs }) => upload.state === state && expiresMs < db.nowMs())
          .sort((a: UploadRow, b: UploadRow) => a.expiresMs - b.expiresMs)
          .slice(0, rowsMax)
      const expired = over('open')
      dropUploads(db, [...expired, ...over('completed')])
      db.synced()
      return expired.length
    },
    async findDoomedParts({ graceMs, after, rowsMax }) {
      return [...db.rows.doomed]
        .filter(([id, doomedMs]) => id > after && doomedMs <= db.nowMs() - graceMs && db.rows.parts.get(id)?.refs === 0)
        .sort(([a], [b]) => compareBytes(a, b))
        .slice(0, rowsMax)
        .map(([id, doomedMs]) => ({ ...db.rows.parts.get(id)!.layout, doomedAt: new Date(doomedMs) }))
    },
    async forgetDoomedParts(ids) {
      const gone = ids.filter((id) => db.rows.doomed.has(id) && db.rows.parts.get(id)?.refs === 0)
      db.remove('parts', gone)
      db.remove('queue', gone)
      db.remove('doomed', gone)
      db.synced()
    },
    async findExpiredSessions() {
      const over = [...db.rows.sessions].filter(
        ([, { state, expiresMs }]) => state !== 'forgotten' && expiresMs <= db.nowMs(),
      )
      for (const [session, row] of over) db.put('sessions', session, { ...row, state: 'closed' })
      db.synced()
      return over.map(([session]) => session).sort((a, b) => a - b)
    },
    findUnknownParts: async (ids: readonly PartId[]) => ids.filter((id) => !db.rows.parts.has(id)),
    async forgetSession(session) {
      const row = db.rows.sessions.get(session)
      if (row && row.state !== 'open') db.put('sessions', session, { ...row, state: 'forgotten' })
      db.synced()
    },
    /** No simulated database is restored from an older state. */
    compareBeats: async ({ server, beats }) => beats <= (db.rows.servers.get(server)?.beats ?? 0),
    async claimStrays({ server, rowsMax }) {
      const due = [...db.rows.strays.values()]
        .filter((stray) => stray.server === server && stray.deleteAfterMs <= db.nowMs())
        .sort((a, b) => a.deleteAfterMs - b.deleteAfterMs)
        .slice(0, rowsMax)
      const isNamed = ({ partId, index }: (typeof due)[number]) =>
        db.rows.parts.get(partId)?.layout.servers[index] === server
      db.remove('strays', due.filter(isNamed).map(strayName))
      const strays = due.filter((stray) => !isNamed(stray))
      for (const stray of strays) db.put('strays', strayName(stray), { ...stray, state: 'being deleted' })
      db.synced()
      return strays.map(({ partId, index }) => ({ partId, index, server }))
    },
    async forgetStrays(strays) {
      const claimed = strays.map(strayName).filter((name) => db.rows.strays.get(name)?.state === 'being deleted')
      db.remove('strays', claimed)
      db.synced()
    },
  }
}
