import type { Backlog, PostgresReport, StandbyReport, TableReport } from '../../upkeep/ports/cluster-report.ts'
import { statement } from '../statement.ts'

const age = (since: string) => `extract(epoch from clock_timestamp() - ${since})::float8`
const orNull = (value: unknown) => (value === null ? null : Math.max(0, Number(value)))

/** Reads all of the queues: each once. */
export const readBacklog = statement({
  name: 'read_backlog_v1',
  text: /* sql */ `
    select (select coalesce(json_object_agg(missing_chunks, parts), '{}') from
              (select missing_chunks, count(*) as parts from repair_queue group by missing_chunks) as m) as by_missing,
           (select ${age('min(queued_at)')} from repair_queue) as repair,
           (select ${age('min(doomed_at)')} from doomed_parts) as doomed,
           (select ${age('min(delete_after)')} from stray_chunks where delete_after < clock_timestamp()) as stray,
           e.events, e.oldest as event
      from (select count(*) as events, ${age('min(made_at)')} as oldest from event_outbox) as e`,
  bind: (_: undefined) => [],
  row: (r): Backlog => ({
    partsByMissing: r.by_missing as Record<string, number>,
    oldestRepairSeconds: orNull(r.repair),
    oldestDoomedSeconds: orNull(r.doomed),
    oldestStraySeconds: orNull(r.stray),
    events: Number(r.events),
    oldestEventSeconds: orNull(r.event),
  }),
})

/**
 * https://www.postgresql.org/docs/current/monitoring-stats.html
 * Other users' sessions and standbys show less to who is no member of pg_monitor: their states are null.
 */
export const readServerStatistics = statement({
  name: 'read_server_statistics_v1',
  text: /* sql */ `
    select d.xact_commit, d.xact_rollback, d.deadlocks, d.blks_hit, d.blks_read,
           pg_database_size(d.datid) as database_bytes, current_setting('max_connections')::int as connections_max,
           (select json_object_agg(state, sessions) from
              (select coalesce(state, 'unknown') as state, count(*) as sessions from pg_stat_activity
                where backend_type = 'client backend' group by 1) as a) as connections,
           (select coalesce(max(${age('xact_start')}), 0) from pg_stat_activity
             where datid = d.datid and backend_type = 'client backend') as oldest_transaction,
           (select case when current_setting('archive_mode') <> 'off' then
                   json_build_object('archived', archived_count, 'failed', failed_count,
                                     'lastSecondsAgo', ${age('last_archived_time')}) end
              from pg_stat_archiver) as archive,
           (select coalesce(json_agg(json_build_object(
                     'name', application_name, 'isSynchronous', sync_state in ('sync', 'quorum'),
                     'lagSeconds', coalesce(extract(epoch from replay_lag), 0)::float8,
                     'lagBytes', greatest(0, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)))), '[]')
              from pg_stat_replication where replay_lsn is not null) as standbys
      from pg_stat_database d where d.datname = current_database()`,
  bind: (_: undefined) => [],
  row: (r): Omit<PostgresReport, 'tables'> => ({
    connections: (r.connections ?? {}) as Record<string, number>,
    connectionsMax: Number(r.connections_max),
    oldestTransactionSeconds: Number(r.oldest_transaction),
    commits: Number(r.xact_commit),
    rollbacks: Number(r.xact_rollback),
    deadlocks: Number(r.deadlocks),
    blocksHit: Number(r.blks_hit),
    blocksRead: Number(r.blks_read),
    databaseBytes: Number(r.database_bytes),
    archive: r.archive as PostgresReport['archive'],
    standbys: r.standbys as StandbyReport[],
  }),
})

/** Our own tables. */
export const listTableSizes = statement({
  name: 'list_table_sizes_v2',
  text: /* sql */ `
    select c.relname as name, pg_table_size(c.oid) as bytes, pg_indexes_size(c.oid) as index_bytes,
           greatest(c.reltuples, 0) as rows
      from pg_class c
     where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' order by c.relname`,
  bind: (_: undefined) => [],
  row: (r): Omit<TableReport, 'deadRows'> => ({
    name: r.name as string,
    bytes: Number(r.bytes),
    indexBytes: Number(r.index_bytes),
    rows: Number(r.rows),
  }),
})

/** By table. A standby counts none. */
export const listDeadRows = statement({
  name: 'list_dead_rows_v1',
  text: `select relname, n_dead_tup from pg_stat_user_tables where schemaname = current_schema()`,
  bind: (_: undefined) => [],
  row: (r) => [r.relname as string, Number(r.n_dead_tup)] as const,
})
