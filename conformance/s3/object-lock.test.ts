import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ObjectLockConfiguration,
  type ObjectLockRetention,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { md5Base64 } from '../support/bytes.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, send } = suite
const DAY_MS = 86_400_000
/** Of what nobody may bypass, so that the bucket can be removed in the end. */
const COMPLIANCE_MS = 3_000
const inMs = (ms: number) => new Date(Math.ceil((Date.now() + ms) / 1000) * 1000)
const inDays = (days: number) => inMs(days * DAY_MS)

/** With object lock; emptied by whoever may bypass it. */
async function newLockedBucket(): Promise<string> {
  const Bucket = suite.newBucketName()
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  t.teardown(() => emptyLocked(Bucket))
  return Bucket
}

async function emptyLocked(Bucket: string): Promise<void> {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
  for (const { Key, VersionId } of Versions) {
    const target = { Bucket, Key, VersionId }
    await s3.send(new PutObjectLegalHoldCommand({ ...target, LegalHold: { Status: 'OFF' } }))
  }
  const deadline = Date.now() + 4 * COMPLIANCE_MS
  for (let left = [...Versions, ...DeleteMarkers]; left.length > 0 && Date.now() < deadline; ) {
    const Objects = left.map(({ Key, VersionId }) => ({ Key, VersionId }))
    const order = { Bucket, Delete: { Objects }, BypassGovernanceRetention: true }
    const { Errors = [] } = await s3.send(new DeleteObjectsCommand(order))
    left = left.filter((each) => Errors.some(({ Key, VersionId }) => Key === each.Key && VersionId === each.VersionId))
    if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

const bucket = await newLockedBucket()
let serial = 0
async function put(more: object = {}) {
  const target = { Bucket: bucket, Key: `k${++serial}` }
  const { VersionId } = await s3.send(new PutObjectCommand({ ...target, Body: 'kept', ...more }))
  return { ...target, VersionId }
}
type Target = Awaited<ReturnType<typeof put>>
const held = (ObjectLockMode: 'GOVERNANCE' | 'COMPLIANCE', ObjectLockRetainUntilDate: Date) => ({
  ObjectLockMode,
  ObjectLockRetainUntilDate,
})
const remove = (target: Target, more: object = {}) => s3.send(new DeleteObjectCommand({ ...target, ...more }))
const retain = (target: Target, Retention: ObjectLockRetention, more: object = {}) =>
  s3.send(new PutObjectRetentionCommand({ ...target, Retention, ...more }))
const retentionOf = async (target: Target) => (await s3.send(new GetObjectRetentionCommand(target))).Retention
const BYPASS = { BypassGovernanceRetention: true }

t.test(
  'CreateBucket, GetObjectLockConfiguration: with object lock: it keeps versions, and says so; they cannot be suspended',
  async (t) => {
    const found = await s3.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }))
    t.same(found.ObjectLockConfiguration, { ObjectLockEnabled: 'Enabled' })
    t.equal((await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status, 'Enabled')
    const set = (Status: 'Enabled' | 'Suspended') =>
      s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }))
    await refused(t, set('Suspended'), 409, 'InvalidBucketState')
    await set('Enabled')
  },
)

t.test('PutObjectLockConfiguration: without versions 409; with them, also later; never told: 404', async (t) => {
  const Bucket = await suite.newBucket()
  const put = (ObjectLockConfiguration: ObjectLockConfiguration) =>
    s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }))
  const get = () => s3.send(new GetObjectLockConfigurationCommand({ Bucket }))
  await refused(t, get(), 404, 'ObjectLockConfigurationNotFoundError')
  await refused(t, put({ ObjectLockEnabled: 'Enabled' }), 409, 'InvalidBucketState')
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const kept: ObjectLockConfiguration[] = [
    { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } },
    { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Years: 1 } } },
    { ObjectLockEnabled: 'Enabled' },
  ]
  for (const configuration of kept) {
    await put(configuration)
    t.same((await get()).ObjectLockConfiguration, configuration)
  }
})

