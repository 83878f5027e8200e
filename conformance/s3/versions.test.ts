import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, send } = suite
const NOBODYS = '0123456789abcdef0123456789abcdef'

const setVersioning = (Bucket: string, Status: 'Enabled' | 'Suspended') =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))

async function versionedBucket(): Promise<string> {
  const bucket = await suite.newBucket()
  await setVersioning(bucket, 'Enabled')
  return bucket
}

const put = (Bucket: string, Key: string, Body: string, more: Partial<PutObjectCommandInput> = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const get = (Bucket: string, Key: string, VersionId?: string) =>
  s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))
const head = (Bucket: string, Key: string, VersionId?: string) =>
  s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }))
const remove = (Bucket: string, Key: string, VersionId?: string) =>
  s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
const read = async (bucket: string, key: string, versionId?: string) =>
  (await get(bucket, key, versionId)).Body!.transformToString()
const list = (Bucket: string) => s3.send(new ListObjectVersionsCommand({ Bucket }))
const idsOf = async (bucket: string) => {
  const { Versions = [], DeleteMarkers = [] } = await list(bucket)
  return { versions: Versions.map((v) => v.VersionId), markers: DeleteMarkers.map((m) => m.VersionId) }
}

const configuration = (inner: string) => `<VersioningConfiguration>${inner}</VersioningConfiguration>`
const configure = (bucket: string, body: string) => send({ method: 'PUT', path: `/${bucket}?versioning`, body })

