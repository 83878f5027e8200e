import t from 'tap'
import { signHeaders } from '../support/sign.ts'
import { element, openSuite, refusedWire } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

/** Both sides of each limit. */
const { bucket, send, target } = await openSuite(t)
const GIB = 1024 ** 3

t.test('PutObject: user metadata near 2 KiB: kept; over: 400 MetadataTooLarge, nothing stored', async (t) => {
  const path = `/${bucket}/meta`
  const put = (bytesOfValue: number) =>
    send({ method: 'PUT', path, body: 'x', headers: { 'x-amz-meta-a': 'v'.repeat(bytesOfValue) } })
  refusedWire(t, await put(2049), 400, 'MetadataTooLarge')
  t.equal((await send({ method: 'HEAD', path })).status, 404)
  t.equal((await put(2030)).status, 200)
  t.equal((await send({ method: 'HEAD', path })).headers['x-amz-meta-a']?.length, 2030)
})

t.test('PutObject: user metadata over 2 KiB in many small headers, and in names: 400 MetadataTooLarge', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`x-amz-meta-${n}`, 'v'.repeat(40)]))
  refusedWire(
    t,
    await send({ method: 'PUT', path: `/${bucket}/meta`, body: 'x', headers: many }),
    400,
    'MetadataTooLarge',
  )
  const names = { [`x-amz-meta-${'n'.repeat(2100)}`]: 'v' }
  refusedWire(
    t,
    await send({ method: 'PUT', path: `/${bucket}/meta`, body: 'x', headers: names }),
    400,
    'MetadataTooLarge',
  )
})

t.test('CreateMultipartUpload, CopyObject: user metadata over 2 KiB: 400 MetadataTooLarge', async (t) => {
  const headers = { 'x-amz-meta-a': 'v'.repeat(2100) }
  refusedWire(t, await send({ method: 'POST', path: `/${bucket}/m?uploads`, headers }), 400, 'MetadataTooLarge')
  await send({ method: 'PUT', path: `/${bucket}/source`, body: 'x' })
  const copy = { ...headers, 'x-amz-copy-source': `/${bucket}/source`, 'x-amz-metadata-directive': 'REPLACE' }
  refusedWire(t, await send({ method: 'PUT', path: `/${bucket}/m`, headers: copy }), 400, 'MetadataTooLarge')
})

t.test('PutObject: headers of 64 KiB: refused with 400 or 431, no hang', async (t) => {
  const headers = { 'X-Padding': 'p'.repeat(64 * 1024) }
  const answer = await send({ method: 'PUT', path: `/${bucket}/headers`, body: 'x', headers })
  t.ok([400, 431].includes(answer.status), `${answer.status}`)
})

t.test('PutObject, UploadPart: more than 5 GiB declared: 400 EntityTooLarge at once, without a 100', async (t) => {
  const made = await send({ method: 'POST', path: `/${bucket}/big?uploads` })
  const uploadId = element(made.body, 'UploadId')
  for (const path of [`/${bucket}/big`, `/${bucket}/big?partNumber=1&uploadId=${uploadId}`]) {
    const headers = { 'Content-Length': String(5 * GIB + 1), Expect: '100-continue' }
    const signed = signHeaders(target, { method: 'PUT', path, payload: 'UNSIGNED-PAYLOAD', headers })
    const answer = await exchange(target.endpoint, {
      method: 'PUT',
      path,
      headers: Object.entries(signed),
      awaitContinue: true,
    })
    refusedWire(t, answer, 400, 'EntityTooLarge')
    t.same([answer.interim, answer.bodySent], [[], false])
  }
  await send({ method: 'DELETE', path: `/${bucket}/big?uploadId=${uploadId}` })
})

t.test('PutObject: more than 5 GiB as x-amz-decoded-content-length: 400 EntityTooLarge', async (t) => {
  const path = `/${bucket}/big`
  const headers = {
    'X-Amz-Decoded-Content-Length': String(5 * GIB + 1),
    'Content-Encoding': 'aws-chunked',
    'Transfer-Encoding': 'chunked',
    'X-Amz-Trailer': 'x-amz-checksum-crc32',
    Expect: '100-continue',
  }
  const signed = signHeaders(target, { method: 'PUT', path, payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', headers })
  const answer = await exchange(target.endpoint, {
    method: 'PUT',
    path,
    headers: Object.entries(signed),
    awaitContinue: true,
  })
  refusedWire(t, answer, 400, 'EntityTooLarge')
})

t.test('CreateBucket, CompleteMultipartUpload: an XML body over 1 MiB: 400', async (t) => {
  const padding = `<!--${'x'.repeat(1024 * 1024)}-->`
  const answer = await send({
    method: 'PUT',
    path: `/${bucket}`,
    body: `<CreateBucketConfiguration>${padding}</CreateBucketConfiguration>`,
  })
  t.match(
    [answer.status, element(answer.body, 'Code')],
    [400, /^(MaxMessageLengthExceeded|MalformedXML|EntityTooLarge)$/],
  )
  const made = await send({ method: 'POST', path: `/${bucket}/xml?uploads` })
  const path = `/${bucket}/xml?uploadId=${element(made.body, 'UploadId')}`
  const complete = await send({
    method: 'POST',
    path,
    body: `<CompleteMultipartUpload>${padding.repeat(2)}</CompleteMultipartUpload>`,
  })
  t.match(
    [complete.status, element(complete.body, 'Code')],
    [400, /^(MaxMessageLengthExceeded|MalformedXML|EntityTooLarge)$/],
  )
  await send({ method: 'DELETE', path })
})

t.test(
  'CompleteMultipartUpload: 10,000 listed parts fit in the XML: refused for the parts, not for the size',
  async (t) => {
    const made = await send({ method: 'POST', path: `/${bucket}/many?uploads` })
    const path = `/${bucket}/many?uploadId=${element(made.body, 'UploadId')}`
    const part = (n: number) =>
      `<Part><PartNumber>${n}</PartNumber><ETag>d41d8cd98f00b204e9800998ecf8427e</ETag></Part>`
    const list = (count: number) =>
      `<CompleteMultipartUpload>${Array.from({ length: count }, (_, n) => part(n + 1)).join('')}</CompleteMultipartUpload>`
    refusedWire(t, await send({ method: 'POST', path, body: list(10_000) }), 400, 'InvalidPart')
    const tooMany = await send({ method: 'POST', path, body: list(10_001) })
    t.match(
      [tooMany.status, element(tooMany.body, 'Code')],
      [400, /^(MalformedXML|InvalidPart|InvalidArgument|MaxMessageLengthExceeded)$/],
    )
    await send({ method: 'DELETE', path })
  },
)
