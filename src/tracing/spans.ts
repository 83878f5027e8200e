import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Clock } from '../base/clock.ts'
import { ChunkError, StoreFault } from '../base/faults.ts'

/** Spans below one request: a download of many GiB has a read for each 2 MiB of each chunk. */
const SPANS_OF_REQUEST_MAX = 1_000
/** Farther from the machine's clock, times are set by it anew: it was stepped, or the two drift. */
const DRIFT_MS_MAX = 2
/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** What one request may have told of it yet. */
export interface Allowance {
  left: number
  leftOut: number
}

const ALLOWANCE = createContextKey('sextant: spans that a request may have yet')

export interface ChildSpan {
  attributes?: Attributes
  /** INTERNAL if absent. */
  kind?: SpanKind
  /** By `performance.now()`; absent: now. */
  startedAt?: number
}

/** Makes spans below what goes on, and looks what goes on. */
export class Spans {
  readonly tracer: Tracer
  readonly #clock: Clock
  #originMs = performance.timeOrigin

  constructor(tracer: Tracer, clock: Clock) {
    this.tracer = tracer
    this.#clock = clock
  }

  /** Where a request begins: an allowance of its own. */
  rooted(span: Span, parent: Context): { within: Context; allowance: Allowance } {
    const allowance = { left: SPANS_OF_REQUEST_MAX, leftOut: 0 }
    return { within: trace.setSpan(parent, span).setValue(ALLOWANCE, allowance), allowance }
  }

  /**
   * Undefined where nothing is to be told: outside of requests, where one is not recorded, where it is over (a connection,
   * or a timer, may outlive the request that began it), and where it has had its share.
   */
  begin(name: string, { attributes = {}, kind = SpanKind.INTERNAL, startedAt }: ChildSpan = {}): Span | undefined {
    const parent = trace.getActiveSpan()
    if (!parent || !isTold(parent)) return undefined
    const allowance = allowanceNow()
    if (allowance && allowance.left <= 0) {
      allowance.leftOut += 1
      return undefined
    }
    if (allowance) allowance.left -= 1
    const startTime = startedAt === undefined ? {} : { startTime: this.toEpochMs(startedAt) }
    return this.tracer.startSpan(name, { kind, attributes, ...startTime })
  }

  /** Does `work` below a span of its own, if there is to be one. */
  async around<T>(name: string, options: ChildSpan, work: () => Promise<T>): Promise<T> {
    const span = this.begin(name, options)
    if (!span) return await work()
    try {
      return await context.with(trace.setSpan(context.active(), span), work)
    } catch (error) {
      noteFailure(span, error)
      throw error
    } finally {
      span.end()
    }
  }

  /** A moment by `performance.now()` in milliseconds since 1970. */
  toEpochMs(at: number): number {
    const originMs = this.#clock.nowMs() - performance.now()
    if (Math.abs(originMs - this.#originMs) > DRIFT_MS_MAX) this.#originMs = originMs
    return at + this.#originMs
  }
}

/** For a storage node. */
export function traceparentNow(): string | undefined {
  const span = trace.getActiveSpan()
  if (!span?.isRecording() || allowanceNow()?.left === 0) return undefined
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`
}

/** Of a gateway. */
export function withinTrace<T>(traceparent: string, work: () => T): T {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return work()
  const parent: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  if (!isSpanContextValid(parent)) return work()
  return context.with(trace.setSpanContext(ROOT_CONTEXT, parent), work)
}

/** Ends a span that may be over already, with what went wrong, if anything did. */
export function endOnce(span: Span, error?: unknown): void {
  if (!span.isRecording()) return
  if (error !== undefined) noteFailure(span, error)
  span.end()
}

/** What went wrong by its kind alone: messages may hold what nobody is to read. What we gave up ourselves is no failure. */
export function noteFailure(span: Span, error: unknown): void {
  const kind = failureOf(error)
  if (kind === 'aborted') {
    span.setAttribute('sextant.given_up', true)
    return
  }
  span.setAttribute('error.type', kind)
  if (!(error instanceof StoreFault)) span.setStatus({ code: SpanStatusCode.ERROR })
}

function failureOf(error: unknown): string {
  if (error instanceof ChunkError) return error.failure
  if (error instanceof StoreFault) return error.code
  if (!(error instanceof Error)) return 'other'
  return error.name === 'AbortError' ? 'aborted' : error.name
}

function isTold(span: Span): boolean {
  if (span.isRecording()) return true
  const { isRemote, traceFlags } = span.spanContext()
  return isRemote === true && (traceFlags & TraceFlags.SAMPLED) !== 0
}

function allowanceNow(): Allowance | undefined {
  return context.active().getValue(ALLOWANCE) as Allowance | undefined
}
