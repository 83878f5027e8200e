import type { GatewaySession } from '../../../src/meta/connect.ts'
import type { MemoryDatabase } from './tables.ts'

export function sessions(db: MemoryDatabase) {
  return {
    async openGatewaySession({ ttlMs }: { ttlMs: number }): Promise<GatewaySession> {
      const session = Math.max(0, ...db.rows.sessions.keys()) + 1
      db.put('sessions', session, { state: 'open', expiresMs: db.nowMs() + ttlMs })
      db.synced()
      return {
        session,
        async touch() {
          const row = db.rows.sessions.get(session)
          if (row?.state !== 'open' || row.expiresMs <= db.nowMs()) return false
          db.put('sessions', session, { ...row, expiresMs: db.nowMs() + ttlMs })
          db.synced()
          return true
        },
        /** One that was forgotten already is found once more. */
        async close() {
          const row = db.rows.sessions.get(session)
          if (!row || row.state === 'closed') return
          db.put('sessions', session, { state: 'closed', expiresMs: Math.min(row.expiresMs, db.nowMs()) })
          db.synced()
        },
      }
    },
  }
}
