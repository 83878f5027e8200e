import t, { type Test } from 'tap'
import type { ObjectKey, VersionId } from '../../src/base/ids.ts'
import type { LifecycleRule } from '../../src/base/lifecycle/rules.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { type LifecycleProgress, lifecycleJob } from '../../src/upkeep/lifecycle/lifecycle-job.ts'
import type { LifecycleCatalogue } from '../../src/upkeep/ports/lifecycle.ts'
import { asUpload, brokenReferences, commit, layout, live, newUpload, openMeta, partCommit } from '../meta/fixture.ts'

const DAY_MS = 86_400_000
/** The database's clock is not moved: what lies in it is made older. */
const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, owner, sql } = fixture
const { catalogue } = meta
let serial = 0

const newBucket = async (versioning?: 'Enabled' | 'Suspended') => {
  const name = `bucket-${++serial}` as never
  return await catalogue.createBucket({ name, ownerId: owner.id, region: '', ...(versioning && { versioning }) }, live)
}
type Bucket = Awaited<ReturnType<typeof newBucket>>
const rule = (rest: Partial<LifecycleRule>): LifecycleRule => ({
  id: 'r',
  isEnabled: true,
  form: 'filter',
  filter: {},
  ...rest,
})
const setRules = (bucket: Bucket, ...rules: LifecycleRule[]) => {
  const content = { rules, transitionSizeMin: 'all_storage_classes_128K' as const }
  const lifecycle = rules.length === 0 ? undefined : { revision: `${++serial}`, ...content }
  return catalogue.putLifecycle({ bucket, lifecycle }, live)
}
const put = (bucket: Bucket, key: string, more = {}) => catalogue.commitObject(commit(bucket, key, more), live)
const remove = (bucket: Bucket, key: string) => catalogue.deleteObjects(bucket.id, [{ key: key as ObjectKey }], live)
/** All that lies in a bucket is as many days older. */
const age = async (bucket: Bucket, days: number) => {
  const interval = `${days} days`
  await sql('update objects set committed_at = committed_at - $2::interval where bucket_id = $1', [bucket.id, interval])
  await sql('update upload_sessions set initiated_at = initiated_at - $2::interval where bucket_id = $1', [
    bucket.id,
    interval,
  ])
}
/** Its versions by key, the newest first; delete markers with a cross. */
const versions = async (bucket: Bucket) => {
  const rows = await sql(
    'select key, is_delete_marker, is_latest, etag from objects where bucket_id = $1 order by key, is_latest desc, seq desc',
    [bucket.id],
  )
  return rows.map((row) => `${row.key}${row.is_delete_marker ? ' †' : ''}${row.is_latest ? '' : ' former'}`)
}

interface Pass {
  progress?: LifecycleProgress
  through?: Partial<LifecycleCatalogue>
  rowsInAPage?: number
}

/** One run of the job, as one that never ran; answers what it said last. */
async function run({ progress = {}, through = {}, rowsInAPage = 2 }: Pass = {}): Promise<LifecycleProgress> {
  const jobRun = {
    progress: progress as object,
    report(next: object) {
      this.progress = JSON.parse(JSON.stringify(next))
    },
  }
  const deps = { catalogue: { ...meta.lifecycle, ...through }, clock: systemClock, log: silentLog }
  const settings = { dayMs: DAY_MS, objectsPerSecond: 1e9, intervalMs: 1_000, rowsInAPage }
  try {
    await lifecycleJob(deps, settings).work(jobRun, live)
  } catch (error) {
    if ((error as Error).message !== 'killed') throw error
  }
  return jobRun.progress as LifecycleProgress
}

const soundReferences = async (t: Test) => t.same(await sql(brokenReferences), [], 'references are right')

t.test('days: what is due goes, what is younger, smaller, elsewhere or otherwise tagged stays', async (t) => {
  const bucket = await newBucket()
  const [old, large] = [{ tags: [['class', 'old']] }, 1_000_000]
  const sized = (sizeBytes: number) => ({ sizeBytes, part: layout({ sizeBytes }) })
  await put(bucket, 'logs/a', { extras: old, ...sized(large) })
  await put(bucket, 'logs/small', { extras: old, ...sized(10) })
  await put(bucket, 'logs/untagged', sized(large))
  await put(bucket, 'elsewhere', { extras: old, ...sized(large) })
  await age(bucket, 11)
  await put(bucket, 'logs/new', { extras: old, ...sized(large) })
  const filter = { prefix: 'logs/', tags: [['class', 'old'] as const], sizeAbove: 10 }
  await setRules(
    bucket,
    rule({ filter, expiration: { days: 10 } }),
    rule({ id: 'off', isEnabled: false, expiration: { days: 1 } }),
  )
  const { last } = await run()
  t.match(last?.expired, { current: 1, former: 0, marker: 0, upload: 0 })
  t.same(await versions(bucket), ['elsewhere', 'logs/new', 'logs/small', 'logs/untagged'])
  await soundReferences(t)
  await setRules(bucket)
})

