import t from 'tap'
import { startS3 } from '../support/s3-server.ts'

/** Each client here would wait for ever; that it is closed is awaited, however long that takes on a busy machine. */
const SHORT_MS = 200
const LONG_MS = 3_600_000
const patient = { headersMs: LONG_MS, requestMs: LONG_MS, keepAliveMs: LONG_MS, bodyIdleMs: LONG_MS }

t.test(
  'time-outs: a head that does not come to its end, all at once or in drops: RequestTimeout, and closed',
  async (t) => {
    await using s3 = await startS3({ settings: { http: { ...patient, headersMs: SHORT_MS } } })
    const stalled = await s3.raw()
    stalled.send('GET / HTTP/1.1\r\nHost: x\r\n')
    const dripping = await s3.raw()
    const drips = setInterval(() => dripping.socket.writable && dripping.send('x'), SHORT_MS / 10)
    t.teardown(() => clearInterval(drips))
    dripping.send('GET / HTTP/1.1\r\nX-A: ')
    for (const connection of [stalled, dripping]) {
      t.match(await connection.answer(), { status: 400, body: /<Code>RequestTimeout</ })
      await connection.closed
    }
  },
)

t.test(
  'time-outs: a connection on which nothing is asked is closed, before the first request and after one',
  async (t) => {
    await using s3 = await startS3({ settings: { http: { ...patient, headersMs: SHORT_MS, keepAliveMs: SHORT_MS } } })
    const silent = await s3.raw()
    const idle = await s3.raw()
    idle.send(s3.head('GET', '/'))
    t.equal((await idle.answer()).status, 200)
    await Promise.all([silent.closed, idle.closed])
  },
)

t.test('time-outs: a body that comes in drops for longer than a whole request may take: RequestTimeout', async (t) => {
  await using s3 = await startS3({ settings: { http: { ...patient, headersMs: SHORT_MS, requestMs: 2 * SHORT_MS } } })
  const connection = await s3.raw()
  connection.send(s3.head('PUT', '/bucket', { 'Content-Length': '100000' }))
  const drips = setInterval(() => connection.socket.writable && connection.send('x'), SHORT_MS / 10)
  t.teardown(() => clearInterval(drips))
  t.match(await connection.answer(), { status: 400 })
  await connection.closed
})

t.test('time-outs: a client that takes nothing of its answer is let go', async (t) => {
  await using s3 = await startS3({ settings: { http: { ...patient, answerIdleMs: SHORT_MS } } })
  await fetch(`${s3.endpoint}/health`)
  const put = await s3.raw()
  put.send(s3.head('PUT', '/bucket', { 'Content-Length': '0' }))
  await put.answer()
  const size = 50_000_000
  put.send(s3.head('PUT', '/bucket/large', { 'Content-Length': String(size) }))
  put.send(Buffer.alloc(size))
  t.equal((await put.answer()).status, 200)
  const lazy = await s3.raw()
  lazy.socket.pause()
  const count = () => s3.records.filter(({ operation }) => operation === 'GetObject').length
  lazy.send(s3.head('GET', '/bucket/large'))
  while (count() === 0) await new Promise((resolve) => setTimeout(resolve, 50))
  t.match(s3.records.at(-1), { operation: 'GetObject', status: 499 })
})
