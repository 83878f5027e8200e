import { StoreFault } from '../../base/faults.ts'
import type { ByteStream } from '../../engine/engine.ts'
import { accessOf } from '../access/access.ts'
import { admitKey } from '../access/admit-key.ts'
import { openBody } from '../body/open-body.ts'
import { readClaims } from '../checksums/claims.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Answer } from '../http/write-answer.ts'
import { lookUp } from '../look-up.ts'
import { putObject } from '../operations/put-object.ts'
import type { PipelineDeps } from '../pipeline.ts'
import { refuseUnsupportedHeaders } from '../refused-headers.ts'
import { headerOf, type RequestHead } from '../request-head.ts'
import { bodyBytesMax } from '../settings.ts'
import { subresources } from '../subresources.ts'
import { type Trace, versionOf } from '../trace.ts'
import { authenticateForm, missingField } from './authenticate-form.ts'
import { headOfForm } from './form-head.ts'
import { formAnswer } from './form-reply.ts'
import { checkPolicy, parsePolicy, type SizeRange } from './post-policy.ts'
import { boundaryOf, type Form, readForm } from './read-form.ts'

/** A POST to a bucket that is no operation's: a form that a browser sends. */
export function isForm({ method, bucket, key, query }: RequestHead): boolean {
  return (
    method === 'POST' && bucket !== undefined && key === undefined && !query.keys().some((n) => subresources.has(n))
  )
}

/**
 * An upload from a browser's form: its fields are a PutObject's headers, and are judged like one.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 * Faults: PreconditionFailed (no form), InvalidArgument (signed by header or query too, a field is missing), those of the
 * form, its policy, its signature, and of PutObject.
 */
export async function answerForm(
  deps: PipelineDeps,
  exchange: Exchange,
  head: RequestHead,
  trace: Trace,
): Promise<Answer> {
  const { engine, settings, clock, log } = deps
  const { source, signal } = exchange
  trace.operation = 'PostObject'
  const boundary = boundaryOf(headerOf(head, 'content-type'))
  if (boundary === undefined) throw new StoreFault('PreconditionFailed', { condition: NO_FORM })
  refuseOtherSignatures(head)
  const body = openBody(source, { headers: bodyHeaders(head) }, { kind: 'unsigned' })
  const form = await readForm(body.stream, boundary)
  const { fields } = form

  const findAccessKey = engine.catalogue.findAccessKey.bind(engine.catalogue)
  const identity = await authenticateForm(fields, { ...settings, clock, findAccessKey }, signal)
  admitKey(identity, { limiter: deps.limiter, trace, exchange })
  const key = fields.get('key')
  if (key === undefined) throw missingField('key')
  trace.key = key
  const sizes = judgePolicy(form, { bucket: head.bucket!, nowMs: clock.nowMs(), isSigned: identity.kind === 'account' })

  const put = headOfForm(head, fields, key)
  const access = accessOf(identity, put, clock)
  const { bucket } = await lookUp(putObject, engine, access, put, signal)
  refuseUnsupportedHeaders(put, putObject.headers, settings)
  const handle = putObject.prepare(put)
  const sizeBytesMax = bodyBytesMax(settings)
  const sizeBytes = Math.min(
    sizeBytesMax,
    Math.max(0, (body.sizeBytes ?? sizeBytesMax + form.otherBytes) - form.otherBytes),
  )
  const claims = { ...readClaims(put, body), sizeBytes, mayBeShorter: true }
  const range = { ...sizes, maxBytes: Math.min(sizes.maxBytes, sizeBytesMax) }
  const upload = { claims, stream: withinSizes(form.file, range) }
  const call = {
    engine,
    settings,
    clock,
    log,
    identity,
    access,
    head: put,
    exchange,
    bucket,
    found: undefined,
    document: undefined,
  }
  const reply = await handle({ ...call, body: upload }, signal)
  trace.versionId = versionOf(reply)
  return formAnswer(head, fields, { key, headers: reply.headers ?? {} })
}

const NO_FORM = 'Bucket POST must be of the enclosure-type multipart/form-data'

/** Of two signatures, one would go unlooked at. */
function refuseOtherSignatures({ headers, query }: RequestHead): void {
  if (headers.authorization === undefined && !query.has('X-Amz-Signature') && !query.has('Signature')) return
  throw new StoreFault('InvalidArgument', {
    name: 'Authorization',
    reason: 'Only one auth mechanism allowed: a form is signed by its own fields',
  })
}

/** How the message is framed; a form's other headers are its fields. */
function bodyHeaders({ headers }: RequestHead): Record<string, string | undefined> {
  return { 'content-length': headers['content-length'], 'transfer-encoding': headers['transfer-encoding'] }
}

/** A form that is not signed needs no policy: it may do what anybody may. */
function judgePolicy(
  { fields }: Form,
  { bucket, nowMs, isSigned }: { bucket: string; nowMs: number; isSigned: boolean },
): SizeRange {
  const policy = fields.get('policy')
  if (!isSigned || policy === undefined) return { minBytes: 0, maxBytes: Number.POSITIVE_INFINITY }
  return checkPolicy(parsePolicy(policy), { fields, bucket, nowMs })
}

/** Faults: EntityTooLarge, EntityTooSmall. */
async function* withinSizes(file: ByteStream, { minBytes, maxBytes }: SizeRange): ByteStream {
  let sizeBytes = 0
  for await (const piece of file) {
    sizeBytes += piece.length
    if (sizeBytes > maxBytes) throw new StoreFault('EntityTooLarge', { sizeBytes, sizeBytesMax: maxBytes })
    yield piece
  }
  if (sizeBytes < minBytes) throw new StoreFault('EntityTooSmall', { sizeBytes, sizeBytesMin: minBytes })
}
