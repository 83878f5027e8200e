import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { eventually, StoreUnderTest } from '../../support/store.ts'
import { type Running, sextant } from '../../support/up.ts'

interface Line {
  operation?: string
  status: number
  code?: string
  bucket?: string
  key?: string
  requestId: string
}

/** A trace that runs, and what it has shown. */
function trace(store: StoreUnderTest, args: string[]): { running: Running; lines: string[] } {
  const running = sextant(store.directory, ['trace', ...args])
  const lines: string[] = []
  createInterface({ input: running.child.stdout! }).on('line', (line) => lines.push(line))
  return { running, lines }
}

const store = new StoreUnderTest({ SEXTANT_WORKERS: '2', SEXTANT_REPORT_PERIOD_SECONDS: '1' })
t.teardown(() => store[Symbol.asyncDispose]())
await store.start()

t.test('top: a running store, once, as a table and as JSON', async (t) => {
  const s3 = store.client()
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  let isOver = false
  const load = (async () => {
    for (let n = 0; !isOver; n++) {
      await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: `key ${n % 10}`, Body: Buffer.alloc(10_000) }))
      await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'nothing' })).catch(() => {})
    }
  })()
  const asJson = await sextant(store.directory, ['top', '--once', '--json', '--interval', '1']).ended
  const asText = await sextant(store.directory, ['top', '--once', '--interval', '1']).ended
  isOver = true
  await load
  t.equal(asJson.code, 0, asJson.stderr)
  const look = JSON.parse(asJson.stdout)
  t.match(look.gateways, [{ gateway: 'gateway-1' }, { gateway: 'gateway-2' }])
  const operations = look.gateways.flatMap((gateway: { operations: { operation: string }[] }) => gateway.operations)
  const put = operations.find(({ operation }: { operation: string }) => operation === 'PutObject')
  t.ok(put.requestsPerSecond > 0 && put.p99Ms >= put.p50Ms && put.p50Ms > 0)
  t.ok(Math.abs(put.receivedPerSecond / put.requestsPerSecond - 10_000) < 100)
  const got = operations.find(({ operation }: { operation: string }) => operation === 'GetObject')
  t.equal(got.errorsPerSecond, got.requestsPerSecond)
  t.equal(look.store.servers.length, 6)
  t.match(look.store, { servers: [{ status: 'up' }], silent: [], diskErrors: {} })
  t.ok(look.store.servers.every(({ availableBytes }: { availableBytes: number }) => availableBytes > 0))

  t.equal(asText.code, 0, asText.stderr)
  t.match(asText.stdout, /^GATEWAY +OPERATION +REQ\/S/m)
  t.match(asText.stdout, /^ +PutObject +\d+\.\d/m)
  t.match(asText.stdout, /^6 +up +\d+ s ago/m)
  t.notOk(asText.stdout.includes('\u001b'), 'plain where it is no terminal')
  const wrong = await sextant(store.directory, ['top', '--interval', '0']).ended
  t.match(wrong, { code: 2, stderr: /--interval must be/ })
  const nowhere = await sextant(store.directory, ['top', '--once', '--admin', 'http://127.0.0.1:1']).ended
  t.match(nowhere, { code: 1, stderr: /does not answer/ })
})

t.test('trace: requests of all gateway processes, filtered; without secrets; not for who has no token', async (t) => {
  const { endpoint, adminUrl, secretAccessKey } = store.announced
  t.equal((await fetch(`${adminUrl}/requests`)).status, 401)
  t.equal((await fetch(`${adminUrl}/requests`, { headers: { authorization: 'Bearer x' } })).status, 401)

  const all = trace(store, ['--json'])
  const errors = trace(store, ['--errors', '--bucket', 'photos', '--key-prefix', 'no'])
  const client = store.client()
  await client.send(new CreateBucketCommand({ Bucket: 'photos' }))
  // Until both of them listen, in both processes.
  let asked = 0
  await eventually('both listen', 60_000, async () => {
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const Key = `nothing ${asked++} \u001b[31m`
        await store
          .client()
          .send(new GetObjectCommand({ Bucket: 'photos', Key }))
          .catch(() => {})
      }),
    )
    return errors.lines.length > 0 && all.lines.length > 0
  })
  const from = asked
  // Each on a connection of its own: the kernel spreads them over the processes.
  const answers = await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      const answer = await fetch(`${endpoint}/photos/public-${n}?X-Amz-Signature=${'f'.repeat(64)}`, {
        headers: { connection: 'close' },
      })
      return answer.headers.get('x-amz-request-id')!
    }),
  )
  await client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'ein Schlüssel', Body: 'hello' }))
  const parsed = () => all.lines.map((line) => JSON.parse(line) as Line)
  await eventually('every request is shown', 60_000, async () => {
    const ids = new Set(parsed().map(({ requestId }) => requestId))
    return answers.every((id) => ids.has(id)) && parsed().some(({ operation }) => operation === 'PutObject')
  })
  t.match(
    parsed().find(({ operation }) => operation === 'PutObject'),
    { status: 200, bucket: 'photos', key: 'ein Schlüssel', bytesIn: 5, remote: '127.0.0.1' },
  )
  t.notOk(all.lines.join().includes('f'.repeat(64)), 'no signature')
  t.notOk(all.lines.join().includes(secretAccessKey))
  t.ok(errors.lines.length <= from)
  for (const line of errors.lines) t.match(line, /GetObject +404 +NoSuchKey .*photos\/nothing \d+ \\u\{1b\}\[31m$/)

  all.running.child.kill('SIGINT')
  t.match(await all.running.ended, { code: 0 })
  const wrong = sextant(store.directory, ['trace', '--status', 'x'])
  t.match(await wrong.ended, { code: 1, stderr: /status=x is no filter/ })
  const stopped = once(errors.running.child, 'close')
  await store.stop()
  await stopped
  t.match(await errors.running.ended, { code: 1, stderr: /the trace/ })
})
