import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { context, createContextKey, type ProxyTracerProvider, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import type { Clock } from '../base/clock.ts'
import type { StatementMeter } from '../base/meters.ts'
import type { BatchMeter, CallTracer, CurrentTrace, RequestTracer } from '../base/spans.ts'
import type { ChunkStore } from '../engine/ports/chunk-store.ts'
import type { LocalChunks } from '../engine/ports/local-chunks.ts'
import type { ChunkDisk } from '../storage-node/ports.ts'
import type { Job } from '../upkeep/job-runner.ts'
import { tracedChunks, tracedLocalChunks } from './chunk-spans.ts'
import { tracedDisk } from './disk-spans.ts'
import { tracedJob } from './job-spans.ts'
import { requestTracer } from './request-spans.ts'
import { Spans, traceparentNow, withinTrace } from './spans.ts'
import { batchTracer, statementTracer } from './statement-spans.ts'

/** What a process tells of itself to traces: each part is given to the room that it is of, or wraps a port. */
export interface Tracing {
  requests: RequestTracer
  statement: StatementMeter
  batched: BatchMeter
  current: CurrentTrace
  calls: CallTracer
  chunks(chunks: ChunkStore): ChunkStore
  localChunks(local: LocalChunks): LocalChunks
  disk(disk: ChunkDisk): ChunkDisk
  job(job: Job): Job
}

export interface TracingOptions {
  /** Spans say which object they are about. */
  namesKeys: boolean
  version: string
  clock: Clock
}

/** How long the operator's module may take to send what it still has, when the process ends. */
const SHUTDOWN_MS_MAX = 2_000

/**
 * Loads the operator's module, which registers an SDK of OpenTelemetry; disposed, lets it send what it still has. Rejects
 * with a sentence for people when it cannot be loaded, or registered nothing that we can use.
 */
export async function loadTracing(modulePath: string, options: TracingOptions): Promise<Tracing & AsyncDisposable> {
  const module = (await import(pathToFileURL(resolve(modulePath)).href)) as { shutdown?: unknown }
  const tracing = makeTracing(options)
  return {
    ...tracing,
    async [Symbol.asyncDispose]() {
      if (typeof module.shutdown !== 'function') return
      const isLate = Promise.withResolvers<void>()
      using _timer = options.clock.after(SHUTDOWN_MS_MAX, () => isLate.resolve())
      // What could not be sent is lost; the store is none the worse.
      await Promise.race([Promise.resolve(module.shutdown()).catch(() => {}), isLate.promise])
    },
  }
}

/** On the SDK that is registered in this process. */
export function makeTracing({ namesKeys, version, clock }: TracingOptions): Tracing {
  checkRegistered()
  const spans = new Spans(trace.getTracer('sextant', version), clock)
  return {
    requests: requestTracer(spans, { namesKeys }),
    statement: statementTracer(spans),
    batched: batchTracer(spans),
    current: traceparentNow,
    calls: { within: withinTrace },
    chunks: (chunks) => tracedChunks(spans, chunks),
    localChunks: (local) => tracedLocalChunks(spans, local),
    disk: (disk) => tracedDisk(spans, disk),
    job: (job) => tracedJob(spans, job),
  }
}

/** Without these the API does nothing, and says nothing; so it does where it is newer than the one they registered with. */
function checkRegistered(): void {
  const provider = trace.getTracerProvider() as Partial<ProxyTracerProvider>
  if (provider.getDelegateTracer && !provider.getDelegateTracer('sextant')) {
    throw new Error('it registers no tracer provider, or by an older @opentelemetry/api than 1.10')
  }
  const key = createContextKey('sextant: is there a context manager?')
  const isKept = context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key) === true)
  if (!isKept) throw new Error('it registers no context manager, so that no span could be told which one it belongs to')
}
