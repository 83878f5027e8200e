import {
  type CORSRule,
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { md5Base64 } from '../support/bytes.ts'
import { presignPath } from '../support/sign.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'
import { exchange, type WireResponse } from '../support/wire.ts'

const suite = await openSuite(t)
const { s3, bucket, send, target } = suite
const path = `/${bucket}/object`
await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'object', Body: 'body' }))

const put = (CORSRules: CORSRule[], Bucket = bucket) =>
  s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))

/** Without a signature, as browsers ask. */
function bare(method: string, at: string, headers: Record<string, string> = {}): Promise<WireResponse> {
  const all = { Host: target.endpoint.host, ...headers }
  return exchange(target.endpoint, { method, path: at, headers: Object.entries(all) })
}

function preflight(origin: string, method: string, headers?: string, at = path): Promise<WireResponse> {
  const asked = headers === undefined ? {} : { 'Access-Control-Request-Headers': headers }
  return bare('OPTIONS', at, { Origin: origin, 'Access-Control-Request-Method': method, ...asked })
}

/** The CORS headers of an answer, by name without the prefix. */
function corsOf({ headers }: WireResponse): Record<string, string> {
  const prefix = 'access-control-'
  const found = Object.entries(headers).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]))
}

function forbidden(t: Test, answer: WireResponse, message: RegExp, resource: string): void {
  refusedWire(t, answer, 403, 'AccessForbidden')
  t.match(element(answer.body, 'Message'), message)
  t.equal(element(answer.body, 'ResourceType'), resource)
  t.same(corsOf(answer), {})
}

t.test('GetBucketCors: never put, or deleted: 404 NoSuchCORSConfiguration; DeleteBucketCors: 204 always', async (t) => {
  const name = await suite.newBucket()
  const error = await refused(t, s3.send(new GetBucketCorsCommand({ Bucket: name })), 404, 'NoSuchCORSConfiguration')
  t.equal(error?.message, 'The CORS configuration does not exist')
  for (let i = 0; i < 2; i++) {
    t.equal((await s3.send(new DeleteBucketCorsCommand({ Bucket: name }))).$metadata.httpStatusCode, 204)
  }
  await put([{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }], name)
  await s3.send(new DeleteBucketCorsCommand({ Bucket: name }))
  await refused(t, s3.send(new GetBucketCorsCommand({ Bucket: name })), 404, 'NoSuchCORSConfiguration')
})

t.test('PutBucketCors: rules with all that they may have: given back as they were, in order', async (t) => {
  const rules: CORSRule[] = [
    {
      ID: 'first',
      AllowedMethods: ['GET', 'PUT', 'HEAD', 'POST', 'DELETE'],
      AllowedOrigins: ['http://test.com:80', 'https://*.example.com'],
      AllowedHeaders: ['X-Amz-*', 'Content-Type'],
      ExposeHeaders: ['ETag', 'x-amz-request-id'],
      MaxAgeSeconds: 3000,
    },
    { AllowedMethods: ['GET'], AllowedOrigins: ['*'] },
  ]
  await put(rules)
  t.same((await s3.send(new GetBucketCorsCommand({ Bucket: bucket }))).CORSRules, rules)
  await put([rules[1]!])
  t.same((await s3.send(new GetBucketCorsCommand({ Bucket: bucket }))).CORSRules, [rules[1]], 'replaced whole')
})

