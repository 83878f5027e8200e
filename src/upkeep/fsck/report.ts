import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { TableFault } from '../ports/fsck.ts'

/** What fsck found. Sums are of chunks where nothing else is said. */
export interface FsckReport {
  /** Parts that something refers to. */
  parts: number
  /** Chunks that their rows name, and that were looked for. */
  chunks: number
  /** Named, and not there; or nowhere by the part's row. */
  missing: number
  /** Named and there, and not what the row says: another length, layout or hash, or not to be read. */
  damaged: number
  /** Parts of which fewer than six chunks are good. */
  unreadableParts: number
  /** Missing and damaged ones that wait for repair since. */
  queued: number
  orphans: { chunks: number; bytes: number }
  /** Elsewhere than the rows have them, and not there: the rows took them over, unless it was a dry run. */
  moved: { chunks: number; bytes: number }
  /** On their way out, or in: no faults. */
  passing: { doomed: number; stray: number; unfinished: number; left: number }
  /** Not known to the database, which was restored: kept until told otherwise. */
  kept: { chunks: number; bytes: number }
  /** Named, on servers that do not answer. */
  unchecked: number
  silentServers: ServerNumber[]
  tables: TableFault[]
  /** The first ones, each in its own words. */
  problems: Problem[]
}

export interface Problem {
  kind: 'missing' | 'damaged' | 'unreadable' | 'orphan' | 'moved' | 'kept'
  partId: PartId
  /** Absent: it is about the whole part. */
  index?: number
  server?: ServerNumber
  why: string
}

/** Problems that are told one by one; the sums count all. */
const PROBLEMS_TOLD_MAX = 100

export function emptyReport(tables: TableFault[]): FsckReport {
  return {
    parts: 0,
    chunks: 0,
    missing: 0,
    damaged: 0,
    unreadableParts: 0,
    queued: 0,
    orphans: { chunks: 0, bytes: 0 },
    moved: { chunks: 0, bytes: 0 },
    passing: { doomed: 0, stray: 0, unfinished: 0, left: 0 },
    kept: { chunks: 0, bytes: 0 },
    unchecked: 0,
    silentServers: [],
    tables,
    problems: [],
  }
}

export function tell(report: FsckReport, problem: Problem): void {
  if (report.problems.length < PROBLEMS_TOLD_MAX) report.problems.push(problem)
}

/** Nothing is wrong, and everything was looked at. What is kept after a restore is for people to decide. */
export function isSound({ missing, damaged, orphans, moved, kept, silentServers, tables }: FsckReport): boolean {
  const wrong = missing + damaged + orphans.chunks + moved.chunks + kept.chunks + silentServers.length + tables.length
  return wrong === 0
}