t.test(
  'PutBucketVersioning, GetBucketVersioning: what was asked for is what is said; before, nothing is',
  async (t) => {
    const bucket = await suite.newBucket()
    t.equal((await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status, undefined)
    for (const Status of ['Enabled', 'Suspended', 'Enabled'] as const) {
      await setVersioning(bucket, Status)
      t.equal((await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status, Status)
    }
  },
)

t.test(
  'PutBucketVersioning: another status, none, MFA delete, no document: refused, and nothing changes',
  async (t) => {
    const bucket = await suite.newBucket()
    refusedWire(t, await configure(bucket, configuration('<Status>enabled</Status>')), 400, 'MalformedXML')
    refusedWire(t, await configure(bucket, configuration('')), 400, 'IllegalVersioningConfigurationException')
    refusedWire(t, await configure(bucket, '<Versioning/>'), 400, 'MalformedXML')
    const mfa = configuration('<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>')
    refusedWire(t, await configure(bucket, mfa), 501, 'NotImplemented')
    const odd = configuration('<Status>Enabled</Status><MfaDelete>Perhaps</MfaDelete>')
    refusedWire(t, await configure(bucket, odd), 400, 'MalformedXML')
    t.equal((await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status, undefined)
  },
)

t.test('PutObject: an unversioned bucket answers no version id, and knows its object as null', async (t) => {
  const bucket = await suite.newBucket()
  t.equal((await put(bucket, 'k', 'one')).VersionId, undefined)
  t.equal((await get(bucket, 'k')).VersionId, undefined)
  t.equal(await read(bucket, 'k', 'null'), 'one')
  t.same(await idsOf(bucket), { versions: ['null'], markers: [] })
  t.match(await remove(bucket, 'k'), { VersionId: undefined, DeleteMarker: undefined })
  t.same(await idsOf(bucket), { versions: [], markers: [] })
})

t.test('PutObject: a versioned bucket keeps every version under an id of its own', async (t) => {
  const bucket = await versionedBucket()
  const ids: string[] = []
  for (const body of ['one', 'two', '']) ids.push((await put(bucket, 'k', body)).VersionId!)
  t.equal(new Set(ids).size, 3)
  t.same(await Promise.all(ids.map((id) => read(bucket, 'k', id))), ['one', 'two', ''])
  t.match(await head(bucket, 'k'), { VersionId: ids[2], ContentLength: 0 })
  t.match(await head(bucket, 'k', ids[0]), { VersionId: ids[0], ContentLength: 3 })
  const { Versions } = await list(bucket)
  t.same(
    Versions?.map(({ VersionId, IsLatest, Size }) => [VersionId, IsLatest, Size]),
    [
      [ids[2], true, 0],
      [ids[1], false, 3],
      [ids[0], false, 3],
    ],
    'newest first (quirk 8)',
  )
})

t.test(
  'DeleteObject: leaves a marker: 404 with its id, not in listings; deleting the marker brings the object back',
  async (t) => {
    const bucket = await versionedBucket()
    const first = await put(bucket, 'k', 'one')
    const marker = await remove(bucket, 'k')
    t.match(marker, { DeleteMarker: true, VersionId: /^[\w-]+$/ })
    for (const method of ['GET', 'HEAD']) {
      const answer = await send({ method, path: `/${bucket}/k` })
      t.equal(answer.status, 404, method)
      t.match(answer.headers, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker.VersionId }, 'quirk 30')
      const named = await send({ method, path: `/${bucket}/k?versionId=${marker.VersionId}` })
      t.equal(named.status, 405, `${method} of the marker`)
      t.match(named.headers, { 'x-amz-delete-marker': 'true', allow: 'DELETE', 'last-modified': /GMT$/ })
    }
    refusedWire(t, await send({ method: 'GET', path: `/${bucket}/k` }), 404, 'NoSuchKey')
    t.equal((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount, 0)
    t.match((await list(bucket)).DeleteMarkers, [{ Key: 'k', IsLatest: true, VersionId: marker.VersionId! }])
    t.equal(await read(bucket, 'k', first.VersionId), 'one')
    t.match(await remove(bucket, 'k', marker.VersionId), { DeleteMarker: true, VersionId: marker.VersionId })
    t.match(await get(bucket, 'k'), { VersionId: first.VersionId })
  },
)

t.test('DeleteObject: a key that never was gets a marker; two deletes leave two', async (t) => {
  const bucket = await versionedBucket()
  const ids = [(await remove(bucket, 'k')).VersionId, (await remove(bucket, 'k')).VersionId]
  t.same((await idsOf(bucket)).markers, ids.reverse())
})

t.test(
  'DeleteObject: by version id that version goes for good, and the newest of the others is the latest',
  async (t) => {
    const bucket = await versionedBucket()
    const ids: string[] = []
    for (const body of ['one', 'two', 'three']) ids.push((await put(bucket, 'k', body)).VersionId!)
    t.match(await remove(bucket, 'k', ids[2]), { VersionId: ids[2], DeleteMarker: undefined })
    t.equal(await read(bucket, 'k'), 'two')
    await remove(bucket, 'k', ids[0])
    t.equal(await read(bucket, 'k'), 'two')
    await refused(t, get(bucket, 'k', ids[0]), 404, 'NoSuchVersion')
    t.equal((await remove(bucket, 'k', ids[0])).$metadata.httpStatusCode, 204, 'again')
    await remove(bucket, 'k', ids[1])
    await refused(t, get(bucket, 'k'), 404, 'NoSuchKey')
    t.same(await idsOf(bucket), { versions: [], markers: [] })
  },
)

t.test('versionId: empty or malformed: 400 InvalidArgument; well-formed and unknown: 404 NoSuchVersion', async (t) => {
  const bucket = await versionedBucket()
  await put(bucket, 'k', 'one')
  for (const method of ['GET', 'DELETE']) {
    for (const id of ['', 'x', `${NOBODYS}0`, 'NULL', '%00']) {
      const answer = await send({ method, path: `/${bucket}/k?versionId=${id}` })
      refusedWire(t, answer, 400, 'InvalidArgument', `${method} ${id}`)
    }
  }
  await refused(t, get(bucket, 'k', NOBODYS), 404, 'NoSuchVersion')
  await refused(t, get(bucket, 'k', 'null'), 404, 'NoSuchVersion')
  t.equal(await read(bucket, 'k'), 'one')
})

t.test('Suspended: writes and deletes only the null version; the others stay (quirk 30)', async (t) => {
  const bucket = await suite.newBucket()
  await put(bucket, 'k', 'before')
  await setVersioning(bucket, 'Enabled')
  const kept = (await put(bucket, 'k', 'kept')).VersionId
  t.match(await get(bucket, 'k', 'null'), { VersionId: 'null' }, 'what was there before is the null version')
  await setVersioning(bucket, 'Suspended')
  t.equal((await put(bucket, 'k', 'null again')).VersionId, undefined)
  t.match(await get(bucket, 'k'), { VersionId: 'null' })
  t.same((await idsOf(bucket)).versions, ['null', kept], 'replaced, and newest now')
  t.match(await remove(bucket, 'k'), { DeleteMarker: true, VersionId: 'null' })
  t.same(await idsOf(bucket), { versions: [kept], markers: ['null'] })
  t.match(await remove(bucket, 'k'), { DeleteMarker: true, VersionId: 'null' })
  t.same(await idsOf(bucket), { versions: [kept], markers: ['null'] })
  await put(bucket, 'k', 'over the marker')
  t.same(await idsOf(bucket), { versions: ['null', kept], markers: [] })
  await remove(bucket, 'k', 'null')
  t.equal(await read(bucket, 'k'), 'kept')
  await setVersioning(bucket, 'Enabled')
  await put(bucket, 'k', 'new')
  t.equal((await idsOf(bucket)).versions.length, 2)
})

t.test('CopyObject: of a version, onto its own key: the old one is the latest again', async (t) => {
  const bucket = await versionedBucket()
  const old = await put(bucket, 'k', 'old', { ContentType: 'text/x-old' })
  await put(bucket, 'k', 'new')
  const CopySource = `${bucket}/k?versionId=${old.VersionId}`
  const copied = await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'k', CopySource }))
  t.equal(copied.CopySourceVersionId, old.VersionId)
  t.match(await get(bucket, 'k'), { VersionId: copied.VersionId, ContentType: 'text/x-old' })
  t.equal(await read(bucket, 'k'), 'old')
  t.equal((await idsOf(bucket)).versions.length, 3)
  await remove(bucket, 'k', old.VersionId)
  t.equal(await read(bucket, 'k'), 'old', 'the copy does not need what it was made of')
})

