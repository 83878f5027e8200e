import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { StoreFault } from '../../src/base/faults.ts'
import type { BucketName } from '../../src/base/ids.ts'
import { startS3 } from '../support/s3-server.ts'

type S3 = Awaited<ReturnType<typeof startS3>>

async function withBucket(options?: Parameters<typeof startS3>[0]): Promise<S3> {
  const s3 = await startS3(options)
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  return s3
}

const expecting = { Expect: '100-continue', 'Content-Length': '5' }

t.test('100-continue: exactly one, after authorisation, then the answer', async (t) => {
  await using s3 = await withBucket()
  for (const [i, expect] of ['100-continue', '100-Continue'].entries()) {
    const connection = await s3.raw()
    connection.send(s3.head('PUT', `/bucket/key${i}`, { ...expecting, Expect: expect }))
    t.equal((await connection.answer()).status, 100)
    connection.send('hello')
    const answer = await connection.answer()
    t.equal(answer.status, 200)
    t.equal(answer.headers.etag, '"5d41402abc4b2a76b9719d911017c592"')
    connection.send(s3.head('GET', `/bucket/key${i}`))
    t.equal((await connection.answer()).body, 'hello', 'and the connection goes on')
  }
})

t.test('100-continue: a refusal comes without it, and the connection stays usable', async (t) => {
  await using s3 = await withBucket()
  const connection = await s3.raw()
  const anonymous = ['PUT /bucket/key HTTP/1.1', 'Host: x', 'Expect: 100-continue', 'Content-Length: 5000000']
  connection.send(anonymous)
  const refused = await connection.answer()
  t.equal(refused.status, 403)
  t.match(refused.body, '<Code>AccessDenied</Code>')
  connection.send(s3.head('PUT', '/missing-bucket/key', expecting))
  const missing = await connection.answer()
  t.equal(missing.status, 404)
  t.match(missing.body, '<Code>NoSuchBucket</Code>')
  connection.send(['PUT /bucket/key HTTP/1.1', 'Host: x', 'Expect: 100-continue', 'Transfer-Encoding: chunked'])
  t.equal((await connection.answer()).status, 403)
})

t.test('100-continue: an empty body is asked for, too', async (t) => {
  await using s3 = await withBucket()
  const connection = await s3.raw()
  connection.send(s3.head('PUT', '/bucket/empty', { Expect: '100-continue', 'Content-Length': '0' }))
  t.equal((await connection.answer()).status, 100)
  t.equal((await connection.answer()).status, 200)
})

t.test('100-continue: behind a proxy, and with botocore, a refusal closes the connection', async (t) => {
  await using s3 = await withBucket()
  for (const relayed of [
    'Via: 1.1 proxy',
    'X-Forwarded-For: 192.0.2.1',
    'Forwarded: for=192.0.2.1',
    'User-Agent: aws-cli/1.45 md/Botocore#1.43',
  ]) {
    for (const length of [0, 50]) {
      const connection = await s3.raw()
      connection.send([
        'PUT /bucket/key HTTP/1.1',
        'Host: x',
        'Expect: 100-continue',
        `Content-Length: ${length}`,
        relayed,
      ])
      const refused = await connection.answer()
      t.equal(refused.status, 403)
      t.equal(refused.headers.connection, 'close', relayed)
      await connection.closed
    }
  }
})

t.test('100-continue: a body too large to be skipped is refused with Connection: close', async (t) => {
  await using s3 = await withBucket()
  const connection = await s3.raw()
  connection.send(s3.head('PUT', '/missing-bucket/key', { Expect: '100-continue', 'Content-Length': '5000000000' }))
  const answer = await connection.answer()
  t.equal(answer.status, 404)
  t.equal(answer.headers.connection, 'close')
  await connection.closed
})

t.test('100-continue: who sends the body after a refusal loses the connection, and nothing else', async (t) => {
  await using s3 = await withBucket()
  const connection = await s3.raw()
  connection.send(['PUT /bucket/key HTTP/1.1', 'Host: x', 'Expect: 100-continue', 'Content-Length: 9'])
  t.equal((await connection.answer()).status, 403)
  connection.send('not http\n')
  await connection.closed
  t.equal(s3.engine.buckets.get('bucket')?.objects.size, 0)
})

