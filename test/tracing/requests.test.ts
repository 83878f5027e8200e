import { randomBytes } from 'node:crypto'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import t, { type Test } from 'tap'
import { StoreFault } from '../../src/base/faults.ts'
import type { BucketName } from '../../src/base/ids.ts'
import { systemClock } from '../../src/base/system.ts'
import { makeTracing } from '../../src/tracing/tracing.ts'
import { live } from '../meta/fixture.ts'
import { startS3 } from '../support/s3-server.ts'
import { eventually } from '../support/store.ts'
import { openStore, someBytes } from '../support/store-in-process.ts'
import { flat, outline, registerInMemory, type SpanTree } from '../support/traces.ts'

/** A store that is told of by spans: gateway, PostgreSQL and six nodes in one process. */
const traces = registerInMemory()
const options = { namesKeys: false, version: 'of a test', clock: systemClock }
const tracing = makeTracing(options)
const store = await openStore(6, tracing)
const s3 = await startS3({ engine: store.engine, tracer: tracing.requests })
t.teardown(async () => {
  await s3[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})
const Bucket = 'told-of'
const { id: ownerId } = await store.fixture.meta.accounts.ensureRoot(s3.key, live)
await store.fixture.meta.catalogue.createBucket({ name: Bucket as BucketName, ownerId, region: 'us-east-1' }, live)

/** Chunks that travel whole; those that are streamed. */
const SMALL_BYTES = 4_096
const LARGE_BYTES = 4 * 1024 * 1024
/** More than is on its way to a client that reads nothing. */
const LEFT_BYTES = 64 * 1024 * 1024
/** Clocks of one process, read to the millisecond where spans begin. */
const SLACK_MS = 3

interface Sent {
  traceId: string
  parentId: string
}

function newTrace(): Sent {
  return { traceId: randomBytes(16).toString('hex'), parentId: randomBytes(8).toString('hex') }
}

type Command = GetObjectCommand | PutObjectCommand

/** Sends a command as a part of a trace, and answers what the store told of it; refusals are answers. */
async function traced(command: Command, { traceId, parentId } = newTrace(), client = s3.client, flags = '01') {
  const stack = command.middlewareStack as { add(middleware: unknown, where: object): void }
  const withParent = (next: (args: unknown) => unknown) => (args: { request: { headers: object } }) => {
    Object.assign(args.request.headers, { traceparent: `00-${traceId}-${parentId}-${flags}` })
    return next(args)
  }
  stack.add(withParent, { step: 'build', name: 'withParent' })
  const answer = (await client.send(command as GetObjectCommand).catch((error: unknown) => error)) as {
    $metadata: { requestId?: string; httpStatusCode?: number }
    Body?: { transformToByteArray(): Promise<Uint8Array> }
  }
  const body = answer.Body && Buffer.from(await answer.Body.transformToByteArray())
  return { ...answer.$metadata, body, traceId, parentId }
}

async function treeOf(command: Command, sent = newTrace()): Promise<SpanTree> {
  await traced(command, sent)
  return await traces.requestTree(sent.traceId)
}

function named(tree: SpanTree, name: string | RegExp): ReadableSpan[] {
  return flat(tree).filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)))
}

const inMs = ([seconds, nanos]: readonly [number, number]) => seconds * 1e3 + nanos / 1e6

function assertNested(t: Test, { span, children }: SpanTree): void {
  for (const child of children) {
    t.ok(inMs(child.span.startTime) >= inMs(span.startTime) - SLACK_MS, `${child.span.name} begins within ${span.name}`)
    t.ok(inMs(child.span.endTime) <= inMs(span.endTime) + SLACK_MS, `${child.span.name} ends within ${span.name}`)
    assertNested(t, child)
  }
}

t.test(
  'PutObject, small: authentication, statements, and each chunk down to the disk, below the client’s span',
  async (t) => {
    const sent = newTrace()
    const { requestId } = await traced(
      new PutObjectCommand({ Bucket, Key: 'small', Body: someBytes(SMALL_BYTES) }),
      sent,
    )
    const tree = await traces.requestTree(sent.traceId)
    t.equal(
      outline(tree).replaceAll(/_v\d+/g, ''),
      'S3 PutObject(authenticate(find_access_key), 8 chunk put(disk put), commit_and_note, find_buckets)',
    )
    t.equal(tree.span.parentSpanContext?.spanId, sent.parentId)
    t.equal(tree.span.kind, SpanKind.SERVER)
    t.match(tree.span.attributes, {
      'http.request.method': 'PUT',
      'http.response.status_code': 200,
      'aws.request_id': requestId,
      'aws.s3.bucket': Bucket,
      'rpc.method': 'PutObject',
      'url.scheme': 'http',
    })
    t.ok(Number(tree.span.attributes['http.request.body.size']) >= SMALL_BYTES)
    const puts = named(tree, 'chunk put')
    for (const { attributes } of puts) {
      t.ok(Number(attributes['sextant.storage_server']) >= 1)
      t.ok(Number(attributes['sextant.chunk.bytes']) > SMALL_BYTES / 6)
    }
    t.same(puts.map(({ attributes }) => attributes['sextant.chunk.index']).sort(), [0, 1, 2, 3, 4, 5, 6, 7])
    const [commit] = named(tree, /^commit_and_note/)
    t.match(commit?.attributes, {
      'db.system.name': 'postgresql',
      'db.query.summary': commit?.name,
      'db.operation.batch.size': 1,
    })
    t.equal(commit?.events[0]?.name, 'sent')
    assertNested(t, tree)
  },
)

