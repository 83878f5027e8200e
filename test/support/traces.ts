import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { eventually } from './store.ts'

export interface SpanTree {
  span: ReadableSpan
  children: SpanTree[]
}

/** Samples what it is told to, and counts what it is asked about. */
class CountingSampler implements Sampler {
  asked = 0

  shouldSample() {
    this.asked += 1
    return { decision: SamplingDecision.RECORD_AND_SAMPLED }
  }
}

/** How many spans of each trace have begun and not ended: those of streams may outlive their request's. */
class OpenSpans implements SpanProcessor {
  readonly #counts = new Map<string, number>()

  of(traceId: string): number {
    return this.#counts.get(traceId) ?? 0
  }

  onStart(span: ReadableSpan): void {
    this.#count(span, 1)
  }

  onEnd(span: ReadableSpan): void {
    this.#count(span, -1)
  }

  #count(span: ReadableSpan, change: 1 | -1): void {
    const { traceId } = span.spanContext()
    this.#counts.set(traceId, this.of(traceId) + change)
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

/** An SDK registered in this process, whose spans are looked at. Once for each. */
export function registerInMemory() {
  const exporter = new InMemorySpanExporter()
  const open = new OpenSpans()
  const roots = new CountingSampler()
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: roots }),
    spanProcessors: [open, new SimpleSpanProcessor({ exporter })],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  const spans = () => exporter.getFinishedSpans()

  /** Of one request, once all of it is over: the server's part of it, whoever began the trace. */
  async function requestTree(traceId: string): Promise<SpanTree> {
    const isRequest = (span: ReadableSpan) => span.spanContext().traceId === traceId && span.name.startsWith('S3')
    await eventually(`trace ${traceId} is over`, 10_000, async () => {
      return spans().some(isRequest) && open.of(traceId) === 0
    })
    const roots = spans().filter(isRequest)
    if (roots.length !== 1) throw new Error(`${roots.length} requests in trace ${traceId}`)
    return treeOf(roots[0]!, spans())
  }
  return { spans, requestTree, reset: () => exporter.reset(), rootsAsked: () => roots.asked }
}

function treeOf(span: ReadableSpan, all: readonly ReadableSpan[]): SpanTree {
  const { spanId, traceId } = span.spanContext()
  const children = all.filter((one) => {
    return one.parentSpanContext?.spanId === spanId && one.spanContext().traceId === traceId
  })
  return { span, children: children.map((child) => treeOf(child, all)) }
}

/** `name`, or `name(children)`, each kind of child once with how many there are: in no order of time. */
export function outline({ span, children }: SpanTree): string {
  const counts = new Map<string, number>()
  for (const text of children.map(outline).sort()) counts.set(text, (counts.get(text) ?? 0) + 1)
  const below = Array.from(counts, ([text, count]) => (count === 1 ? text : `${count} ${text}`))
  return below.length === 0 ? span.name : `${span.name}(${below.join(', ')})`
}

/** All of a tree, itself first. */
export function flat(tree: SpanTree): ReadableSpan[] {
  return [tree.span, ...tree.children.flatMap(flat)]
}
