import type { ByteBudget } from '../base/byte-budget.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Engine } from '../engine/engine.ts'
import { accessOf } from './access/access.ts'
import { admitKey } from './access/admit-key.ts'
import { authenticate, type Identity } from './auth/authenticate.ts'
import { answerPreflight, corsHeaders } from './cors/answer-browsers.ts'
import { answerForm, isForm } from './forms/answer-form.ts'
import type { Exchange } from './http/exchange.ts'
import type { Answer } from './http/write-answer.ts'
import type { RateLimiter } from './limits/rate-limiter.ts'
import { lookUp } from './look-up.ts'
import type { Operation, Reply } from './operation.ts'
import { readPayload } from './read-body.ts'
import { refuseUnsupportedHeaders } from './refused-headers.ts'
import type { RequestHead } from './request-head.ts'
import type { Router } from './router.ts'
import type { S3Settings } from './settings.ts'
import { showingLife } from './slow-answer.ts'
import { type Trace, versionOf } from './trace.ts'
import { writeXml, XML_DECLARATION } from './xml/write-xml.ts'

export interface PipelineDeps {
  engine: Engine
  clock: Clock
  log: Log
  settings: S3Settings
  route: Router
  limiter: RateLimiter
  /** For large documents while they come. */
  documents: ByteBudget
}

/**
 * From head to answer: route, authenticate, look up, authorise, read the inputs; and only then is the body asked for
 * (and a 100 Continue sent). Whatever is refused is thrown.
 */
export async function answerRequest(
  deps: PipelineDeps,
  exchange: Exchange,
  head: RequestHead,
  trace: Trace,
): Promise<Answer> {
  const { engine, settings, clock, log, route, documents, limiter } = deps
  const { signal } = exchange
  if (head.headers.origin !== undefined) exchange.corsHeaders = await corsHeaders(engine, head, signal)
  if (head.method === 'OPTIONS') {
    trace.operation = 'Preflight'
    return await answerPreflight(engine, head, signal)
  }
  if (isForm(head)) return await answerForm(deps, exchange, head, trace)
  const operation = route(head)
  trace.operation = operation.name
  const { span } = trace
  const identity = await (span
    ? span.step('authenticate', () => identify(deps, head, signal))
    : identify(deps, head, signal))
  admitKey(identity, { limiter, trace, exchange })
  const access = accessOf(identity, head, clock)
  const { bucket, found } = await lookUp(operation, engine, access, head, signal)
  refuseUnsupportedHeaders(head, operation.headers, settings)
  const handle = operation.prepare(head)
  const payload = await readPayload(operation.payload, { identity, head, source: exchange.source, settings, documents })
  const { body, document } = payload
  const call = { engine, settings, clock, log, identity, access, head, exchange, bucket, found, body, document }
  const work = handle(call, signal)
  const reply = operation.mayTakeLong ? await showingLife(exchange, operation.status, work) : await work
  trace.versionId = versionOf(reply)
  if (reply.stream) trace.charges?.charge(reply.stream.sizeBytes)
  return toAnswer(operation, reply)
}

function identify(
  { engine, clock, settings }: PipelineDeps,
  head: RequestHead,
  signal: AbortSignal,
): Promise<Identity> {
  const { region, sigV2, domains } = settings
  const request = { method: head.method, target: head.rawTarget, rawHeaders: head.rawHeaders, isTls: head.isTls }
  const findAccessKey = engine.catalogue.findAccessKey.bind(engine.catalogue)
  return authenticate(request, { findAccessKey, clock, region, sigV2, domains }, signal)
}

function toAnswer({ status, body }: Operation, reply: Reply<unknown>): Answer {
  const answer = { status: reply.status ?? status, headers: reply.headers ?? {} }
  if (reply.stream) return { ...answer, stream: reply.stream }
  if (reply.json !== undefined) {
    const headers = { 'Content-Type': 'application/json', ...answer.headers }
    return { ...answer, headers, body: Buffer.from(reply.json) }
  }
  if (reply.output === undefined) return answer
  if (!body) throw new Error('an output without a shape')
  const xml = writeXml(body.root, body.shape, reply.output)
  return {
    ...answer,
    headers: { 'Content-Type': 'application/xml', ...answer.headers },
    body: Buffer.from(XML_DECLARATION + xml),
  }
}