t.test('GetObject, small: the look-up, and a read on each node that has a piece of it', async (t) => {
  const Body = someBytes(SMALL_BYTES)
  await traced(new PutObjectCommand({ Bucket, Key: 'read', Body }))
  const sent = newTrace()
  const { body } = await traced(new GetObjectCommand({ Bucket, Key: 'read' }), sent)
  t.ok(body?.equals(Body))
  const tree = await traces.requestTree(sent.traceId)
  const reads = named(tree, 'chunk get')
  t.ok(reads.length >= 4, `${reads.length}: two of six may have been rebuilt, where a disk was slow`)
  const kinds = new Set(flat(tree).map(({ name }) => name.replace(/_v\d+$/, '')))
  kinds.delete('find_access_key')
  t.same([...kinds].sort(), ['S3 GetObject', 'authenticate', 'chunk get', 'disk read', 'find_current_objects'])
})

t.test('large objects: a span for each stream, with its bytes, and on the node until it is durable', async (t) => {
  const put = await treeOf(new PutObjectCommand({ Bucket, Key: 'large', Body: someBytes(LARGE_BYTES) }))
  const streams = named(put, 'chunk put-stream')
  const writes = named(put, 'disk write')
  t.equal(streams.length, 8)
  t.equal(writes.length, 8)
  const bytesOf = (spans: ReadableSpan[]) =>
    spans.map(({ attributes }) => Number(attributes['sextant.chunk.bytes'])).reduce((sum, bytes) => sum + bytes, 0)
  t.ok(bytesOf(streams) > (LARGE_BYTES * 8) / 6)
  t.equal(bytesOf(writes), bytesOf(streams))
  for (const { events } of streams) t.equal(events[0]?.name, 'all sent')
  for (const { events } of writes) t.equal(events[0]?.name, 'all received')
  const get = await treeOf(new GetObjectCommand({ Bucket, Key: 'large' }))
  const reads = named(get, /^chunk get/)
  t.ok(bytesOf(reads) > LARGE_BYTES / 2, `${bytesOf(reads)} bytes: what a slow disk did not read was rebuilt`)
  assertNested(t, put)
})

t.test('a client that leaves: what was read for it is told of as given up', async (t) => {
  const Key = 'left'
  await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: someBytes(LEFT_BYTES) }))
  const url = await getSignedUrl(s3.client, new GetObjectCommand({ Bucket, Key }))
  const { traceId, parentId } = newTrace()
  const leaving = new AbortController()
  const headers = { traceparent: `00-${traceId}-${parentId}-01` }
  const { body } = await fetch(url, { headers, signal: leaving.signal })
  await body!.getReader().read()
  leaving.abort()
  const reads = named(await traces.requestTree(traceId), 'chunk get-stream')
  t.ok(reads.some(({ attributes }) => attributes['sextant.given_up'] === true))
  t.ok(reads.every(({ status }) => status.code === SpanStatusCode.UNSET))
})

t.test('a refusal is told of with its status and code, and is no error; a 5xx is one', async (t) => {
  const missing = await treeOf(new GetObjectCommand({ Bucket, Key: 'nothing' }))
  t.match(missing.span.attributes, { 'http.response.status_code': 404, 'sextant.error_code': 'NoSuchKey' })
  t.equal(missing.span.status.code, SpanStatusCode.UNSET)
  t.notOk('error.type' in missing.span.attributes)

  const unavailable = async () => {
    throw new StoreFault('ServiceUnavailable', { reason: 'of a test' })
  }
  const engine = { ...store.engine, findObject: unavailable }
  await using broken = await startS3({ engine, tracer: tracing.requests })
  const sent = newTrace()
  t.match(await traced(new GetObjectCommand({ Bucket, Key: 'small' }), sent, broken.client), { httpStatusCode: 503 })
  const { span } = await traces.requestTree(sent.traceId)
  t.match(span.attributes, { 'http.response.status_code': 503, 'error.type': 'ServiceUnavailable' })
  t.match(span.status, { code: SpanStatusCode.ERROR, message: undefined })
})

