import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { openSuite, refusedWire } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

const { s3, bucket, send, target } = await openSuite(t)
await s3.send(
  new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'body', ContentType: 'text/plain', CacheControl: 'private' }),
)

t.test('GetObject: every response-* parameter: overrides that header, once', async (t) => {
  const got = await s3.send(
    new GetObjectCommand({
      Bucket: bucket,
      Key: 'k',
      ResponseCacheControl: 'max-age=1',
      ResponseContentDisposition: 'attachment; filename="ü.txt"; filename*=UTF-8\'\'%C3%BC.txt',
      ResponseContentEncoding: 'identity',
      ResponseContentLanguage: 'fr',
      ResponseContentType: 'application/x-other; a="b"',
      ResponseExpires: new Date('2031-01-02T03:04:05Z'),
    }),
  )
  t.equal(await got.Body!.transformToString(), 'body')
  t.match(got, {
    CacheControl: 'max-age=1',
    ContentEncoding: 'identity',
    ContentLanguage: 'fr',
    ContentType: 'application/x-other; a="b"',
    ExpiresString: 'Thu, 02 Jan 2031 03:04:05 GMT',
  })
  t.match(got.ContentDisposition, /^attachment; filename=/)
  const again = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'k' }))
  t.match(again, { ContentType: 'text/plain', CacheControl: 'private' }, 'the object itself is unchanged')
})

t.test('HeadObject: response-content-type: overridden too', async (t) => {
  const head = await send({ method: 'HEAD', path: `/${bucket}/k?response-content-type=image%2Fpng` })
  t.equal(head.headers['content-type'], 'image/png')
})

t.test(
  'GetObject: an override with a line break: refused or without it, never a header of the caller’s own',
  async (t) => {
    const path = `/${bucket}/k?response-content-type=text%2Fplain%0D%0AX-Injected%3A%20yes`
    const answer = await send({ method: 'GET', path })
    t.equal(answer.headers['x-injected'], undefined)
    t.ok(answer.status === 200 || answer.status === 400, `${answer.status}`)
  },
)

t.test('GetObject: overrides by an anonymous caller: refused', async (t) => {
  const answer = await exchange(target.endpoint, {
    method: 'GET',
    path: `/${bucket}/k?response-content-type=text%2Fhtml`,
    headers: [['Host', target.endpoint.host]],
  })
  refusedWire(t, answer, answer.status === 400 ? 400 : 403, answer.status === 400 ? 'InvalidRequest' : 'AccessDenied')
})