t.test('CopyObject: a delete marker as source: 404; named by its id: 400; a malformed id: 400', async (t) => {
  const bucket = await versionedBucket()
  await put(bucket, 'k', 'one')
  const marker = await remove(bucket, 'k')
  const copy = (CopySource: string) => s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'to', CopySource }))
  await refused(t, copy(`${bucket}/k`), 404, 'NoSuchKey')
  await refused(t, copy(`${bucket}/k?versionId=${marker.VersionId}`), 400, 'InvalidRequest')
  await refused(t, copy(`${bucket}/k?versionId=x`), 400, 'InvalidArgument')
  await refused(t, copy(`${bucket}/k?versionId=${NOBODYS}`), 404, 'NoSuchVersion')
})

t.test('DeleteObjects: versions, markers and keys at once: each is answered for (quirk 17)', async (t) => {
  const bucket = await versionedBucket()
  const one = await put(bucket, 'a', 'one')
  await put(bucket, 'b', 'two')
  const marker = await remove(bucket, 'c')
  const Objects = [
    { Key: 'a', VersionId: one.VersionId },
    { Key: 'b' },
    { Key: 'c', VersionId: marker.VersionId },
    { Key: 'never' },
    { Key: 'd', VersionId: 'malformed' },
    { Key: 'e', VersionId: NOBODYS },
  ]
  const { Deleted = [], Errors } = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
  const of = (key: string) => Deleted.find(({ Key }) => Key === key)
  t.same(of('a'), { Key: 'a', VersionId: one.VersionId })
  t.match(of('b'), { DeleteMarker: true, DeleteMarkerVersionId: String })
  t.equal(of('b')?.VersionId, undefined)
  const gone = { VersionId: marker.VersionId, DeleteMarker: true, DeleteMarkerVersionId: marker.VersionId }
  t.same(of('c'), { Key: 'c', ...gone })
  t.match(of('never'), { DeleteMarker: true, DeleteMarkerVersionId: String })
  t.same(of('e'), { Key: 'e', VersionId: NOBODYS })
  t.match(Errors, [{ Key: 'd', VersionId: 'malformed', Code: 'NoSuchVersion' }])
  const left = await idsOf(bucket)
  t.same([left.versions.length, left.markers.length], [1, 2])
})