t.test('unknown expectations are passed over', async (t) => {
  await using s3 = await withBucket()
  const connection = await s3.raw()
  connection.send(s3.head('PUT', '/bucket/key', { Expect: 'the-unexpected', 'Content-Length': '5' }))
  connection.send('hello')
  t.equal((await connection.answer()).status, 200)
})

t.test('a refused upload that is being sent gets its answer, and does not hang', async (t) => {
  await using s3 = await withBucket()
  const connection = await s3.raw()
  connection.send(['PUT /bucket/key HTTP/1.1', 'Host: x', 'Content-Length: 20000000'])
  // As http.client and others do it: not a byte is read before the last one is sent.
  connection.socket.pause()
  await new Promise<void>((resolve) => connection.socket.write(Buffer.alloc(20_000_000), () => resolve()))
  connection.socket.resume()
  const answer = await connection.answer()
  t.equal(answer.status, 403)
  t.equal(answer.headers.connection, 'close')
  t.match(answer.body, '<Code>AccessDenied</Code>')
  await connection.closed
})

t.test('a refused upload is read on only for so long', async (t) => {
  await using s3 = await withBucket({ settings: { http: { refusedBodyMs: 300 } } })
  const silent = await s3.raw()
  silent.send(['PUT /bucket/key HTTP/1.1', 'Host: x', 'Content-Length: 20000000'])
  t.equal((await silent.answer()).status, 403)
  await gone(silent.socket)
})

t.test('a refused upload is read on only for so many bytes', async (t) => {
  await using s3 = await withBucket({ settings: { http: { refusedBodyBytesMax: 100_000, refusedBodyMs: 60_000 } } })
  const endless = await s3.raw()
  endless.send(['PUT /bucket/key HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked'])
  t.equal((await endless.answer()).status, 403)
  await gone(endless.socket)
})

/** Writes on until the other side has let go of the connection altogether. */
async function gone(socket: Socket): Promise<void> {
  const piece = `1000\r\n${'x'.repeat(0x1000)}\r\n`
  const filler = setInterval(() => socket.writable && socket.write(piece), 20)
  // Not events.once: a reset is an error, and just what is waited for.
  const closed = new Promise<boolean>((resolve) => socket.on('close', () => resolve(true)))
  const isGone = await Promise.race([closed, sleep(8_000, false, { ref: false })])
  clearInterval(filler)
  if (!isGone) throw new Error('still connected')
}

t.test('a small refused body is dropped, and the connection stays', async (t) => {
  await using s3 = await withBucket()
  const connection = await s3.raw()
  connection.send(['PUT /bucket/key HTTP/1.1', 'Host: x', 'Content-Length: 5'])
  connection.send('hello')
  const answer = await connection.answer()
  t.equal(answer.status, 403)
  t.equal(answer.headers.connection, 'keep-alive')
  connection.send(s3.head('GET', '/bucket/key'))
  t.equal((await connection.answer()).status, 404)
})

t.test('Content-Length together with Transfer-Encoding, and a repeated Host, are refused', async (t) => {
  await using s3 = await withBucket()
  const smuggler = await s3.raw()
  smuggler.send(['PUT /bucket/key HTTP/1.1', 'Host: x', 'Content-Length: 5', 'Transfer-Encoding: chunked'])
  const answer = await smuggler.answer()
  t.equal(answer.status, 400)
  t.match(answer.body, '<Code>BadRequest</Code>')
  await smuggler.closed
  for (const hosts of [['Host: a', 'Host: b'], []]) {
    const connection = await s3.raw()
    connection.send(['GET /bucket HTTP/1.1', ...hosts])
    t.match(await connection.answer(), { status: 400, body: /<Code>BadRequest</ })
  }
  const twice = await s3.raw()
  twice.send(['GET /bucket?prefix=a&prefix=b HTTP/1.1', 'Host: a'])
  t.match((await twice.answer()).body, '<Code>InvalidArgument</Code>')
})

t.test('headers beyond the limit are refused in S3 words', async (t) => {
  await using s3 = await withBucket()
  const connection = await s3.raw()
  connection.send(['GET / HTTP/1.1', 'Host: x', `x-amz-meta-a: ${'a'.repeat(40_000)}`])
  const answer = await connection.answer()
  t.equal(answer.status, 400)
  t.match(answer.body, '<Code>RequestHeaderSectionTooLarge</Code>')
})

