import pg from 'pg'
import { live, openMeta } from '../../meta/fixture.ts'
import { aliasing, type Side, START_MS, sorted, UPLOAD_TTL_MS } from './sides.ts'

/** The real catalogue, whose time passes only when it is told to: what is compared depends on no machine's speed. */
export interface PostgresSide extends Side, AsyncDisposable {
  /** All rows, numbers and the time are as they were at first. */
  renew(): Promise<void>
}

/** Functions and defaults that look at a clock look at this one: `still` stands before pg_catalog in the search path. */
const STILL_CLOCK = /* sql */ `
  create schema still;
  create table still.clock as select to_timestamp(${START_MS / 1000}) as at;
  create function still.clock_timestamp() returns timestamptz language sql stable as 'select at from still.clock';
  create function still.now() returns timestamptz language sql stable as 'select at from still.clock';
  do $$ declare c record; begin
    for c in select table_name, column_name from information_schema.columns
              where table_schema = 'public' and column_default in ('now()', 'clock_timestamp()') loop
      execute format('alter table %I alter column %I set default still.now()', c.table_name, c.column_name);
    end loop;
    execute format('alter database %I set search_path = still, public, pg_catalog', current_database());
  end $$;
  update jobs set due_at = still.now() where due_at <> 'infinity'`

/** Copies of all tables, to go back to. */
const KEEP_ROWS = /* sql */ `
  create schema first;
  do $$ declare t text; begin
    for t in select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' loop
      execute format('create table first.%I as table public.%I', t, t);
    end loop;
  end $$`

const RENEW = /* sql */ `
  set session_replication_role = replica;
  do $$ declare t text; begin
    execute (select format('truncate %s restart identity', string_agg(format('public.%I', table_name), ', '))
               from information_schema.tables where table_schema = 'first');
    for t in select table_name from information_schema.tables where table_schema = 'first' loop
      execute format('insert into public.%I overriding system value table first.%I', t, t);
    end loop;
    perform setval(format('%I.%I', schemaname, sequencename), start_value, false) from pg_sequences where schemaname = 'public';
  end $$;
  update still.clock set at = to_timestamp(${START_MS / 1000})`

export async function postgresSide(): Promise<PostgresSide> {
  const fixture = await openMeta({ uploadTtlMs: UPLOAD_TTL_MS })
  const client = new pg.Client({ connectionString: fixture.db.url })
  await client.connect()
  await client.query(STILL_CLOCK)
  await client.query(KEEP_ROWS)
  // Connections that know of the clock.
  const meta = await fixture.connect({ uploadTtlMs: UPLOAD_TTL_MS })
  const sessions: Side['sessions'] = new Map()
  const aliases = new Map<string, string>()
  return {
    bucket: fixture.bucket,
    ...aliasing(aliases),
    catalogue: meta.catalogue,
    sweeps: meta.upkeep,
    repairs: { ...meta.repairs, ...meta.scrubs },
    census: { ...meta.census, ...meta.reports },
    jobs: meta.jobs,
    registry: meta.registry,
    servers: meta.servers,
    openGatewaySession: (options) => meta.openGatewaySession(options, live),
    sessions,
    async advance(ms) {
      await client.query(`update still.clock set at = at + interval '${ms} milliseconds'`)
    },
    dump: () => dumpOf(client),
    async renew() {
      sessions.clear()
      aliases.clear()
      await client.query(RENEW)
    },
    async [Symbol.asyncDispose]() {
      await client.end()
      await fixture[Symbol.asyncDispose]()
    },
  }
}

async function dumpOf(client: pg.Client): Promise<Record<string, string[]>> {
  const rows = async (text: string) => sorted((await client.query({ text, rowMode: 'array' })).rows, (row) => row)
  return {
    objects: await rows(`
      select key, row_number() over (partition by bucket_id, key order by is_latest desc, seq desc)::int - 1 as place,
             is_delete_marker, etag, is_multipart, part_ids, tags from objects`),
    parts: await rows('select part_id, refs, servers, committed_at is null from parts'),
    doomed: sorted((await client.query('select part_id from doomed_parts')).rows, (row) => row.part_id),
    uploads: await rows(`select s.upload_id, s.state, array(select part_number from upload_parts p
      where p.upload_id = s.upload_id order by 1) from upload_sessions s where kind = 'multipart'`),
    sessions: await rows(`select gateway_session, state from upload_sessions where kind = 'gateway'`),
    queue: await rows(
      'select part_id, missing_chunks, spare_chunks, damaged_chunks, attempts, error from repair_queue',
    ),
    strays: await rows('select part_id, chunk_number, server_number, state from stray_chunks'),
    servers: await rows('select server_number, status, available_bytes::float8 from storage_servers'),
    absences: await rows('select server_number, is_lost from server_absences'),
    // The others are not simulated.
    jobs: await rows(
      `select name, is_paused, runner, progress, error from jobs where name in ('census', 'rebalance', 'repair', 'scrub')`,
    ),
  }
}
