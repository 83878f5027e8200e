import { fileURLToPath } from 'node:url'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { dashboardQueries } from '../../../scripts/dashboard/panels.ts'
import { metricTable } from '../../../src/metrics/table.ts'
import { openTestDatabase } from '../../support/postgres.ts'
import { isMissing } from '../../support/programs.ts'
import { startPrometheus } from '../../support/prometheus.ts'
import { parseMetrics, promtoolOnMetrics, type Scraped, sumOf } from '../../support/scrape.ts'
import { dataDirectory, kill, type Ready, sextant, until } from '../../support/up.ts'

const WAIT_MS = 60_000
const BODY = Buffer.alloc(5_000, 'x')
/** What did not happen here: there is no standby, no call failed, and the census counted before there was anything. */
const WITHOUT_ANSWER = /replication_lag|node_call_failures|\(sextant_parts\)/
const LARGE = Buffer.alloc(2 * 1024 * 1024, 'y')

const scrapeText = async ({ adminUrl }: Ready) => await (await fetch(`${adminUrl}/metrics`)).text()
const scrape = async (ready: Ready): Promise<Scraped[]> => parseMetrics(await scrapeText(ready))

/** Scrapes until the metric has that value; answers what it has at last. */
async function settles(
  ready: Ready,
  name: string,
  labels: Record<string, string>,
  value: number,
): Promise<number | undefined> {
  return await until(WAIT_MS, async () => {
    const now = sumOf(await scrape(ready), name, labels)
    return { done: now === value, value: now }
  })
}

/** Two gateways on one port, three nodes; a report every second. */
async function start(t: Test): Promise<Ready> {
  const database = await openTestDatabase({ migrated: false })
  t.teardown(() => database[Symbol.asyncDispose]())
  const directory = await dataDirectory(t)
  const { ready, child, ended } = sextant(directory, ['up', '--json'], {
    DATABASE_URL: database.url,
    SEXTANT_NODES: '3',
    SEXTANT_WORKERS: '2',
    SEXTANT_REPORT_PERIOD_SECONDS: '1',
    SEXTANT_JOB_INTERVAL_SECONDS: '0.2',
  })
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  return await ready
}