t.test('DeleteObject: If-Match: judged on the current version; a marker, or nothing, is 404', async (t) => {
  for (const bucket of [await suite.newBucket(), await versionedBucket()]) {
    const { ETag } = await put(bucket, 'k', 'one')
    const removeIf = (IfMatch: string, Key = 'k') => s3.send(new DeleteObjectCommand({ Bucket: bucket, Key, IfMatch }))
    await refused(t, removeIf('"d41d8cd98f00b204e9800998ecf8427e"'), 412, 'PreconditionFailed')
    await refused(t, removeIf('*', 'none'), 404, 'NoSuchKey')
    t.equal(await read(bucket, 'k'), 'one')
    const Objects = [
      { Key: 'k', ETag: '"d41d8cd98f00b204e9800998ecf8427e"' },
      { Key: 'none', ETag: ETag! },
    ]
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
    t.same(Deleted ?? [], [])
    t.same(
      Errors?.map(({ Key, Code }) => [Key, Code]),
      [
        ['k', 'PreconditionFailed'],
        ['none', 'NoSuchKey'],
      ],
    )
    await removeIf(ETag!)
    await refused(t, removeIf(ETag!), 404, 'NoSuchKey')
    await put(bucket, 'k', 'two')
    await removeIf('*')
    await refused(t, get(bucket, 'k'), 404, 'NoSuchKey')
  }
})

t.test('DeleteBucket: a bucket with nothing left but a version, or a marker, is not empty', async (t) => {
  const bucket = await versionedBucket()
  const one = await put(bucket, 'k', 'one')
  const marker = await remove(bucket, 'k')
  const drop = () => s3.send(new DeleteBucketCommand({ Bucket: bucket }))
  await refused(t, drop(), 409, 'BucketNotEmpty')
  await remove(bucket, 'k', one.VersionId)
  await refused(t, drop(), 409, 'BucketNotEmpty')
  await remove(bucket, 'k', marker.VersionId)
  t.equal((await drop()).$metadata.httpStatusCode, 204)
})

t.test('PutObject: If-None-Match over a delete marker: it counts as missing', async (t) => {
  const bucket = await versionedBucket()
  await put(bucket, 'k', 'one', { IfNoneMatch: '*' })
  await refused(t, put(bucket, 'k', 'two', { IfNoneMatch: '*' }), 412, 'PreconditionFailed')
  await remove(bucket, 'k')
  await put(bucket, 'k', 'two', { IfNoneMatch: '*' })
  t.equal(await read(bucket, 'k'), 'two')
})

t.test('PutObject: 100 at once with If-None-Match *, and with If-Match, on a versioned bucket: one wins', async (t) => {
  const bucket = await versionedBucket()
  const racers = Array.from({ length: 100 }, (_, n) => n)
  const race = async (condition: Partial<PutObjectCommandInput>) => {
    const bodyOf = (n: number) => `racer ${n} ${JSON.stringify(condition)}`
    const runs = await Promise.allSettled(racers.map((n) => put(bucket, 'k', bodyOf(n), condition)))
    const won = runs.flatMap((run, n) => (run.status === 'fulfilled' ? [{ n, ...run.value }] : []))
    const lost = runs.flatMap((run) => (run.status === 'rejected' ? [run.reason.name] : []))
    t.same([...new Set(lost)], ['PreconditionFailed'])
    t.equal(won.length, 1)
    t.equal(await read(bucket, 'k'), bodyOf(won[0]!.n))
    return won[0]!
  }
  const { ETag } = await race({ IfNoneMatch: '*' })
  await race({ IfMatch: ETag! })
  t.equal((await idsOf(bucket)).versions.length, 2, 'losers left no version')
})

t.test(
  'a versioned bucket, many at once on one key: every acknowledged version is there, one is the latest',
  async (t) => {
    const bucket = await versionedBucket()
    const written = await Promise.all(Array.from({ length: 30 }, (_, n) => put(bucket, 'k', `body ${n}`)))
    const removed = await Promise.all(written.slice(0, 10).map(({ VersionId }) => remove(bucket, 'k', VersionId)))
    t.equal(removed.length, 10)
    const { Versions = [] } = await list(bucket)
    t.same(
      Versions.map((v) => v.VersionId).sort(),
      written
        .slice(10)
        .map((w) => w.VersionId)
        .sort(),
    )
    t.same(
      Versions.map(({ IsLatest }) => IsLatest),
      Versions.map((_, n) => n === 0),
    )
    for (const [n, { VersionId }] of written.entries())
      if (n >= 10) t.equal(await read(bucket, 'k', VersionId), `body ${n}`)
  },
)
