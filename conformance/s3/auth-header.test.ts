import t, { type Test } from 'tap'
import { sha256 } from '../support/bytes.ts'
import { amzDate, EMPTY_SHA256, type Headers, signHeaders, type ToSign } from '../support/sign.ts'
import { element, openSuite, refusedWire } from '../support/suite.ts'
import { exchange, type WireResponse } from '../support/wire.ts'

/** SigV4 in the Authorization header: what is refused, with which code, and that nothing was done. */
const { bucket, send, target } = await openSuite(t)
const path = `/${bucket}/object`
await send({ method: 'PUT', path, body: 'guarded' })

/** Signs a GET, lets `change` spoil what was signed, and sends it. */
async function get(
  sign: Partial<ToSign> = {},
  change: (headers: Headers) => Headers = (h) => h,
  at = path,
): Promise<WireResponse> {
  const headers = change(signHeaders(target, { method: 'GET', path, ...sign }))
  return await exchange(target.endpoint, { method: 'GET', path: at, headers: Object.entries(headers) })
}
const replaced = (name: string, edit: (value: string) => string) => (headers: Headers) => ({
  ...headers,
  [name]: edit(headers[name]!),
})
const inMinutes = (minutes: number) => amzDate(new Date(Date.now() + minutes * 60_000))

t.test('GetObject: rightly signed: 200', async (t) => {
  t.equal(String((await get()).body), 'guarded')
})

t.test('GetObject: another secret, or one character of the signature: 403 SignatureDoesNotMatch', async (t) => {
  const credentials = { ...target.owner, secretAccessKey: 'not-the-secret' }
  const answer = await get({ credentials })
  refusedWire(t, answer, 403, 'SignatureDoesNotMatch')
  t.notOk(String(answer.body).includes(target.owner.secretAccessKey), 'no secret in the answer')
  refusedWire(
    t,
    await get(
      {},
      replaced('Authorization', (text) => text.replace(/.$/, (c) => (c === '0' ? '1' : '0'))),
    ),
    403,
    'SignatureDoesNotMatch',
  )
  refusedWire(
    t,
    await get(
      {},
      replaced('Authorization', (text) => text.replace(/Signature=.*$/, 'Signature=')),
    ),
    400,
    /^(AuthorizationHeaderMalformed|SignatureDoesNotMatch)$/,
  )
})

t.test('GetObject: a key that was never given: 403 InvalidAccessKeyId', async (t) => {
  const credentials = { accessKeyId: 'AKIANEVERGIVEN', secretAccessKey: 'x' }
  refusedWire(t, await get({ credentials }), 403, 'InvalidAccessKeyId')
})

t.test('GetObject: default credentials of other stores: 403 InvalidAccessKeyId', async (t) => {
  for (const name of ['minioadmin', 'admin', 'root', 'sextant', 'rustfsadmin', 'garage'])
    refusedWire(
      t,
      await get({ credentials: { accessKeyId: name, secretAccessKey: name } }),
      403,
      'InvalidAccessKeyId',
      name,
    )
})

t.test(
  'GetObject: path, query, method or a signed header changed after signing: 403 SignatureDoesNotMatch',
  async (t) => {
    refusedWire(t, await get({}, undefined, `${path}2`), 403, 'SignatureDoesNotMatch', 'path')
    refusedWire(t, await get({}, undefined, `${path}?partNumber=1`), 403, 'SignatureDoesNotMatch', 'query')
    refusedWire(t, await get({ method: 'HEAD' }), 403, 'SignatureDoesNotMatch', 'method')
    const changed = replaced('x-amz-checksum-mode', () => 'OTHER')
    refusedWire(
      t,
      await get({ headers: { 'x-amz-checksum-mode': 'ENABLED' } }, changed),
      403,
      'SignatureDoesNotMatch',
      'header',
    )
  },
)

t.test('GetObject: dated 20 minutes ago or ahead: 403 RequestTimeTooSkewed; 10 minutes: 200', async (t) => {
  for (const minutes of [-20, 20]) {
    const answer = await get({ headers: { 'X-Amz-Date': inMinutes(minutes) } })
    refusedWire(t, answer, 403, 'RequestTimeTooSkewed', `${minutes} minutes`)
    t.ok(element(answer.body, 'ServerTime'), 'it tells the server’s time')
  }
  for (const minutes of [-10, 10]) t.equal((await get({ headers: { 'X-Amz-Date': inMinutes(minutes) } })).status, 200)
})

t.test('GetObject: dated by Date instead of x-amz-date: 200 (quirk 22); by neither, or by no date: 403', async (t) => {
  const { 'X-Amz-Date': _, ...dated } = signHeaders(target, {
    method: 'GET',
    path,
    unsigned: ['x-amz-date'],
    headers: { Date: new Date().toUTCString() },
  })
  t.equal((await exchange(target.endpoint, { method: 'GET', path, headers: Object.entries(dated) })).status, 200)
  const neither = await get({}, ({ 'X-Amz-Date': _date, ...rest }) => rest)
  t.match([neither.status, element(neither.body, 'Code')], [403, /^(AccessDenied|SignatureDoesNotMatch)$/])
  const garbage = await get(
    {},
    replaced('X-Amz-Date', () => 'yesterday'),
  )
  t.match([garbage.status, element(garbage.body, 'Code')], [403, /^(AccessDenied|SignatureDoesNotMatch)$/])
})

