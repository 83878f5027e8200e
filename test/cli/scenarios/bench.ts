import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer } from 'node:tls'
import {
  CreateBucketCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import type { BenchOutcome } from '../../../src/cli/commands/bench-work.ts'
import { BadSource } from '../../support/bad-source.ts'
import { TestCa } from '../../support/certificates.ts'
import { parseMetrics, sumOf } from '../../support/scrape.ts'
import { eventually, StoreUnderTest } from '../../support/store.ts'
import { sextant } from '../../support/up.ts'

const SIZE = 20_000

const store = new StoreUnderTest({ SEXTANT_NODES: '6' })
t.teardown(() => store[Symbol.asyncDispose]())
await store.start()
const s3 = store.client()

/** With the store's keys for whatever endpoint is named. */
function start(args: string[], env: Record<string, string> = {}) {
  const { accessKeyId, secretAccessKey } = store.announced
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  return sextant(store.directory, ['bench', ...args], { ...keys, ...env })
}

async function run(args: string[], env: Record<string, string> = {}) {
  const ended = await start([...args, '--json'], env).ended
  const outcome = ended.stdout.startsWith('{') ? (JSON.parse(ended.stdout) as BenchOutcome) : undefined
  return { ...ended, outcome }
}

async function buckets(): Promise<(string | undefined)[]> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
  return Buckets.map(({ Name }) => Name)
}

async function versions(Bucket: string) {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
  return [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }))
}

/** What the gateways have counted of an operation so far. */
async function counted(operation: string) {
  const page = parseMetrics(await (await fetch(`${store.announced.adminUrl}/metrics`)).text())
  const of = (name: string) => sumOf(page, name, { operation }) ?? 0
  return {
    requests: of('sextant_requests_total'),
    received: of('sextant_received_bytes_total'),
    sent: of('sextant_sent_bytes_total'),
  }
}

const COUNTED = ['PutObject', 'GetObject', 'HeadObject', 'ListObjectsV2', 'DeleteObject']

t.test('bench: the figures are what the gateway has counted, and nothing is left', async (t) => {
  const before = await Promise.all(COUNTED.map(counted))
  const { code, stderr, outcome } = await run([
    '--size',
    String(SIZE),
    '--seconds',
    '1',
    '--objects',
    '50',
    '--clients',
    '4',
  ])
  t.equal(code, 0, stderr)
  const after = await Promise.all(COUNTED.map(counted))
  const [put, get, head, list, del] = outcome!.results
  const grown = after.map((now, n) => ({
    requests: now.requests - before[n]!.requests,
    received: now.received - before[n]!.received,
    sent: now.sent - before[n]!.sent,
  }))
  t.match(grown, [
    { requests: put!.operations + 50, received: (put!.operations + 50) * SIZE },
    { requests: get!.operations, sent: get!.operations * SIZE },
    { requests: head!.operations },
    { requests: list!.operations },
    { requests: del!.operations },
  ])
  t.same(
    outcome!.results.map(({ operation }) => operation),
    ['put', 'get', 'head', 'list', 'delete'],
  )
  t.ok(del!.operations <= put!.operations + 50, 'nothing is deleted twice')
  for (const row of outcome!.results) {
    t.match(row, { sizeBytes: SIZE, clients: 4, failed: 0, failures: [] })
    const bytes = ['put', 'get'].includes(row.operation) ? row.operations * SIZE : 0
    t.equal(Math.round(row.bytesPerSecond * row.seconds), bytes)
    t.equal(Math.round(row.operationsPerSecond * row.seconds), row.operations)
    t.ok(row.operations > 4 && row.p50Ms! > 0, row.operation)
    t.ok(row.p50Ms! <= row.p90Ms! && row.p90Ms! <= row.p99Ms! && row.p99Ms! <= row.maxMs!, row.operation)
    // Four clients that always wait for one answer each.
    t.ok(row.p50Ms! * row.operations < 2 * 4 * row.seconds * 1000, row.operation)
  }
  t.match(outcome, { ok: true, isLocal: true, stopped: null, leftOver: null })
  t.same(await buckets(), [])
})

