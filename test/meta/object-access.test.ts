import t from 'tap'
import type { AccountId, ObjectKey } from '../../src/base/ids.ts'
import { commit, live, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket, owner } = fixture
const { catalogue } = meta
const OTHER = 'ef'.repeat(32) as AccountId
const key = 'key' as ObjectKey
const found = async () => (await catalogue.findObject({ bucket: bucket.name, key, versionId: undefined }, live)).object

t.test('an object’s owner and ACL: committed with it, changed, taken away; nothing else of it changes', async (t) => {
  const acl = [{ to: { group: 'AllUsers' }, permission: 'READ' }] as const
  await catalogue.commitObject(
    { ...commit(bucket, key), extras: { access: { ownerId: OTHER }, tags: [['a', 'b']] } },
    live,
  )
  const before = (await found())!
  t.same(before.extras, { access: { ownerId: OTHER }, tags: [['a', 'b']] })
  const change = { bucketId: bucket.id, key, versionId: undefined, ownerId: OTHER }
  t.same(await catalogue.setObjectAccess({ ...change, access: { ownerId: OTHER, acl } }, live), {
    versionId: before.versionId,
  })
  t.same(await found(), { ...before, extras: { access: { ownerId: OTHER, acl }, tags: [['a', 'b']] } })
  await catalogue.setObjectAccess({ ...change, access: undefined }, live)
  t.same(await found(), { ...before, extras: { tags: [['a', 'b']] } })
})

t.test('an object that is not whose it was when it was looked at, or is not there: NoSuchKey', async (t) => {
  const change = { bucketId: bucket.id, key, versionId: undefined, access: { ownerId: OTHER } }
  await t.rejects(catalogue.setObjectAccess({ ...change, ownerId: OTHER }, live), { code: 'NoSuchKey' })
  await catalogue.setObjectAccess({ ...change, ownerId: owner.id }, live)
  await t.rejects(catalogue.setObjectAccess({ ...change, ownerId: owner.id }, live), { code: 'NoSuchKey' })
  const none = { ...change, key: 'none' as ObjectKey, ownerId: owner.id }
  await t.rejects(catalogue.setObjectAccess(none, live), { code: 'NoSuchKey' })
})
