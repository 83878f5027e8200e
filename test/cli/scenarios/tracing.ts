import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { eventually, StoreUnderTest } from '../../support/store.ts'

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  service: string
}

/** What the collector was sent. */
const spans: Span[] = []
const collector = createServer(async (request, response) => {
  for (const { resource, scopeSpans } of JSON.parse(await text(request)).resourceSpans) {
    const attributes: { key: string; value: { stringValue: string } }[] = resource.attributes
    const service = attributes.find(({ key }) => key === 'service.name')!.value.stringValue
    for (const scope of scopeSpans) spans.push(...scope.spans.map((span: Span) => ({ ...span, service })))
  }
  response.setHeader('Content-Type', 'application/json').end('{}')
}).listen(0, '127.0.0.1')
await once(collector, 'listening')
t.teardown(() => collector.close())

t.test(
  'one command with a tracing module: a PUT is one trace, from the gateway to the disks of its nodes',
  async (t) => {
    await using store = new StoreUnderTest({
      SEXTANT_TRACING_MODULE: fileURLToPath(new URL('../../../deploy/tracing/tracing.mjs', import.meta.url)),
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
      OTEL_TRACES_SAMPLER_ARG: '1',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    })
    await store.start()
    const s3 = store.client()
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'text' }))
    const ofPut = () => {
      const root = spans.find(({ name }) => name === 'S3 PutObject')
      return spans.filter(({ traceId }) => traceId === root?.traceId)
    }
    await eventually('8 nodes’ disks are told of', 30_000, async () => {
      return ofPut().filter(({ name }) => name === 'disk put').length === 8
    })
    const ids = new Map(ofPut().map((span) => [span.spanId, span]))
    for (const span of ofPut()) {
      const isNode = span.name.startsWith('disk')
      t.equal(span.service, isNode ? 'sextant-storage-node' : 'sextant-gateway', span.name)
      if (isNode) t.equal(ids.get(span.parentSpanId!)?.name, 'chunk put')
    }
  },
)