t.test('bench: a mix, kept, is there; as a table', async (t) => {
  const args = ['mixed', 'put', '--size', '1KiB,3KiB', '--seconds', '0.3', '--objects', '5', '--keep']
  const { code, stdout, stderr } = await start(args).ended
  t.equal(code, 0, stderr)
  t.match(stdout, /^OPERATION +SIZE +CLIENTS +COUNT +PER S +MIB\/S +P50 MS +P90 MS +P99 MS +MAX MS +FAILED$/m)
  for (const size of ['1 KiB', '3 KiB'])
    for (const operation of ['mixed', 'mixed get', 'mixed head', 'mixed put', 'mixed delete', 'put'])
      t.match(stdout, new RegExp(`^${operation} +${size} +16 +\\d+ .* 0$`, 'm'))
  t.match(stdout, /^The figures are of client and store together, for both are on this machine\.$/m)
  const [, bucket] = /kept below s3:\/\/(sextant-bench-\w+)\/\1\/\.$/m.exec(stdout) ?? []
  t.same(await buckets(), [bucket])
  const keys = (await versions(bucket!)).map(({ Key }) => Key!)
  for (const size of [1024, 3072]) t.equal(keys.filter((key) => key.includes(`/${size}/read/`)).length, 5)
})

t.test('bench: of a given bucket nothing else is touched, and no version stays', async (t) => {
  const Bucket = 'shared'
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  for (const Key of ['a', 'sextant-bench', 'sextant-bench-', 'sextant-bench-0/x', 'z', 'z'])
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'mine' }))
  const before = await versions(Bucket)
  const all = await buckets()
  const { code, stderr, outcome } = await run([
    'put',
    'get',
    'delete',
    '--size',
    '4KiB',
    '--seconds',
    '0.5',
    '--bucket',
    Bucket,
  ])
  t.equal(code, 0, stderr)
  t.match(outcome, { bucket: Bucket, results: [{ operation: 'put' }, { operation: 'get' }, { operation: 'delete' }] })
  t.same(await versions(Bucket), before)
  t.same(await buckets(), all)
})

t.test('bench: stopped, it tells what it has and removes what it wrote; stopped again, it ends at once', async (t) => {
  const all = await buckets()
  await using bad = await BadSource.start(store.announced.endpoint)
  const isUnderWay = async () =>
    bad.seen.filter((line) => line.startsWith('GET') && line.includes('/read/')).length > 50
  const args = ['put', 'get', '--size', '4KiB', '--objects', '20', '--endpoint', bad.endpoint, '--json']
  const once = start([...args, '--seconds', '3'])
  await eventually('it reads', 60_000, isUnderWay)
  once.child.kill('SIGINT')
  once.child.kill('SIGINT') // as one key press comes through npx
  const ended = await once.ended
  t.equal(ended.code, 1, ended.stderr)
  const outcome = JSON.parse(ended.stdout) as BenchOutcome
  t.match(outcome, { ok: false, stopped: 'stopped by SIGINT', leftOver: null })
  t.match(outcome.results, [{ operation: 'put' }, { operation: 'get', failed: 0 }])
  t.ok(outcome.results[1]!.operations > 20 && outcome.results[1]!.seconds < 3)
  t.same(await buckets(), all)

  bad.seen.length = 0
  bad.judge = (method) => (method === 'POST' ? 'hangs' : undefined) // DeleteObjects
  const twice = start([...args, '--seconds', '30'])
  await eventually('it writes', 60_000, async () => bad.seen.length > 50)
  twice.child.kill('SIGINT')
  await eventually('it removes', 60_000, async () => bad.seen.some((line) => line.startsWith('POST')))
  await sleep(600)
  twice.child.kill('SIGINT')
  const cut = await twice.ended
  t.equal(cut.code, 130)
  t.match(cut.stderr, /Ended at once: what was written is still below s3:\/\/sextant-bench-/)
})

