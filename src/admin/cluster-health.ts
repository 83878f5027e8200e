import { type Health, type HealthReport, isServing } from './health.ts'

/** What `/health/cluster` tells: what the whole store can do now, not only this gateway. */
export interface ClusterHealthReport extends HealthReport {
  /** Whether all that is stored can be read; null: not known, for the parts are being counted. */
  canRead: boolean | null
  canWrite: boolean
  /** How many more storage servers may be lost, whichever they are; below 0: some data cannot be read. null: not known. */
  survives: number | null
}

/** What the last report said. */
export interface KnownTolerance {
  /** With the servers that were gone by then left out. */
  tolerance: number | null
  gone: readonly number[]
}

export interface ClusterHealthDeps {
  health: Health
  /** Undefined before the first report. Rejects when the database is away. */
  readTolerance(): Promise<KnownTolerance | undefined>
  /** Whether enough servers take chunks for a part to be written. */
  takesParts(): boolean
}

export type ClusterHealth = () => Promise<ClusterHealthReport>

export function createClusterHealth({ health, readTolerance, takesParts }: ClusterHealthDeps): ClusterHealth {
  return async () => {
    const report = await health.report()
    if (!report.database.ok) return { ...report, canRead: false, canWrite: false, survives: null }
    const known = await readTolerance().catch(() => undefined)
    const survives = survivesNow(report, known)
    return { ...report, canRead: survives === null ? null : survives >= 0, canWrite: takesParts(), survives }
  }
}

/** A server that went since the report takes one from what it said. */
function survivesNow({ nodes }: HealthReport, known: KnownTolerance | undefined): number | null {
  if (!known || known.tolerance === null) return null
  const { tolerance, gone } = known
  const wentSince = nodes.filter((node) => !isServing(node) && !gone.includes(node.number))
  return Math.max(-1, tolerance - wentSince.length)
}