t.test('metrics: of a store of several processes, exactly what was done', async (t) => {
  const ready = await start(t)
  const { endpoint, accessKeyId, secretAccessKey } = ready
  const clientOf = (secret: string) =>
    new S3Client({
      endpoint,
      region: ready.region,
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey: secret },
    })
  const client = clientOf(secretAccessKey)
  const forger = clientOf('wrong')
  t.teardown(() => {
    client.destroy()
    forger.destroy()
  })
  const Bucket = 'measured'
  await client.send(new CreateBucketCommand({ Bucket }))
  for (let n = 0; n < 7; n++) await client.send(new PutObjectCommand({ Bucket, Key: `small-${n}`, Body: BODY }))
  await client.send(new PutObjectCommand({ Bucket, Key: 'large', Body: LARGE }))
  for (let n = 0; n < 3; n++)
    await (await client.send(new GetObjectCommand({ Bucket, Key: 'large' }))).Body!.transformToByteArray()
  for (let n = 0; n < 2; n++) await t.rejects(client.send(new GetObjectCommand({ Bucket, Key: 'none' })))
  await t.rejects(forger.send(new GetObjectCommand({ Bucket, Key: 'large' })), { name: 'SignatureDoesNotMatch' })
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'small-0' }))

  await t.test('requests, by operation and answer, of both gateways together', async (t) => {
    t.equal(await settles(ready, 'sextant_requests_total', { operation: 'DeleteObject' }, 1), 1)
    const samples = await scrape(ready)
    const of = (name: string, labels: Record<string, string> = {}) => sumOf(samples, name, labels)
    t.equal(of('sextant_requests_total', { operation: 'PutObject', status: '2xx' }), 8)
    t.equal(of('sextant_requests_total', { operation: 'PutObject' }), 8)
    t.equal(of('sextant_requests_total', { operation: 'GetObject', status: '2xx' }), 3)
    t.equal(of('sextant_requests_total', { operation: 'GetObject', status: '4xx' }), 3)
    t.equal(of('sextant_request_errors_total', { operation: 'GetObject', code: 'NoSuchKey' }), 2)
    t.equal(of('sextant_request_errors_total', { code: 'SignatureDoesNotMatch' }), 1)
    t.equal(of('sextant_request_errors_total'), 3)
    t.equal(of('sextant_rejected_requests_total', { reason: 'authentication' }), 1)
    t.equal(of('sextant_request_seconds_count', { operation: 'PutObject' }), 8)
    t.equal(of('sextant_first_byte_seconds_count', { operation: 'GetObject' }), 6)
    t.ok((of('sextant_request_seconds_sum', { operation: 'PutObject' }) ?? 0) > 0)
    // The SDK may send the body in frames with a checksum behind it: a little more than the object.
    const received = of('sextant_received_bytes_total', { operation: 'PutObject' }) ?? 0
    const stored = 7 * BODY.length + LARGE.length
    t.ok(received >= stored && received < stored + 8 * 1_000 + LARGE.length * 0.01, `${received} for ${stored}`)
    const sent = of('sextant_sent_bytes_total', { operation: 'GetObject' }) ?? 0
    t.ok(sent >= 3 * LARGE.length && sent < 3 * LARGE.length + 3 * 1_000, `${sent}: three objects and three errors`)
    t.same(
      [of('sextant_uploads_active'), of('sextant_downloads_active'), of('sextant_requests_active')],
      [0, 0, undefined],
    )
  })

  await t.test('nodes and their disks: eight chunks of every object', async (t) => {
    t.equal(await settles(ready, 'sextant_disk_chunks', {}, 8 * 8), 8 * 8)
    const samples = await scrape(ready)
    const of = (name: string, labels: Record<string, string> = {}) => sumOf(samples, name, labels)
    t.equal(of('sextant_disk_seconds_count', { work: 'put' }), 7 * 8)
    t.equal(of('sextant_disk_seconds_count', { work: 'commit' }), 8)
    t.equal(of('sextant_node_call_seconds_count', { call: 'put' }), 7 * 8)
    t.equal(of('sextant_node_call_seconds_count', { call: 'put-stream' }), 8)
    t.equal(of('sextant_disk_errors_total', { work: 'put', failure: 'failed' }), 0, 'told before there is one')
    t.ok((of('sextant_disk_stored_bytes') ?? 0) >= ((7 * BODY.length + LARGE.length) * 8) / 6)
    t.equal(of('sextant_server_status', { status: 'up' }), 3)
    for (const server of ['1', '2', '3']) {
      t.ok((of('sextant_server_heartbeat_age_seconds', { server }) ?? 99) < 60)
      t.ok((of('sextant_server_available_bytes', { server }) ?? 0) > 0)
    }
  })

  await t.test('the report: how safe the data is, what waits, and PostgreSQL', async (t) => {
    // Three servers with up to three chunks each of eight: the loss of one is the loss of data.
    t.equal(await settles(ready, 'sextant_fault_tolerance', {}, 0), 0)
    t.equal(await settles(ready, 'sextant_doomed_parts', {}, 1), 1, 'the object that was deleted')
    const samples = await scrape(ready)
    const of = (name: string, labels: Record<string, string> = {}) => sumOf(samples, name, labels)
    t.equal(of('sextant_parts_at_risk'), 0)
    t.ok((of('sextant_postgres_connections', { state: 'idle' }) ?? 0) > 0)
    t.ok((of('sextant_postgres_transactions_total', { outcome: 'commit' }) ?? 0) > 10)
    t.ok((of('sextant_postgres_table_bytes', { table: 'objects' }) ?? 0) > 0)
    t.ok((of('sextant_statements_total', { statement: 'commit_objects_and_note_v1' }) ?? 8) <= 8)
    t.equal(of('sextant_job_failed'), 0)
  })

  await t.test('processes: each by its name, and one that is gone is told of', async (t) => {
    const text = await scrapeText(ready)
    const names = ['gateway-1', 'gateway-2', 'node-1', 'node-2', 'node-3']
    for (const process of names) {
      t.equal(sumOf(parseMetrics(text), 'sextant_process_up', { process }), 1, process)
      t.ok((sumOf(parseMetrics(text), 'process_resident_memory_bytes', { process }) ?? 0) > 10e6, process)
    }
    const known = new Set(metricTable.flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]))
    t.same(
      parseMetrics(text).filter(({ name }) => !known.has(name)),
      [],
    )
    if (!isMissing('promtool')) t.same(promtoolOnMetrics(text), { status: 0, said: '' })
    const node = ready.processes.find(({ name }) => name === 'storage node 2')!
    kill(node.pid, 'SIGSTOP')
    const stopped = await scrape(ready)
    kill(node.pid, 'SIGCONT')
    t.equal(sumOf(stopped, 'sextant_process_up', { process: 'node-2' }), 0)
    t.equal(sumOf(stopped, 'sextant_process_up', { process: 'node-1' }), 1, 'nobody else is held up')
  })

  await t.test(
    'Prometheus scrapes it, and has an answer to what the dashboard asks',
    { skip: isMissing('prometheus') },
    async (t) => {
      const rules = fileURLToPath(new URL('../../../deploy/monitoring/sextant.rules.yml', import.meta.url))
      await using prometheus = await startPrometheus(new URL(ready.adminUrl).host, rules)
      const isThere = async (expr: string) => (await prometheus.query(expr)).length > 0
      const all = dashboardQueries('1m').filter((expr) => !WITHOUT_ANSWER.test(expr))
      t.ok(all.length > 60)
      const silent = await until(WAIT_MS, async () => {
        const answered = await Promise.all(all.map(isThere))
        return { done: answered.every(Boolean), value: all.filter((_, index) => !answered[index]) }
      })
      t.same(silent, [])
      t.same(await prometheus.failedRules(), [])
      const [puts] = await prometheus.query('sum(sextant_requests_total{operation="PutObject"})')
      t.equal(puts?.value[1], '8')
    },
  )

  await t.test('health of the cluster', async (t) => {
    const answer = await fetch(`${ready.adminUrl}/health/cluster`)
    t.match(
      { status: answer.status, ...((await answer.json()) as object) },
      { status: 'ok', canRead: true, canWrite: true, survives: 0 },
    )
  })
})
