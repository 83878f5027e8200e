import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { md5Base64 } from '../support/bytes.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite

const put = (...rules: LifecycleRule[]) =>
  s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration: { Rules: rules } }))
const get = () => s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }))
const sendRules = (rules: string) => {
  const body = `<LifecycleConfiguration>${rules}</LifecycleConfiguration>`
  return send({
    method: 'PUT',
    path: `/${bucket}?lifecycle`,
    body,
    headers: { 'Content-MD5': md5Base64(Buffer.from(body)) },
  })
}
const rule = (rest: Partial<LifecycleRule>): LifecycleRule => ({
  ID: 'rule',
  Status: 'Enabled',
  Filter: { Prefix: '' },
  ...rest,
})
const days = (Days: number) => rule({ Expiration: { Days } })

t.test('GetBucketLifecycleConfiguration: never put: 404 NoSuchLifecycleConfiguration', async (t) => {
  await refused(t, get(), 404, 'NoSuchLifecycleConfiguration')
})

t.test('PutBucketLifecycleConfiguration: every action and filter: given back as it was put', async (t) => {
  const rules: LifecycleRule[] = [
    { ...days(3650), ID: 'all' },
    rule({ ID: 'date', Expiration: { Date: new Date('2030-01-01T00:00:00Z') }, Filter: { Prefix: 'logs/' } }),
    rule({ ID: 'tag', Expiration: { Days: 1 }, Filter: { Tag: { Key: 'class', Value: 'tmp' } } }),
    rule({ ID: 'size', Expiration: { Days: 1 }, Filter: { ObjectSizeGreaterThan: 1024 } }),
    rule({
      ID: 'and',
      Status: 'Disabled',
      Expiration: { Days: 7 },
      Filter: {
        And: {
          Prefix: 'a/',
          Tags: [
            { Key: 'z', Value: '1' },
            { Key: 'a', Value: '' },
          ],
          ObjectSizeGreaterThan: 0,
          ObjectSizeLessThan: 9,
        },
      },
    }),
    rule({
      ID: 'versions',
      Expiration: { ExpiredObjectDeleteMarker: true },
      NoncurrentVersionExpiration: { NoncurrentDays: 30, NewerNoncurrentVersions: 3 },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
    }),
  ]
  const answer = await put(...rules)
  t.equal(answer.TransitionDefaultMinimumObjectSize, 'all_storage_classes_128K')
  const found = await get()
  t.same(found.Rules, rules)
  t.equal(found.TransitionDefaultMinimumObjectSize, 'all_storage_classes_128K')
})

t.test('PutBucketLifecycleConfiguration: again: replaces all; without an id: one is made', async (t) => {
  await put({ Status: 'Enabled', Filter: { Prefix: 'x' }, Expiration: { Days: 1 } })
  const { Rules } = await get()
  t.equal(Rules?.length, 1)
  t.match(Rules?.[0]?.ID, /^.{1,255}$/)
})

t.test('PutBucketLifecycleConfiguration: the first form, with a Prefix of the rule’s own: given back so', async (t) => {
  const written =
    '<Rule><ID>old</ID><Prefix>docs/</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>'
  t.equal((await sendRules(written)).status, 200)
  const found = await send({ method: 'GET', path: `/${bucket}?lifecycle` })
  t.ok(String(found.body).includes(written), String(found.body))
})

t.test('DeleteBucketLifecycle: 204, gone; and again 204', async (t) => {
  await put(days(1))
  const remove = () => s3.send(new DeleteBucketLifecycleCommand({ Bucket: bucket }))
  t.equal((await remove()).$metadata.httpStatusCode, 204)
  await refused(t, get(), 404, 'NoSuchLifecycleConfiguration')
  t.equal((await remove()).$metadata.httpStatusCode, 204)
})

t.test('PutBucketLifecycleConfiguration: against the rules: refused by S3’s codes, and nothing changes', async (t) => {
  await put(days(5))
  await refused(t, put(days(0)), 400, 'InvalidArgument', 'no days')
  await refused(t, put(days(1), days(2)), 400, 'InvalidArgument', 'an id twice')
  await refused(t, put({ ...days(1), ID: 'i'.repeat(256) }), 400, 'InvalidArgument', 'an id of 256')
  await refused(
    t,
    put({ ...days(1), Status: 'enabled' as 'Enabled' }),
    400,
    'MalformedXML',
    'a status in small letters',
  )
  await refused(t, put(rule({})), 400, 'InvalidRequest', 'no action')
  const noon = rule({ Expiration: { Date: new Date('2030-01-01T12:00:00Z') } })
  await refused(t, put(noon), 400, 'InvalidArgument', 'a date that is no midnight')
  const tagged = { Filter: { Tag: { Key: 'k', Value: 'v' } } }
  const abort = rule({ ...tagged, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } })
  await refused(t, put(abort), 400, 'InvalidRequest', 'uploads by tag')
  const marker = rule({ ...tagged, Expiration: { ExpiredObjectDeleteMarker: true } })
  await refused(t, put(marker), 400, 'InvalidRequest', 'delete markers by tag')
  refusedWire(t, await sendRules(''), 400, 'InvalidRequest', 'no rules')
  refusedWire(t, await sendRules('<Rule>'), 400, 'MalformedXML', 'no XML')
  const { Rules } = await get()
  t.equal(Rules?.[0]?.Expiration?.Days, 5)
})

t.test('PutBucketLifecycleConfiguration: a transition to a class that is not here: NotImplemented', async (t) => {
  const moving = rule({ Transitions: [{ Days: 30, StorageClass: 'GLACIER' }] })
  await refused(t, put(moving), 501, 'NotImplemented')
  const later = rule({ NoncurrentVersionTransitions: [{ NoncurrentDays: 30, StorageClass: 'STANDARD_IA' }] })
  await refused(t, put(later), 501, 'NotImplemented')
})

t.test(
  'PutBucketLifecycleConfiguration: neither Content-MD5 nor checksum: InvalidRequest; a wrong one: BadDigest',
  async (t) => {
    const body =
      '<LifecycleConfiguration><Rule><Filter/><Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>'
    const path = `/${bucket}?lifecycle`
    refusedWire(t, await send({ method: 'PUT', path, body }), 400, 'InvalidRequest')
    const headers = { 'Content-MD5': md5Base64(Buffer.from('another')) }
    refusedWire(t, await send({ method: 'PUT', path, body, headers }), 400, 'BadDigest')
  },
)

t.test('Put-, Get-, DeleteBucketLifecycle: no such bucket: 404; of another account: 403', async (t) => {
  const path = `/${suite.newBucketName()}?lifecycle`
  for (const method of ['GET', 'DELETE']) refusedWire(t, await send({ method, path }), 404, 'NoSuchBucket', method)
  const stranger = suite.otherClient()
  await refused(t, stranger.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket })), 403, 'AccessDenied')
  await refused(t, stranger.send(new DeleteBucketLifecycleCommand({ Bucket: bucket })), 403, 'AccessDenied')
  t.equal(element((await send({ method: 'GET', path: `/${bucket}?lifecycle` })).body, 'Days'), '5', 'still there')
})
