import type { PostgresReport } from '../upkeep/ports/cluster-report.ts'
import { type Family, family, inGroup, single } from './metric.ts'

const { counter, gauge } = inGroup('PostgreSQL')

/** The same from every gateway: as the report found it. */
export const postgresMetrics = {
  connections: gauge({
    name: 'sextant_postgres_connections',
    labels: ['state'],
    about: 'Connections of clients to the server, whoever they are: active, idle, idle in transaction, …',
  }),
  connectionsMax: gauge({ name: 'sextant_postgres_connections_max', about: 'max_connections.' }),
  oldest: gauge({
    name: 'sextant_postgres_oldest_transaction_seconds',
    about: 'Of the oldest transaction that is open: until it ends, no dead row is cleared away.',
  }),
  transactions: counter({
    name: 'sextant_postgres_transactions_total',
    labels: ['outcome'],
    about: 'Transactions of the database: commit, rollback.',
  }),
  deadlocks: counter({ name: 'sextant_postgres_deadlocks_total', about: 'Deadlocks that it broke.' }),
  blocks: counter({
    name: 'sextant_postgres_blocks_total',
    labels: ['from'],
    about: 'Blocks of 8 KiB that it found in its own memory (hit), and that it asked the kernel for (read).',
  }),
  databaseBytes: gauge({ name: 'sextant_postgres_database_bytes', about: 'Of the whole database.' }),
  tableBytes: gauge({
    name: 'sextant_postgres_table_bytes',
    labels: ['table'],
    about: 'Of a table, without its indexes.',
  }),
  indexBytes: gauge({ name: 'sextant_postgres_index_bytes', labels: ['table'], about: "Of a table's indexes." }),
  rows: gauge({ name: 'sextant_postgres_table_rows', labels: ['table'], about: 'Its rows, as last estimated.' }),
  deadRows: gauge({
    name: 'sextant_postgres_table_dead_rows',
    labels: ['table'],
    about: 'Rows that are no more, until VACUUM gives their room back.',
  }),
  standbys: gauge({ name: 'sextant_postgres_standbys', about: 'Standbys that replicate from it.' }),
  lagSeconds: gauge({
    name: 'sextant_postgres_replication_lag_seconds',
    labels: ['standby'],
    about: 'How old what a standby shows is, by its application_name; 0 when it has everything.',
  }),
  lagBytes: gauge({
    name: 'sextant_postgres_replication_lag_bytes',
    labels: ['standby'],
    about: 'WAL that it has still to replay.',
  }),
  archived: counter({ name: 'sextant_postgres_wal_archived_total', about: 'Files of WAL that were archived.' }),
  archiveFailures: counter({
    name: 'sextant_postgres_wal_archive_failures_total',
    about: 'Attempts at archiving one that failed.',
  }),
  archiveAge: gauge({
    name: 'sextant_postgres_wal_archive_age_seconds',
    about: 'Since the last file was archived. Absent where no WAL is archived.',
  }),
} as const

export function collectPostgres(report: PostgresReport): Family[] {
  const { connections, tables, standbys, archive } = report
  const byTable = (pick: (table: PostgresReport['tables'][number]) => number) =>
    tables.map((table) => [[table.name], pick(table)] as const)
  return [
    family(
      postgresMetrics.connections,
      Object.entries(connections).map(([state, count]) => [[state], count]),
    ),
    single(postgresMetrics.connectionsMax, report.connectionsMax),
    single(postgresMetrics.oldest, report.oldestTransactionSeconds),
    family(postgresMetrics.transactions, [
      [['commit'], report.commits],
      [['rollback'], report.rollbacks],
    ]),
    single(postgresMetrics.deadlocks, report.deadlocks),
    family(postgresMetrics.blocks, [
      [['hit'], report.blocksHit],
      [['read'], report.blocksRead],
    ]),
    single(postgresMetrics.databaseBytes, report.databaseBytes),
    family(
      postgresMetrics.tableBytes,
      byTable(({ bytes }) => bytes),
    ),
    family(
      postgresMetrics.indexBytes,
      byTable(({ indexBytes }) => indexBytes),
    ),
    family(
      postgresMetrics.rows,
      byTable(({ rows }) => rows),
    ),
    family(
      postgresMetrics.deadRows,
      byTable(({ deadRows }) => deadRows),
    ),
    single(postgresMetrics.standbys, standbys.length),
    ...collectStandbys(standbys),
    ...(archive ? collectArchive(archive) : []),
  ]
}

/** Several may go by one name: then the one that is the farthest behind counts. */
function collectStandbys(standbys: PostgresReport['standbys']): Family[] {
  const byName = [...Map.groupBy(standbys, ({ name }) => name)]
  return [
    family(
      postgresMetrics.lagSeconds,
      byName.map(([name, same]) => [[name], Math.max(...same.map(({ lagSeconds }) => lagSeconds))]),
    ),
    family(
      postgresMetrics.lagBytes,
      byName.map(([name, same]) => [[name], Math.max(...same.map(({ lagBytes }) => lagBytes))]),
    ),
  ]
}

function collectArchive({ archived, failed, lastSecondsAgo }: NonNullable<PostgresReport['archive']>): Family[] {
  return [
    single(postgresMetrics.archived, archived),
    single(postgresMetrics.archiveFailures, failed),
    ...(lastSecondsAgo === null ? [] : [single(postgresMetrics.archiveAge, lastSecondsAgo)]),
  ]
}
