import t from 'tap'
import type { SignedRequest } from '../../../src/s3api/auth/request.ts'
import { ask, depsAt, EMPTY_SHA256, EXAMPLE_TIME, request } from './fixtures.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, …/sigv4-query-string-auth.html, …/sigv4-streaming.html */
const bucketHost = 'examplebucket.s3.amazonaws.com'
const v4 = (signedHeaders: string, signature: string) =>
  `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`
const plain = { Host: bucketHost, 'x-amz-date': '20130524T000000Z', 'x-amz-content-sha256': EMPTY_SHA256 }

const examples: { name: string; sent: SignedRequest; kind: string }[] = [
  {
    name: 'GET Object',
    kind: 'signed',
    sent: request('GET', '/test.txt', {
      ...plain,
      Range: 'bytes=0-9',
      Authorization: v4(
        'host;range;x-amz-content-sha256;x-amz-date',
        'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      ),
    }),
  },
  {
    name: 'PUT Object',
    kind: 'signed',
    sent: request('PUT', '/test$file.text', {
      ...plain,
      Date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      Authorization: v4(
        'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
        '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
      ),
    }),
  },
  {
    name: 'GET Bucket Lifecycle',
    kind: 'signed',
    sent: request('GET', '/?lifecycle', {
      ...plain,
      Authorization: v4(
        'host;x-amz-content-sha256;x-amz-date',
        'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
      ),
    }),
  },
  {
    name: 'List Objects',
    kind: 'signed',
    sent: request('GET', '/?max-keys=2&prefix=J', {
      ...plain,
      Authorization: v4(
        'host;x-amz-content-sha256;x-amz-date',
        '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
      ),
    }),
  },
  {
    name: 'presigned GET',
    kind: 'unsigned',
    sent: request(
      'GET',
      '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
      { Host: bucketHost },
    ),
  },
  {
    name: 'PUT in signed chunks',
    kind: 'streaming',
    sent: request('PUT', '/examplebucket/chunkObject.txt', {
      Host: 's3.amazonaws.com',
      'x-amz-date': '20130524T000000Z',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'Content-Encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '66560',
      'Content-Length': '66824',
      Authorization: v4(
        'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
        '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
      ),
    }),
  },
  {
    name: 'PUT in signed chunks with a signed trailer',
    kind: 'streaming',
    sent: request('PUT', '/examplebucket/chunkObject.txt', {
      Host: 's3.amazonaws.com',
      'x-amz-date': '20130524T000000Z',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      'Content-Encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '66560',
      'x-amz-trailer': 'x-amz-checksum-crc32c',
      'Content-Length': '66824',
      Authorization: v4(
        'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
        '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
      ),
    }),
  },
]

for (const { name, sent, kind } of examples) {
  t.test(`AWS's published SigV4 example is accepted: ${name}`, async (t) => {
    const identity = await ask(sent)
    t.equal(identity.kind, 'account')
    t.equal(identity.payload.kind, kind)
    await t.rejects(ask({ ...sent, method: 'DELETE' }), { code: 'SignatureDoesNotMatch' })
    await t.rejects(ask({ ...sent, target: `/x${sent.target}` }), { code: 'SignatureDoesNotMatch' })
  })
}

t.test("AWS's presigned example is refused a second after it expired", async (t) => {
  const presigned = (examples[4] as { sent: SignedRequest }).sent
  await t.resolves(ask(presigned, depsAt(EXAMPLE_TIME + 86_400_000)))
  await t.rejects(ask(presigned, depsAt(EXAMPLE_TIME + 86_401_000)), {
    code: 'AccessDenied',
    detail: { reason: 'Request has expired' },
  })
})

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html */
const v2 = (signature: string) => `AWS AKIAIOSFODNN7EXAMPLE:${signature}`
const v2Examples: { name: string; sent: SignedRequest; at: string }[] = [
  {
    name: 'Object GET',
    at: '2007-03-27T19:36:42Z',
    sent: request('GET', '/photos/puppy.jpg', {
      Host: 'johnsmith.s3.amazonaws.com',
      Date: 'Tue, 27 Mar 2007 19:36:42 +0000',
      Authorization: v2('bWq2s1WEIj+Ydj0vQ697zp+IXMU='),
    }),
  },
  {
    name: 'Object PUT',
    at: '2007-03-27T21:15:45Z',
    sent: request('PUT', '/photos/puppy.jpg', {
      'Content-Type': 'image/jpeg',
      'Content-Length': '94328',
      Host: 'johnsmith.s3.amazonaws.com',
      Date: 'Tue, 27 Mar 2007 21:15:45 +0000',
      Authorization: v2('MyyxeRY7whkBe+bq8fHCL/2kKUg='),
    }),
  },
  {
    name: 'List',
    at: '2007-03-27T19:42:41Z',
    sent: request('GET', '/?prefix=photos&max-keys=50&marker=puppy', {
      'User-Agent': 'Mozilla/5.0',
      Host: 'johnsmith.s3.amazonaws.com',
      Date: 'Tue, 27 Mar 2007 19:42:41 +0000',
      Authorization: v2('htDYFYduRNen8P9ZfE/s9SuKy0U='),
    }),
  },
  {
    name: 'Fetch (of an ACL)',
    at: '2007-03-27T19:44:46Z',
    sent: request('GET', '/?acl', {
      Host: 'johnsmith.s3.amazonaws.com',
      Date: 'Tue, 27 Mar 2007 19:44:46 +0000',
      Authorization: v2('c2WLPFtWHVgbEmeEG93a4cG37dM='),
    }),
  },
  {
    name: 'List all my buckets',
    at: '2007-03-28T01:29:59Z',
    sent: request('GET', '/', {
      Host: 's3.amazonaws.com',
      Date: 'Wed, 28 Mar 2007 01:29:59 +0000',
      Authorization: v2('qGdzdERIC03wnaRNKh6OqZehG9s='),
    }),
  },
  {
    name: 'Unicode keys',
    at: '2007-03-28T01:49:49Z',
    sent: request('GET', '/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re', {
      Host: 's3.amazonaws.com',
      Date: 'Wed, 28 Mar 2007 01:49:49 +0000',
      Authorization: v2('DNEZGsoieTZ92F3bUfSPQcbGmlM='),
    }),
  },
  {
    name: 'query string',
    at: '2007-03-29T03:00:00Z',
    sent: request(
      'GET',
      '/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620',
      { Host: 'johnsmith.s3.amazonaws.com' },
    ),
  },
]

for (const { name, sent, at } of v2Examples) {
  t.test(`AWS's published SigV2 example is accepted: ${name}`, async (t) => {
    const deps = depsAt(Date.parse(at), { sigV2: 'all', domains: ['s3.amazonaws.com'] })
    t.match(await ask(sent, deps), { kind: 'account', payload: { kind: 'unsigned' } })
    await t.rejects(ask({ ...sent, method: 'DELETE' }, deps), { code: 'SignatureDoesNotMatch' })
    await t.rejects(ask(sent, { ...deps, sigV2: 'off' }), { code: 'InvalidRequest' })
  })
}
