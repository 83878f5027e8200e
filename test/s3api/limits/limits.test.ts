import { CreateBucketCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { RateLimiter } from '../../../src/s3api/limits/rate-limiter.ts'
import { HandClock } from '../../support/moved-clock.ts'
import { startS3 } from '../../support/s3-server.ts'

/** A front whose limits' clock stands still: nothing is allowed but what is there at first. */
async function start(ofKey: object, ofAddress: object) {
  const clock = new HandClock()
  const s3 = await startS3({ limiter: new RateLimiter({ clock, ofKey, ofAddress }) })
  const connection = await s3.raw()
  const ask = async (head: string[], body = '') => {
    connection.send(head)
    if (body !== '') connection.send(body)
    const { status, headers, body: said } = await connection.answer()
    return { status, code: /<Code>(.*?)</.exec(said)?.[1], retryAfter: headers['retry-after'] }
  }
  return { s3, ask, clock, [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() }
}

t.test(
  'limits of keys: beyond them 503 SlowDown with Retry-After; other keys, and nobody, are not concerned',
  async (t) => {
    await using front = await start({ requestsPerSecond: 2 }, {})
    const { s3, ask, clock } = front
    await s3.other.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const list = () => ask(s3.head('GET', '/'))
    for (let n = 0; n < 2; n++) t.match(await list(), { status: 200 })
    for (let n = 0; n < 3; n++) t.match(await list(), { status: 503, code: 'SlowDown', retryAfter: '1' })
    t.equal(s3.logged.at(-1)?.level, 'info', 'no failure of ours')
    t.match(await ask(s3.head('GET', '/', {}, s3.otherKey)), { status: 200 })
    t.match(await ask(['GET /bucket HTTP/1.1', 'Host: x']), { status: 403 })
    const forged = s3.head('GET', '/', {}, { ...s3.otherKey, secretAccessKey: 'wrong' })
    for (let n = 0; n < 5; n++) t.match(await ask(forged), { status: 403 })
    clock.advance(1_000)
    t.match(await ask(s3.head('GET', '/', {}, s3.otherKey)), { status: 200 }, 'nobody uses up what is another one’s')
    t.match(await list(), { status: 200 })
  },
)

t.test('limits in bytes: bodies count both ways, those that are refused too, by what was moved indeed', async (t) => {
  await using front = await start({ bytesPerSecond: 1000 }, {})
  const { s3, ask, clock } = front
  t.match(await ask(s3.head('PUT', '/bucket', { 'Content-Length': '0' })), { status: 200 })
  const body = 'x'.repeat(3000)
  t.match(await ask(s3.head('PUT', '/bucket/key', { 'Content-Length': '3000' }), body), { status: 200 })
  t.match(await ask(s3.head('HEAD', '/bucket/key')), { status: 503, retryAfter: '3' })
  clock.advance(3_000)
  const get = () => ask(s3.head('GET', '/bucket/key'))
  t.match(await get(), { status: 200 })
  t.match(await get(), { status: 503, retryAfter: '3' })
  clock.advance(60_000)
  const announced = s3.head('PUT', '/bucket/key', {
    'Content-Length': '5000000',
    Expect: '100-continue',
    'Content-MD5': 'bad',
  })
  t.match(await ask(announced), { status: 400, code: 'InvalidDigest' })
  t.match(await get(), { status: 200 }, 'what was announced and never came is given back')
})

t.test('limits of addresses: before it is known who asks; health checks are not concerned', async (t) => {
  await using front = await start({}, { requestsPerSecond: 3 })
  const { s3, ask } = front
  t.match(await ask(s3.head('GET', '/')), { status: 200 })
  t.match(await ask(s3.head('GET', '/', {}, s3.otherKey)), { status: 200 })
  t.match(await ask(['GET /bucket HTTP/1.1', 'Host: x']), { status: 404 })
  t.match(await ask(['GET /bucket HTTP/1.1', 'Host: x']), { status: 503, code: 'SlowDown', retryAfter: '1' })
  t.match(await ask(s3.head('GET', '/')), { status: 503, code: 'SlowDown' })
  t.equal((await fetch(`${s3.endpoint}/health`)).status, 200)
})
