import t from 'tap'
import { ChunkError } from '../../src/base/faults.ts'
import type { ServerId, ServerNumber } from '../../src/base/ids.ts'
import type { RequestRecord } from '../../src/base/meters.ts'
import type { ChunkStore } from '../../src/engine/ports/chunk-store.ts'
import { CallCounter } from '../../src/metrics/call-metrics.ts'
import { StatementCounter } from '../../src/metrics/database-metrics.ts'
import { DiskCounter } from '../../src/metrics/disk-metrics.ts'
import { writeExposition } from '../../src/metrics/exposition.ts'
import type { Family } from '../../src/metrics/metric.ts'
import { RequestCounter } from '../../src/metrics/request-metrics.ts'
import type { ChunkDisk, DiskStat } from '../../src/storage-node/ports.ts'
import { parseMetrics, sumOf } from '../support/scrape.ts'

const live = new AbortController().signal
const read = (families: Family[]) => {
  const samples = parseMetrics(writeExposition([{ labels: {}, families }]))
  return (name: string, labels?: Record<string, string>) => sumOf(samples, name, labels)
}

async function all(pieces: AsyncIterable<Buffer>): Promise<string[]> {
  const texts: string[] = []
  for await (const piece of pieces) texts.push(String(piece))
  return texts
}

function record(changes: Partial<RequestRecord>): RequestRecord {
  const done = { operation: 'GetObject', method: 'GET', status: 200, code: undefined, durationMs: 4, firstByteMs: 1 }
  return { ...done, bytesIn: 0, bytesOut: 10, ...changes }
}

t.test('requests: counted by operation and answer, bytes and codes with them; under way while they are', async (t) => {
  const counter = new RequestCounter()
  const get = { operation: 'GetObject' }
  const put = { operation: 'PutObject' }
  const unknown = { operation: undefined }
  for (const request of [get, put, unknown]) counter.begin(request)
  let now = read(counter.collect())
  t.same([now('sextant_uploads_active'), now('sextant_downloads_active')], [1, 1])
  t.equal(now('sextant_requests_active', { operation: 'none' }), 1)
  counter.end(get, record({}))
  counter.end(put, record({ operation: 'PutObject', status: 503, code: 'SlowDown', bytesIn: 5, bytesOut: 2 }))
  counter.end(
    unknown,
    record({ operation: undefined, status: 403, code: 'SignatureDoesNotMatch', firstByteMs: undefined }),
  )
  counter.turnAway('connections')
  now = read(counter.collect())
  t.same(
    [now('sextant_uploads_active'), now('sextant_downloads_active'), now('sextant_requests_active')],
    [0, 0, undefined],
  )
  t.equal(now('sextant_requests_total', { operation: 'GetObject', status: '2xx' }), 1)
  t.equal(now('sextant_requests_total', { operation: 'PutObject', status: '5xx' }), 1)
  t.equal(now('sextant_request_errors_total', { operation: 'PutObject', code: 'SlowDown' }), 1)
  t.equal(now('sextant_request_errors_total', { operation: 'none' }), 1)
  t.equal(now('sextant_request_errors_total', { operation: 'GetObject' }), undefined)
  t.equal(now('sextant_received_bytes_total'), 5)
  t.equal(now('sextant_sent_bytes_total', { operation: 'GetObject' }), 10)
  t.equal(now('sextant_request_seconds_sum', { operation: 'GetObject' }), 0.004)
  t.equal(now('sextant_first_byte_seconds_count'), 2, 'an answer without a head has no first byte')
  for (const reason of ['overload', 'authentication', 'connections']) {
    t.equal(now('sextant_rejected_requests_total', { reason }), 1, reason)
  }
})

t.test('requests: a client that went away is 499, whatever else was wrong', async (t) => {
  const counter = new RequestCounter()
  counter.end({ operation: 'GetObject' }, record({ status: 499 }))
  t.equal(read(counter.collect())('sextant_requests_total', { status: '499' }), 1)
})

