/**
 * What traces add to a PUT of a small object: `node bench/micro/tracing.ts`, some seconds. Microseconds of CPU for one request that
 * asks two statements and eight storage nodes, all of which answer at once: without a tracer, as most stores run, with one
 * whose client is not sampled, and with one that is, its spans made and thrown away.
 */
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { NoopSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { RequestSpan } from '../../src/base/spans.ts'
import { systemClock } from '../../src/base/system.ts'
import { makeBatcher } from '../../src/meta/batch.ts'
import { makeTracing, type Tracing } from '../../src/tracing/tracing.ts'

const REQUESTS = 20_000
const ROUNDS = 5
const CHUNKS = 8
const live = new AbortController().signal
const record = { operation: 'PutObject', method: 'PUT', status: 200, code: undefined, durationMs: 1, firstByteMs: 1 }
const chunk = { header: { index: 1 }, pieces: [Buffer.alloc(700)] }

/** The best of some rounds, after one to warm up, for one request. */
async function cpuMicros(work: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let n = 0; n < REQUESTS; n++) await work()
    const { user, system } = process.cpuUsage(before)
    if (round > 0) best = Math.min(best, user + system)
  }
  return best / REQUESTS
}

/** A request as the rooms do it, with nothing behind their ports. `looks`: whether it is looked for a tracer at all. */
function requestOf(tracing: Tracing | undefined, flags: string, looks = true): () => Promise<void> {
  const nodes = { putChunk: async () => undefined } as unknown as Parameters<Tracing['chunks']>[0]
  const chunks = tracing ? tracing.chunks(nodes) : nodes
  const batcher = makeBatcher<number, number>({
    lanesMax: 2,
    weightMax: 64,
    waitingMax: 100,
    run: async (items) => items,
    onAbort: 'stay',
    clock: systemClock,
    statement: 'of_a_benchmark_v1',
    told: tracing?.batched,
  })
  const deps = { tracer: tracing?.requests, currentTrace: tracing?.current }
  const exchange: { span?: RequestSpan | undefined } = { span: undefined }
  const headers = { traceparent: `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-${flags}` }
  const identify = async () => {}
  async function answer(): Promise<void> {
    const { span } = exchange
    await (looks && span ? span.step('authenticate', identify) : identify())
    await batcher.submit(1, live)
    for (let n = 0; n < CHUNKS; n++) {
      if (looks) deps.currentTrace?.()
      await chunks.putChunk(1 as never, chunk as never, live)
    }
    await batcher.submit(2, live)
  }
  return async () => {
    if (!looks || !deps.tracer) await answer()
    else {
      await deps.tracer.run({ method: 'PUT', headers, isTls: false }, (span) => {
        exchange.span = span
        return answer()
      })
    }
    if (!looks) return
    exchange.span?.end({ ...record, bytesIn: 4096, bytesOut: 0 }, { requestId: 'A1', bucket: 'photos', key: 'a key' })
  }
}

const never = await cpuMicros(requestOf(undefined, '01', false))
const off = await cpuMicros(requestOf(undefined, '01'))
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new NoopSpanProcessor()] }))
const tracing = makeTracing({ namesKeys: false, version: 'of a benchmark', clock: systemClock })
const unsampled = await cpuMicros(requestOf(tracing, '00'))
const sampled = await cpuMicros(requestOf(tracing, '01'))
const shown = (micros: number) => `${micros.toFixed(2)} µs`
console.log(
  `no tracing in the code: ${shown(never)}; off: ${shown(off)}; not sampled: ${shown(unsampled)}; sampled: ${shown(sampled)}`,
)