t.test('PutBucketCors: against the rules: MalformedXML or InvalidRequest, and what was there stays', async (t) => {
  await put([{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }])
  await refused(t, put([]), 400, 'MalformedXML', 'no rules')
  const one: CORSRule = { AllowedMethods: ['GET'], AllowedOrigins: ['*'] }
  await refused(t, put(Array.from({ length: 101 }, () => one)), 400, 'InvalidRequest', '101 rules')
  await refused(t, put([{ ...one, AllowedMethods: ['PATCH'] }]), 400, 'InvalidRequest', 'a method of no use')
  const two = await refused(t, put([{ ...one, AllowedOrigins: ['*a*'] }]), 400, 'InvalidRequest', 'two wildcards')
  t.equal(two?.message, 'AllowedOrigin "*a*" can not have more than one wildcard.')
  await refused(t, put([{ ...one, ExposeHeaders: ['x-*'] }]), 400, 'InvalidRequest', 'a wildcard in ExposeHeader')
  const body = '<CORSConfiguration><CORSRule></CORSConfiguration>'
  const broken = {
    method: 'PUT',
    path: `/${bucket}?cors`,
    body,
    headers: { 'Content-MD5': md5Base64(Buffer.from(body)) },
  }
  refusedWire(t, await send(broken), 400, 'MalformedXML')
  refusedWire(t, await send({ ...broken, headers: {} }), 400, 'InvalidRequest', 'without Content-MD5 or a checksum')
  t.equal((await s3.send(new GetBucketCorsCommand({ Bucket: bucket }))).CORSRules?.length, 1)
})

t.test('OPTIONS: without an origin 400; without rules, or without a bucket, 403 (quirk 35)', async (t) => {
  const name = await suite.newBucket()
  const at = `/${name}/object`
  refusedWire(t, await bare('OPTIONS', at), 400, 'BadRequest')
  forbidden(t, await preflight('http://a.test', 'PUT', undefined, at), /CORS is not enabled for this bucket/, 'BUCKET')
  const nowhere = await preflight('http://a.test', 'PUT', undefined, `/${suite.newBucketName()}`)
  forbidden(t, nowhere, /Bucket not found/, 'BUCKET')
  await put([{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }], name)
  refusedWire(t, await bare('OPTIONS', at), 400, 'BadRequest')
  refusedWire(t, await bare('OPTIONS', at, { Origin: 'http://a.test' }), 400, 'BadRequest', 'no method')
  refusedWire(t, await preflight('http://a.test', 'NONE', undefined, at), 400, 'BadRequest', 'no such method')
})

