import type { Clock } from '../base/clock.ts'
import type { BucketName } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Bucket } from '../base/model.ts'
import type { Engine, FoundObject } from '../engine/engine.ts'
import { authenticate, type Identity } from './auth/authenticate.ts'
import { authorise, checkExpectedOwner } from './authorise.ts'
import type { Exchange } from './http/exchange.ts'
import type { Answer } from './http/write-answer.ts'
import { parseBucketName } from './names/bucket-name.ts'
import { parseObjectKey } from './names/object-key.ts'
import { versionId } from './objects/version.ts'
import { isOfObject, type Operation, type Reply } from './operation.ts'
import { readPayload } from './read-body.ts'
import { refuseUnsupportedHeaders } from './refused-headers.ts'
import { headerOf, type RequestHead } from './request-head.ts'
import type { Router } from './router.ts'
import type { S3Settings } from './settings.ts'
import { showingLife } from './slow-answer.ts'
import { writeXml, XML_DECLARATION } from './xml/write-xml.ts'

export interface PipelineDeps {
  engine: Engine
  clock: Clock
  log: Log
  settings: S3Settings
  route: Router
}

/** What is known of a request by the time that it is answered, for the log and for metrics. */
export interface Trace {
  operation: string | undefined
  accessKeyId: string | undefined
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
  const { engine, settings, clock, log, route } = deps
  const { signal } = exchange
  const operation = route(head)
  trace.operation = operation.name
  const identity = await identify(deps, head, signal)
  if (identity.kind === 'account') trace.accessKeyId = identity.accessKey.accessKeyId
  const { bucket, found } = await lookUp(operation, engine, identity, head, signal)
  refuseUnsupportedHeaders(head)
  const handle = operation.prepare(head)
  const payload = await readPayload(operation.payload, { identity, head, source: exchange.source, settings })
  const { body, document } = payload
  const work = handle({ engine, settings, clock, log, identity, head, bucket, found, body, document }, signal)
  const reply = operation.mayTakeLong ? await showingLife(exchange, operation.status, work) : await work
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

/** What the operation is about, once the caller may see it. Faults: NoSuchBucket, AccessDenied, and those of the names. */
async function lookUp(
  { lookUp: kind, action }: Operation,
  engine: Engine,
  identity: Identity,
  head: RequestHead,
  signal: AbortSignal,
): Promise<{ bucket?: Bucket; found?: FoundObject }> {
  if (kind === 'none') {
    authorise(identity, action, undefined)
    return {}
  }
  const name = parseBucketName(head.bucket ?? '')
  const found = isOfObject(kind) ? await findObject(engine, name, head, kind === 'content', signal) : undefined
  const bucket = found?.bucket ?? (await engine.findBucket(name, signal))
  authorise(identity, action, bucket)
  checkExpectedOwner(headerOf(head, 'x-amz-expected-bucket-owner'), bucket)
  return found ? { bucket, found } : { bucket }
}

/** Bucket and object in one look-up. */
function findObject(
  engine: Engine,
  bucket: BucketName,
  head: RequestHead,
  withLayouts: boolean,
  signal: AbortSignal,
): Promise<FoundObject> {
  const key = parseObjectKey(head.key ?? '')
  return engine.findObject({ bucket, key, versionId: versionId.read(head), withLayouts }, signal)
}

function toAnswer({ status, body }: Operation, reply: Reply<unknown>): Answer {
  const answer = { status: reply.status ?? status, headers: reply.headers ?? {} }
  if (reply.stream) return { ...answer, stream: reply.stream }
  if (reply.output === undefined) return answer
  if (!body) throw new Error('an output without a shape')
  const xml = writeXml(body.root, body.shape, reply.output)
  return {
    ...answer,
    headers: { 'Content-Type': 'application/xml', ...answer.headers },
    body: Buffer.from(XML_DECLARATION + xml),
  }
}
