import { StoreFault } from '../../base/faults.ts'
import type { BucketName } from '../../base/ids.ts'
import type { Bucket } from '../../base/model.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Answer } from '../http/write-answer.ts'
import { isBucketName } from '../names/bucket-name.ts'
import type { ReplyHeaders } from '../operation.ts'
import { headerOf, type RequestHead } from '../request-head.ts'
import { matchCors } from './match-cors.ts'

/**
 * What every answer to this request has, be it a refusal, so that a page of another origin may read it. Looked up before
 * anything is judged, for refusals come from everywhere; only of requests that name an origin.
 */
export async function corsHeaders(
  engine: Engine,
  head: RequestHead,
  signal: AbortSignal,
): Promise<ReplyHeaders | undefined> {
  const origin = headerOf(head, 'origin')
  if (origin === undefined || head.method === 'OPTIONS') return undefined
  const rules = (await findBucket(engine, head, signal))?.settings.cors
  if (!rules) return undefined
  // S3 takes a browser's word for the method, also where it is not asked beforehand.
  const method = headerOf(head, 'access-control-request-method') ?? head.method
  return matchCors(rules, { origin, method, headers: headerOf(head, 'access-control-request-headers') })
}

/**
 * What a browser asks before a request of another origin's page. It needs no signature, and tells nothing of what is there.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
 * Faults: BadRequest, AccessForbidden, MethodNotAllowed (without a bucket).
 */
export async function answerPreflight(engine: Engine, head: RequestHead, signal: AbortSignal): Promise<Answer> {
  if (head.bucket === undefined) throw new StoreFault('MethodNotAllowed', { method: head.method, resource: 'SERVICE' })
  const origin = headerOf(head, 'origin')
  if (origin === undefined) {
    throw new StoreFault('BadRequest', { reason: 'Insufficient information. Origin request header needed.' })
  }
  const asked = headerOf(head, 'access-control-request-method')
  const forbidden = (reason: string, resource: string) =>
    new StoreFault('AccessForbidden', { reason: `CORSResponse: ${reason}`, method: asked ?? head.method, resource })
  const bucket = await findBucket(engine, head, signal)
  if (!bucket) throw forbidden('Bucket not found', 'BUCKET')
  if (!bucket.settings.cors) throw forbidden('CORS is not enabled for this bucket.', 'BUCKET')
  if (asked === undefined || !METHODS.includes(asked)) {
    throw new StoreFault('BadRequest', { reason: `Invalid Access-Control-Request-Method: ${asked ?? 'null'}` })
  }
  const headers = matchCors(bucket.settings.cors, {
    origin,
    method: asked,
    headers: headerOf(head, 'access-control-request-headers'),
  })
  if (!headers) throw forbidden(NOT_ALLOWED, head.key === undefined ? 'BUCKET' : 'OBJECT')
  return { status: 200, headers }
}

const METHODS = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE']

/** In S3's own words and spelling. */
const NOT_ALLOWED =
  "This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."

async function findBucket(
  { catalogue }: Engine,
  { bucket }: RequestHead,
  signal: AbortSignal,
): Promise<Bucket | undefined> {
  return bucket !== undefined && isBucketName(bucket)
    ? await catalogue.findBucket(bucket as BucketName, signal)
    : undefined
}