t.test(
  'no key of an object, no query, no signature and no credential is in any span; keys, where they are asked for',
  async (t) => {
    const Key = 'personal/name-of-somebody.txt'
    traces.reset()
    await treeOf(new PutObjectCommand({ Bucket, Key, Body: 'text', Metadata: { note: 'private-note' } }))
    const url = await getSignedUrl(s3.client, new GetObjectCommand({ Bucket, Key }))
    const signature = new URL(url).searchParams.get('X-Amz-Signature')!
    t.equal((await fetch(url)).status, 200)
    t.equal((await fetch(url.replace(signature, signature.replaceAll(/\d/g, '0')))).status, 403)
    t.equal((await fetch(`${url}&more=private-parameter`)).status, 403)
    await eventually(
      'all are over',
      10_000,
      async () => traces.spans().filter(({ name }) => /^S3/.test(name)).length === 4,
    )
    const all = JSON.stringify(
      traces.spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    )
    t.match(all, /"aws.s3.bucket":"told-of"/)
    const { accessKeyId, secretAccessKey } = s3.key
    for (const secret of [Key, 'name-of', accessKeyId, secretAccessKey, signature, 'X-Amz', 'private', 'AWS4', '?']) {
      t.notOk(all.includes(secret), secret)
    }

    const naming = makeTracing({ ...options, namesKeys: true })
    await using other = await startS3({ engine: store.engine, tracer: naming.requests })
    const sent = newTrace()
    await traced(new GetObjectCommand({ Bucket, Key }), sent, other.client)
    t.equal((await traces.requestTree(sent.traceId)).span.attributes['aws.s3.key'], Key)
  },
)

t.test(
  'many at once: statements that travel together are told of in each trace, and nothing in another’s',
  async (t) => {
    const ROUNDS = 3
    const AT_ONCE = 24
    let shared = 0
    for (let round = 0; round < ROUNDS; round++) {
      const sent = Array.from({ length: AT_ONCE }, newTrace)
      await Promise.all(
        sent.map((trace, n) => traced(new PutObjectCommand({ Bucket, Key: `at once ${n}`, Body: `${round}` }), trace)),
      )
      let below = 0
      for (const { traceId } of sent) {
        const tree = await traces.requestTree(traceId)
        below += flat(tree).length
        const outlined = outline(tree).replaceAll(/_v\d+/g, '').replace('(find_access_key)', '')
        t.equal(outlined, 'S3 PutObject(authenticate, 8 chunk put(disk put), commit_and_note, find_buckets)')
        const [commit] = named(tree, /^commit_and_note/)
        if (Number(commit?.attributes['db.operation.batch.size']) > 1) shared += 1
        t.equal(tree.span.attributes['http.response.status_code'], 200)
      }
      const ours = new Set(sent.map(({ traceId }) => traceId))
      const counted = traces.spans().filter((span) => ours.has(span.spanContext().traceId))
      t.equal(counted.length, below, 'all spans of a trace are below its request')
    }
    t.ok(shared > 0, 'some commits travelled together')
  },
)

t.test(
  'what its client does not sample leaves no span, on the nodes neither; what nobody asked for, none either',
  async (t) => {
    await traced(new PutObjectCommand({ Bucket, Key: 'quiet', Body: 'text' }))
    traces.reset()
    const sent = newTrace()
    await traced(new PutObjectCommand({ Bucket, Key: 'quiet', Body: 'text' }), sent, s3.client, '00')
    await store.put('by itself', someBytes(SMALL_BYTES))
    await store.read('by itself')
    t.equal((await fetch(`${s3.endpoint}/health`)).status, 200)
    await using untold = await startS3({ engine: store.engine })
    const asked = traces.rootsAsked()
    t.match(await traced(new GetObjectCommand({ Bucket, Key: 'quiet' }), newTrace(), untold.client), {
      httpStatusCode: 200,
    })
    t.same(
      traces.spans().map(({ name }) => name),
      [],
    )
    t.equal(traces.rootsAsked(), asked)
  },
)

t.test('upkeep: a span for each run of a job, by its name, and none below it', async (t) => {
  traces.reset()
  const upkeep = store.startUpkeep({ SEXTANT_JOB_INTERVAL_SECONDS: '1' })
  try {
    await eventually('a job has run', 30_000, async () => traces.spans().some(({ name }) => name === 'job report'))
  } finally {
    await upkeep[Symbol.asyncDispose]()
  }
  const jobs = traces.spans()
  t.ok(jobs.every(({ name, parentSpanContext }) => name.startsWith('job ') && parentSpanContext === undefined))
})
