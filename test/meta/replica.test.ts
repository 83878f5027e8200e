import type { ClientBase } from 'pg'
import t, { type Test } from 'tap'
import type { BucketName, ObjectKey } from '../../src/base/ids.ts'
import type { Log } from '../../src/base/log.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import { Primaries } from '../../src/meta/primaries.ts'
import type { Family } from '../../src/metrics/metric.ts'
import { collectPostgres } from '../../src/metrics/postgres-metrics.ts'
import { Standby } from '../support/standby.ts'
import { until } from '../support/until.ts'
import { commit, layout, live, openMeta, sealingKey } from './fixture.ts'

const { bucket, sql, db, ...fixture } = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const skip = db.server ? false : 'the server is not the test’s own'
const standby = skip ? undefined! : await Standby.of(db)
t.teardown(() => standby?.[Symbol.asyncDispose]())
t.beforeEach(async () => {
  if (!standby) return
  await sql('truncate repair_queue')
  await standby.sql('select pg_wal_replay_resume()')
  await standby.catchUp()
})

/** A gateway's, of which time can be made to pass. */
async function connect(t: Test, { replicaUrl = standby.url, replicaLagMsMax = 60_000 } = {}) {
  const said: string[] = []
  const told = (fields: object, message: string) => void said.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { ...silentLog, info: told, warn: told }
  let passedMs = 0
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + passedMs }
  const settings = { replicaLagMsMax }
  const meta = await connectMeta({ url: db.url, replicaUrl, sealingKey, clock, random: systemRandom, log, settings })
  t.teardown(() => meta[Symbol.asyncDispose]())
  const queued = async () => (await meta.told.readQueues(live)).repair.parts
  return { meta, said, queued, pass: (ms: number) => (passedMs += ms) }
}

const queue = () =>
  sql(`insert into repair_queue (part_id, missing_chunks, reason) values (gen_random_uuid(), 1, 'test')`)
const pause = async () => {
  await standby.catchUp()
  await standby.sql('select pg_wal_replay_pause()')
  await until(async () => (await standby.sql('select pg_get_wal_replay_pause_state() as s'))[0]!.s === 'paused')
}

t.test('a read replica answers what people are told, and nothing else', { skip }, async (t) => {
  const { meta, queued, said } = await connect(t)
  t.equal(await queued(), 0)
  await pause()
  await queue()
  await sql(`insert into storage_servers (server_id, grpc_address, socket_path, zone, status, capacity_bytes, available_bytes,
                                          chunk_count, last_heartbeat_at)
             values (gen_random_uuid(), 'host:1', '', '', 'up', 100, 40, 7, clock_timestamp() - interval '1 hour')`)
  t.equal(await queued(), 0, 'as the replica has it')
  t.same((await meta.told.readBacklog(live)).partsByMissing, {})
  t.same(await meta.told.listQueuedParts(10, live), [])
  t.equal((await meta.reports.readQueues(live)).repair.parts, 1, 'what is done goes by the primary')
  t.equal((await meta.told.readServers(live)).length, 1, 'and so does whether servers live')
  t.equal((await meta.told.findGoneServers(live)).length, 1)

  await meta.catalogue.commitObject(commit(bucket, 'new', { part: layout() }), live)
  const target = { bucket: bucket.name, key: 'new' as ObjectKey, versionId: undefined }
  t.ok((await meta.catalogue.findObject(target, live)).object, 'S3 is answered by the primary')
  t.ok(await meta.catalogue.createBucket({ name: 'more' as BucketName, ownerId: fixture.owner.id, region: 'r' }, live))
  t.same(await meta.told.surveyParts({ after: '', rowsMax: 10 }, live), [], 'a part that it has not yet')
  const { tables } = await meta.told.readPostgres(live)
  t.ok(tables.find(({ name }) => name === 'objects')!.bytes > 0)
  t.match(meta.replicaUse(), { isUsed: true, fallbacks: 0 })
  t.same(said, ['the read replica is used {}'])
})

t.test(
  'what lifecycle rules may make due is looked for on it, and judged again by the primary',
  { skip },
  async (t) => {
    const { meta } = await connect(t)
    const named = { name: 'ruled' as BucketName, ownerId: fixture.owner.id, region: 'r' }
    const ruled = await meta.catalogue.createBucket({ ...named, versioning: 'Enabled' }, live)
    const rules = [{ id: 'all', isEnabled: true, filter: {}, form: 'filter' as const, expiration: { days: 1 } }]
    const value = { revision: 'r1', rules, transitionSizeMin: 'varies_by_storage_class' as const }
    await meta.catalogue.changeBucketSetting({ bucket: ruled, name: 'lifecycle', value: JSON.stringify(value) }, live)
    const key = 'old' as ObjectKey
    await meta.catalogue.commitObject(commit(ruled, key), live)
    await pause()
    await meta.catalogue.commitObject(commit(ruled, 'new'), live)
    const query = { bucketId: ruled.id, prefix: '', after: undefined, keepMax: 0, rowsMax: 10 }
    const found = await meta.lifecycle.listCandidates({ ...query, kind: 'current' }, live)
    t.same(
      found.map((one) => one.key),
      ['old'],
      'as the replica has it',
    )
    await meta.catalogue.deleteObjects(ruled.id, [{ key }], live)
    const markers = await meta.lifecycle.listCandidates({ ...query, kind: 'marker' }, live)
    t.equal(markers.length, 1, 'markers as the primary has them')
    const due = found.map((one) => ({ ...one, keep: 0 }))
    const order = { bucketId: ruled.id, revision: value.revision, kind: 'current' as const, due }
    t.equal(await meta.lifecycle.expire(order, live), 0, 'it is no more')
  },
)

