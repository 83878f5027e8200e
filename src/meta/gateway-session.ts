import type { Database } from './database.ts'
import { closeSession, openSession, touchSession } from './queries/gateway-sessions.ts'

/** A gateway at work. Its number ends the id of every part that it writes, so that what it leaves behind can be found. */
export interface GatewaySession {
  /** From 1 on. Fits 4 bytes. */
  readonly session: number
  /** Prolongs it by its time to live. False: it is over, nothing can be committed under it; open a new one. */
  touch(signal: AbortSignal): Promise<boolean>
  /** For a gateway that goes, or finds that it is over: what it left may be swept at once, or once more. */
  close(signal: AbortSignal): Promise<void>
}

export async function openGatewaySession(
  database: Database,
  options: { ttlMs: number },
  signal: AbortSignal,
): Promise<GatewaySession> {
  const { ttlMs } = options
  const [session] = await database.run(openSession, ttlMs, { signal, repeatable: true })
  return {
    session: session!,
    async touch(signal) {
      const rows = await database.run(touchSession, { session: session!, ttlMs }, { signal, repeatable: true })
      return rows.length > 0
    },
    async close(signal) {
      await database.run(closeSession, session!, { signal, repeatable: true })
    },
  }
}