t.test('PutObjectLockConfiguration: against the rules: refused, and nothing changes', async (t) => {
  const Bucket = await newLockedBucket()
  const put = (DefaultRetention: object, ObjectLockEnabled = 'Enabled') =>
    s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: ObjectLockEnabled as 'Enabled', Rule: { DefaultRetention } },
      }),
    )
  const Mode = 'GOVERNANCE'
  await refused(t, put({ Mode, Days: 1, Years: 1 }), 400, 'MalformedXML', 'days and years')
  await refused(t, put({ Mode: 'governance', Days: 1 }), 400, 'MalformedXML', 'a mode in small letters')
  await refused(t, put({ Mode }), 400, 'MalformedXML', 'neither days nor years')
  await refused(t, put({ Mode, Days: 1 }, 'Disabled'), 400, 'MalformedXML', 'disabled')
  await refused(t, put({ Mode, Days: 0 }), 400, 'InvalidArgument', 'no days')
  await refused(t, put({ Mode, Years: -1 }), 400, 'InvalidArgument', 'years before')
  await refused(t, put({ Mode, Days: 36_501 }), 400, 'InvalidArgument', 'more than a century')
  const found = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }))
  t.same(found.ObjectLockConfiguration, { ObjectLockEnabled: 'Enabled' })
})

t.test(
  'PutObject: in a bucket with a default retention: held by it from its own time; own headers come first',
  async (t) => {
    const Bucket = await newLockedBucket()
    const rule = { DefaultRetention: { Mode: 'GOVERNANCE' as const, Days: 2 } }
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' as const, Rule: rule }
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }))
    const target = { Bucket, Key: 'k' }
    await s3.send(new PutObjectCommand({ ...target, Body: 'x' }))
    const head = await s3.send(new HeadObjectCommand(target))
    t.equal(head.ObjectLockMode, 'GOVERNANCE')
    const days = (head.ObjectLockRetainUntilDate!.getTime() - head.LastModified!.getTime()) / DAY_MS
    t.ok(Math.abs(days - 2) < 0.001, `${days} days`)
    await s3.send(new PutObjectCommand({ ...target, Body: 'x', ...held('GOVERNANCE', inDays(9)) }))
    t.ok((await s3.send(new HeadObjectCommand(target))).ObjectLockRetainUntilDate! > inDays(8))
    const bare = await send({ method: 'PUT', path: `/${Bucket}/k`, body: 'x' })
    refusedWire(t, bare, 400, 'InvalidRequest', 'without Content-MD5 or checksum')
  },
)

t.test('PutObject, CopyObject, CreateMultipartUpload: what the headers say is told by HEAD, and kept', async (t) => {
  const until = inDays(1)
  const lock = { ...held('GOVERNANCE', until), ObjectLockLegalHoldStatus: 'ON' as const }
  const first = await put(lock)
  const CopySource = `${bucket}/${first.Key}?versionId=${first.VersionId}`
  const copy = { Bucket: bucket, Key: `copy-${first.Key}` }
  const bareCopy = await s3.send(new CopyObjectCommand({ ...copy, CopySource }))
  const bare = await s3.send(new HeadObjectCommand({ ...copy, VersionId: bareCopy.VersionId }))
  t.equal(bare.ObjectLockMode, undefined, 'a copy has no lock of its source’s')
  const lockedCopy = await s3.send(new CopyObjectCommand({ ...copy, CopySource, ...lock }))
  const upload = { Bucket: bucket, Key: `upload-${first.Key}` }
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...upload, ...lock }))
  const { ETag } = await s3.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'x' }))
  const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] }
  const made = await s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }))
  const all = [first, { ...copy, VersionId: lockedCopy.VersionId }, { ...upload, VersionId: made.VersionId }]
  for (const target of all) {
    const head = await s3.send(new HeadObjectCommand(target))
    t.match(head, { ObjectLockMode: 'GOVERNANCE', ObjectLockLegalHoldStatus: 'ON' }, target.Key)
    t.equal(head.ObjectLockRetainUntilDate?.getTime(), until.getTime())
    await refused(t, remove(target, BYPASS), 403, 'AccessDenied', `${target.Key}: a legal hold, which nobody bypasses`)
  }
})

t.test('PutObject: lock headers that are wrong, or where there is no object lock: refused', async (t) => {
  const wrong: [object, string][] = [
    [{ ObjectLockMode: 'GOVERNANCE' }, 'InvalidArgument'],
    [{ ObjectLockRetainUntilDate: inDays(1) }, 'InvalidArgument'],
    [{ ...held('GOVERNANCE', inDays(1)), ObjectLockMode: 'governance' }, 'InvalidArgument'],
    [held('GOVERNANCE', inDays(-1)), 'InvalidArgument'],
    [{ ObjectLockLegalHoldStatus: 'MAYBE' }, 'InvalidArgument'],
  ]
  for (const [more, code] of wrong) await refused(t, put(more), 400, code, JSON.stringify(more))
  const target = { Bucket: suite.bucket, Key: 'k', Body: 'x' }
  const unlocked = new PutObjectCommand({ ...target, ...held('GOVERNANCE', inDays(1)) })
  await refused(t, s3.send(unlocked), 400, 'InvalidRequest')
})

