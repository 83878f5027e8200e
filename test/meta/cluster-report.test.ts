import t from 'tap'
import { commit, layout, live, openMeta } from './fixture.ts'

const { meta, bucket, sql, ...fixture } = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())

t.test('readBacklog: nothing waits in a new store; then the oldest of each queue tells for how long', async (t) => {
  t.same(await meta.told.readBacklog(live), {
    partsByMissing: {},
    oldestRepairSeconds: null,
    oldestDoomedSeconds: null,
    oldestStraySeconds: null,
    events: 0,
    oldestEventSeconds: null,
  })
  await sql(`insert into repair_queue (part_id, missing_chunks, reason, queued_at)
             select gen_random_uuid(), m, 'test', clock_timestamp() - make_interval(mins => m) from unnest('{0,1,1,2}'::int[]) m`)
  await sql(`insert into doomed_parts (part_id, doomed_at)
             select gen_random_uuid(), clock_timestamp() - make_interval(hours => h) from unnest('{1,2}'::int[]) h`)
  await sql(`insert into stray_chunks (part_id, chunk_number, server_number, state, delete_after)
             select gen_random_uuid(), 0, 1, 'left over', clock_timestamp() + make_interval(mins => m) from unnest('{-3,5}'::int[]) m`)
  await sql(`insert into event_outbox (target, bucket_id, key, event_name, rule_id, bucket_name, owner_id, region, made_at)
             values ('w', 1, 'k', 'e', 'r', 'b', 'o', 'x', clock_timestamp() - interval '7 minutes')`)
  const waits = await meta.told.readBacklog(live)
  t.same(waits.partsByMissing, { 0: 1, 1: 2, 2: 1 })
  const near = (seconds: number | null, minutes: number) =>
    seconds !== null && seconds >= minutes * 60 && seconds < minutes * 60 + 300
  t.ok(near(waits.oldestRepairSeconds, 2), String(waits.oldestRepairSeconds))
  t.ok(near(waits.oldestDoomedSeconds, 120), String(waits.oldestDoomedSeconds))
  t.ok(near(waits.oldestStraySeconds, 3), 'one that may not be deleted yet waits for nobody')
  t.ok(near(waits.oldestEventSeconds, 7), String(waits.oldestEventSeconds))
  t.equal(waits.events, 1)
})

t.test('readPostgres: connections, transactions, and the sizes of our tables', async (t) => {
  await meta.catalogue.commitObject(commit(bucket, 'key', { part: layout() }), live)
  await sql('analyze objects')
  const report = await meta.told.readPostgres(live)
  const { connections, tables, standbys, archive } = report
  t.ok((connections.active ?? 0) >= 1, 'the one that asks')
  t.ok(report.connectionsMax >= 10)
  t.ok(report.oldestTransactionSeconds >= 0)
  t.ok(report.databaseBytes > 1e6)
  const names = tables.map(({ name }) => name)
  for (const name of ['buckets', 'objects', 'parts', 'jobs', 'repair_queue']) t.ok(names.includes(name), name)
  t.notOk(names.includes('chunks'), 'a view has no size')
  const objects = tables.find(({ name }) => name === 'objects')!
  t.match(objects, { rows: 1, deadRows: 0 })
  t.ok(objects.bytes > 0 && objects.indexBytes > 0)
  t.same(standbys, [])
  t.equal(archive, null)
})

t.test('readServers: as they said last, without those that were removed', async (t) => {
  await sql(`insert into storage_servers (server_id, grpc_address, socket_path, zone, status, capacity_bytes, available_bytes,
                                          chunk_count, last_heartbeat_at)
             select gen_random_uuid(), 'host:1', '', '', s, 100, 40, 7, clock_timestamp() - interval '2 minutes'
               from unnest('{up,failed,removed}'::text[]) s`)
  const servers = await meta.reports.readServers(live)
  t.match(servers, [
    { status: 'up', capacityBytes: 100, availableBytes: 40, chunks: 7, isStale: true },
    { status: 'failed' },
  ])
  t.equal(servers.length, 2)
  t.ok(servers[0]!.heartbeatSecondsAgo >= 120)
})