t.test('OPTIONS: by a rule that fits: 200 without a body, and all that the rule says', async (t) => {
  await put([
    {
      AllowedMethods: ['GET', 'PUT'],
      AllowedOrigins: ['https://localhost:4200'],
      AllowedHeaders: ['*'],
      ExposeHeaders: ['ETag', 'x-amz-id-2'],
      MaxAgeSeconds: 3000,
    },
    { AllowedMethods: ['GET'], AllowedOrigins: ['*'] },
  ])
  const answer = await preflight('https://localhost:4200', 'PUT', 'X-Amz-Date,Content-Type')
  t.same([answer.status, answer.body.length], [200, 0])
  t.same(corsOf(answer), {
    'allow-origin': 'https://localhost:4200',
    'allow-methods': 'GET, PUT',
    'allow-headers': 'x-amz-date, content-type',
    'expose-headers': 'ETag, x-amz-id-2',
    'max-age': '3000',
    'allow-credentials': 'true',
  })
  t.equal(answer.headers.vary, 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method')
  const anyone = await preflight('http://random:1234', 'GET')
  t.same([anyone.status, corsOf(anyone)], [200, { 'allow-origin': '*', 'allow-methods': 'GET' }])
  const words = /^CORSResponse: This CORS request is not allowed\./
  forbidden(t, await preflight('http://random:1234', 'PUT'), words, 'OBJECT')
  forbidden(t, await preflight('http://random:1234', 'GET', 'x-amz-date'), words, 'OBJECT')
  forbidden(t, await preflight('http://random:1234', 'PUT', undefined, `/${bucket}`), words, 'BUCKET')
  const presigned = presignPath(target, { method: 'PUT', path, expires: '60' })
  t.equal((await preflight('https://localhost:4200', 'PUT', undefined, presigned)).status, 200, 'of a presigned URL')
})

t.test('OPTIONS, GET: `*suffix`, `a*b`, `prefix*`: by the text around the star alone', async (t) => {
  await put([
    { AllowedMethods: ['GET'], AllowedOrigins: ['*suffix'] },
    { AllowedMethods: ['GET'], AllowedOrigins: ['start*end'] },
    { AllowedMethods: ['GET'], AllowedOrigins: ['prefix*'] },
    { AllowedMethods: ['PUT'], AllowedOrigins: ['*.put'] },
  ])
  const fits = ['foo.suffix', 'suffix', 'startend', 'start1end', 'start12end', 'prefix', 'prefix.suffix']
  const doesNot = ['foo.bar', 'foo.suffix.get', '0start12end', 'bla.prefix', 'foo.put']
  for (const origin of [...fits, ...doesNot]) {
    const wanted = fits.includes(origin) ? { 'allow-origin': origin, 'allow-methods': 'GET' } : {}
    const asked = await preflight(origin, 'GET')
    const got = await send({ method: 'GET', path, headers: { Origin: origin } })
    t.equal(asked.status, fits.includes(origin) ? 200 : 403, origin)
    t.equal(got.status, 200)
    for (const answer of [asked, got]) {
      const { 'allow-credentials': _, ...cors } = corsOf(answer)
      t.same(cors, wanted, origin)
      t.equal('vary' in answer.headers, fits.includes(origin))
    }
  }
  const asPut = await send({
    method: 'GET',
    path,
    headers: { Origin: 'x.put', 'Access-Control-Request-Method': 'PUT' },
  })
  t.equal(corsOf(asPut)['allow-methods'], 'PUT', 'the method that the browser names counts')
})

t.test('GET, PUT, DELETE: refused with 403, 404 or 400: the headers are there all the same (quirk 35)', async (t) => {
  await put([{ AllowedMethods: ['GET', 'PUT', 'DELETE', 'POST', 'HEAD'], AllowedOrigins: ['http://a.test'] }])
  const headers = { Origin: 'http://a.test' }
  const forged = { ...headers, Authorization: 'AWS4-HMAC-SHA256 nothing' }
  const answers: [string, number, WireResponse][] = [
    ['a missing key', 404, await send({ method: 'GET', path: `/${bucket}/missing`, headers })],
    ['nobody', 403, await bare('GET', path, headers)],
    ['nobody, HEAD', 403, await bare('HEAD', path, headers)],
    ['nobody, DELETE', 403, await bare('DELETE', path, headers)],
    ['no signature', 400, await bare('GET', path, forged)],
    ['a bad argument', 400, await send({ method: 'GET', path: `/${bucket}?list-type=2&max-keys=x`, headers })],
    ['what is not done', 501, await send({ method: 'GET', path: `${path}?torrent`, headers })],
    ['a listing', 200, await send({ method: 'GET', path: `/${bucket}`, headers })],
    ['a write', 200, await send({ method: 'PUT', path: `/${bucket}/written`, headers, body: 'x' })],
    ['a deletion', 204, await send({ method: 'DELETE', path: `/${bucket}/written`, headers })],
  ]
  for (const [what, status, answer] of answers) {
    t.same([answer.status, corsOf(answer)['allow-origin']], [status, 'http://a.test'], what)
  }
  const others = await send({ method: 'GET', path, headers: { Origin: 'http://b.test' } })
  t.same([others.status, corsOf(others), 'vary' in others.headers], [200, {}, false], 'another origin: served, untold')
  const none = await send({ method: 'GET', path })
  t.same([none.status, corsOf(none)], [200, {}], 'no origin')
})

t.test('PutBucketCors, GetBucketCors, DeleteBucketCors: of another account: 403', async (t) => {
  const other = suite.otherClient()
  const CORSConfiguration = { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] }
  await refused(t, other.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration })), 403, 'AccessDenied')
  await refused(t, other.send(new GetBucketCorsCommand({ Bucket: bucket })), 403, 'AccessDenied')
  await refused(t, other.send(new DeleteBucketCorsCommand({ Bucket: bucket })), 403, 'AccessDenied')
})
