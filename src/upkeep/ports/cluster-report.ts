/** What the report asks the metadata; some of it reads all of a queue. src/meta implements it. */
export interface ClusterReports {
  readBacklog(signal: AbortSignal): Promise<Backlog>
  readPostgres(signal: AbortSignal): Promise<PostgresReport>
}

/** What waits, and for how long. Ages in seconds; null: nothing waits. */
export interface Backlog {
  /** Parts in the repair queue by how many of their chunks are missing; 0: they are to be moved. */
  partsByMissing: Record<string, number>
  oldestRepairSeconds: number | null
  oldestDoomedSeconds: number | null
  /** Beyond the time from which they may be deleted. */
  oldestStraySeconds: number | null
  /** Events that buckets' owners are to be told. */
  events: number
  oldestEventSeconds: number | null
}

/** Of the database that the metadata is in, as it says of itself. Counters begin anew when its statistics are reset. */
export interface PostgresReport {
  /** By state: active, idle, idle in transaction, …; `unknown` where we may not see it. */
  connections: Record<string, number>
  connectionsMax: number
  /** Of the oldest transaction that is open. */
  oldestTransactionSeconds: number
  commits: number
  rollbacks: number
  deadlocks: number
  /** Blocks of 8 KiB that were found in its own memory, and that were not. */
  blocksHit: number
  blocksRead: number
  databaseBytes: number
  tables: TableReport[]
  standbys: StandbyReport[]
  /** Null where no WAL is archived. */
  archive: { archived: number; failed: number; lastSecondsAgo: number | null } | null
}

export interface TableReport {
  name: string
  /** With its TOAST, without its indexes. */
  bytes: number
  indexBytes: number
  /** As last estimated. */
  rows: number
  /** Rows that are no more, and whose room was not given back yet. */
  deadRows: number
}

export interface StandbyReport {
  /** Its application_name. */
  name: string
  /** How old what it shows is; 0 when it has everything. */
  lagSeconds: number
  lagBytes: number
  isSynchronous: boolean
}
