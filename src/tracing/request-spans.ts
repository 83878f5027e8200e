import { context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { RequestRecord } from '../base/meters.ts'
import type { RequestSpan, RequestStart, RequestSubject, RequestTracer } from '../base/spans.ts'
import type { Allowance, Spans } from './spans.ts'

/** From here on an answer is our failure. */
const STATUS_OF_FAILURES = 500

/**
 * A span for each S3 request. Attributes as OpenTelemetry names them (https://opentelemetry.io/docs/specs/semconv/http/,
 * …/object-stores/s3/), but for `url.path` and `url.query`: keys may be personal, and signatures are secrets.
 */
export function requestTracer(spans: Spans, { namesKeys }: { namesKeys: boolean }): RequestTracer {
  return {
    async run({ method, headers, isTls }: RequestStart, work) {
      const parent = propagation.extract(ROOT_CONTEXT, headers)
      const attributes = { 'http.request.method': method, 'url.scheme': isTls ? 'https' : 'http' }
      const span = spans.tracer.startSpan('S3', { kind: SpanKind.SERVER, attributes }, parent)
      const { within, allowance } = spans.rooted(span, parent)
      const step: RequestSpan['step'] = (name, step) => spans.around(name, {}, step)
      const end: RequestSpan['end'] = (record, subject) =>
        endSpan(span, record, { ...subject, key: namesKeys ? subject.key : undefined }, allowance)
      await context.with(within, () => work({ step, end }))
    },
  }
}

function endSpan(
  span: Span,
  { operation, status, code, bytesIn, bytesOut }: RequestRecord,
  { requestId, bucket, key }: RequestSubject,
  { leftOut }: Allowance,
): void {
  if (operation !== undefined) span.updateName(`S3 ${operation}`)
  span.setAttributes({
    'http.response.status_code': status,
    'http.request.body.size': bytesIn,
    'http.response.body.size': bytesOut,
    'aws.request_id': requestId,
    ...(operation !== undefined && { 'rpc.method': operation }),
    ...(bucket !== undefined && { 'aws.s3.bucket': bucket }),
    ...(key !== undefined && { 'aws.s3.key': key }),
    ...(code !== undefined && { 'sextant.error_code': code }),
    ...(leftOut > 0 && { 'sextant.spans_left_out': leftOut }),
  })
  if (status >= STATUS_OF_FAILURES) {
    span.setAttribute('error.type', code ?? String(status))
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  span.end()
}