t.test(
  'GetObject: another region: 400 AuthorizationHeaderMalformed with the right one; another service: 400',
  async (t) => {
    const answer = await get({ region: 'eu-central-9' })
    refusedWire(t, answer, 400, 'AuthorizationHeaderMalformed')
    t.equal(element(answer.body, 'Region'), target.region)
    refusedWire(
      t,
      await get(
        {},
        replaced('Authorization', (text) => text.replace('/s3/', '/ec2/')),
      ),
      400,
      'AuthorizationHeaderMalformed',
    )
  },
)

t.test('GetObject: a scope date that is not the request’s: refused', async (t) => {
  const answer = await get(
    {},
    replaced('Authorization', (text) => text.replace(/\/\d{8}\//, '/20200101/')),
  )
  t.match(
    [answer.status, element(answer.body, 'Code')],
    [/^40[03]$/, /^(AuthorizationHeaderMalformed|SignatureDoesNotMatch)$/],
  )
})

const malformed: Record<string, string> = {
  'another algorithm':
    'AWS4-HMAC-SHA512 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00',
  'no signed headers': 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, Signature=00',
  'no credential': 'AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00',
  'a short credential': 'AWS4-HMAC-SHA256 Credential=a/us-east-1, SignedHeaders=host, Signature=00',
  'nothing after the algorithm': 'AWS4-HMAC-SHA256',
  Basic: 'Basic dXNlcjpwYXNz',
  Bearer: 'Bearer token',
  SigV2: `AWS ${target.owner.accessKeyId}:c2lnbmF0dXJl`,
}
for (const [what, authorization] of Object.entries(malformed))
  t.test(`GetObject: Authorization with ${what}: refused with 400 or 403, never answered`, async (t) => {
    const answer = await get(
      {},
      replaced('Authorization', () => authorization),
    )
    t.match(
      [answer.status, element(answer.body, 'Code')],
      [
        /^40[03]$/,
        /^(AuthorizationHeaderMalformed|InvalidRequest|InvalidArgument|AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId)$/,
      ],
    )
    t.notMatch(String(answer.body), /guarded/)
  })

t.test('GetObject: Host not among the signed headers: refused', async (t) => {
  await refusedUnsigned(t, await get({ unsigned: ['host'] }))
})

t.test('PutObject: an x-amz- header that is not signed: 403 AccessDenied, nothing stored', async (t) => {
  for (const [name, value] of [
    ['x-amz-meta-added', 'later'],
    ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
    ['x-amz-acl', 'public-read'],
  ] as const) {
    const at = `/${bucket}/unsigned`
    const headers = { 'Content-Length': '1', [name]: value }
    const signed = signHeaders(target, {
      method: 'PUT',
      path: at,
      payload: sha256(Buffer.from('x')),
      headers,
      unsigned: [name],
    })
    const answer = await exchange(target.endpoint, {
      method: 'PUT',
      path: at,
      headers: Object.entries(signed),
      body: [Buffer.from('x')],
    })
    await refusedUnsigned(t, answer)
    t.equal((await send({ method: 'HEAD', path: at })).status, 404)
  }
})

t.test('GetObject: signed without x-amz-content-sha256: 400 or 403', async (t) => {
  const answer = await get({ unsigned: ['x-amz-content-sha256'] }, ({ 'X-Amz-Content-Sha256': _hash, ...rest }) => rest)
  t.match(
    [answer.status, element(answer.body, 'Code')],
    [/^40[03]$/, /^(InvalidRequest|MissingSecurityHeader|AccessDenied|SignatureDoesNotMatch)$/],
  )
})

t.test('GetObject: signed in the header and in the query: 400 InvalidArgument', async (t) => {
  const query = `${path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=${EMPTY_SHA256}`
  const answer = await send({ method: 'GET', path: query })
  refusedWire(t, answer, 400, /^(InvalidArgument|InvalidRequest|AuthorizationQueryParametersError)$/)
})

t.test('PutObject: spaces around a signed value, headers of a proxy: the signature still holds', async (t) => {
  const at = `/${bucket}/spaces`
  const body = Buffer.from('x')
  const given = { 'Content-Length': '1', 'x-amz-meta-spaced': 'a   b  c' }
  const signed = signHeaders(target, { method: 'PUT', path: at, payload: sha256(body), headers: given })
  const added = { 'x-amz-meta-spaced': '  a   b  c  ', 'X-Forwarded-For': '10.9.8.7', Via: '1.1 proxy' }
  const headers = Object.entries({ ...signed, ...added })
  const answer = await exchange(target.endpoint, { method: 'PUT', path: at, headers, body: [body] })
  t.equal(answer.status, 200, String(answer.body))
})

async function refusedUnsigned(t: Test, answer: WireResponse): Promise<void> {
  t.match(
    [answer.status, element(answer.body, 'Code')],
    [/^40[03]$/, /^(AccessDenied|SignatureDoesNotMatch|AuthorizationHeaderMalformed)$/],
  )
}
