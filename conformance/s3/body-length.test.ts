import { CreateMultipartUploadCommand, ListPartsCommand } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { streamed } from '../support/payload.ts'
import { type Headers, signHeaders } from '../support/sign.ts'
import { element, openSuite } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

/** Bodies shorter or longer than was said: refused, nothing visible; what was there stays. */
const { s3, bucket, send, target } = await openSuite(t)
const body = bytes(200_000)
const put = (path: string, sent: Uint8Array, headers: Headers, payload = sha256(body)) =>
  exchange(target.endpoint, {
    method: 'PUT',
    path,
    headers: Object.entries(signHeaders(target, { method: 'PUT', path, payload, headers })),
    body: [sent],
    // Fewer bytes than declared end only with the connection; after all of them it stays open for the answer.
    endEarly: sent.length < Number(headers['Content-Length'] ?? 0),
  })

/** The server may answer, or just find the connection gone: an answer must be a refusal. */
async function refusedOrClosed(t: Test, status: number): Promise<void> {
  t.ok(status === 0 || (status >= 400 && status < 500), `answered ${status}`)
}

for (const payload of [sha256(body), 'UNSIGNED-PAYLOAD'])
  t.test(
    `PutObject: half the body, then the connection ends (${payload.slice(0, 8)}): nothing visible; an old object stays`,
    async (t) => {
      const path = `/${bucket}/short-${payload.length}`
      const length = { 'Content-Length': String(body.length) }
      await refusedOrClosed(t, (await put(path, body.subarray(0, 100_000), length, payload)).status)
      t.equal((await send({ method: 'HEAD', path })).status, 404)
      await send({ method: 'PUT', path, body: 'old' })
      await refusedOrClosed(t, (await put(path, body.subarray(0, 199_999), length, payload)).status)
      t.equal(String((await send({ method: 'GET', path })).body), 'old')
    },
  )

t.test('PutObject: signed hash of more bytes than Content-Length: refused, nothing visible', async (t) => {
  const path = `/${bucket}/long`
  const answer = await put(path, body, { 'Content-Length': String(body.length - 1) })
  t.equal(answer.status, 400)
  // The byte that is left over is no request either: whichever refusal comes first.
  t.match(element(answer.body, 'Code'), /^(XAmzContentSHA256Mismatch|BadRequest)$/)
  t.equal((await send({ method: 'HEAD', path })).status, 404)
})

t.test(
  'PutObject: UNSIGNED-PAYLOAD and more bytes than Content-Length: the object is what was declared, the rest no second request',
  async (t) => {
    const path = `/${bucket}/rest`
    const second = `PUT /${bucket}/smuggled HTTP/1.1\r\nHost: ${target.endpoint.host}\r\nContent-Length: 0\r\n\r\n`
    const answer = await put(
      path,
      Buffer.concat([body, Buffer.from(second)]),
      { 'Content-Length': String(body.length) },
      'UNSIGNED-PAYLOAD',
    )
    t.equal(answer.status, 200)
    t.equal(sha256((await send({ method: 'GET', path })).body), sha256(body))
    t.equal((await send({ method: 'HEAD', path: `/${bucket}/smuggled` })).status, 404)
  },
)

t.test('PutObject: chunked frames cut off in the middle: nothing visible', async (t) => {
  for (const mode of ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'] as const)
    for (const transferCoding of [true, false]) {
      const path = `/${bucket}/cut-${mode}-${transferCoding}`
      const request = streamed(target, { path, mode, data: body, frameBytes: 65_536, transferCoding })
      const sent = Buffer.concat(request.body)
      const half = { ...request, body: [sent.subarray(0, sent.length / 2)], endEarly: true }
      await refusedOrClosed(t, (await exchange(target.endpoint, half)).status)
      t.equal((await send({ method: 'HEAD', path })).status, 404, path)
    }
})

t.test('UploadPart: half the body: no part is listed, and the upload goes on', async (t) => {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'parts' }))
  const path = `/${bucket}/parts?partNumber=1&uploadId=${UploadId}`
  await refusedOrClosed(t, (await put(path, body.subarray(0, 5), { 'Content-Length': String(body.length) })).status)
  const parts = await s3.send(new ListPartsCommand({ Bucket: bucket, Key: 'parts', UploadId }))
  t.equal(parts.Parts, undefined)
  t.equal((await send({ method: 'PUT', path, body })).status, 200)
})

t.test('PutObject: no Content-Length and no coding: 411 MissingContentLength', async (t) => {
  const path = `/${bucket}/unknown-length`
  const answer = await put(path, Buffer.alloc(0), {}, 'UNSIGNED-PAYLOAD')
  // HTTP says that such a request has no body: an empty object would be HTTP's reading, 411 is S3's.
  t.equal(answer.status, 411)
  t.equal(element(answer.body, 'Code'), 'MissingContentLength')
})

t.test('PutObject: a Content-Length that is no number or negative: 400', async (t) => {
  for (const length of ['abc', '-1', '1e3', '0x10']) {
    const answer = await put(
      `/${bucket}/odd-length`,
      Buffer.from('x'),
      { 'Content-Length': length },
      'UNSIGNED-PAYLOAD',
    )
    t.ok(answer.status === 400, `${length}: ${answer.status}`)
  }
})
