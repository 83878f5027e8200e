import { PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { openSuite, refusedWire } from '../support/suite.ts'

const { s3, bucket, send } = await openSuite(t)
const put = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'body', CacheControl: 'max-age=9' }))
const etag = put.ETag!
const bare = etag.replaceAll('"', '')
const path = `/${bucket}/k`
const earlier = new Date(Date.now() - 3_600_000).toUTCString()
const later = new Date(Date.now() + 3_600_000).toUTCString()

type Case = [what: string, headers: Record<string, string>, status: 200 | 304 | 412]
const cases: Case[] = [
  ['If-Match: the ETag quoted', { 'If-Match': etag }, 200],
  ['If-Match: the ETag bare (quirk 9)', { 'If-Match': bare }, 200],
  ['If-Match: *', { 'If-Match': '*' }, 200],
  ['If-Match: another', { 'If-Match': '"0123456789abcdef0123456789abcdef"' }, 412],
  ['If-None-Match: the ETag quoted', { 'If-None-Match': etag }, 304],
  ['If-None-Match: the ETag bare (quirk 9)', { 'If-None-Match': bare }, 304],
  ['If-None-Match: *', { 'If-None-Match': '*' }, 304],
  ['If-None-Match: another', { 'If-None-Match': '"other"' }, 200],
  ['If-Modified-Since: earlier', { 'If-Modified-Since': earlier }, 200],
  ['If-Unmodified-Since: earlier', { 'If-Unmodified-Since': earlier }, 412],
  ['If-Unmodified-Since: later', { 'If-Unmodified-Since': later }, 200],
  [
    'If-Match true, If-Unmodified-Since false: the ETag wins',
    { 'If-Match': etag, 'If-Unmodified-Since': earlier },
    200,
  ],
  [
    'If-None-Match false, If-Modified-Since true: the ETag wins',
    { 'If-None-Match': etag, 'If-Modified-Since': earlier },
    304,
  ],
  ['If-Modified-Since: no date', { 'If-Modified-Since': 'yesterday' }, 200],
]

for (const [what, headers, status] of cases) {
  t.test(`GetObject, HeadObject: ${what}: ${status}`, async (t) => {
    const got = await send({ method: 'GET', path, headers })
    const head = await send({ method: 'HEAD', path, headers })
    t.same([got.status, head.status], [status, status])
    if (status === 200) t.equal(String(got.body), 'body')
    if (status === 412) refusedWire(t, got, 412, 'PreconditionFailed')
    if (status === 304) {
      t.equal(got.headers.etag, etag, '304 carries the ETag (quirk 14)')
      t.equal(head.headers.etag, etag)
      t.equal(got.body.length, 0)
    }
  })
}

t.test('GetObject: If-Modified-Since: the object’s own Last-Modified: 304', async (t) => {
  const modified = (await send({ method: 'HEAD', path })).headers['last-modified']!
  // A date ahead of the server's clock is ignored by S3: let the second pass.
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  const got = await send({ method: 'GET', path, headers: { 'If-Modified-Since': modified } })
  t.equal(got.status, 304)
  const unmodified = await send({ method: 'GET', path, headers: { 'If-Unmodified-Since': modified } })
  t.equal(unmodified.status, 200)
})

t.test('GetObject: a condition on a key that is not there: 404, not 412', async (t) => {
  const answer = await send({ method: 'GET', path: `/${bucket}/none`, headers: { 'If-Match': etag } })
  refusedWire(t, answer, 404, 'NoSuchKey')
})
