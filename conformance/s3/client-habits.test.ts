import t from 'tap'
import { bytes, md5, md5Base64, sha256 } from '../support/bytes.ts'
import { checksum } from '../support/checksums.ts'
import { streamed } from '../support/payload.ts'
import { presignPath, presignPathV2, signHeaders } from '../support/sign.ts'
import { element, openSuite } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

/** «What clients send today»: requests put together as those clients put them, header by header. */
const { bucket, send, target } = await openSuite(t)
const MIB = 1024 * 1024
const read = async (path: string) => (await send({ method: 'GET', path })).body
const plainHost = [['Host', target.endpoint.host]] as const

t.test(
  'PutObject as boto3 over http: Expect: 100-continue even for 5 bytes, CRC32, signed hash: exactly one 100',
  async (t) => {
    for (const expect of ['100-continue', '100-Continue']) {
      const body = Buffer.from('five!')
      const path = `/${bucket}/boto`
      const headers = signHeaders(target, {
        method: 'PUT',
        path,
        payload: sha256(body),
        headers: {
          'Content-Length': '5',
          'Content-MD5': md5Base64(body),
          Expect: expect,
          'User-Agent': 'Boto3/1.44.5',
          'amz-sdk-invocation-id': '3f0c1f3e-2c5a-4a8e-9a29-7d4f6a3d2b11',
          'amz-sdk-request': 'attempt=1',
          'x-amz-checksum-crc32': checksum('CRC32', body),
          'x-amz-sdk-checksum-algorithm': 'CRC32',
        },
      })
      const request = { method: 'PUT', path, headers: Object.entries(headers), body: [body], awaitContinue: true }
      const answer = await exchange(target.endpoint, request)
      t.same([answer.status, answer.interim], [200, [100]], expect)
      t.same(await read(path), body)
    }
  },
)

t.test(
  'PutObject as boto3 over https: unsigned trailer, chunked, no Content-Length, frames of 1 MiB, Expect',
  async (t) => {
    const path = `/${bucket}/boto-tls`
    const data = bytes(2 * MIB + 17, 'boto')
    const request = streamed(target, {
      path,
      data,
      mode: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      frameBytes: MIB,
      transferCoding: true,
      headers: { Expect: '100-continue', 'x-amz-sdk-checksum-algorithm': 'CRC32' },
    })
    const answer = await exchange(target.endpoint, { ...request, awaitContinue: true })
    t.same([answer.status, answer.interim], [200, [100]])
    t.equal(sha256(await read(path)), sha256(data))
  },
)

t.test(
  'PutObject as the SDK for JavaScript: ?x-id, unsigned trailer over http in 64 KiB frames, SDK headers signed',
  async (t) => {
    const path = `/${bucket}/js?x-id=PutObject`
    const data = bytes(200_000, 'js')
    const request = streamed(target, {
      path,
      data,
      mode: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      frameBytes: 65_536,
      transferCoding: true,
      headers: {
        'amz-sdk-invocation-id': '8d1f3b0e-6e0f-4f39-8d5e-2b0f5b6f7a90',
        'amz-sdk-request': 'attempt=1; max=3',
        'x-amz-user-agent': 'aws-sdk-js/3.1169.0',
        'x-amz-sdk-checksum-algorithm': 'CRC32',
      },
    })
    t.equal((await exchange(target.endpoint, request)).status, 200)
    const got = await send({
      method: 'GET',
      path: `/${bucket}/js?x-id=GetObject`,
      headers: { 'x-amz-checksum-mode': 'ENABLED' },
    })
    t.equal(sha256(got.body), sha256(data))
    t.equal(got.headers['x-amz-checksum-crc32'], checksum('CRC32', data))
  },
)

t.test(
  'PutObject as the SDK for JavaScript presigns it: x-amz-checksum-crc32 and x-id in the query are not about the body',
  async (t) => {
    const query = 'x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject'
    const path = presignPath(target, { method: 'PUT', path: `/${bucket}/js-presigned?${query}`, expires: '60' })
    const body = Buffer.from('not the body that hashes to nought')
    const headers = [...plainHost, ['Content-Length', String(body.length)]] as const
    const answer = await exchange(target.endpoint, { method: 'PUT', path, headers, body: [body] })
    t.equal(answer.status, 200, String(answer.body))
    t.same(await read(`/${bucket}/js-presigned`), body)
  },
)

t.test(
  'PutObject as the SDK for Go over TLS: aws-chunked, Content-Length, all of 24 MiB in one frame, accept-encoding signed',
  async (t) => {
    const path = `/${bucket}/go`
    const data = bytes(24 * MIB + 1, 'go')
    const mode = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
    const request = streamed(target, { path, data, mode, headers: { 'Accept-Encoding': 'identity' } })
    t.equal((await exchange(target.endpoint, request)).status, 200)
    t.equal(sha256(await read(path)), sha256(data))
  },
)

t.test('PutObject as the SDK for Java: signed frames of 128 KiB with a signed trailer, Expect, x-amz-te', async (t) => {
  const path = `/${bucket}/java`
  const data = bytes(300_000, 'java')
  const request = streamed(target, {
    path,
    data,
    mode: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    algorithm: 'CRC32',
    frameBytes: 131_072,
    headers: { Expect: '100-continue', 'x-amz-te': 'append-md5', 'x-amz-sdk-checksum-algorithm': 'CRC32' },
  })
  const answer = await exchange(target.endpoint, { ...request, awaitContinue: true })
  t.same([answer.status, answer.interim], [200, [100]])
  t.equal(sha256(await read(path)), sha256(data))
})

