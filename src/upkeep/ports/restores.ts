import type { ServerNumber } from '../../base/ids.ts'

/** Whether the metadata is of today, as the sweeps need to know before they delete. src/meta implements it. */
export interface RestoreWatch {
  /**
   * Whether this database has counted as many heartbeats of a server as that knows of. If not, it is an older state of the
   * one that the server speaks to: one that was restored, and is marked so by the server's next heartbeat, or a copy.
   */
  compareBeats(query: { server: ServerNumber; beats: number }, signal: AbortSignal): Promise<boolean>
}

/** What people are told of restores, and say of them. src/meta implements it. */
export interface RestoreControl {
  /** That nobody released yet, the oldest first. */
  listRestores(signal: AbortSignal): Promise<Restore[]>
  /** From now on what this database does not know may be deleted. Answers how many were released. */
  releaseRestores(signal: AbortSignal): Promise<number>
}

export interface Restore {
  /** `backup`, `rebuild`: by the command of that name; `recognised`: by what storage servers know. */
  kind: 'backup' | 'rebuild' | 'recognised'
  restoredAt: Date
  /** When the backup was taken, if that is known. */
  takenAt: Date | undefined
  /** What gateway sessions below this one wrote is kept. */
  sessionFloor: number
  /** Servers that have spoken to a later state of the database. */
  servers: ServerNumber[]
}