t.test('a body shorter than announced: IncompleteBody, nothing left, and the connection closed', async (t) => {
  await using s3 = await withBucket()
  for (const method of ['PUT', 'GET']) {
    const connection = await s3.raw()
    connection.send(s3.head(method, '/bucket/key', { 'Content-Length': '10' }))
    connection.send('hello')
    await sleep(50)
    connection.socket.end()
    const answer = await connection.answer()
    t.equal(answer.status, 400)
    t.match(answer.body, '<Code>IncompleteBody</Code>')
    t.equal(answer.headers.connection, 'close')
    await connection.closed
    t.equal(s3.engine.buckets.get('bucket')?.objects.size, 0)
  }
})

t.test(
  'a small body that never comes, of a request that was refused: the end of it closes the connection',
  async (t) => {
    await using s3 = await withBucket()
    const connection = await s3.raw()
    connection.send(['PUT /bucket/key HTTP/1.1', 'Host: x', 'Content-Length: 10'])
    t.equal((await connection.answer()).status, 403)
    connection.socket.end()
    await connection.closed
  },
)

t.test('a body that stops: RequestTimeout', async (t) => {
  await using s3 = await withBucket({ settings: { http: { bodyIdleMs: 200 } } })
  const connection = await s3.raw()
  connection.send(s3.head('PUT', '/bucket/key', { 'Content-Length': '10' }))
  connection.send('hello')
  const answer = await connection.answer()
  t.equal(answer.status, 400)
  t.match(answer.body, '<Code>RequestTimeout</Code>')
})

t.test('a client that goes away aborts the call', async (t) => {
  await using s3 = await withBucket()
  const aborted = new Promise<void>((resolve) => {
    s3.engine.before = (method, signal) =>
      method === 'putObject'
        ? new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              resolve()
              reject(signal.reason as Error)
            })
          })
        : Promise.resolve()
  })
  const connection = await s3.raw()
  connection.send(s3.head('PUT', '/bucket/key', { 'Content-Length': '10' }))
  connection.send('hello')
  await sleep(50)
  connection.socket.destroy()
  await aborted
  await sleep(20)
  t.ok([400, 499].includes(s3.records.at(-1)?.status ?? 0))
  t.equal(s3.logged.at(-1)?.level, 'info', 'which is no failure of ours')
})

t.test('GetObject: a failure in mid-body breaks the connection off', async (t) => {
  await using s3 = await withBucket()
  await s3.client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: Buffer.alloc(1_000_000) }))
  s3.engine.beforePiece = async (offset) => {
    if (offset > 500_000) throw new StoreFault('DataUnavailable', { partId: 'x', reason: 'gone' })
  }
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }))
  await t.rejects(Body!.transformToByteArray())
  s3.engine.beforePiece = async () => {
    throw new StoreFault('DataUnavailable', { partId: 'x', reason: 'gone' })
  }
  await t.rejects(
    s3.client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' })),
    { name: 'ServiceUnavailable', $metadata: { httpStatusCode: 503 } },
    'before the first byte it can still be told',
  )
})

t.test('GetObject: a client that does not read holds the engine back', async (t) => {
  await using s3 = await withBucket()
  await s3.client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: Buffer.alloc(50_000_000) }))
  let furthest = 0
  s3.engine.beforePiece = async (offset) => {
    furthest = offset
  }
  const connection = await s3.raw()
  connection.socket.pause()
  connection.send(s3.head('GET', '/bucket/key'))
  await sleep(300)
  t.ok(furthest < 25_000_000, `read ahead: ${furthest}`)
})

t.test('a bug is a 500 that tells nothing, and a log line that does', async (t) => {
  await using s3 = await withBucket()
  s3.engine.before = async () => {
    throw new TypeError('secret inner detail')
  }
  const connection = await s3.raw()
  connection.send(s3.head('GET', '/bucket/key'))
  const answer = await connection.answer()
  t.equal(answer.status, 500)
  t.match(answer.body, '<Code>InternalError</Code>')
  t.notMatch(answer.body, 'secret')
  const line = s3.logged.at(-1)!
  t.equal(line.level, 'error')
  t.match(String(line.fields.err), 'secret inner detail')
  t.equal(line.fields.requestId, answer.headers['x-amz-request-id'])
  t.match(answer.body, `<RequestId>${answer.headers['x-amz-request-id']}</RequestId>`)
  t.match(answer.body, `<HostId>${answer.headers['x-amz-id-2']}</HostId>`)
  t.match(answer.body, '<Resource>/bucket/key</Resource>')
  t.notMatch(JSON.stringify(s3.logged), /secret-of|Signature/)
})

