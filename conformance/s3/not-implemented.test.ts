import t, { type Test } from 'tap'
import { element, openSuite, refusedWire } from '../support/suite.ts'
import type { WireResponse } from '../support/wire.ts'

/** Quirk 24: what is not done is refused with 501, never ignored. What is done one day answers for itself, so 501 or its own answer. */
const suite = await openSuite(t)
const { bucket, send } = suite
const path = `/${bucket}/object`
const body = 'unchanged'
await send({ method: 'PUT', path, body })

const onBucket = [
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'intelligent-tiering',
  'inventory',
  'lifecycle',
  'logging',
  'metrics',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'tagging',
  'versioning',
  'website',
  'versions',
  'metadataTable',
  'session',
  'abac',
]
const onObject = [
  'acl',
  'attributes',
  'legal-hold',
  'retention',
  'tagging',
  'torrent',
  'restore',
  'select&select-type=2',
  'renameObject',
  'encryption',
  'annotation',
]

/** 501, or an answer about the sub-resource: not the listing, the object or an empty 200 that the plain request would get. */
function notIgnored(t: Test, answer: WireResponse, what: string): void {
  if (answer.status === 501) {
    refusedWire(t, answer, 501, 'NotImplemented', what)
    return
  }
  t.notMatch(String(answer.body), /<ListBucketResult|unchanged/, `${what}: ${answer.status}, an answer of its own`)
  t.not(element(answer.body, 'Code'), 'NoSuchKey', what)
}

for (const name of onBucket)
  t.test(
    `GET, PUT, DELETE bucket?${name}: 501 or done: never the bucket’s own listing, creation or removal`,
    async (t) => {
      for (const query of [name, `${name}=`])
        notIgnored(t, await send({ method: 'GET', path: `/${bucket}?${query}` }), `GET ?${query}`)
      for (const method of ['PUT', 'DELETE']) {
        const answer = await send({ method, path: `/${bucket}?${name}`, body: method === 'PUT' ? '<Nothing/>' : '' })
        t.ok(answer.status >= 400 || answer.status === 204, `${method} ?${name}: ${answer.status}`)
        if (answer.status === 204) t.not(method, 'PUT')
      }
      t.equal((await send({ method: 'HEAD', path: `/${bucket}` })).status, 200, 'the bucket is there')
      t.equal(String((await send({ method: 'GET', path })).body), body, 'with its object')
    },
  )

for (const name of onObject)
  t.test(
    `GET, PUT, POST, DELETE object?${name}: 501 or done: never the object’s own bytes, overwriting or removal`,
    async (t) => {
      notIgnored(t, await send({ method: 'GET', path: `${path}?${name}` }), `GET ?${name}`)
      for (const method of ['PUT', 'POST', 'DELETE']) {
        const answer = await send({ method, path: `${path}?${name}`, body: method === 'DELETE' ? '' : '<Nothing/>' })
        t.ok(answer.status >= 400 || answer.status === 204, `${method} ?${name}: ${answer.status}`)
      }
      t.equal(String((await send({ method: 'GET', path })).body), body, 'the object is unchanged')
    },
  )

const promises: Record<string, Record<string, string>> = {
  'object lock': {
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-object-lock-retain-until-date': '2099-01-01T00:00:00Z',
  },
  'a legal hold': { 'x-amz-object-lock-legal-hold': 'ON' },
  'a public ACL': { 'x-amz-acl': 'public-read' },
  'a grant': { 'x-amz-grant-read': 'uri="http://acs.amazonaws.com/groups/global/AllUsers"' },
  'a checksum of another kind': { 'x-amz-checksum-xxhash64': 'AAAAAAAAAAA=' },
  'an append': { 'x-amz-write-offset-bytes': '9' },
}
for (const [what, headers] of Object.entries(promises))
  t.test(
    `PutObject, CreateMultipartUpload, CopyObject: ${what} asked for: refused, nothing stored; or done and said so`,
    async (t) => {
      const target = `/${bucket}/promised`
      const calls = {
        PutObject: await send({ method: 'PUT', path: target, body: 'x', headers }),
        CreateMultipartUpload: await send({ method: 'POST', path: `${target}?uploads`, headers }),
        CopyObject: await send({ method: 'PUT', path: target, headers: { ...headers, 'x-amz-copy-source': path } }),
      }
      for (const [name, answer] of Object.entries(calls)) {
        if (answer.status >= 400) {
          const code =
            /^(NotImplemented|InvalidRequest|AccessControlListNotSupported|InvalidArgument|AccessDenied|InvalidBucketState)$/
          t.match(element(answer.body, 'Code'), code, `${name}: ${answer.status}`)
        } else
          t.ok(
            Object.keys(headers).some((header) => header in answer.headers) ||
              /tagging|acl|grant/.test(Object.keys(headers)[0]!),
            `${name}: done, and said so`,
          )
      }
      if (Object.values(calls).every(({ status }) => status >= 400))
        t.equal((await send({ method: 'HEAD', path: target })).status, 404)
      await send({ method: 'DELETE', path: target })
    },
  )

t.test('CreateBucket: with object lock or a public ACL asked for: refused or done, never ignored', async (t) => {
  for (const headers of [
    { 'x-amz-bucket-object-lock-enabled': 'true' },
    { 'x-amz-acl': 'public-read-write' },
  ] as Record<string, string>[]) {
    const name = suite.newBucketName()
    const answer = await send({ method: 'PUT', path: `/${name}`, headers })
    if (answer.status !== 200) t.ok([400, 403, 501].includes(answer.status), `${answer.status}`)
    if ('x-amz-bucket-object-lock-enabled' in headers && answer.status === 200)
      t.equal((await send({ method: 'GET', path: `/${name}?object-lock` })).status, 200)
  }
})

t.test('PutObject, CreateBucket: x-amz-acl: private: always accepted', async (t) => {
  t.equal(
    (await send({ method: 'PUT', path: `/${bucket}/private`, body: 'x', headers: { 'x-amz-acl': 'private' } })).status,
    200,
  )
})

t.test(
  'GetObject, DeleteObject: a version id in a bucket without versions: `null` is the object, another is refused',
  async (t) => {
    t.equal(String((await send({ method: 'GET', path: `${path}?versionId=null` })).body), body)
    const wrong = await send({ method: 'GET', path: `${path}?versionId=never-given` })
    t.match([wrong.status, element(wrong.body, 'Code')], [/^40[04]$/, /^(InvalidArgument|NoSuchVersion)$/])
    const gone = await send({ method: 'DELETE', path: `${path}?versionId=never-given` })
    t.ok([204, 400, 404].includes(gone.status), `${gone.status}`)
    t.equal(String((await send({ method: 'GET', path })).body), body, 'still there')
  },
)

t.test('POST bucket with a form, as browsers upload: 501 or judged by its policy, nothing stored', async (t) => {
  const form =
    '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nposted\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n'
  const headers = { 'Content-Type': 'multipart/form-data; boundary=b' }
  const answer = await send({ method: 'POST', path: `/${bucket}`, body: form, headers })
  t.ok([400, 403, 405, 501].includes(answer.status), `${answer.status}`)
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/posted` })).status, 404)
})
