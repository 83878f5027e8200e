import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { isFault } from '../../src/base/faults.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import { eventually } from '../support/store.ts'
import { brokenReferences, commit, live, newUpload, openMeta, partCommit, sealingKey } from './fixture.ts'

const fixture = await openMeta({ resolveMs: 2_000 })
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket, owner, sql, db } = fixture
const { catalogue } = meta
const find = (key: string, c = catalogue) =>
  c.findObject({ bucket: bucket.name, key: key as never, versionId: undefined }, live)
/** Whoever holds the lock of this key makes its commits wait. */
const keyLock = `select pg_advisory_lock(hashtextextended($2, $1))`

t.test('a commit whose connection dies under it is resolved: it happens once', async (t) => {
  const { Client } = (await import('pg')).default
  const blocker = new Client({ connectionString: db.url })
  await blocker.connect()
  try {
    await blocker.query(keyLock, [bucket.id, 'cut'])
    const wanted = commit(bucket, 'cut', { condition: { ifNoneMatch: '*' } })
    const answer = catalogue.commitObject(wanted, live)
    const waiting = `from pg_stat_activity where wait_event_type = 'Lock' and query like '%commit_and_note%'`
    while ((await sql(`select pg_terminate_backend(pid) ${waiting}`)).length === 0) await sleep(5)
    await blocker.query('select pg_advisory_unlock_all()')
    const { committedAt } = await answer
    t.same((await find('cut')).object?.committedAt, committedAt)
  } finally {
    await blocker.end()
  }
})

t.test('a commit without anything to be recognised by is not guessed: its outcome is unknown', async (t) => {
  const { Client } = (await import('pg')).default
  const blocker = new Client({ connectionString: db.url })
  await blocker.connect()
  try {
    await blocker.query(keyLock, [bucket.id, 'empty'])
    const answer = catalogue.commitObject(commit(bucket, 'empty', { part: undefined, sizeBytes: 0 }), live)
    const refused = t.rejects(answer, { code: 'ServiceUnavailable', detail: { outcomeUnknown: true } })
    const waiting = `from pg_stat_activity where wait_event_type = 'Lock' and query like '%commit_and_note%'`
    while ((await sql(`select pg_terminate_backend(pid) ${waiting}`)).length === 0) await sleep(5)
    await refused
  } finally {
    await blocker.end()
  }
})

t.test('neither a standby nor a primary that was superseded is read or written', async (t) => {
  // What the server says of itself is found in another schema first.
  await sql('create schema claims')
  const isStandby = (is: boolean) =>
    sql(`create or replace function claims.pg_is_in_recovery() returns boolean return ${is}`)
  const timeline = (hex: string) =>
    sql(`create or replace function claims.pg_walfile_name(pg_lsn) returns text return '${hex}0000000000000001'`)
  const url = new URL(db.url)
  url.searchParams.set('options', '-c search_path=claims,pg_catalog,public')
  const connect = () => connectMeta({ url: url.href, clock: systemClock, random: systemRandom, log: silentLog })
  const unavailable = { code: 'ServiceUnavailable' }

  await timeline('00000009')
  await isStandby(true)
  await t.rejects(connect(), unavailable)
  await isStandby(false)
  await using meta = await connect()
  const look = () => meta.catalogue.findBucket(bucket.name, live)
  const lock = () => meta.upkeep.exclusively('sweep', async () => {}, live)
  t.ok(await look())
  await isStandby(true)
  await t.rejects(lock(), unavailable, 'no lock on a standby')
  await isStandby(false)

  await timeline('0000000a')
  t.ok(await lock(), 'the next primary')
  await timeline('00000009')
  await t.rejects(look(), unavailable, 'the connection to the one before is not used again, and no other one made')
  await t.rejects(lock(), unavailable)
  await timeline('0000000a')
  t.ok(await look())
})

const isOurs = db.server !== undefined
const { server } = db

t.test(
  'commits under which the server dies are resolved once it is back, and hold up no others meanwhile',
  {
    skip: !isOurs,
  },
  async (t) => {
    const patient = await fixture.connect({ resolveMs: 60_000 })
    const { Client } = (await import('pg')).default
    const blocker = new Client({ connectionString: db.url })
    blocker.on('error', () => {}) // it dies with the server
    await blocker.connect()
    await blocker.query(keyLock, [bucket.id, 'orphaned'])
    const wanted = commit(bucket, 'orphaned', { condition: { ifNoneMatch: '*' } })
    const answer = patient.catalogue.commitObject(wanted, live)
    const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%commit_and_note%'`
    while ((await sql(waiting)).length === 0) await sleep(5)
    await server!.stop()
    await sleep(300) // several attempts find nobody
    for (const key of ['refused 1', 'refused 2', 'refused 3']) {
      const refused = await patient.catalogue.commitObject(commit(bucket, key), live).catch((error) => error)
      t.match(refused, { code: 'ServiceUnavailable' })
      t.notOk(refused.detail.outcomeUnknown, 'it was never sent')
    }
    await server!.start()
    const { committedAt } = await answer
    t.same((await find('orphaned')).object?.committedAt, committedAt)
  },
)