t.test('days: not before midnight, UTC', async (t) => {
  const bucket = await newBucket()
  await put(bucket, 'k')
  await setRules(bucket, rule({ expiration: { days: 1 } }))
  await age(bucket, 1)
  t.equal((await run()).last?.expired.current, 0, 'a day old, and its midnight to come')
  await age(bucket, 1)
  t.equal((await run()).last?.expired.current, 1)
  await setRules(bucket)
})

t.test('a date: all that is there, however young; and nothing before it', async (t) => {
  const bucket = await newBucket()
  await put(bucket, 'k')
  await setRules(bucket, rule({ expiration: { date: '2999-01-01T00:00:00.000Z' } }))
  await run()
  t.same(await versions(bucket), ['k'])
  await setRules(bucket, rule({ expiration: { date: '2020-01-01T00:00:00.000Z' } }))
  await run()
  t.same(await versions(bucket), [])
  await setRules(bucket)
})

t.test(
  'with versions: a current one gets a delete marker, once; suspended: the null version is replaced by one',
  async (t) => {
    for (const versioning of ['Enabled', 'Suspended'] as const) {
      const bucket = await newBucket(versioning)
      await put(bucket, 'k')
      await age(bucket, 5)
      await setRules(bucket, rule({ filter: { prefix: 'k' }, expiration: { days: 3 } }))
      t.match((await run()).last?.expired, { current: 1, marker: 0 })
      const there = versioning === 'Enabled' ? ['k †', 'k former'] : ['k †']
      t.same(await versions(bucket), there, versioning)
      t.match((await run()).last?.expired, { current: 0, marker: 0 }, 'there is nothing to be done again')
      t.same(await versions(bucket), there)
      await age(bucket, 5)
      t.match((await run()).last?.expired, { marker: versioning === 'Enabled' ? 0 : 1 }, 'a lone marker by days')
      await soundReferences(t)
      await setRules(bucket)
    }
  },
)

t.test('noncurrent versions: days since they were replaced, and the newest kept, over more than a page', async (t) => {
  const bucket = await newBucket('Enabled')
  for (let n = 0; n < 6; n++) {
    await put(bucket, 'k')
    await age(bucket, 1)
  }
  await put(bucket, 'other')
  // Replaced 5, 4, 3, 2 and 1 days ago, and a little.
  await setRules(bucket, rule({ noncurrent: { days: 2, keep: 1 } }))
  // Pages of one: what goes with one page changes nothing for the next.
  t.match((await run({ rowsInAPage: 1 })).last?.expired, { former: 3 })
  t.same(await versions(bucket), ['k', 'k former', 'k former', 'other'])
  await setRules(bucket, rule({ noncurrent: { days: 1, keep: 1 } }))
  t.match((await run()).last?.expired, { former: 1 })
  await age(bucket, 9)
  t.match((await run()).last?.expired, { former: 0 })
  t.same(await versions(bucket), ['k', 'k former', 'other'], 'one is kept whatever its age')
  await soundReferences(t)
  await setRules(bucket)
})

t.test('delete markers: only where no version is left behind', async (t) => {
  const bucket = await newBucket('Enabled')
  for (const key of ['alone', 'not-alone']) {
    await put(bucket, key)
    await remove(bucket, key)
  }
  const [former] = await sql(
    "select version_id from objects where key = 'alone' and bucket_id = $1 and not is_latest",
    [bucket.id],
  )
  const versionId = former!.version_id as VersionId
  await catalogue.deleteObjects(bucket.id, [{ key: 'alone' as ObjectKey, versionId }], live)
  await age(bucket, 2)
  await setRules(bucket, rule({ expiration: { deleteMarker: true } }))
  t.match((await run()).last?.expired, { marker: 1 })
  t.same(await versions(bucket), ['not-alone †', 'not-alone former'])
  await setRules(bucket)
})