t.test('PutObject, UploadPart: to be locked, with no Content-MD5 or checksum: 400 InvalidRequest', async (t) => {
  const until = inDays(1).toISOString()
  const lock = { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': until }
  const proof = { 'Content-MD5': md5Base64(Buffer.from('kept')) }
  const kept = { method: 'PUT', path: `/${bucket}/proof`, body: 'kept' }
  // The signature covers the body; that is not enough.
  const refusedPut = await send({ ...kept, headers: lock })
  refusedWire(t, refusedPut, 400, 'InvalidRequest')
  t.match(element(refusedPut.body, 'Message'), /^Content-MD5 OR x-amz-checksum- .* Put Object requests/)
  t.equal((await send({ ...kept, headers: { ...lock, ...proof } })).status, 200)
  t.equal((await send({ ...kept, path: `/${bucket}/no-lock` })).status, 200)

  const begun = await send({ method: 'POST', path: `/${bucket}/proof?uploads=`, headers: lock })
  const part = { ...kept, path: `/${bucket}/proof?partNumber=1&uploadId=${element(begun.body, 'UploadId')}` }
  const refusedPart = await send(part)
  refusedWire(t, refusedPart, 400, 'InvalidRequest')
  t.match(element(refusedPart.body, 'Message'), /^Content-MD5 OR x-amz-checksum- .* Put Part requests/)
  t.equal((await send({ ...part, headers: proof })).status, 200)
})

t.test('DeleteObject: a held version: AccessDenied; with leave and the header only past GOVERNANCE', async (t) => {
  const governed = await put(held('GOVERNANCE', inDays(1)))
  await refused(t, remove(governed), 403, 'AccessDenied')
  const { DeleteMarker, VersionId } = await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: governed.Key }))
  t.ok(DeleteMarker && VersionId, 'a delete marker is laid over it')
  t.equal((await s3.send(new HeadObjectCommand(governed))).ObjectLockMode, 'GOVERNANCE')
  t.equal((await remove(governed, BYPASS)).$metadata.httpStatusCode, 204)
  await refused(t, s3.send(new HeadObjectCommand(governed)), 404, 'NotFound')

  const complying = await put(held('COMPLIANCE', inMs(COMPLIANCE_MS)))
  for (const more of [{}, BYPASS]) await refused(t, remove(complying, more), 403, 'AccessDenied', 'COMPLIANCE')
  t.equal((await s3.send(new HeadObjectCommand(complying))).ObjectLockMode, 'COMPLIANCE')
})

t.test('DeleteObjects: held ones are refused, each on its own; the others go', async (t) => {
  const [governed, free] = [await put(held('GOVERNANCE', inDays(1))), await put()]
  const Objects = [governed, free].map(({ Key, VersionId }) => ({ Key, VersionId }))
  const order = { Bucket: bucket, Delete: { Objects } }
  const answer = await s3.send(new DeleteObjectsCommand(order))
  t.match(answer.Errors, [{ Key: governed.Key, VersionId: governed.VersionId, Code: 'AccessDenied' }])
  t.match(answer.Deleted, [{ Key: free.Key }])
  const bypassing = await s3.send(new DeleteObjectsCommand({ ...order, ...BYPASS }))
  t.equal(bypassing.Errors, undefined)
})

t.test('DeleteObject: x-amz-bypass-governance-retention where there is no object lock: InvalidArgument', async (t) => {
  const answer = await send({
    method: 'DELETE',
    path: `/${suite.bucket}/k`,
    headers: { 'x-amz-bypass-governance-retention': 'true' },
  })
  refusedWire(t, answer, 400, 'InvalidArgument')
})

