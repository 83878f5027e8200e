import t from 'tap'
import type { BucketName } from '../../src/base/ids.ts'
import { live, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket, owner } = fixture
const { catalogue } = meta
const find = async (name = bucket.name) => (await catalogue.findBucket(name, live))!

t.test('a setting is put in place whole, taken away alone, and found with the bucket', async (t) => {
  t.same((await find()).settings, {})
  await catalogue.changeBucketSetting({ bucket, name: 'policy', value: '{"a": [1]}' }, live)
  t.same((await find()).settings, { policy: '{"a": [1]}' })
  await catalogue.changeBucketSetting({ bucket, name: 'policy', value: '{}' }, live)
  t.same((await find()).settings, { policy: '{}' })
  await catalogue.changeBucketSetting({ bucket, name: 'policy', value: undefined }, live)
  t.same((await find()).settings, {})
})

t.test('a document is put, replaced, found and taken away', async (t) => {
  const query = { bucketId: bucket.id, name: 'tagging' } as const
  t.equal(await catalogue.findBucketDocument(query, live), undefined)
  await catalogue.putBucketDocument({ bucket, name: 'tagging', document: [['a', 'b']] }, live)
  await catalogue.putBucketDocument({ bucket, name: 'tagging', document: [['c', 'd']] }, live)
  t.same(await catalogue.findBucketDocument(query, live), [['c', 'd']])
  await catalogue.putBucketDocument({ bucket, name: 'tagging', document: undefined }, live)
  t.equal(await catalogue.findBucketDocument(query, live), undefined)
})

t.test(
  'a bucket is made with what it was asked for; with it go its documents, and then there is nothing to change',
  async (t) => {
    const name = 'with-settings' as BucketName
    const settings = { policy: '{}' }
    const made = await catalogue.createBucket(
      { name, ownerId: owner.id, region: '', versioning: 'Enabled', settings, documents: { tagging: ['t'] } },
      live,
    )
    t.same(made, await find(name))
    t.match(made, { versioning: 'Enabled', settings })
    t.same(await catalogue.findBucketDocument({ bucketId: made.id, name: 'tagging' }, live), ['t'])
    const again = catalogue.createBucket({ name, ownerId: owner.id, region: '', documents: { tagging: ['u'] } }, live)
    await t.rejects(again, { code: 'BucketAlreadyOwnedByYou' })
    t.same(await catalogue.findBucketDocument({ bucketId: made.id, name: 'tagging' }, live), ['t'])
    await catalogue.deleteBucket(made, live)
    t.equal(await catalogue.findBucketDocument({ bucketId: made.id, name: 'tagging' }, live), undefined)
    const gone = { code: 'NoSuchBucket' }
    await t.rejects(catalogue.putBucketDocument({ bucket: made, name: 'tagging', document: [] }, live), gone)
    await t.rejects(catalogue.putBucketDocument({ bucket: made, name: 'tagging', document: undefined }, live), gone)
    await t.rejects(catalogue.changeBucketSetting({ bucket: made, name: 'policy', value: '{}' }, live), gone)
  },
)