t.test('an answer that is lost after the commit is asked for again', { skip: !isOurs }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sx-'))
  await chmod(directory, 0o700)
  const target = join(new URL(db.url).searchParams.get('host')!, '.s.PGSQL.5432')
  let cutNext = ''
  let cuts = 0
  /** Passes everything on, but loses the answer to the next statement that holds `cutNext`. */
  const proxy = createServer((near: Socket) => {
    const far = createConnection(target)
    let isCut = false
    near.on('data', (bytes) => {
      far.write(bytes)
      if (cutNext && bytes.includes(cutNext)) {
        cutNext = ''
        cuts++
        isCut = true
      }
    })
    far.on('data', (bytes) => (isCut ? near.destroy() : near.write(bytes)))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => proxy.listen(join(directory, '.s.PGSQL.5432'), resolve))
  const url = new URL(db.url)
  url.searchParams.set('host', directory)
  const through = await connectMeta({
    url: url.href,
    sealingKey,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  try {
    const wanted = commit(bucket, 'lost answer', { condition: { ifNoneMatch: '*' } })
    cutNext = wanted.part!.partId
    const { committedAt } = await through.catalogue.commitObject(wanted, live)
    t.equal(cuts, 1)
    t.same((await find('lost answer')).object?.committedAt, committedAt)

    const upload = newUpload(bucket, 'lost upload', owner.id)
    cutNext = upload.uploadId
    const { initiatedAt } = await through.catalogue.createUpload(upload, live)
    const part = partCommit(upload, 1)
    cutNext = part.part!.partId
    await through.catalogue.commitPart(part, live)
    cutNext = 'lost upload'
    const { object } = await through.catalogue.completeUpload(
      {
        upload: { ...upload, initiatedAt, state: 'open' },
        sizeBytes: 5,
        etag: 'e-1',
        checksum: undefined,
        parts: [{ number: 1, partId: part.part!.partId, sizeBytes: 5, checksum: undefined }],
        condition: { ifNoneMatch: '*' },
      },
      live,
    )
    t.equal(cuts, 4)
    t.same((await find('lost upload')).object?.committedAt, object.committedAt)

    cutNext = 'lost answer'
    t.ok((await find('lost answer', through.catalogue)).object, 'a look-up is simply asked again')
    cutNext = 'lost answer'
    const removed = through.catalogue.deleteObjects(bucket.id, [{ key: wanted.key }], live)
    await t.rejects(removed, { code: 'ServiceUnavailable', detail: { outcomeUnknown: true } })
    t.same(await sql(brokenReferences), [])
  } finally {
    await through[Symbol.asyncDispose]()
    await new Promise((resolve) => proxy.close(resolve))
    await rm(directory, { recursive: true, force: true })
  }
})

t.test(
  'PostgreSQL killed and back: nothing acknowledged is lost, 503 meanwhile, and it goes on',
  { skip: !isOurs },
  async (t) => {
    const outcomes = new Map<string, { etag: string; state: 'acknowledged' | 'refused' | 'unknown' }>()
    let stop = false
    async function writer(name: string): Promise<void> {
      for (let n = 0; !stop; n++) {
        const wanted = commit(bucket, `kill/${name}/${n}`)
        const state = await catalogue.commitObject(wanted, live).then(
          () => 'acknowledged' as const,
          (error) => {
            if (!isFault(error, 'ServiceUnavailable')) throw error
            return error.detail.outcomeUnknown ? 'unknown' : 'refused'
          },
        )
        outcomes.set(wanted.key, { etag: wanted.etag, state })
        if (state !== 'acknowledged') await sleep(20)
      }
    }
    const count = (isAcknowledged: boolean) =>
      [...outcomes.values()].filter(({ state }) => (state === 'acknowledged') === isAcknowledged).length
    async function oneMore(isAcknowledged: boolean): Promise<void> {
      const before = count(isAcknowledged)
      await eventually('a write has ended', 60_000, async () => count(isAcknowledged) > before)
    }
    const writers = Promise.all(['a', 'b', 'c', 'd', 'e'].map(writer))
    for (let round = 0; round < 2; round++) {
      await oneMore(true)
      process.kill(server!.pid(), 'SIGKILL')
      await oneMore(false)
      const startedMs = performance.now()
      await t.rejects(find('kill/a/0'), { code: 'ServiceUnavailable' })
      await t.rejects(meta.ping(live), { code: 'ServiceUnavailable' })
      t.ok(performance.now() - startedMs < 10_000, 'refused quickly')
      await server!.start()
      await meta.ping(live)
    }
    await oneMore(true)
    stop = true
    await writers
    for (const [key, { etag, state }] of outcomes) {
      const { object } = await find(key)
      if (state === 'acknowledged' && object?.etag !== etag) t.fail(`${key} is lost`)
      if (state === 'refused' && object) t.fail(`${key} was refused, and is there`)
    }
    t.same(await sql(brokenReferences), [])
  },
)

t.test('a server that hangs is not waited for', { skip: !isOurs }, async (t) => {
  const impatient = await fixture.connect({ statementTimeoutMs: 200, connectTimeoutMs: 500 })
  const connections = async () => {
    const rows = await sql(
      `select pid from pg_stat_activity where application_name like 'sextant%' order by backend_start desc`,
    )
    return rows.map((row) => row.pid as number)
  }
  const [newest] = await connections()
  const stopped = [newest!]
  const postmaster = Number(readFileSync(`/proc/${newest}/stat`, 'latin1').split(') ')[1]!.split(' ')[1])
  const within = async (ms: number, call: Promise<unknown>) => {
    const startedMs = performance.now()
    await call
    t.ok(performance.now() - startedMs < ms, `within ${ms} ms`)
  }
  process.kill(newest!, 'SIGSTOP')
  try {
    await within(10_000, impatient.ping(live))
    stopped.push(postmaster, ...(await connections()).filter((pid) => pid !== newest))
    for (const pid of stopped) process.kill(pid, 'SIGSTOP')
    await within(10_000, t.rejects(impatient.ping(live), { code: 'ServiceUnavailable' }))
  } finally {
    for (const pid of stopped) process.kill(pid, 'SIGCONT')
  }
  await impatient.ping(live)
})

t.test(
  'a server that is silent: refused soon, whatever statements may take; then at once; on again when it answers',
  { skip: !isOurs },
  async (t) => {
    const patient = await fixture.connect({ statementTimeoutMs: 120_000, silentMs: 300, connectTimeoutMs: 500 })
    const look = () => patient.catalogue.findBucket(bucket.name, live)
    await Promise.all([look(), patient.ping(live)])
    {
      using _still = await server!.standStill()
      await t.rejects(look(), { code: 'ServiceUnavailable' })
      const refused = await Promise.allSettled(Array.from({ length: 500 }, look))
      t.ok(refused.every((each) => each.status === 'rejected' && isFault(each.reason, 'ServiceUnavailable')))
      const wanted = commit(bucket, 'never sent')
      await t.rejects(patient.catalogue.commitObject(wanted, live), { code: 'ServiceUnavailable' })
    }
    for (let waitedMs = 0; !(await look().catch(() => undefined)); waitedMs += 50) {
      if (waitedMs > 20_000) throw new Error('it answers, and is not asked')
      await sleep(50)
    }
    t.notOk((await find('never sent')).object)
  },
)

t.test('a statement that waits for a lock is not taken for silence', async (t) => {
  const attentive = await fixture.connect({ silentMs: 50 })
  await attentive.ping(live)
  const { Client } = (await import('pg')).default
  const blocker = new Client({ connectionString: db.url })
  await blocker.connect()
  try {
    await blocker.query('begin; lock table buckets in access exclusive mode')
    const waiting = attentive.catalogue.findBucket(bucket.name, live)
    await sleep(1_000)
    await blocker.query('rollback')
    t.ok(await waiting)
  } finally {
    await blocker.end()
  }
})

t.test('a slow statement is cut off by its time limit', async (t) => {
  const impatient = await fixture.connect({ statementTimeoutMs: 200 })
  const { Client } = (await import('pg')).default
  const blocker = new Client({ connectionString: db.url })
  await blocker.connect()
  try {
    await blocker.query('begin; lock table buckets in access exclusive mode')
    await t.rejects(impatient.catalogue.findBucket(bucket.name, live), { code: 'ServiceUnavailable' })
  } finally {
    await blocker.end()
  }
  t.ok(await impatient.catalogue.findBucket(bucket.name, live))
})

t.test('an aborted caller does not wait', async (t) => {
  const { Client } = (await import('pg')).default
  const blocker = new Client({ connectionString: db.url })
  await blocker.connect()
  try {
    await blocker.query('begin; lock table buckets, objects in access exclusive mode')
    const gone = () => AbortSignal.timeout(50)
    await t.rejects(catalogue.findBucket(bucket.name, gone()), { name: 'TimeoutError' })
    const listed = catalogue.listObjects(
      { bucketId: bucket.id, prefix: '', delimiter: '', after: '', rowsMax: 1 },
      gone(),
    )
    await t.rejects(listed, { name: 'TimeoutError' })
  } finally {
    await blocker.end()
  }
})
