import t, { type Test } from 'tap'
import type { BucketName, ObjectKey, VersionId } from '../../src/base/ids.ts'
import type { Bucket, ObjectLock } from '../../src/base/model.ts'
import { brokenReferences, commit, live, openMeta } from './fixture.ts'

const DAY_MS = 86_400_000
const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, owner, sql } = fixture
const { catalogue } = meta
const locked: Bucket = await catalogue.createBucket(
  {
    name: 'locked' as BucketName,
    ownerId: owner.id,
    region: '',
    versioning: 'Enabled',
    settings: { objectLock: {} },
  },
  live,
)
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS)
let serial = 0

/** A new version of a new key, held so. */
async function put(lock: ObjectLock) {
  const key = `k${++serial}` as ObjectKey
  const { versionId } = await catalogue.commitObject(commit(locked, key, { extras: { lock } }), live)
  return { key, versionId }
}
const lockOf = async ({ key, versionId }: { key: ObjectKey; versionId: VersionId }) =>
  (await catalogue.findObject({ bucket: locked.name, key, versionId }, live)).object?.extras?.lock
const remove = async (target: { key: ObjectKey; versionId?: VersionId }, mayBypass = false) =>
  (await catalogue.deleteObjects(locked.id, [{ ...target, mayBypass }], live))[0]
const HELD = { code: 'AccessDenied', detail: { isLocked: true } }

async function isHeld(t: Test, target: { key: ObjectKey; versionId: VersionId }, what: string, mayBypass = false) {
  t.match(await remove(target, mayBypass), HELD, what)
  t.ok(await lockOf(target), `${what}: it is there`)
}
async function goes(t: Test, target: { key: ObjectKey; versionId: VersionId }, what: string, mayBypass = false) {
  t.match(await remove(target, mayBypass), { versionId: target.versionId }, what)
  t.equal((await catalogue.findObject({ bucket: locked.name, ...target }, live)).object, undefined, `${what}: gone`)
}
const retention = (mode: 'GOVERNANCE' | 'COMPLIANCE', days = 1): ObjectLock => ({
  mode,
  retainUntil: inDays(days).toISOString(),
})

t.test('deleteObjects: a version that is held stays, until its time is over or its hold ends', async (t) => {
  await isHeld(t, await put(retention('COMPLIANCE')), 'COMPLIANCE')
  await isHeld(t, await put(retention('COMPLIANCE')), 'COMPLIANCE, with leave to bypass', true)
  await isHeld(t, await put(retention('GOVERNANCE')), 'GOVERNANCE')
  await goes(t, await put(retention('GOVERNANCE')), 'GOVERNANCE, with leave to bypass', true)
  await goes(t, await put(retention('COMPLIANCE', -1)), 'what is over')
  const held = await put({ legalHold: true })
  await isHeld(t, held, 'a legal hold, which nobody bypasses', true)
  await catalogue.holdObject({ bucketId: locked.id, ...held, isOn: false }, live)
  t.same(await lockOf(held), { legalHold: false })
  await goes(t, held, 'a legal hold that has ended')
  const both = await put({ ...retention('GOVERNANCE', -1), legalHold: true })
  await isHeld(t, both, 'a legal hold beside a retention that is over')
})

t.test('deleteObjects: days are counted from the version’s own time, by the database’s clock', async (t) => {
  const target = await put({ mode: 'COMPLIANCE', retainDays: 3 })
  await isHeld(t, target, 'three days')
  const age = (days: number) =>
    sql('update objects set committed_at = committed_at - $2::interval where key = $1', [target.key, `${days} days`])
  await age(2)
  await isHeld(t, target, 'the third day')
  await age(1)
  await goes(t, target, 'three days later')
})

t.test('deleteObjects: among others, a held one is refused alone; a delete marker may be laid over it', async (t) => {
  const [held, free] = [await put(retention('COMPLIANCE')), await put({ legalHold: false })]
  const answers = await catalogue.deleteObjects(locked.id, [held, free], live)
  t.match(answers, [HELD, { versionId: free.versionId, isDeleteMarker: false }])
  t.match(await remove({ key: held.key }), { isDeleteMarker: true })
  t.ok(await lockOf(held), 'below the marker')
  await isHeld(t, held, 'below the marker')
  await catalogue.commitObject(commit(locked, held.key), live)
  t.ok(await lockOf(held), 'below another version')
})

t.test('deleteBucket, setVersioning: what is held keeps its bucket, and its bucket its versions', async (t) => {
  await t.rejects(catalogue.deleteBucket(locked, live), { code: 'BucketNotEmpty' })
  await t.rejects(catalogue.setVersioning({ bucket: locked, versioning: 'Suspended' }, live), {
    code: 'InvalidBucketState',
  })
  await catalogue.setVersioning({ bucket: locked, versioning: 'Enabled' }, live)
  t.equal((await catalogue.findBucket(locked.name, live))?.versioning, 'Enabled')
})