t.test('bench: a wrong byte, and requests that are refused, are told and counted', async (t) => {
  await using bad = await BadSource.start(store.announced.endpoint)
  const args = ['--size', '200KiB', '--seconds', '1', '--endpoint', bad.endpoint, '--clients', '2']
  bad.judge = (method, target) => (method === 'GET' && /\/read\/0000000003$/.test(target) ? 'lies' : undefined)
  const lies = await start(['get', '--objects', '5', ...args]).ended
  t.equal(lies.code, 1, lies.stderr)
  t.match(lies.stdout, /^FAILED: get 200 KiB: \d+ × WrongBytes: .*read\/0000000003: wrong from byte 0 on$/m)

  let puts = 0
  bad.judge = (method, target) =>
    method === 'PUT' && target.includes('/written/') && ++puts === 3 ? 'refuses' : undefined
  const refuses = await run(['put', ...args])
  t.equal(refuses.code, 1, refuses.stderr)
  t.match(refuses.outcome, { ok: false, leftOver: null, results: [{ failed: 1 }] })
  t.match(refuses.outcome!.results[0]!.failures, [{ code: 'SlowDown', count: 1, first: /^SlowDown: Please reduce/ }])
  t.equal(refuses.outcome!.results[0]!.operations, puts - 1)
})

t.test('bench: over https', async (t) => {
  await using ca = await TestCa.make()
  const { texts, files } = await ca.certificate()
  const port = Number(new URL(store.announced.endpoint).port)
  const server = createServer({ cert: texts.cert, key: texts.key }, (socket) => {
    const behind = connect(port, '127.0.0.1')
    socket.on('error', () => behind.destroy()).pipe(behind)
    behind.on('error', () => socket.destroy()).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const endpoint = `https://localhost:${(server.address() as AddressInfo).port}`
  const args = ['put', 'get', '--size', '100KiB', '--seconds', '0.5', '--endpoint', endpoint]
  const { code, stderr, outcome } = await run(args, { NODE_EXTRA_CA_CERTS: files.ca })
  t.equal(code, 0, stderr)
  t.match(outcome, { ok: true, endpoint, results: [{ failed: 0 }, { failed: 0 }] })
  t.match(await run(args), { code: 1, stderr: /^The benchmark cannot make a bucket: .*certificate.*\n$/ })
})

t.test('bench: what cannot be done is told in a sentence', async (t) => {
  const { endpoint } = store.announced
  const cases: [string[], Record<string, string>, RegExp][] = [
    [
      ['--endpoint', endpoint],
      { AWS_SECRET_ACCESS_KEY: 'wrong' },
      /^The benchmark cannot make a bucket: SignatureDoesNotMatch: .*\n$/,
    ],
    [
      ['--endpoint', endpoint],
      { AWS_ACCESS_KEY_ID: '', HOME: '/nonexistent' },
      /^There are no keys for the endpoint: set .*\n$/,
    ],
    [['--bucket', 'nowhere'], {}, /^There is no bucket nowhere at http.*: make it, or leave out --bucket\.\n$/],
    [
      ['--endpoint', 'http://127.0.0.1:1'],
      {},
      /^The benchmark cannot make a bucket: http:\/\/127.0.0.1:1 gave no answer: .*\n$/,
    ],
    [
      [],
      { SEXTANT_DATA_DIR: '/nonexistent' },
      /^No store runs on the data directory \/nonexistent: .* by --endpoint\.\n$/,
    ],
  ]
  for (const [args, env, sentence] of cases) {
    const { stderr, stdout, code } = await start(args, env).ended
    t.match(stderr, sentence)
    t.equal(code, args.length === 2 && 'HOME' in env ? 2 : 1)
    t.equal(stdout, '')
  }
})