t.test('GetObject as the SDK for Java: signs x-amz-checksum-crc32: AAAAAA== and x-amz-te: the object', async (t) => {
  await send({ method: 'PUT', path: `/${bucket}/java-get`, body: 'java' })
  const headers = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-te': 'append-md5', 'x-amz-checksum-mode': 'ENABLED' }
  const answer = await send({ method: 'GET', path: `/${bucket}/java-get`, headers, payload: 'UNSIGNED-PAYLOAD' })
  t.same([answer.status, String(answer.body)], [200, 'java'])
})

t.test(
  'PutObject as pyarrow: chunked without Content-Length, CRC64NVME trailer, also of a stream without bytes',
  async (t) => {
    for (const size of [0, 1, 123_456]) {
      const path = `/${bucket}/pyarrow-${size}`
      const data = bytes(size, 'pyarrow')
      const mode = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
      const request = streamed(target, { path, data, mode, algorithm: 'CRC64NVME', transferCoding: true })
      const answer = await exchange(target.endpoint, request)
      t.equal(answer.status, 200, String(answer.body))
      t.equal(answer.headers['x-amz-checksum-crc64nvme'], checksum('CRC64NVME', data))
      t.same(await read(path), data)
    }
  },
)

t.test('HeadObject as polars: x-amz-checksum-mode in lower case: the checksum', async (t) => {
  const body = Buffer.from('polars')
  const stored = { 'x-amz-checksum-crc64nvme': checksum('CRC64NVME', body) }
  await send({ method: 'PUT', path: `/${bucket}/polars`, body, headers: stored, payload: 'UNSIGNED-PAYLOAD' })
  const head = await send({ method: 'HEAD', path: `/${bucket}/polars`, headers: { 'x-amz-checksum-mode': 'enabled' } })
  t.match(head.headers, stored)
})

t.test('PutObject as restic: signed frames without a trailer', async (t) => {
  const path = `/${bucket}/restic`
  const data = bytes(5 * MIB + 3, 'restic')
  const mode = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  const request = streamed(target, { path, data, mode, frameBytes: 65_536 })
  const answer = await exchange(target.endpoint, request)
  t.same([answer.status, answer.headers.etag], [200, `"${md5(data)}"`])
})

t.test(
  'PutObject as rclone 1.60: HEAD, PUT with UNSIGNED-PAYLOAD, MD5, x-amz-acl and mtime, HEAD: ETag is the MD5',
  async (t) => {
    const path = `/${bucket}/rclone`
    const body = bytes(1234, 'rclone')
    t.equal((await send({ method: 'HEAD', path })).status, 404)
    const headers = {
      'Content-MD5': md5Base64(body),
      'x-amz-acl': 'private',
      'x-amz-meta-mtime': '1700000000.123456789',
      'Content-Type': 'application/octet-stream',
    }
    t.equal((await send({ method: 'PUT', path, body, headers, payload: 'UNSIGNED-PAYLOAD' })).status, 200)
    const head = await send({ method: 'HEAD', path })
    t.match(head.headers, {
      etag: `"${md5(body)}"`,
      'x-amz-meta-mtime': '1700000000.123456789',
      'content-length': '1234',
    })
  },
)

t.test(
  'GetObject, PutObject, HeadObject by SigV2 in the query, as boto3 and aws cli v1 presign by default',
  async (t) => {
    const expires = Math.floor(Date.now() / 1000) + 60
    const path = `/${bucket}/sigv2`
    const call = async (method: string, query: string, body?: Buffer) =>
      await exchange(target.endpoint, {
        method,
        path: query,
        headers: body ? [...plainHost, ['Content-Length', String(body.length)]] : plainHost,
        body: body ? [body] : [],
      })
    const put = await call('PUT', presignPathV2(target, { method: 'PUT', path, expires }), Buffer.from('by v2'))
    t.equal(put.status, 200, String(put.body))
    t.equal(String((await call('GET', presignPathV2(target, { method: 'GET', path, expires }))).body), 'by v2')
    t.equal(
      (await call('HEAD', presignPathV2(target, { method: 'HEAD', path, expires }))).headers['content-length'],
      '5',
    )
    const subresource = 'response-content-type=text%2Fx-v2'
    const overridden = await call('GET', presignPathV2(target, { method: 'GET', path, expires, subresource }))
    t.equal(overridden.headers['content-type'], 'text/x-v2')
  },
)

t.test(
  'CreateBucket, ListBuckets as many clients: bucket with and without a trailing slash, Content-Type on a GET',
  async (t) => {
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
      'Accept-Encoding': 'gzip, identity',
    }
    t.equal((await send({ method: 'GET', path: '/', headers })).status, 200)
    t.equal((await send({ method: 'GET', path: `/${bucket}/`, headers })).status, 200)
    t.equal((await send({ method: 'GET', path: `/${bucket}`, headers })).status, 200)
  },
)

t.test('DeleteObjects as boto3: CRC32 and no Content-MD5: accepted', async (t) => {
  const body = Buffer.from(
    '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>rclone</Key></Object></Delete>',
  )
  const headers = { 'x-amz-checksum-crc32': checksum('CRC32', body), 'x-amz-sdk-checksum-algorithm': 'CRC32' }
  const answer = await send({ method: 'POST', path: `/${bucket}?delete`, body, headers })
  t.same([answer.status, element(answer.body, 'Key')], [200, 'rclone'])
})
