import t from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { signHeaders } from '../support/sign.ts'
import { element, openSuite, refusedWire } from '../support/suite.ts'
import { exchange, openConnection } from '../support/wire.ts'

/** Quirks 20 and 21: a 100 is sent once, after the caller was let in; a refused upload never hangs. */
const suite = await openSuite(t)
const { bucket, send, target } = suite
const body = bytes(300_000)

interface Given {
  secret?: string
  anonymous?: boolean
  expect?: string
  payload?: Buffer
  userAgent?: string
}

function upload(path: string, given: Given = {}) {
  const data = given.payload ?? body
  const extra = {
    'Content-Length': String(data.length),
    ...(given.expect && { Expect: given.expect }),
    ...(given.userAgent && { 'User-Agent': given.userAgent }),
  }
  const headers = given.anonymous
    ? { Host: target.endpoint.host, ...extra }
    : signHeaders(target, {
        method: 'PUT',
        path,
        payload: sha256(data),
        headers: extra,
        credentials: { ...target.owner, ...(given.secret && { secretAccessKey: given.secret }) },
      })
  return {
    method: 'PUT',
    path,
    headers: Object.entries(headers),
    body: [data],
    awaitContinue: given.expect === '100-continue',
  }
}

t.test('PutObject: Expect: 100-continue: exactly one 100, then 200', async (t) => {
  const answer = await exchange(target.endpoint, upload(`/${bucket}/one`, { expect: '100-continue' }))
  t.same([answer.status, answer.interim], [200, [100]])
})

t.test('PutObject: Expect: 100-continue and no bytes: one 100 all the same, or the connection closes', async (t) => {
  // aws cli up to 1.46 takes the final answer to such a request for the next one's too, and waits a minute for its end.
  const answer = await exchange(
    target.endpoint,
    upload(`/${bucket}/empty`, { expect: '100-continue', payload: Buffer.alloc(0) }),
  )
  t.equal(answer.status, 200)
  if (answer.headers.connection?.toLowerCase() !== 'close') t.same(answer.interim, [100])
})

t.test('PutObject: without Expect: no 100', async (t) => {
  const answer = await exchange(target.endpoint, upload(`/${bucket}/none`))
  t.same([answer.status, answer.interim], [200, []])
})

t.test('PutObject: an unknown Expect value: ignored (quirk 20)', async (t) => {
  const answer = await exchange(target.endpoint, upload(`/${bucket}/odd`, { expect: '200-ok' }))
  t.equal(answer.status, 200)
})

const refusals = {
  'an anonymous caller': [{ anonymous: true }, bucket, 403, 'AccessDenied'],
  'a wrong signature': [{ secret: 'wrong' }, bucket, 403, 'SignatureDoesNotMatch'],
  'a bucket that is not there': [{}, suite.newBucketName(), 404, 'NoSuchBucket'],
  'a key that is too long': [{}, `${bucket}/${'k'.repeat(1024)}`, 400, 'KeyTooLongError'],
} as const
for (const [what, [how, where, status, code]] of Object.entries(refusals)) {
  t.test(
    `PutObject: Expect: 100-continue and ${what}: ${status} ${code} without a 100; the connection is usable or said to close (quirk 21)`,
    async (t) => {
      await using connection = await openConnection(target.endpoint)
      const answer = await connection.exchange(upload(`/${where}/refused`, { ...how, expect: '100-continue' }))
      refusedWire(t, answer, status, code)
      t.same([answer.interim, answer.bodySent], [[], false])
      if (answer.headers.connection?.toLowerCase() === 'close') return
      const next = await connection.exchange(upload(`/${bucket}/next`, { expect: '100-continue' }))
      t.same([next.status, next.interim], [200, [100]], 'the next request on the connection')
    },
  )

  t.test(`PutObject as aws cli: Expect: 100-continue and ${what}: ${status} ${code}, Connection: close`, async (t) => {
    // Kept alive, the connection would have aws cli up to 1.46 take this answer for the next request's too, and hang.
    const userAgent = 'aws-cli/1.46.3 md/Botocore#1.43.11'
    const answer = await exchange(
      target.endpoint,
      upload(`/${where}/refused`, { ...how, expect: '100-continue', userAgent }),
    )
    refusedWire(t, answer, status, code)
    t.equal(answer.headers.connection?.toLowerCase(), 'close')
  })

  t.test(`PutObject: 8 MiB without Expect and ${what}: ${status} ${code} reaches the client; no hang`, async (t) => {
    const answer = await exchange(
      target.endpoint,
      upload(`/${where}/refused`, { ...how, payload: bytes(8 * 1024 * 1024) }),
    )
    refusedWire(t, answer, status, code)
  })
}

t.test('PutObject: Expect: 100-continue, a failed If-None-Match: 412, and the old bytes stay', async (t) => {
  const path = `/${bucket}/taken`
  await send({ method: 'PUT', path, body: 'old' })
  const headers = signHeaders(target, {
    method: 'PUT',
    path,
    payload: sha256(body),
    headers: { 'Content-Length': String(body.length), 'If-None-Match': '*', Expect: '100-continue' },
  })
  const answer = await exchange(target.endpoint, {
    method: 'PUT',
    path,
    headers: Object.entries(headers),
    body: [body],
    awaitContinue: true,
  })
  refusedWire(t, answer, 412, 'PreconditionFailed')
  t.equal(String((await send({ method: 'GET', path })).body), 'old')
})

t.test('PutObject, GetObject: five requests one after another on one connection: all answered', async (t) => {
  await using connection = await openConnection(target.endpoint)
  for (let n = 0; n < 5; n++) {
    const path = `/${bucket}/kept-alive-${n}`
    t.equal((await connection.exchange(upload(path))).status, 200)
    const headers = Object.entries(signHeaders(target, { method: 'GET', path }))
    t.equal(sha256((await connection.exchange({ method: 'GET', path, headers })).body), sha256(body))
    const missing = `/${bucket}/missing`
    const lost = await connection.exchange({
      method: 'GET',
      path: missing,
      headers: Object.entries(signHeaders(target, { method: 'GET', path: missing })),
    })
    t.equal(element(lost.body, 'Code'), 'NoSuchKey')
  }
})
