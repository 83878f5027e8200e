import {
  CreateBucketCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { openSuite, refused } from '../support/suite.ts'

/** Conditions of policies on what a request's document says, as elsewhere its headers do. */
const suite = await openSuite(t)
const { s3, bucket } = suite
const stranger = suite.otherClient()
const { Owner } = await stranger.send(new ListBucketsCommand({}))
const statement = (Bucket: string, Effect: string, Action: string, Condition?: object) => ({
  Effect,
  Principal: { AWS: `arn:aws:iam::${Owner?.ID}:root` },
  Action,
  Resource: `arn:aws:s3:::${Bucket}/*`,
  ...(Condition && { Condition }),
})
const setPolicy = (Bucket: string, ...Statement: object[]) =>
  s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))

const Key = 'key'
await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }))
const tag = (tags: Record<string, string>, of = Key) => {
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  return stranger.send(new PutObjectTaggingCommand({ Bucket: bucket, Key: of, Tagging: { TagSet } }))
}

t.test(
  'PutObjectTagging: allowed by s3:RequestObjectTag/<key>: with that tag in the document, and else not',
  async (t) => {
    const Condition = { StringEquals: { 's3:RequestObjectTag/team': ['red', 'blue'] } }
    await setPolicy(bucket, statement(bucket, 'Allow', 's3:PutObjectTagging', Condition))
    await tag({ team: 'red', other: 'x' })
    await tag({ team: 'blue' })
    await refused(t, tag({ team: 'green' }), 403, 'AccessDenied')
    await refused(t, tag({ Team: 'red' }), 403, 'AccessDenied', 'the case of a key counts')
    await refused(t, tag({}), 403, 'AccessDenied', 'no tags')
    await refused(t, tag({ team: 'red' }, 'missing'), 403, 'AccessDenied', 'what is not there is not told')
    const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key }))
    t.same(TagSet, [{ Key: 'team', Value: 'blue' }])
  },
)

t.test(
  'PutObjectTagging: denied by s3:RequestObjectTag/<key>, by s3:RequestObjectTagKeys: judged by the document',
  async (t) => {
    await setPolicy(
      bucket,
      statement(bucket, 'Allow', 's3:PutObjectTagging'),
      statement(bucket, 'Deny', 's3:PutObjectTagging', { StringEquals: { 's3:RequestObjectTag/secret': 'yes' } }),
      statement(bucket, 'Deny', 's3:PutObjectTagging', {
        'ForAnyValue:StringLike': { 's3:RequestObjectTagKeys': ['aws-*'] },
      }),
    )
    await tag({ secret: 'no' })
    await refused(t, tag({ secret: 'yes' }), 403, 'AccessDenied')
    await refused(t, tag({ a: 'b', 'aws-x': 'c' }), 403, 'AccessDenied')
    const keys = { 'ForAllValues:StringEquals': { 's3:RequestObjectTagKeys': ['a', 'b'] } }
    await setPolicy(bucket, statement(bucket, 'Allow', 's3:PutObjectTagging', keys))
    await tag({ a: '1', b: '2' })
    await refused(t, tag({ a: '1', c: '2' }), 403, 'AccessDenied')
  },
)

t.test('PutObjectRetention, PutObjectLegalHold: lock conditions are judged by the documents', async (t) => {
  const Bucket = suite.newBucketName()
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ChecksumAlgorithm: 'CRC32' }))
  const actions = ['s3:PutObjectRetention', 's3:PutObjectLegalHold', 's3:BypassGovernanceRetention']
  const allowed = actions.map((action) => statement(Bucket, 'Allow', action))
  const inDays = (days: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + days * 86_400_000)
  const retain = (Mode: 'GOVERNANCE' | 'COMPLIANCE' | undefined, days: number, by = stranger) => {
    const Retention = Mode ? { Mode, RetainUntilDate: inDays(days) } : {}
    const input = { Bucket, Key, Retention, BypassGovernanceRetention: true }
    return by.send(new PutObjectRetentionCommand(input))
  }
  const hold = (Status: 'ON' | 'OFF') =>
    stranger.send(new PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status } }))

  await setPolicy(
    Bucket,
    ...allowed,
    statement(Bucket, 'Deny', 's3:PutObjectRetention', {
      NumericGreaterThan: { 's3:object-lock-remaining-retention-days': '10' },
    }),
    statement(Bucket, 'Deny', 's3:PutObjectRetention', { StringEquals: { 's3:object-lock-mode': 'COMPLIANCE' } }),
    statement(Bucket, 'Deny', 's3:PutObjectLegalHold', { StringEquals: { 's3:object-lock-legal-hold': 'ON' } }),
  )
  await retain('GOVERNANCE', 9)
  await refused(t, retain('GOVERNANCE', 11), 403, 'AccessDenied', 'too long')
  await refused(t, retain('COMPLIANCE', 1), 403, 'AccessDenied', 'another mode')
  await hold('OFF')
  await refused(t, hold('ON'), 403, 'AccessDenied')

  const until = { DateLessThan: { 's3:object-lock-retain-until-date': inDays(5).toISOString() } }
  await setPolicy(
    Bucket,
    ...allowed.slice(1),
    statement(Bucket, 'Allow', 's3:PutObjectRetention', {
      ...until,
      StringEquals: { 's3:object-lock-mode': 'GOVERNANCE' },
    }),
  )
  await retain('GOVERNANCE', 4)
  await refused(t, retain('GOVERNANCE', 6), 403, 'AccessDenied')
  await refused(t, retain(undefined, 0), 403, 'AccessDenied', 'its end has neither date nor mode')
  await retain(undefined, 0, s3)
  t.equal((await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions?.length, 1)
})