t.test('PutObjectRetention: longer always; what weakens it only past GOVERNANCE, with leave', async (t) => {
  const governed = await put(held('GOVERNANCE', inDays(2)))
  const until = inDays(3)
  await retain(governed, { Mode: 'GOVERNANCE', RetainUntilDate: until })
  t.same(await retentionOf(governed), { Mode: 'GOVERNANCE', RetainUntilDate: until })
  const weaker: ObjectLockRetention[] = [
    { Mode: 'GOVERNANCE', RetainUntilDate: inDays(1) },
    { Mode: 'COMPLIANCE', RetainUntilDate: inDays(4) },
    {},
  ]
  for (const each of weaker) await refused(t, retain(governed, each), 403, 'AccessDenied', JSON.stringify(each))
  await retain(governed, weaker[0]!, BYPASS)
  await retain(governed, {}, BYPASS)
  await refused(t, retentionOf(governed), 404, 'NoSuchObjectLockConfiguration')

  const complying = await put(held('COMPLIANCE', inMs(COMPLIANCE_MS)))
  const sooner = { Mode: 'COMPLIANCE' as const, RetainUntilDate: inMs(1_000) }
  const governance = { Mode: 'GOVERNANCE' as const, RetainUntilDate: inDays(1) }
  for (const each of [sooner, governance]) {
    await refused(t, retain(complying, each, BYPASS), 403, 'AccessDenied', JSON.stringify(each))
  }
  await retain(complying, { Mode: 'COMPLIANCE', RetainUntilDate: inMs(COMPLIANCE_MS + 1_000) })
})

t.test('PutObjectRetention, GetObjectRetention: malformed, past, or nothing there: S3’s errors', async (t) => {
  const target = await put()
  await refused(t, retentionOf(target), 404, 'NoSuchObjectLockConfiguration')
  await refused(t, retain(target, { Mode: 'GOVERNANCE' }), 400, 'MalformedXML', 'a mode alone')
  const strange = { Mode: 'NONE' as 'GOVERNANCE', RetainUntilDate: inDays(1) }
  await refused(t, retain(target, strange), 400, 'MalformedXML', 'a mode that is none')
  await refused(t, retain(target, { Mode: 'GOVERNANCE', RetainUntilDate: inDays(-1) }), 400, 'InvalidArgument', 'past')
  const missing = { ...target, Key: 'missing', VersionId: undefined }
  await refused(t, retain(missing, { Mode: 'GOVERNANCE', RetainUntilDate: inDays(1) }), 404, 'NoSuchKey')
  const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: target.Key }))
  const onMarker = await send({ method: 'GET', path: `/${bucket}/${target.Key}?retention&versionId=${VersionId}` })
  t.same([onMarker.status, element(onMarker.body, 'Code')], [405, 'MethodNotAllowed'])
})

t.test('PutObjectLegalHold, GetObjectLegalHold: on and off; while it is on, nobody deletes', async (t) => {
  const target = await put()
  const hold = (Status: string) =>
    s3.send(new PutObjectLegalHoldCommand({ ...target, LegalHold: { Status: Status as 'ON' } }))
  const get = async () => (await s3.send(new GetObjectLegalHoldCommand(target))).LegalHold?.Status
  await refused(t, get(), 404, 'NoSuchObjectLockConfiguration')
  await hold('ON')
  t.equal(await get(), 'ON')
  await refused(t, remove(target, BYPASS), 403, 'AccessDenied')
  await refused(t, hold('on'), 400, 'MalformedXML')
  await hold('OFF')
  t.equal(await get(), 'OFF')
  await remove(target)
})

t.test(
  'Put-, GetObjectRetention, Put-, GetObjectLegalHold: in a bucket without object lock: InvalidRequest',
  async (t) => {
    const target = { Bucket: suite.bucket, Key: 'plain', VersionId: undefined }
    await s3.send(new PutObjectCommand({ ...target, Body: 'x' }))
    await refused(t, retentionOf(target), 400, 'InvalidRequest')
    await refused(t, retain(target, { Mode: 'GOVERNANCE', RetainUntilDate: inDays(1) }), 400, 'InvalidRequest')
    await refused(t, s3.send(new GetObjectLegalHoldCommand(target)), 400, 'InvalidRequest')
    const hold = new PutObjectLegalHoldCommand({ ...target, LegalHold: { Status: 'ON' } })
    await refused(t, s3.send(hold), 400, 'InvalidRequest')
  },
)

t.test('DeleteBucket: with a held version in it: 409 BucketNotEmpty', async (t) => {
  await put(held('GOVERNANCE', inDays(1)))
  await refused(t, s3.send(new DeleteBucketCommand({ Bucket: bucket })), 409, 'BucketNotEmpty')
})