t.test('statements: by name and by pool, with those that failed', async (t) => {
  const counter = new StatementCounter()
  const statement = { statement: 'find_v1', pool: 'hot', durationMs: 20, isFailed: false }
  counter.meter(statement)
  counter.meter({ ...statement, isFailed: true })
  const now = read(counter.collect([{ name: 'hot', connectionsMax: 6, busy: 2, idle: 1, waiting: 4 }]))
  t.equal(now('sextant_statements_total', { statement: 'find_v1' }), 2)
  t.equal(now('sextant_statement_time_seconds_total', { statement: 'find_v1' }), 0.04)
  t.equal(now('sextant_statement_seconds_count', { pool: 'hot' }), 2)
  t.equal(now('sextant_statement_failures_total', { pool: 'hot' }), 1)
  t.equal(now('sextant_database_connections', { pool: 'hot', state: 'busy' }), 2)
  t.equal(now('sextant_database_waiting', { pool: 'hot' }), 4)
})

t.test('calls: timed by server; failures by kind; what we gave up ourselves is none', async (t) => {
  const counter = new CallCounter()
  let failure: Error | undefined
  const answer = async () => {
    if (failure) throw failure
    return Buffer.from('x')
  }
  async function* pieces() {
    yield await answer()
    yield Buffer.from('y')
  }
  const chunks = counter.metered({ getPayload: answer, streamPayload: pieces } as unknown as ChunkStore)
  const range = { partId: '' as never, index: 0, offset: 0, length: 1 }
  const server = 3 as ServerNumber
  t.equal(String(await chunks.getPayload(server, range, live)), 'x')
  t.same(await all(chunks.streamPayload(server, range, live)), ['x', 'y'])
  failure = new ChunkError('corrupt', 'rotten')
  await t.rejects(chunks.getPayload(server, range, live), failure)
  await t.rejects(all(chunks.streamPayload(server, range, live)), failure)
  failure = new ChunkError('aborted', 'not needed any more')
  await t.rejects(chunks.getPayload(server, range, live), failure)
  const now = read(counter.collect())
  t.equal(now('sextant_node_call_seconds_count', { server: '3', call: 'get' }), 1)
  t.equal(now('sextant_node_call_seconds_count', { server: '3', call: 'first-bytes' }), 1)
  t.equal(now('sextant_node_call_failures_total', { server: '3', failure: 'corrupt' }), 2)
  t.equal(now('sextant_node_call_failures_total'), 2)
})

t.test('calls: a download that is left early leaves its call early', async (t) => {
  let isLeft = false
  const inner: AsyncIterable<Buffer> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: Buffer.from('x') }),
      return: async () => {
        isLeft = true
        return { done: true, value: undefined }
      },
    }),
  }
  const chunks = new CallCounter().metered({ streamPayload: () => inner } as unknown as ChunkStore)
  for await (const _ of chunks.streamPayload(1 as ServerNumber, {} as never, live)) break
  t.ok(isLeft)
})

t.test('disk: work is timed, and what the disk did not do is counted by why', async (t) => {
  const counter = new DiskCounter()
  let failure: Error | undefined
  const work = async () => {
    if (failure) throw failure
  }
  const sink = { write: () => undefined, commit: work, [Symbol.asyncDispose]: async () => {} }
  const disk = counter.metered({ put: work, read: work, create: async () => sink } as unknown as ChunkDisk)
  await disk.put({} as never, Buffer.alloc(100), {} as never)
  await using made = await disk.create({} as never)
  await made.write(Buffer.alloc(11))
  await made.commit({} as never)
  failure = new ChunkError('failed', 'EIO')
  await t.rejects(disk.put({} as never, Buffer.alloc(1), {} as never), failure)
  await t.rejects(made.commit({} as never), failure)
  failure = new ChunkError('not-found', 'there is none')
  await t.rejects(disk.read(Buffer.alloc(17), 0, 5), failure)
  const stat = {
    serverId: '' as ServerId,
    capacityBytes: 9,
    availableBytes: 4,
    chunkCount: 2,
    storedBytes: 3,
    writable: true,
  }
  const now = read(counter.collect(stat as DiskStat))
  t.equal(now('sextant_disk_seconds_count', { work: 'put' }), 1)
  t.equal(now('sextant_disk_seconds_count', { work: 'commit' }), 1)
  t.same([now('sextant_disk_written_bytes_total'), now('sextant_disk_read_bytes_total')], [111, 0], 'what was done')
  t.equal(now('sextant_disk_errors_total', { work: 'put', failure: 'failed' }), 1)
  t.equal(now('sextant_disk_errors_total'), 2, 'a chunk that is not there is no error of the disk')
  t.same([now('sextant_disk_writable'), now('sextant_disk_chunks'), now('sextant_disk_stored_bytes')], [1, 2, 3])
  t.equal(read(counter.collect(undefined))('sextant_disk_writable'), 0, 'a disk that does not answer')
})