t.test(
  'CompleteMultipartUpload: while it takes long the client sees life; a late failure comes in the 200',
  async (t) => {
    await using s3 = await withBucket({ settings: { http: { slowAnswerMs: 50 } } })
    const bucket = s3.engine.buckets.get('bucket' as BucketName)!.bucket
    for (const isFailing of [false, true]) {
      const key = 'key' as Parameters<typeof s3.engine.createUpload>[0]['key']
      const attributes = { headers: {}, userMetadata: {}, storageClass: 'STANDARD' }
      const upload = { bucket, key, attributes, initiatorId: bucket.ownerId }
      s3.engine.before = async () => {}
      const signal = AbortSignal.timeout(5_000)
      const { uploadId } = await s3.engine.createUpload(
        { ...upload, checksumAlgorithm: undefined, checksumType: undefined },
        signal,
      )
      s3.engine.before = async (method) => {
        if (method !== 'completeUpload') return
        await sleep(180)
        if (isFailing) throw new StoreFault('SlowDown', { reason: 'test' })
      }
      const xml =
        '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>'
      const connection = await s3.raw()
      connection.send(s3.head('POST', `/bucket/key?uploadId=${uploadId}`, { 'Content-Length': String(xml.length) }))
      connection.send(xml)
      const answer = await connection.answer()
      t.equal(answer.status, 200)
      const code = isFailing ? 'SlowDown' : 'InvalidPart'
      t.match(answer.body, new RegExp(`^<\\?xml version="1.0" encoding="UTF-8"\\?>\\n +<Error><Code>${code}</Code>`))
    }
  },
)

t.test('health: 200 or 503, JSON, for everybody; and no bucket is called so', async (t) => {
  let ok = true
  await using s3 = await startS3({ health: async () => ({ ok, nodes: 6 }) })
  const get = async (init?: RequestInit) => await fetch(`${s3.endpoint}/health`, init ?? {})
  const healthy = await get()
  t.equal(healthy.status, 200)
  t.match(healthy.headers.get('content-type'), 'application/json')
  t.same(await healthy.json(), { ok: true, nodes: 6 })
  ok = false
  t.equal((await get()).status, 503)
  t.equal((await get({ method: 'HEAD' })).status, 503)
  await t.rejects(s3.client.send(new CreateBucketCommand({ Bucket: 'health' })), { name: 'InvalidBucketName' })
})

t.test('close: idle connections go at once, requests under way finish, new ones are not taken', async (t) => {
  await using s3 = await withBucket()
  const idle = await s3.raw()
  idle.send(s3.head('GET', '/bucket/key'))
  await idle.answer()
  const unused = await s3.raw()
  const busy = await s3.raw()
  busy.send(s3.head('PUT', '/bucket/key', { 'Content-Length': '5' }))
  busy.send('hel')
  await sleep(50)
  const closing = s3.server.close(5_000)
  await idle.closed
  await unused.closed
  busy.send('lo')
  const answer = await busy.answer()
  t.equal(answer.status, 200)
  t.equal(answer.headers.connection, 'close')
  await closing
  await t.rejects(fetch(`${s3.endpoint}/health`))
})

t.test('close: announced, each connection ends with its next answer, and new ones are taken', async (t) => {
  await using s3 = await withBucket()
  const [first, second] = [await s3.raw(), await s3.raw()]
  first.send(s3.head('GET', '/bucket/key'))
  t.not((await first.answer()).headers.connection, 'close')
  s3.server.announceClose()
  for (const connection of [first, second, await s3.raw()]) {
    connection.send(s3.head('GET', '/bucket/key'))
    t.equal((await connection.answer()).headers.connection, 'close')
    await connection.closed
  }
})

t.test('close: what does not finish in time is broken off', async (t) => {
  await using s3 = await withBucket()
  const busy = await s3.raw()
  busy.send(s3.head('PUT', '/bucket/key', { 'Content-Length': '5' }))
  await sleep(50)
  const started = performance.now()
  const patient = s3.server.close(20_000)
  await s3.server.close(200)
  await patient
  t.ok(performance.now() - started < 10_000, 'not the patient 20 s')
  await busy.closed
})
