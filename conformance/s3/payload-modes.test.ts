import t from 'tap'
import { bytes, md5, sha256 } from '../support/bytes.ts'
import { algorithms, checksum, checksumHeader } from '../support/checksums.ts'
import { streamed, streamingModes } from '../support/payload.ts'
import { openSuite } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

/** Every payload mode, with every framing that clients use: the bytes that arrive are the bytes that were meant. */
const { bucket, send, target } = await openSuite(t)
const read = async (path: string) => (await send({ method: 'GET', path })).body

t.test('PutObject: payload hash in hex, and UNSIGNED-PAYLOAD: stored whole', async (t) => {
  const body = bytes(70_000)
  for (const [name, payload] of Object.entries({ hex: sha256(body), unsigned: 'UNSIGNED-PAYLOAD' })) {
    const path = `/${bucket}/${name}`
    const answer = await send({ method: 'PUT', path, body, payload })
    t.equal(answer.status, 200, name)
    t.equal(answer.headers.etag, `"${md5(body)}"`)
    t.same(await read(path), body)
  }
})

for (const mode of streamingModes)
  for (const transferCoding of [false, true])
    t.test(
      `PutObject: ${mode}, ${transferCoding ? 'chunked transfer coding without Content-Length (quirk 13)' : 'Content-Length'}: sizes and framings: stored whole`,
      async (t) => {
        for (const [size, frameBytes] of [
          [0, undefined],
          [1, undefined],
          [65_536, 65_536],
          [65_537, 65_536],
          [200_000, 8_192],
          [3 * 1024 * 1024 + 5, 1024 * 1024],
        ] as const) {
          const path = `/${bucket}/${mode.toLowerCase()}-${transferCoding}-${size}`
          const data = bytes(size, path)
          const upload = streamed(target, { path, mode, data, transferCoding, ...(frameBytes && { frameBytes }) })
          const answer = await exchange(target.endpoint, upload)
          t.equal(answer.status, 200, `${size} in ${frameBytes}: ${answer.body}`)
          t.equal(answer.headers.etag, `"${md5(data)}"`)
          t.equal(sha256(await read(path)), sha256(data))
          const head = await send({ method: 'HEAD', path })
          t.equal(head.headers['content-encoding'] ?? '', '', 'aws-chunked is not stored (quirk 12)')
        }
      },
    )

t.test('PutObject: the frames arrive cut at odd places, even byte by byte: stored whole', async (t) => {
  for (const mode of streamingModes) {
    const path = `/${bucket}/cut-${mode}`
    const data = bytes(700, mode)
    const upload = streamed(target, { path, mode, data, frameBytes: 300 })
    const joined = Buffer.concat(upload.body)
    const body = Array.from({ length: joined.length }, (_, n) => joined.subarray(n, n + 1))
    t.equal((await exchange(target.endpoint, { ...upload, body })).status, 200, mode)
    t.same(await read(path), data)
  }
})

t.test('PutObject: `gzip,aws-chunked`, in either order and with a space: stored as gzip (quirk 12)', async (t) => {
  for (const [n, coding] of ['gzip,aws-chunked', 'aws-chunked, gzip', 'aws-chunked,gzip,br'].entries()) {
    const path = `/${bucket}/coding-${n}`
    const mode = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
    const upload = streamed(target, { path, mode, data: bytes(10), headers: { 'Content-Encoding': coding } })
    t.equal((await exchange(target.endpoint, upload)).status, 200)
    const head = await send({ method: 'HEAD', path })
    t.match(head.headers['content-encoding'], n === 2 ? /^gzip, ?br$/ : /^gzip$/, coding)
  }
})

t.test('PutObject: streaming without Content-Encoding: aws-chunked in the headers: stored whole', async (t) => {
  const path = `/${bucket}/no-coding`
  const upload = streamed(target, {
    path,
    mode: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    data: bytes(99),
    headers: { 'Content-Encoding': '' },
  })
  t.equal((await exchange(target.endpoint, upload)).status, 200)
  t.same(await read(path), bytes(99))
})

for (const algorithm of algorithms)
  t.test(`PutObject: a ${algorithm} trailer, signed and unsigned: verified, answered and kept`, async (t) => {
    const data = bytes(100_000, algorithm)
    for (const mode of streamingModes.slice(1)) {
      const path = `/${bucket}/trailer-${algorithm}-${mode}`
      const upload = streamed(target, { path, mode, data, algorithm, frameBytes: 65_536 })
      const answer = await exchange(target.endpoint, upload)
      t.equal(answer.status, 200, String(answer.body))
      t.equal(answer.headers[checksumHeader(algorithm)], checksum(algorithm, data))
      const head = await send({ method: 'HEAD', path, headers: { 'x-amz-checksum-mode': 'ENABLED' } })
      t.equal(head.headers[checksumHeader(algorithm)], checksum(algorithm, data))
      t.equal(head.headers['x-amz-checksum-type'], 'FULL_OBJECT')
    }
  })

t.test('UploadPart: in every streaming mode: the part’s ETag is the MD5 of the decoded bytes', async (t) => {
  const made = await send({ method: 'POST', path: `/${bucket}/parts?uploads` })
  const uploadId = /<UploadId>([^<]+)</.exec(String(made.body))![1]
  for (const [n, mode] of streamingModes.entries()) {
    const data = bytes(80_000, mode)
    const path = `/${bucket}/parts?partNumber=${n + 1}&uploadId=${uploadId}`
    const answer = await exchange(target.endpoint, streamed(target, { path, mode, data, frameBytes: 65_536 }))
    t.equal(answer.status, 200, String(answer.body))
    t.equal(answer.headers.etag, `"${md5(data)}"`)
  }
  t.equal((await send({ method: 'DELETE', path: `/${bucket}/parts?uploadId=${uploadId}` })).status, 204)
})
