import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { StatementMeter } from '../base/meters.ts'
import type { BatchMeter } from '../base/spans.ts'
import type { Spans } from './spans.ts'

/** Names of statements, never what they are given. https://opentelemetry.io/docs/specs/semconv/database/ */
function attributesOf(statement: string) {
  return { 'db.system.name': 'postgresql', 'db.query.summary': statement }
}

/** Statements that somebody asked for by itself. */
export function statementTracer(spans: Spans): StatementMeter {
  return ({ statement, pool, durationMs, isFailed }) => {
    const endedAt = performance.now()
    const attributes = { ...attributesOf(statement), 'sextant.database.pool': pool }
    const span = spans.begin(statement, { kind: SpanKind.CLIENT, attributes, startedAt: endedAt - durationMs })
    if (isFailed) span?.setStatus({ code: SpanStatusCode.ERROR })
    span?.end(spans.toEpochMs(endedAt))
  }
}

/** Of one that carries what many asked for, each of them has a span: from its wish to its answer, with when it was sent. */
export function batchTracer(spans: Spans): BatchMeter {
  return ({ statement, startedAt, sentAt, size, isFailed }) => {
    const endedAt = performance.now()
    const attributes = { ...attributesOf(statement), 'db.operation.batch.size': size }
    const span = spans.begin(statement, { kind: SpanKind.CLIENT, attributes, startedAt })
    if (sentAt !== undefined) span?.addEvent('sent', {}, spans.toEpochMs(sentAt))
    if (isFailed) span?.setStatus({ code: SpanStatusCode.ERROR })
    span?.end(spans.toEpochMs(endedAt))
  }
}
