import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type LifecycleRule,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { openSuite } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const DAY_MS = 86_400_000
/** Upkeep looks every ten seconds. */
const EXPIRY_MS_MAX = 60_000

const setRules = (Bucket: string, ...Rules: Partial<LifecycleRule>[]) =>
  s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: { Rules: Rules.map((rule) => ({ ID: 'rule', Status: 'Enabled', ...rule })) },
    }),
  )
/** The midnight, UTC, that S3 rounds up to. */
const midnightIn = (days: number, now = Date.now()) => new Date(Math.ceil(now / DAY_MS + days) * DAY_MS).toUTCString()
const expiration = (days: number, id: string) => `expiry-date="${midnightIn(days)}", rule-id="${id}"`

await setRules(
  bucket,
  { ID: 'by prefix', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 3 } },
  { ID: 'by-tag', Filter: { Tag: { Key: 'class', Value: 'short' } }, Expiration: { Days: 1 } },
  { ID: 'large', Filter: { ObjectSizeGreaterThan: 10 }, Expiration: { Days: 2 } },
  { ID: 'uploads', Filter: { Prefix: 'tmp/' }, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
)

t.test('PutObject, GetObject, HeadObject: a rule applies: x-amz-expiration says when, and by which', async (t) => {
  const put = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'tmp/a', Body: 'x' }))
  t.equal(put.Expiration, expiration(3, 'by prefix'))
  const target = { Bucket: bucket, Key: 'tmp/a' }
  t.equal((await s3.send(new HeadObjectCommand(target))).Expiration, expiration(3, 'by prefix'))
  t.equal((await s3.send(new GetObjectCommand(target))).Expiration, expiration(3, 'by prefix'))
})

t.test('PutObject, HeadObject: no rule applies: nothing is said', async (t) => {
  const put = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'other', Body: 'x' }))
  t.equal(put.Expiration, undefined)
  t.equal((await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'other' }))).Expiration, undefined)
})

t.test('HeadObject: several rules apply, by size and by tag: the soonest counts', async (t) => {
  const target = { Bucket: bucket, Key: 'tmp/large' }
  const put = await s3.send(new PutObjectCommand({ ...target, Body: 'more than ten' }))
  t.equal(put.Expiration, expiration(2, 'large'))
  await s3.send(new PutObjectTaggingCommand({ ...target, Tagging: { TagSet: [{ Key: 'class', Value: 'short' }] } }))
  t.equal((await s3.send(new HeadObjectCommand(target))).Expiration, expiration(1, 'by-tag'))
  const copy = await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource: `${bucket}/tmp/large` }))
  t.equal(copy.Expiration, expiration(1, 'by-tag'), 'of a copy, whose tags came along')
})

t.test(
  'CreateMultipartUpload, ListParts, CompleteMultipartUpload: when an upload ends, and what it makes',
  async (t) => {
    const target = { Bucket: bucket, Key: 'tmp/upload' }
    const { UploadId, AbortDate, AbortRuleId } = await s3.send(new CreateMultipartUploadCommand(target))
    t.same([AbortDate?.toUTCString(), AbortRuleId], [midnightIn(7), 'uploads'])
    const { ETag } = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'x' }))
    const listed = await s3.send(new ListPartsCommand({ ...target, UploadId }))
    t.same([listed.AbortDate?.toUTCString(), listed.AbortRuleId], [midnightIn(7), 'uploads'])
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] }
    const done = await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }))
    t.equal(done.Expiration, expiration(3, 'by prefix'))
  },
)

t.test('PutBucketLifecycleConfiguration: rules that have changed count at once', async (t) => {
  const Bucket = await suite.newBucket()
  const target = { Bucket, Key: 'k' }
  await s3.send(new PutObjectCommand({ ...target, Body: 'x' }))
  for (const Days of [5, 9]) {
    await setRules(Bucket, { Filter: { Prefix: '' }, Expiration: { Days } })
    t.equal((await s3.send(new HeadObjectCommand(target))).Expiration, expiration(Days, 'rule'))
  }
})

t.test(
  'PutBucketLifecycleConfiguration: by a date that is past: what it applies to goes, the rest stays',
  async (t) => {
    const Bucket = await suite.newBucket()
    for (const Key of ['old/a', 'old/b', 'kept']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    await setRules(Bucket, { Filter: { Prefix: 'old/' }, Expiration: { Date: new Date('2020-01-01T00:00:00Z') } })
    const status = async (key: string) => (await send({ method: 'HEAD', path: `/${Bucket}/${key}` })).status
    const deadline = Date.now() + EXPIRY_MS_MAX
    while ((await status('old/a')) !== 404 || (await status('old/b')) !== 404) {
      if (Date.now() > deadline) throw new Error('it was not done in time')
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    t.equal(await status('kept'), 200)
  },
)