t.test('a read replica that is too far behind: the primary answers, until it has caught up', { skip }, async (t) => {
  const { meta, queued, said, pass } = await connect(t, { replicaLagMsMax: 300 })
  await queue()
  await standby.catchUp()
  t.equal(await queued(), 1)
  t.match(meta.replicaUse(), { isUsed: true, fallbacks: 0 })
  await pause()
  await queue()
  await until(async () => {
    pass(1_000) // it is looked at again
    return (await queued()) === 2
  })
  t.match(meta.replicaUse(), { isUsed: false, fallbacks: 1 })
  t.ok(meta.replicaUse()!.lagMs! > 300)
  t.match(said[1], /not used: the primary answers.*s behind the primary/)
  t.equal(await queued(), 2, 'it rests')
  t.equal(said.length, 2, 'which is told once')

  await standby.sql('select pg_wal_replay_resume()')
  await until(async () => {
    pass(10_000)
    await queue()
    await standby.catchUp()
    await queued()
    return meta.replicaUse()!.isUsed
  })
  t.equal(said.at(-1), 'the read replica is used {}')
})

t.test(
  'a read replica that is gone: the primary answers, and the replica again once it is back',
  { skip },
  async (t) => {
    const { meta, queued, said, pass } = await connect(t)
    await queue()
    await standby.catchUp()
    t.equal(await queued(), 1)
    await standby.stop()
    await queue()
    t.equal(await queued(), 2)
    t.match(meta.replicaUse(), { isUsed: false })
    t.match(said.at(-1), /not used/)
    pass(10_000)
    t.equal(await queued(), 2, 'also when it is looked for anew')
    t.match(meta.replicaUse(), { isUsed: false, fallbacks: 2 })
    await standby.start()
    await queue()
    await standby.catchUp()
    pass(10_000)
    t.equal(await queued(), 3)
    t.match(meta.replicaUse(), { isUsed: true, fallbacks: 2 })
  },
)

t.test('a read replica that is the primary itself, or nobody, is not used', { skip }, async (t) => {
  await queue()
  for (const [replicaUrl, reason] of [
    [db.url, /it is no standby/],
    ['postgresql://127.0.0.1:9/none', /ECONNREFUSED/],
  ] as const) {
    const { meta, queued, said } = await connect(t, { replicaUrl })
    t.equal(await queued(), 1)
    t.match(meta.replicaUse(), { isUsed: false, fallbacks: 1 })
    t.match(said[0], reason)
  }
})

t.test('a read replica of another cluster is not talked to', async (t) => {
  const server = (row: object) => ({ query: async () => ({ rows: [row] }) }) as unknown as ClientBase
  const primaries = new Primaries()
  await primaries.admit(server({ is_standby: false, cluster: '1', timeline: '00000001' }))
  const { admit } = primaries.ofStandbys()
  await admit(server({ is_standby: true, cluster: '1', timeline: null }))
  await t.rejects(admit(server({ is_standby: true, cluster: '2', timeline: null })), {
    cause: { message: /another cluster/ },
  })
})

t.test('replication lag: of a standby that does not replay it is told in bytes and seconds', { skip }, async (t) => {
  const { meta } = await connect(t)
  const of = (families: Family[], name: string) => families.find(({ metric }) => metric === name)!.samples
  const lag = async () => {
    const families = collectPostgres(await meta.told.readPostgres(live))
    const [seconds] = of(families, 'sextant_postgres_replication_lag_seconds')
    const [bytes] = of(families, 'sextant_postgres_replication_lag_bytes')
    t.match([seconds?.labels, bytes?.labels], [['standby'], ['standby']])
    return { seconds: seconds!.value as number, bytes: bytes!.value as number }
  }
  await until(async () => (await meta.told.readPostgres(live)).standbys.length === 1)
  await pause()
  await until(async () => {
    await queue()
    const { seconds, bytes } = await lag()
    return seconds > 0.2 && bytes > 0
  })
  await standby.sql('select pg_wal_replay_resume()')
  await until(async () => (await lag()).bytes === 0)
})
