import type { ServerNumber } from '../../base/ids.ts'
import type { ChunkName } from '../../engine/ports/chunk-store.ts'
import type { MisplacedCatalogue } from './misplaced.ts'
import type { ScrubCatalogue } from './scrub.ts'

/** What fsck needs of the metadata. src/meta implements it. */
export interface FsckCatalogue extends ScrubCatalogue, MisplacedCatalogue {
  /** How these chunks on a server stand, in the order asked: all by one look. */
  judgeChunks(
    query: { server: ServerNumber; chunks: readonly ChunkName[] },
    signal: AbortSignal,
  ): Promise<ChunkStanding[]>
  /** Goes through all tables, as they are at one moment; memory stays with the database. */
  auditTables(signal: AbortSignal): Promise<TableAudit>
}

/**
 * How a chunk on a server stands.
 * - named: a part that is wanted has it there.
 * - doomed: a part that nothing refers to has it there; the sweep will delete it.
 * - stray: a repair left it over, or is writing it; the sweep, or the repair, sees to it.
 * - unfinished: of an upload that may be under way: its gateway's session is open.
 * - left: of an upload whose gateway is gone; the sweep of its session will delete it.
 * - kept: as `left` or `unknown`, but this database may have forgotten its part: it was restored.
 * - misplaced: its part is known, and has it elsewhere or nowhere.
 * - unknown: nobody knows its part, nor will ask for it.
 */
export type ChunkStanding = 'named' | 'doomed' | 'stray' | 'unfinished' | 'left' | 'kept' | 'misplaced' | 'unknown'

export interface TableAudit {
  /** Parts that something refers to. */
  parts: number
  faults: TableFault[]
}

/** Rows that do not agree with others. */
export interface TableFault {
  /** In words. */
  what: string
  rows: number
  /** A few of them. */
  examples: string[]
}