t.test('uploads that were not completed: aborted by prefix and days; completed ones are none', async (t) => {
  const bucket = await newBucket()
  const begin = async (key: string) => {
    const upload = newUpload(bucket, key, owner.id)
    await catalogue.createUpload(upload, live)
    return upload
  }
  const [old, elsewhere, done] = [await begin('big/old'), await begin('small'), await begin('big/done')]
  await catalogue.commitPart(partCommit(old, 1), live)
  const part = partCommit(done, 1)
  await catalogue.commitPart(part, live)
  const parts = [{ number: 1, partId: part.part!.partId, sizeBytes: 5, checksum: undefined }]
  const whole = { upload: asUpload(done), sizeBytes: 5, etag: 'e-1', checksum: undefined, parts, condition: {} }
  await catalogue.completeUpload(whole, live)
  await age(bucket, 8)
  const fresh = await begin('big/new')
  await setRules(bucket, rule({ filter: { prefix: 'big/' }, abortDays: 7 }))
  t.match((await run()).last?.expired, { upload: 1 })
  const isOpen = async ({ uploadId, key }: typeof old) =>
    (await catalogue.findUpload({ bucketId: bucket.id, key, uploadId }, live))?.state
  t.same([await isOpen(old), await isOpen(elsewhere), await isOpen(fresh)], [undefined, 'open', 'open'])
  t.same(await versions(bucket), ['big/done'])
  await soundReferences(t)
  await setRules(bucket)
})

t.test('what was overwritten, tagged otherwise, or said of by other rules since it was read: stays', async (t) => {
  const bucket = await newBucket()
  for (const key of ['overwritten', 'retagged', 'gone']) await put(bucket, key, { extras: { tags: [['t', '1']] } })
  await age(bucket, 9)
  await setRules(bucket, rule({ expiration: { days: 1 } }))
  const meanwhile = (change: () => Promise<unknown>): Partial<LifecycleCatalogue> => ({
    async expire(order, signal) {
      await change()
      return await meta.lifecycle.expire(order, signal)
    },
  })
  const change = async () => {
    await put(bucket, 'overwritten')
    await catalogue.tagObject(
      { bucketId: bucket.id, key: 'retagged' as ObjectKey, versionId: undefined, tags: [] },
      live,
    )
  }
  t.match((await run({ through: meanwhile(change), rowsInAPage: 10 })).last?.expired, { current: 1 })
  t.same(await versions(bucket), ['overwritten', 'retagged'])
  const through = meanwhile(() => setRules(bucket, rule({ expiration: { days: 100 } })))
  t.match((await run({ through })).last?.expired, { current: 0 }, 'rules of today say nothing of it')
  t.same(await versions(bucket), ['overwritten', 'retagged'])
  await setRules(bucket)
})

t.test('killed at every step: another one goes on, and all is as if nothing had happened', async (t) => {
  const expected = ['kept', 'k †', 'k former']
  for (let steps = 0; steps < 100; steps++) {
    const bucket = await newBucket('Enabled')
    for (let n = 0; n < 3; n++) await put(bucket, 'k')
    await put(bucket, 'kept')
    await age(bucket, 20)
    await sql("update objects set committed_at = clock_timestamp() where key = 'kept' and bucket_id = $1", [bucket.id])
    await setRules(bucket, rule({ expiration: { days: 5 }, noncurrent: { days: 5, keep: 1 } }))
    let left = steps
    const dying = <K extends 'listCandidates' | 'expire' | 'findRuledBucket'>(name: K) =>
      (async (...args: never[]) => {
        // Before it does anything, or when it has done it and nobody heard.
        if (left-- === 0) throw new Error('killed')
        const answer = await (meta.lifecycle[name] as (...all: never[]) => Promise<unknown>)(...args)
        if (left-- === 0) throw new Error('killed')
        return answer
      }) as unknown as LifecycleCatalogue[K]
    const through = {
      listCandidates: dying('listCandidates'),
      expire: dying('expire'),
      findRuledBucket: dying('findRuledBucket'),
    }
    const died = await run({ through })
    const wasKilled = died.last === undefined
    if (wasKilled) t.ok((await run({ progress: died })).last, `killed at step ${steps}: the next run ends the pass`)
    t.same((await versions(bucket)).sort(), [...expected].sort(), `killed at step ${steps}`)
    await soundReferences(t)
    await setRules(bucket)
    if (!wasKilled) break
  }
})

t.test('a pass is made once a day, and when rules have changed', async (t) => {
  const bucket = await newBucket()
  await setRules(bucket, rule({ expiration: { days: 1 } }))
  const first = await run()
  t.equal((await run({ progress: first })).last?.startedAt, first.last?.startedAt, 'not again today')
  await setRules(bucket, rule({ expiration: { days: 2 } }))
  t.not((await run({ progress: first })).last?.startedAt, first.last?.startedAt, 'rules have changed')
  const yesterday = { ...first, last: { ...first.last!, startedAt: new Date(Date.now() - DAY_MS).toISOString() } }
  t.not((await run({ progress: yesterday })).last?.startedAt, yesterday.last.startedAt, 'a new day')
  await setRules(bucket)
})
