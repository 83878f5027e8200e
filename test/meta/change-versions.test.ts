import t from 'tap'
import type { ObjectKey, VersionId } from '../../src/base/ids.ts'
import { commit, live, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket } = fixture
const { catalogue } = meta
const key = 'k' as ObjectKey
const find = async (versionId?: VersionId) =>
  (await catalogue.findObject({ bucket: bucket.name, key, versionId }, live)).object
const tag = (versionId: VersionId | undefined, ...tags: (readonly [string, string])[]) =>
  catalogue.tagObject({ bucketId: bucket.id, key, versionId, tags }, live)

t.test('tagObject: the latest version, one that is named, and nothing else of them', async (t) => {
  await t.rejects(tag(undefined, ['a', '1']), { code: 'NoSuchKey' })
  await catalogue.setVersioning({ bucket, versioning: 'Enabled' }, live)
  const first = await catalogue.commitObject(commit(bucket, key, { extras: { tags: [['n', '1']] } }), live)
  const second = await catalogue.commitObject(commit(bucket, key), live)
  const before = await find()
  t.same(await tag(undefined, ['z', '1'], ['a', '2']), { versionId: second.versionId })
  t.same(await find(), {
    ...before,
    extras: {
      tags: [
        ['z', '1'],
        ['a', '2'],
      ],
    },
  })
  t.same((await find(first.versionId))?.extras, { tags: [['n', '1']] })
  t.same(await tag(first.versionId), { versionId: first.versionId })
  t.equal((await find(first.versionId))?.extras, undefined)
})

t.test('tagObject: no such version, and a delete marker: refused', async (t) => {
  await t.rejects(tag('never' as VersionId, ['a', '1']), { code: 'NoSuchVersion' })
  const [marker] = await catalogue.deleteObjects(bucket.id, [{ key }], live)
  t.match(marker, { isDeleteMarker: true })
  await t.rejects(tag(undefined, ['a', '1']), { code: 'MethodNotAllowed' })
})
