import t from 'tap'
import { element, elements, openSuite, refusedWire } from '../support/suite.ts'

/** Virtual-host style: the bucket stands in Host, the path is the key. */
const suite = await openSuite(t)
const { bucket, send, target } = suite
const { domain } = target
const port = target.endpoint.port ? `:${target.endpoint.port}` : ''
const hostOf = (name: string) => `${name}.${domain}${port}`
const skip = domain ? false : 'CONFORMANCE_DOMAIN is not set'

t.test(
  'PutObject, GetObject, HeadObject, ListObjectsV2, DeleteObject: the bucket in Host: the same objects as by path',
  { skip },
  async (t) => {
    const host = hostOf(bucket)
    t.equal((await send({ method: 'PUT', path: '/dir/key%20%2B', host, body: 'by host' })).status, 200)
    t.equal(String((await send({ method: 'GET', path: `/${bucket}/dir/key%20%2B` })).body), 'by host')
    t.equal((await send({ method: 'HEAD', path: '/dir/key%20%2B', host })).headers['content-length'], '7')
    const listed = await send({ method: 'GET', path: '/?list-type=2', host })
    t.same([element(listed.body, 'Name'), elements(listed.body, 'Key')], [bucket, ['dir/key +']])
    t.equal((await send({ method: 'DELETE', path: '/dir/key%20%2B', host })).status, 204)
    t.equal((await send({ method: 'HEAD', path: `/${bucket}/dir/key%20%2B` })).status, 404)
  },
)

t.test(
  'PutObject: a key that begins with a slash or with the bucket’s name, the bucket in Host: that key',
  { skip },
  async (t) => {
    const host = hostOf(bucket)
    for (const [path, byPath] of [
      ['//leads', `/${bucket}//leads`],
      [`/${bucket}/inner`, `/${bucket}/${bucket}/inner`],
    ] as const) {
      t.equal((await send({ method: 'PUT', path, host, body: path })).status, 200)
      t.equal(String((await send({ method: 'GET', path: byPath })).body), path)
    }
  },
)

t.test('CreateBucket, HeadBucket, DeleteBucket: the bucket in Host: made, found, removed', { skip }, async (t) => {
  const name = suite.newBucketName()
  for (const [method, status] of [
    ['PUT', 200],
    ['HEAD', 200],
    ['DELETE', 204],
    ['HEAD', 404],
  ] as const)
    t.equal((await send({ method, path: '/', host: hostOf(name) })).status, status, method)
})

t.test('multipart and ?location: the bucket in Host: work', { skip }, async (t) => {
  const host = hostOf(bucket)
  const made = await send({ method: 'POST', path: '/upload?uploads', host })
  t.equal(element(made.body, 'Bucket'), bucket)
  const path = `/upload?uploadId=${element(made.body, 'UploadId')}`
  t.equal((await send({ method: 'DELETE', path, host })).status, 204)
  t.match(String((await send({ method: 'GET', path: '/?location', host })).body), /<LocationConstraint/)
})

t.test(
  'GetObject: a bucket in Host that is not there: NoSuchBucket; the domain alone: path style',
  { skip },
  async (t) => {
    const missing = await send({ method: 'GET', path: '/key', host: hostOf(suite.newBucketName()) })
    refusedWire(t, missing, 404, 'NoSuchBucket')
    const listing = await send({ method: 'GET', path: '/', host: `${domain}${port}` })
    t.match(String(listing.body), /<ListAllMyBucketsResult/)
    t.equal((await send({ method: 'HEAD', path: `/${bucket}`, host: `${domain}${port}` })).status, 200)
  },
)

t.test('GetObject: Host in upper case: the same bucket', { skip }, async (t) => {
  await send({ method: 'PUT', path: `/${bucket}/upper`, body: 'x' })
  t.equal((await send({ method: 'GET', path: '/upper', host: hostOf(bucket).toUpperCase() })).status, 200)
})

t.test('ListBuckets: a Host that is neither the domain nor below it: path style', async (t) => {
  const answer = await send({ method: 'GET', path: '/', host: 'some.proxy.example' })
  t.match(String(answer.body), /<ListAllMyBucketsResult/)
})
