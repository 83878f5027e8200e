import t from 'tap'
import type { SignedRequest } from '../../../src/s3api/auth/request.ts'
import { ask, depsAt, EXAMPLE_TIME, request, sha1Signature, withHeaders } from './fixtures.ts'

const deps = depsAt(EXAMPLE_TIME, { domains: ['localhost'] })
const end = '&Expires=1369357200'
const at = (target: string, method = 'GET', host = 'localhost:8080'): SignedRequest =>
  request(method, target, { Host: host })

/** URLs that botocore 1.43 presigned (signature_version s3), for the example key and 2013-05-24T01:00:00Z. */
const byBotocore: Record<string, SignedRequest> = {
  'get_object, a key with everything in it': at(
    `/examplebucket/a%20b%2Bc%2Ad~e/%C3%BC/../x//y/?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=AbYYzPf0x5lIt3ohHL8aK25J7is%3D${end}`,
  ),
  'get_object, version and overrides': at(
    `/examplebucket/k?versionId=v1&response-content-disposition=attachment%3B%20filename%3D%22a%26b%3D%C3%BC.txt%22&response-content-type=text%2Fplain&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=4KggCZ6C9A4lNlU%2BGzJyleHJo4c%3D${end}`,
  ),
  'put_object, headers in the query': at(
    `/examplebucket/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=P1AX7hprSPlLRXmQ4ZvSvkviKXk%3D&content-type=text%2Fplain&x-amz-acl=private&x-amz-meta-a=b%20%20c${end}`,
    'PUT',
  ),
  list_objects_v2: at(
    `/examplebucket?list-type=2&prefix=a%20b&encoding-type=url&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=INGhiFr9NOGYSEx72ZsIaYThC4I%3D${end}`,
  ),
  head_object: at(
    `/examplebucket/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=74JAvrJRJh4M3cE2etbOxuf%2Fcqk%3D${end}`,
    'HEAD',
  ),
  upload_part: at(
    `/examplebucket/k?uploadId=u%2F1%2B%3D&partNumber=3&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=uFiEOHYjvBYS5%2F55TdW2A08l8Bg%3D${end}`,
    'PUT',
  ),
  create_multipart_upload: at(
    `/examplebucket/k?uploads&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=2f%2BkaTseBbKx4Evs739byu79xlY%3D${end}`,
    'POST',
  ),
  delete_objects: at(
    `/examplebucket?delete&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=XSoGmyX6SISFcbe3SMBhlzGmfIg%3D${end}`,
    'POST',
  ),
  'get_object, virtual-host style': at(
    `/a%20b?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=mnFp2eGK61WdK%2BllJ4Bh1FvZkbY%3D${end}`,
    'GET',
    'examplebucket.localhost:8080',
  ),
}

for (const [name, sent] of Object.entries(byBotocore)) {
  t.test(`SigV2 query: ${name} is accepted, and nothing else under its signature`, async (t) => {
    t.match(await ask(sent, deps), { kind: 'account', via: 'query-v2', payload: { kind: 'unsigned' } })
    const others: SignedRequest[] = [
      { ...sent, method: 'DELETE' },
      { ...sent, target: sent.target.replace(/\?/, 'x?') },
      { ...sent, target: sent.target.replace('1369357200', '1369357201') },
      { ...sent, target: sent.target.replace('Signature=', 'Signature=x') },
      withHeaders(sent, { 'x-amz-copy-source': 'other/secret' }),
      withHeaders(sent, { 'x-amz-meta-owner': 'me' }),
      withHeaders(sent, { 'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==' }),
      { ...sent, target: `${sent.target}&versionId=v2` },
      { ...sent, target: `${sent.target}&x-amz-acl=public-read` },
    ]
    for (const other of others) await t.rejects(ask(other, deps), /SignatureDoesNotMatch|InvalidArgument/)
  })
}

t.test('SigV2 query: parameters that it does not sign, and that choose another operation, are refused', async (t) => {
  const sent = byBotocore.list_objects_v2 as SignedRequest
  for (const name of ['attributes', 'publicAccessBlock', 'ownershipControls', 'policyStatus', 'anything']) {
    const other = { ...sent, target: `${sent.target}&${name}` }
    await t.rejects(ask(other, deps), { code: 'AccessDenied' }, name)
  }
})

t.test('SigV2 query: a value cannot pass for the parameters behind it', async (t) => {
  const signature = sha1Signature('GET\n\n\n1369357200\n/b/k?response-content-type=text/plain&versionId=9')
  const auth = `AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=${encodeURIComponent(signature)}${end}`
  await t.resolves(ask(at(`/b/k?response-content-type=text/plain&versionId=9&${auth}`), deps))
  await t.rejects(ask(at(`/b/k?response-content-type=text/plain%26versionId%3D9&${auth}`), deps), {
    code: 'InvalidArgument',
  })
})

t.test('SigV2 query: parameters that decide come once, and are whole', async (t) => {
  const auth = 'AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=74JAvrJRJh4M3cE2etbOxuf%2Fcqk%3D'
  await t.rejects(ask(at(`/b/k?${auth}${end}${end}`), deps), { code: 'InvalidArgument' })
  await t.rejects(ask(at(`/b/k?${auth}${end}&Signature=x`), deps), { code: 'InvalidArgument' })
  await t.rejects(ask(at(`/b/k?${auth}&versionId=1&versionId=2${end}`), deps), { code: 'InvalidArgument' })
  await t.rejects(ask(at(`/b/k?${auth}`), deps), { code: 'AccessDenied' })
  await t.rejects(ask(at(`/b/k?${auth}&Expires=soon`), deps), { code: 'AccessDenied' })
  await t.rejects(ask(at(`/b/k?${auth}&Expires=1369353599`), deps), {
    code: 'AccessDenied',
    detail: { reason: 'Request has expired' },
  })
  await t.rejects(ask(at(`/b/k?AWSAccessKeyId=NOBODY&Signature=x${end}`), deps), { code: 'InvalidAccessKeyId' })
})

t.test('SigV2 header: needs `all`, a fresh date, and signs x-amz-* headers', async (t) => {
  const all = { ...deps, sigV2: 'all' as const }
  const date = 'Fri, 24 May 2013 00:00:00 GMT'
  const signature = sha1Signature(`PUT\n\ntext/plain\n${date}\nx-amz-meta-a:1,2\n/b/k%20k?acl`)
  const sent: SignedRequest = {
    method: 'PUT',
    target: '/b/k%20k?acl&prefix=unsigned',
    rawHeaders: [
      ...['Host', 'localhost', 'Date', date, 'Content-Type', 'text/plain', 'X-Amz-Meta-A', '1', 'x-amz-meta-a', ' 2 '],
      ...['Authorization', `AWS AKIAIOSFODNN7EXAMPLE:${signature}`],
    ],
    isTls: false,
  }
  t.match(await ask(sent, all), { kind: 'account', via: 'header-v2' })
  await t.rejects(ask(sent, deps), { code: 'InvalidRequest' })
  await t.rejects(ask(withHeaders(sent, { 'x-amz-acl': 'public-read' }), all), { code: 'SignatureDoesNotMatch' })
  await t.rejects(ask(withHeaders(sent, { date: undefined }), all), { code: 'AccessDenied' })
  await t.rejects(ask(sent, { ...all, clock: depsAt(EXAMPLE_TIME + 901_000).clock }), { code: 'RequestTimeTooSkewed' })
  await t.rejects(ask(withHeaders(sent, { authorization: 'AWS nothing' }), all), { code: 'InvalidArgument' })
})
