import { StoreFault } from '../base/faults.ts'
import type { RequestMeter, RequestRecord } from '../base/meters.ts'
import type { RequestTracer } from '../base/spans.ts'
import { admitAddress } from './access/admit-key.ts'
import { type AuditEntry, auditEntry, type RequestWatch } from './audit-entry.ts'
import { asFault, describeFault, errorAnswer, errorXml } from './error-answer.ts'
import type { HealthReport } from './health.ts'
import { healthAnswer, isHealthRequest } from './health.ts'
import type { Exchange } from './http/exchange.ts'
import { finishAnswer } from './http/leftover-body.ts'
import { writeAnswer } from './http/write-answer.ts'
import { splitTarget } from './names/percent.ts'
import { answerRequest, type PipelineDeps } from './pipeline.ts'
import { type RequestHead, readRequestHead } from './request-head.ts'
import type { Trace } from './trace.ts'
import { XML_DECLARATION } from './xml/write-xml.ts'

export interface HandlerDeps extends PipelineDeps {
  health: () => Promise<HealthReport>
  meter: RequestMeter
  /** Called for each request that this key has signed rightly. */
  noteKeyUse: (accessKeyId: string) => void
  /** Undefined: nobody keeps an audit log. */
  audit: ((entry: AuditEntry) => void) | undefined
  watch: RequestWatch
  /** Undefined: nobody asked for traces. */
  tracer: RequestTracer | undefined
}

/** The one place where answers, errors, request ids and the log's line come from. Never rejects. */
export async function handleExchange(deps: HandlerDeps, exchange: Exchange): Promise<void> {
  const trace: Trace = { operation: undefined, accessKey: undefined, head: undefined }
  const resource = splitTarget(exchange.req.originalUrl ?? exchange.req.url ?? '').path
  let fault: StoreFault | undefined
  deps.meter.begin(trace)
  try {
    await answer(deps, exchange, trace)
  } catch (error) {
    const { signal } = exchange
    fault = asFault(signal.reason instanceof StoreFault ? signal.reason : error)
    await refuse(exchange, fault, resource).catch(() => exchange.res.destroy())
  }
  report(deps, exchange, trace, { resource, fault })
}

async function answer(deps: HandlerDeps, exchange: Exchange, trace: Trace): Promise<void> {
  const head = readHead(deps, exchange)
  trace.head = head
  if (isHealthRequest(head)) {
    trace.operation = 'Health'
    return await writeAnswer(exchange, healthAnswer(await deps.health()))
  }
  const { tracer } = deps
  if (!tracer) return await answerS3(deps, exchange, head, trace)
  const { method, headers } = exchange.req
  await tracer.run({ method: method ?? '', headers, isTls: exchange.isTls }, (span) => {
    trace.span = span
    return answerS3(deps, exchange, head, trace)
  })
}

async function answerS3(deps: HandlerDeps, exchange: Exchange, head: RequestHead, trace: Trace): Promise<void> {
  if (deps.settings.allowedAddresses?.contains(exchange.address) === false) {
    throw new StoreFault('AccessDenied', { reason: 'this address is not served' })
  }
  admitAddress({ limiter: deps.limiter, trace, exchange })
  const answer = await answerRequest(deps, exchange, head, trace)
  if (!exchange.res.headersSent) return await writeAnswer(exchange, answer)
  await finishSlowAnswer(exchange, String(answer.body ?? ''))
}

/** What no two servers might read alike, a proxy and we may have read differently. */
function readHead({ settings }: HandlerDeps, exchange: Exchange): RequestHead {
  try {
    const { req, address, isTls } = exchange
    return readRequestHead(req, { domains: settings.domains, address, isTls })
  } catch (error) {
    exchange.endsConnection = true
    throw error
  }
}

/** Tells the client; or, where the answer has begun, breaks off, so that nobody takes a part for the whole. */
async function refuse(exchange: Exchange, fault: StoreFault, resource: string): Promise<void> {
  const { res, requestId, hostId } = exchange
  const context = { resource, requestId, hostId }
  if (!res.headersSent) return await writeAnswer(exchange, errorAnswer(fault, context))
  if (exchange.isMeasured || res.writableEnded) res.destroy()
  else await finishSlowAnswer(exchange, errorXml(fault, context))
}

/** The declaration went out with the first white space. */
async function finishSlowAnswer(exchange: Exchange, xml: string): Promise<void> {
  const rest = xml.startsWith(XML_DECLARATION) ? xml.slice(XML_DECLARATION.length) : xml
  exchange.res.end(rest)
  await finishAnswer(exchange, 'keep')
}

function report(
  { log, meter, noteKeyUse, audit, watch, clock }: HandlerDeps,
  exchange: Exchange,
  trace: Trace,
  { resource, fault }: { resource: string; fault: StoreFault | undefined },
): void {
  const { operation, accessKey } = trace
  const accessKeyId = accessKey?.accessKeyId
  const { req, res, requestId, source, bytesSent, startedAt, headAt, signal } = exchange
  const described = fault && describeFault(fault)
  const isGone = signal.aborted && !res.writableFinished
  const record: RequestRecord = {
    operation,
    method: req.method ?? '',
    // 499: the client closed the connection before it had its answer (nginx's word for it).
    status: isGone ? 499 : res.statusCode,
    code: described?.code,
    durationMs: rounded(performance.now() - startedAt),
    firstByteMs: headAt === undefined ? undefined : rounded(headAt - startedAt),
    bytesIn: source.bytesRead,
    bytesOut: bytesSent,
  }
  trace.charges?.settle(record.bytesIn + record.bytesOut)
  meter.end(trace, record)
  const { head, span } = trace
  span?.end(record, { requestId, bucket: head?.bucket, key: trace.key ?? head?.key })
  if (accessKeyId !== undefined) noteKeyUse(accessKeyId)
  // A balancer's question each second is no request of anybody's.
  if (operation !== 'Health' && (audit || watch.listens)) {
    const entry = auditEntry({ exchange, record, trace, fault, nowMs: clock.nowMs() })
    audit?.(entry)
    if (watch.listens) watch.tell(entry)
  }
  const line = { requestId, ...record, path: resource, accessKeyId, remote: exchange.address }
  if (!fault || !described) log.info(line, 'request')
  else if (described.status < 500 || described.status === 501 || isGone || isTooMuch(fault)) {
    log.info({ ...line, reason: reasonOf(fault, described.message) }, 'request refused')
  } else log.error({ ...line, reason: reasonOf(fault, described.message), err: fault.cause ?? fault }, 'request failed')
}

/** To 10 µs: what the log is to show. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}

/** More than the client is allowed: no failure of ours. */
function isTooMuch({ detail }: StoreFault): boolean {
  return 'retryAfterSeconds' in detail && detail.retryAfterSeconds !== undefined
}

/** Not all of a fault's details: those of a signature hold what the client sent. */
function reasonOf({ detail }: StoreFault, message: string): string {
  return 'reason' in detail && detail.reason !== undefined ? detail.reason : message
}