t.test('lockBucket: where versions are kept; it stays, and its default can change', async (t) => {
  const { bucket } = fixture
  await t.rejects(catalogue.lockBucket({ bucket, lock: {} }, live), { code: 'InvalidBucketState' })
  await catalogue.setVersioning({ bucket, versioning: 'Enabled' }, live)
  for (const lock of [{ retention: { mode: 'GOVERNANCE' as const, days: 1 } }, {}]) {
    await catalogue.lockBucket({ bucket, lock }, live)
    t.same((await catalogue.findBucket(bucket.name, live))?.settings.objectLock, lock)
  }
  await t.rejects(catalogue.setVersioning({ bucket, versioning: 'Suspended' }, live), { code: 'InvalidBucketState' })
})

t.test('expire: a noncurrent version that is held, by whatever holds it, stays, and so does its lock', async (t) => {
  const locks = [retention('COMPLIANCE', 99), retention('GOVERNANCE', 99), { legalHold: true }]
  const held = await Promise.all(locks.map(put))
  for (const { key } of held) await catalogue.commitObject(commit(locked, key), live)
  const former = await put({ legalHold: false })
  await catalogue.commitObject(commit(locked, former.key), live)
  await sql("update objects set committed_at = committed_at - interval '50 days'")
  const revision = 'r'
  await catalogue.putLifecycle(
    { bucket: locked, lifecycle: { revision, rules: [], transitionSizeMin: 'all_storage_classes_128K' } },
    live,
  )
  const query = { bucketId: locked.id, kind: 'former' as const, prefix: '', after: undefined, keepMax: 0, rowsMax: 99 }
  const all = await meta.lifecycle.listCandidates(query, live)
  const keys = [...held, former].map(({ key }) => key)
  const due = all.filter(({ key }) => keys.includes(key)).map((each) => ({ ...each, keep: 0 }))
  t.equal(due.length, 4)
  t.equal(await meta.lifecycle.expire({ bucketId: locked.id, revision, kind: 'former', due }, live), 1)
  t.same(await Promise.all(held.map(lockOf)), locks)
  t.notOk(await lockOf(former))
})

t.test(
  'retainObject: longer always; shorter, another mode or none at all only past GOVERNANCE, with leave',
  async (t) => {
    const change = async (target: Awaited<ReturnType<typeof put>>, more: object) =>
      await catalogue.retainObject(
        { bucketId: locked.id, ...target, retention: undefined, mayBypass: false, ...more } as never,
        live,
      )
    const until = (mode: string, days: number) => ({ retention: { mode, until: inDays(days) } })
    for (const mode of ['GOVERNANCE', 'COMPLIANCE'] as const) {
      const target = await put({ ...retention(mode, 10), legalHold: false })
      t.same(await change(target, until(mode, 20)), { versionId: target.versionId }, `${mode}: longer`)
      const other = mode === 'GOVERNANCE' ? 'COMPLIANCE' : 'GOVERNANCE'
      const weaker = { shorter: until(mode, 15), 'another mode': until(other, 30), none: {} }
      for (const [what, more] of Object.entries(weaker)) {
        await t.rejects(change(target, more), HELD, `${mode}: ${what}`)
        if (mode === 'GOVERNANCE') continue
        await t.rejects(change(target, { ...more, mayBypass: true }), HELD, `${mode}: ${what}, with leave`)
      }
      t.match(await lockOf(target), { mode, legalHold: false })
      if (mode === 'COMPLIANCE') continue
      await change(target, { ...until(mode, 5), mayBypass: true })
      await change(target, { ...until(other, 30), mayBypass: true })
      t.match(await lockOf(target), { mode: 'COMPLIANCE' })
    }
    const over = await put(retention('COMPLIANCE', -1))
    await change(over, {})
    t.equal(await lockOf(over), undefined, 'what is over can be taken away')
    await t.rejects(change(over, until('GOVERNANCE', -1)), { code: 'InvalidArgument' })
    const counted = await put({ mode: 'GOVERNANCE', retainDays: 10 })
    await t.rejects(change(counted, until('GOVERNANCE', 9)), HELD, 'days count as a date')
    await change(counted, until('GOVERNANCE', 11))
    t.match(await lockOf(counted), { mode: 'GOVERNANCE', retainDays: undefined })
  },
)

t.test('retainObject, holdObject: what is not there, and a delete marker: refused', async (t) => {
  const key = 'nothing' as ObjectKey
  const target = { bucketId: locked.id, key, versionId: undefined }
  await t.rejects(catalogue.holdObject({ ...target, isOn: true }, live), { code: 'NoSuchKey' })
  await remove({ key })
  await t.rejects(catalogue.holdObject({ ...target, isOn: true }, live), { code: 'MethodNotAllowed' })
  const order = { ...target, retention: undefined, mayBypass: false }
  await t.rejects(catalogue.retainObject(order, live), { code: 'MethodNotAllowed' })
  t.same(await sql(brokenReferences), [], 'references are right')
})
