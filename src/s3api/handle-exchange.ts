import { StoreFault } from '../base/faults.ts'
import { asFault, describeFault, errorAnswer, errorXml } from './error-answer.ts'
import type { HealthReport } from './health.ts'
import { healthAnswer, isHealthRequest } from './health.ts'
import type { Exchange } from './http/exchange.ts'
import { finishAnswer } from './http/leftover-body.ts'
import { writeAnswer } from './http/write-answer.ts'
import { splitTarget } from './names/percent.ts'
import { answerRequest, type PipelineDeps, type Trace } from './pipeline.ts'
import { readRequestHead } from './request-head.ts'
import { XML_DECLARATION } from './xml/write-xml.ts'

/** One finished request, as metrics see it. */
export interface RequestRecord {
  /** Undefined where it was refused before an operation was chosen. */
  operation: string | undefined
  method: string
  status: number
  /** S3's error code. */
  code: string | undefined
  durationMs: number
  bytesIn: number
  bytesOut: number
}

export interface HandlerDeps extends PipelineDeps {
  health: () => Promise<HealthReport>
  observe: (record: RequestRecord) => void
}

/** The one place where answers, errors, request ids and the log's line come from. Never rejects. */
export async function handleExchange(deps: HandlerDeps, exchange: Exchange): Promise<void> {
  const trace: Trace = { operation: undefined, accessKeyId: undefined }
  const resource = splitTarget(exchange.req.originalUrl ?? exchange.req.url ?? '').path
  let fault: StoreFault | undefined
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
  const head = readRequestHead(exchange.req, deps.settings.domains)
  if (isHealthRequest(head)) {
    trace.operation = 'Health'
    return await writeAnswer(exchange, healthAnswer(await deps.health()))
  }
  const answer = await answerRequest(deps, exchange, head, trace)
  if (!exchange.res.headersSent) return await writeAnswer(exchange, answer)
  await finishSlowAnswer(exchange, String(answer.body ?? ''))
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
  { log, observe }: HandlerDeps,
  exchange: Exchange,
  { operation, accessKeyId }: Trace,
  { resource, fault }: { resource: string; fault: StoreFault | undefined },
): void {
  const { req, res, requestId, source, bytesSent, startedAt, signal } = exchange
  const described = fault && describeFault(fault)
  const isGone = signal.aborted && !res.writableFinished
  const record: RequestRecord = {
    operation,
    method: req.method ?? '',
    // 499: the client closed the connection before it had its answer (nginx's word for it).
    status: isGone ? 499 : res.statusCode,
    code: described?.code,
    durationMs: Math.round((performance.now() - startedAt) * 100) / 100,
    bytesIn: source.bytesRead,
    bytesOut: bytesSent,
  }
  observe(record)
  const line = { requestId, ...record, path: resource, accessKeyId, remote: req.socket.remoteAddress }
  if (!fault || !described) log.info(line, 'request')
  else if (described.status < 500 || described.status === 501 || isGone) {
    log.info({ ...line, reason: reasonOf(fault, described.message) }, 'request refused')
  } else log.error({ ...line, reason: reasonOf(fault, described.message), err: fault.cause ?? fault }, 'request failed')
}

/** Not all of a fault's details: those of a signature hold what the client sent. */
function reasonOf({ detail }: StoreFault, message: string): string {
  return 'reason' in detail && detail.reason !== undefined ? detail.reason : message
}
